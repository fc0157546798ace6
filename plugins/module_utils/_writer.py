# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""A session with the writer, also while a failover is going on."""

from __future__ import annotations

import time
from typing import Any

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.base import Engine, Session
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import (
    AuroraIamError,
    NotWriter,
    Unreachable,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._login import Login

PAUSE = 0.5
"""Seconds between two attempts. A cluster's name may live for 5 s in DNS caches.

https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/AuroraPostgreSQL.BestPractices.FastFailover.html
"""


def open_writer(engine: Engine[Any], login: Login, again: bool = False) -> Session:
    """Log in. A cluster's own name leads to the old writer for some time after a failover, which then restarts, so
    that it is dialled again until ``connect_timeout`` has passed.

    again  after a session that broke: whatever was dialled was the writer a moment ago, so that it is waited for
    Raises what ``Engine.open`` raises.
    """
    deadline = time.monotonic() + login.connect_timeout
    worth_waiting: tuple[type[AuroraIamError], ...] = (NotWriter,) if login.follows_failovers else ()
    if again:
        worth_waiting = (NotWriter, Unreachable)
    while True:
        try:
            return engine.open(login)
        except worth_waiting:
            if time.monotonic() + PAUSE > deadline:
                raise
            worth_waiting = (NotWriter, Unreachable)
        time.sleep(PAUSE)

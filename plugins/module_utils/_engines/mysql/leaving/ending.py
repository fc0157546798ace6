# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Ending sessions: once more than planned, because somebody may have come in before the door was shut."""

from __future__ import annotations

import time

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.base import Session
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.leaving.read import open_sessions
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.leaving.steps import EndSessions
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import Refused, StatementFailed
from ansible_collections.dbops.aurora_iam.plugins.module_utils._plan import Statement, Step

_UNKNOWN_THREAD = "1094"
_PAUSE = 0.02


def end_sessions(session: Session, step: EndSessions) -> None:
    """Until none is left. Raises StatementFailed, ConnectionLost; Refused if one does not end in lock_timeout."""
    patience = session.login.lock_timeout
    deadline = time.monotonic() + patience
    asked: set[int] = set()
    while True:
        found, _unclear = open_sessions(session, step.accounts, step.existing)
        if not found:
            return
        for number in sorted(set(found) - asked):
            _end(session, step.call.format(number))
            asked.add(number)
        if time.monotonic() > deadline:
            number, name = next(iter(found.items()))
            raise Refused(
                f"Session {number} of {name} on {session.login.title} has not ended within {patience} s, perhaps "
                "because it rolls a long transaction back; run the task again, or raise lock_timeout."
            )
        time.sleep(_PAUSE)


def _end(session: Session, statement: str) -> None:
    try:
        session.run(Step((Statement(statement),)))
    except StatementFailed as error:
        if error.code != _UNKNOWN_THREAD:
            raise

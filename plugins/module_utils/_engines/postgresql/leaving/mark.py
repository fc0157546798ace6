# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""The mark on an account that is half gone: its comment, which only who administers the account can write.

An account that hands over what it owns leaves rds_iam before that. If the rest then fails, nothing else would tell it
from a role that was never IAM-authenticated, which this collection does not drop.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.names import (
    quote_identifier,
)

PREFIX = "[dbops.aurora_iam: leaving"
_MARK = re.compile(re.escape(PREFIX) + r'(?:, to "((?:[^"]|"")*)")?\](?:\n(.*))?\Z', re.DOTALL)


class Mark(NamedTuple):
    """successor: who gets what the account owns, empty where it is dropped. comment: what was there before."""

    successor: str
    comment: str


def write_mark(mark: Mark) -> str:
    successor = f", to {quote_identifier(mark.successor)}" if mark.successor else ""
    return f"{PREFIX}{successor}]" + (f"\n{mark.comment}" if mark.comment else "")


def read_mark(comment: str) -> Mark | None:
    found = _MARK.match(comment)
    if found is None:
        return None
    return Mark((found.group(1) or "").replace('""', '"'), found.group(2) or "")

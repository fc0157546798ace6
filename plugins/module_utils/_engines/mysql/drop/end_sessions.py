# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Ends sessions: those of the plan, and those that were opened between the plan and the lock of their account."""

from __future__ import annotations

import time

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.base import Session
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql import statements
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.drop.dependencies import (
    obstacles,
    open_sessions,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.drop.steps import EndSessions
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import Refused, StatementFailed, Where
from ansible_collections.dbops.aurora_iam.plugins.module_utils._plan import Statement, Step

_UNKNOWN_THREAD = "1094"
_PAUSE = 0.02


def end_sessions(session: Session, step: EndSessions) -> None:
    """Until none is left. Raises StatementFailed, ConnectionLost; Refused if one does not end in lock_timeout, or has
    created code after the plan was made."""
    timeout = session.login.lock_timeout
    deadline = time.monotonic() + timeout
    asked: set[int] = set()
    while True:
        found, _unclear = open_sessions(session, step.accounts, step.existing)
        if not found:
            _check_code(session, step)
            return
        for number in sorted(set(found) - asked):
            _end(session, statements.end_session(step.call, number, found[number]))
            asked.add(number)
        if time.monotonic() > deadline:
            number, name = next(iter(found.items()))
            raise Refused(
                f"Session {number} of {name} on {session.login.title} has not ended within {timeout} s, perhaps "
                "because it rolls a long transaction back; run the task again, or raise lock_timeout.",
                Where(str(name)),
            )
        time.sleep(_PAUSE)


def _check_code(session: Session, step: EndSessions) -> None:
    """The server drops a definer and leaves its code behind, if the login may create code for any definer.

    https://dev.mysql.com/doc/refman/8.4/en/stored-objects-security.html#stored-objects-security-orphan-objects
    """
    objects = obstacles(session, step.known)[0] if step.known else {}
    for name, found in sorted(objects.items()):
        more = [str(item) for item in found if item not in step.known[name]]
        if more:
            raise Refused(
                f"{name} on {session.login.title} has become the definer of {', '.join(more)} since this task looked. "
                "It is not dropped and stays locked. Read that code, then run the task again.",
                Where(str(name)),
                in_the_way={str(name): [f"it is the definer of {item}" for item in more]},
            )


def _end(session: Session, statement: Statement) -> None:
    try:
        session.run(Step((statement,)))
    except StatementFailed as error:
        if error.code != _UNKNOWN_THREAD:
            raise

# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Ends sessions: those of the plan, and those that were opened between the plan and the lock of their account."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql import statements
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.drop.dependencies import (
    DefinedObject,
    obstacles,
    open_sessions,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import Refused, StatementFailed, Where
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import AccountName
from ansible_collections.dbops.aurora_iam.plugins.module_utils._plan import Executor, Statement, Step

_UNKNOWN_THREAD = "1094"
_PAUSE = 0.02


@dataclass(frozen=True)
class EndSessions(Step):
    """Ends every session of these accounts: those of ``statements``, and those opened before the account was locked.

    existing  as for ``sessions.assign``
    call      how a session is ended, with a place for its number; empty where the login may not
    lacking   what lets a login end sessions
    known     of each account that is then dropped, the objects that the plan knows of
    """

    accounts: frozenset[AccountName] = frozenset()
    existing: frozenset[AccountName] = frozenset()
    call: str = ""
    lacking: str = ""
    known: Mapping[AccountName, Collection[DefinedObject]] = field(default_factory=dict)

    def carry_out(self, session: Executor) -> None:
        """Until none is left. Raises StatementFailed, ConnectionLost; Refused if one does not end in lock_timeout, or
        has created code after the plan was made."""
        timeout = session.login.lock_timeout
        deadline = time.monotonic() + timeout
        asked: set[int] = set()
        while True:
            found, _unclear = open_sessions(session, self.accounts, self.existing)
            if not found:
                self._check_code(session)
                return
            self._check_call(session, found)
            for number in sorted(set(found) - asked):
                _end(session, statements.end_session(self.call, number, found[number]))
                asked.add(number)
            if time.monotonic() > deadline:
                number, name = next(iter(found.items()))
                raise Refused(
                    f"Session {number} of {name} on {session.login.title} has not ended within {timeout} s, perhaps "
                    "because it rolls a long transaction back; run the task again, or raise lock_timeout.",
                    Where(str(name)),
                )
            time.sleep(_PAUSE)

    def _check_call(self, session: Executor, found: Mapping[int, AccountName]) -> None:
        """A login that may end none is let drop or lock accounts that have none."""
        number, name = next(iter(found.items()))
        if not self.call:
            raise Refused(
                f"{name} on {session.login.title} is locked, but session {number} of it was opened since this task "
                f"looked, and the login may not end it. Grant the login {self.lacking}, or close the session. Then run "
                "the task again.",
                Where(str(name)),
            )

    def _check_code(self, session: Executor) -> None:
        """The server drops a definer and leaves its code behind, if the login may create code for any definer.

        https://dev.mysql.com/doc/refman/8.4/en/stored-objects-security.html#stored-objects-security-orphan-objects
        """
        objects = obstacles(session, self.known)[0] if self.known else {}
        for name, found in sorted(objects.items()):
            more = [str(item) for item in found if item not in self.known[name]]
            if more:
                raise Refused(
                    f"{name} on {session.login.title} has become the definer of {', '.join(more)} since this task "
                    "looked. It is not dropped and stays locked. Read that code, then run the task again.",
                    Where(str(name)),
                    in_the_way={str(name): [f"it is the definer of {item}" for item in more]},
                )


def _end(session: Executor, statement: Statement) -> None:
    try:
        session.execute(Step((statement,)))
    except StatementFailed as error:
        if error.code != _UNKNOWN_THREAD:
            raise

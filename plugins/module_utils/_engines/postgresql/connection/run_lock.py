# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""The lock that keeps runs apart, as an advisory lock. Who is waited for, and how long, is in ``_engines/run_lock.py``.

https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS
"""

from __future__ import annotations

import secrets
import time
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, Callable

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.base import Row
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql import statements
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.rows import LockHolderRow
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.run_lock import Holder, RunLock
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import AccountName

Ask = Callable[[str, Sequence[Any]], list[Row]]


class _AdvisoryLock(RunLock):
    @abstractmethod
    def _ask(self, text: str, values: Sequence[Any] = ()) -> list[Row]:
        """In the session that is to hold the lock."""

    def _try(self, text: str) -> tuple[bool, list[Holder]]:
        rows = self._ask(text)
        return bool(rows[0][0]), self._holders([row for _taken, *row in rows if row[-1] is not None])

    def holders(self) -> list[Holder]:
        return self._holders(self._ask(statements.LOCK_HOLDERS))

    def _holders(self, found: Sequence[Sequence[Any]]) -> list[Holder]:
        if not found:
            return []
        self._ask(statements.FORGET_SESSIONS)
        return [_holder(LockHolderRow(*row)) for row in self._ask(statements.LOCK_HOLDERS)]


class ConnectionRunLock(_AdvisoryLock):
    """
    ask   in the connection that is to hold the lock
    wait  the same; whether a statement that waits for a lock came by it in time
    """

    def __init__(self, ask: Ask, wait: Callable[[str], bool]) -> None:
        self._query, self._wait = ask, wait
        self._number = 0

    def _ask(self, text: str, values: Sequence[Any] = ()) -> list[Row]:
        return self._query(text, values)

    def take(self, seconds: int) -> tuple[bool, list[Holder]]:
        if seconds:
            return self._wait(statements.take_lock(seconds)), self.holders()
        return self._try(statements.TRY_LOCK)

    def announce(self) -> bool:
        self._number = _some_number()
        return bool(self._ask(statements.ANNOUNCE, (self._number,))[0][0])

    def withdraw(self) -> None:
        self._ask(statements.WITHDRAW, (self._number,))


class TransactionRunLock(_AdvisoryLock):
    """Over the Data API, where a transaction is the session. Nothing in it may fail, so that it waits by asking again.

    ask  in the transaction that is to hold the lock, which is begun if there is none
    end  roll it back
    """

    def __init__(self, ask: Ask, end: Callable[[], None]) -> None:
        self._say, self._end = ask, end

    def _ask(self, text: str, values: Sequence[Any] = ()) -> list[Row]:
        return self._say(text, values)

    def take(self, seconds: int) -> tuple[bool, list[Holder]]:
        deadline = time.monotonic() + seconds
        while True:
            taken, others = self._try(statements.TRY_LOCK_IN_TRANSACTION)
            if taken or time.monotonic() >= deadline:
                return taken, others
            time.sleep(min(1, seconds))

    def announce(self) -> bool:
        return bool(self._ask(statements.ANNOUNCE_IN_TRANSACTION, (_some_number(),))[0][0])

    def withdraw(self) -> None:
        self._end()


def _some_number() -> int:
    """Which nobody can have taken beforehand."""
    return secrets.randbits(31)


def _holder(row: LockHolderRow) -> Holder:
    if row.pid is None:
        what, ending = f"prepared transaction {row.prepared}", statements.roll_back_prepared(row.prepared)
    else:
        what, ending = f"session {row.pid}", statements.end_session(row.pid)
    return Holder(
        what=what,
        account=AccountName(row.role or "a role that was dropped"),
        client=row.client,
        administrator=row.administrator,
        iam=row.iam,
        own=row.own,
        announced=row.announced,
        ending=ending,
    )

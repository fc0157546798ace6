# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""The lock that keeps runs apart, as GET_LOCK: https://dev.mysql.com/doc/refman/8.4/en/locking-functions.html

Who is waited for, and how long, is in ``_engines/run_lock.py``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Callable

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.base import Row
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql import statements
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.clients import ANONYMOUS
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.rows import (
    LockAccountRow,
    LockHolderRow,
    SessionRow,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.drop.queries import RDS_KILL
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.drop.sessions import assign
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.names import login_name
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.run_lock import Holder, RunLock
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import AccountName

Accounts = Mapping[AccountName, LockAccountRow]


class MySQLRunLock(RunLock):
    def __init__(self, ask: Callable[[str, Sequence[Any]], list[Row]]) -> None:
        """``ask``: in the session that is to hold the lock."""
        self._ask = ask

    def take(self, seconds: int) -> tuple[bool, list[Holder]]:
        rows = [LockHolderRow(*row) for row in self._ask(statements.TAKE_LOCK, (seconds,))]
        return rows[0].number == rows[0].own_number, self._holders(rows)

    def announce(self) -> bool:
        return self._ask(statements.ANNOUNCE, ()) == [(1,)]

    def withdraw(self) -> None:
        self._ask(statements.WITHDRAW, ())

    def holders(self) -> list[Holder]:
        return self._holders([LockHolderRow(*row) for row in self._ask(statements.LOCK_HOLDERS, ())])

    def _holders(self, found: Iterable[LockHolderRow]) -> list[Holder]:
        # The row of one that PROCESSLIST shows comes second, and says more
        rows = {row.number: row for row in found if row.number not in (None, row.own_number)}
        return self._described(list(rows.values())) if rows else []

    def _described(self, rows: Sequence[LockHolderRow]) -> list[Holder]:
        login = login_name(rows[0].login)
        users = {row.user for row in rows if row.user is not None}
        found = map(LockAccountRow._make, self._ask(*statements.lock_accounts({*users, ANONYMOUS, login.name})))
        accounts = {row.name: row for row in found}
        may_kill = login in accounts and int(accounts[login].may_kill)
        call = statements.KILL if may_kill or not self._ask(RDS_KILL, ()) else statements.CALL_RDS_KILL
        return [_holder(row, accounts, call.format(row.number)) for row in rows]


def _holder(row: LockHolderRow, accounts: Accounts, ending: str) -> Holder:
    what = f"session {row.number}"
    if row.number is None or row.user is None or row.client is None:
        what += f" (to see its account, grant {row.login} PROCESS ON *.*)"
        return Holder(what, None, "", True, False, False, bool(row.announced), ending)
    found, _unclear = assign([SessionRow(row.number, row.user, row.client)], accounts)
    account = found.get(row.number)
    administrator = bool(int(accounts[account].administrator)) if account else _any_administers(row.user, accounts)
    return Holder(
        what=what,
        account=account or AccountName(row.user),
        client=row.client.rpartition(":")[0] or row.client,
        administrator=administrator,
        iam=account is not None and bool(int(accounts[account].iam)),
        own=str(account) == row.login,
        announced=bool(row.announced),
        ending=ending,
    )


def _any_administers(user: str, accounts: Accounts) -> bool:
    """For a session that does not tell which account it matched."""
    return any(int(row.administrator) for row in accounts.values() if row.user == user)

# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""The lock that keeps runs apart, as GET_LOCK: https://dev.mysql.com/doc/refman/8.4/en/locking-functions.html"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Callable

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.base import Row
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql import statements
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.drop.queries import RDS_KILL
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.drop.sessions import assign
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.run_lock import Holder, RunLock
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import AccountName

Accounts = Mapping[AccountName, tuple[bool, bool]]
"""Whether each may create accounts, and whether it is IAM-authenticated."""


class MySQLRunLock(RunLock):
    def __init__(self, ask: Callable[[str, Sequence[Any]], list[Row]]) -> None:
        """``ask``: in the session that is to hold the lock."""
        self._ask = ask

    def take(self, seconds: int) -> bool:
        return self._is_taken(self._ask(statements.TAKE_LOCK, (seconds,)))

    def announce(self) -> bool:
        return self._is_taken(self._ask(statements.ANNOUNCE, ()))

    def withdraw(self) -> None:
        self._ask(statements.WITHDRAW, ())

    def _is_taken(self, rows: list[Row]) -> bool:
        return bool(rows) and rows[0][0] == 1

    def holders(self) -> list[Holder]:
        # The row of one that PROCESSLIST shows comes second, and says more
        rows = {row[0]: row for row in self._ask(statements.LOCK_HOLDERS, ()) if row[0] not in (None, row[5])}
        if not rows:
            return []
        users = {str(row[1]) for row in rows.values() if row[1] is not None}
        accounts = {
            AccountName(user, host): (bool(int(administrator)), bool(int(iam)))
            for user, host, administrator, iam in self._ask(*statements.lock_accounts({*users, ""}))
        }
        call = statements.CALL_RDS_KILL if self._ask(RDS_KILL, ()) else statements.KILL
        return [_holder(row, accounts, call.format(row[0])) for row in rows.values()]


def _holder(row: Row, accounts: Accounts, ending: str) -> Holder:
    number, user, client, announced, login, _own_number = row
    what = f"session {number}"
    if user is None:
        what += f" (to see its account, grant {login} PROCESS ON *.*)"
        return Holder(what, None, "", True, False, False, bool(announced), ending)
    found, _unclear = assign([(number, user, client)], accounts)
    account = found.get(number)
    administrator, iam = accounts[account] if account else (_any_administers(user, accounts), False)
    return Holder(
        what=what,
        account=account or AccountName(str(user)),
        client=str(client).rpartition(":")[0] or str(client),
        administrator=administrator,
        iam=iam,
        own=str(account) == login,
        announced=bool(announced),
        ending=ending,
    )


def _any_administers(user: str, accounts: Accounts) -> bool:
    """For a session that does not tell which account it matched."""
    named: Iterable[bool] = (administrator for name, (administrator, _iam) in accounts.items() if name.name == user)
    return any(named)

# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Whose sessions are open, and how the login ends them.

The server tells a session's user and client, but not which account it matched.

https://dev.mysql.com/doc/refman/8.4/en/connection-access.html
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql import statements
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.clients import (
    ANONYMOUS,
    LOCALHOST,
    Client,
    host_order,
    logs_in_as,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.grantor import Authority
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.rows import SessionRow
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.names import is_host_name
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.objects import GLOBAL
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import AccountName, Scope

_RDS_KILL = Scope("PROCEDURE", path=("mysql", "rds_kill"))
"""https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/mysql-stored-proc-ending.html"""


def may_kill(authority: Authority) -> bool:
    """https://dev.mysql.com/doc/refman/8.4/en/kill.html"""
    return authority.holds("CONNECTION_ADMIN", GLOBAL) or authority.holds("SUPER", GLOBAL)


def ending_statement(authority: Authority, rds_kill: bool) -> str:
    """How the login ends a session, with a place for its number; empty where it may not. KILL first: before RDS for
    MySQL 8.0.33 the procedure fails for accounts with a name of more than 16 characters.

    rds_kill  the server has the procedure
    """
    if may_kill(authority):
        return statements.KILL
    return statements.CALL_RDS_KILL if rds_kill and authority.holds("EXECUTE", _RDS_KILL) else ""


def right_to_end(rds_kill: bool) -> str:
    """What a login lacks that may not."""
    return "CONNECTION_ADMIN" + " or EXECUTE on PROCEDURE mysql.rds_kill" * rds_kill


def assign(rows: Iterable[SessionRow], existing: Collection[AccountName]) -> tuple[dict[int, AccountName], list[str]]:
    """From sessions to the accounts that the server matched; and those it cannot be told for.

    existing  all accounts of these users' names, and all without a name
    """
    found: dict[int, AccountName] = {}
    unclear: list[str] = []
    for number, user, client in rows:
        account = _matched(str(user), str(client), existing)
        if account is None:
            unclear.append(f"{user} from {client}")
        else:
            found[int(number)] = account
    return found, unclear


def _matched(user: str, told: str, existing: Collection[AccountName]) -> AccountName | None:
    rivals = [account for account in existing if account.name in (user, ANONYMOUS)]
    if len(rivals) == 1:
        return rivals[0] if rivals[0].name == user else None
    found = [logs_in_as(user, client, rivals) for client in _clients(told)]
    return max(filter(None, found), key=lambda account: host_order(account.host), default=None)


def _clients(told: str) -> tuple[Client, ...]:
    """A host name hides the address that it was found for, except that of this host."""
    host, colon, _port = told.rpartition(":")
    if not colon:
        return (Client(told),)
    if host == LOCALHOST:
        return (Client(host, "127.0.0.1"), Client(host, "::1"))
    return (Client(host) if is_host_name(host) else Client(address=host),)

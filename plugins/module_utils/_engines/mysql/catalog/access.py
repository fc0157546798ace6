# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""What a session may do, computed from the grant tables as the server computes it.

While no role is active, the server looks for rows by user name and by the *client*: rows of other accounts of that name
count if their host matches the client. Of the rows of mysql.db, those of anonymous accounts count for everybody, and of
all that match, only the most specific one does: by host, then by database, then by user. Of the rows for one table or
routine, only the one with the most specific host does, with the columns that belong to it.

While roles are active, the rows of the account itself and of those roles count, all together. Only for a database whose
name is in none of the rows, one pattern of a database counts: of those that match, the first in the order of bytes.

Which roles are active the server says of the login itself (``ENABLED_ROLES`` in ``queries.SERVER``, read by
``principals`` in ``rows.py``); of other accounts ``roles_at_login`` in ``roles.py`` does.

https://dev.mysql.com/doc/refman/8.4/en/request-access.html

https://github.com/mysql/mysql-server/blob/trunk/sql/auth/: ``acl_get`` (sql_auth_cache.cc), ``check_access`` and
``name_hash_search`` (sql_authorization.cc), ``Security_context::db_acl`` (sql_security_ctx.cc)
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.grouping import object_of, together
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.clients import (
    ANONYMOUS,
    Client,
    host_order,
    matches_client,
    may_share_clients,
    specificity,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.describe import in_words
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.names import quoted_account
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.objects import (
    GLOBAL,
    covers,
    is_lost,
    matches,
    overlap,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.statements import Dialect
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import AccountName, Grant, Scope
from ansible_collections.dbops.aurora_iam.plugins.module_utils._survey import first_of

Restrictions = Mapping[str, frozenset[str]]
"""Partial revokes: a database → the global privileges that do not hold there.

https://dev.mysql.com/doc/refman/8.4/en/partial-revokes.html
"""

Privileges = frozenset[str]
"""``USAGE`` stands for the grant option."""

NOTHING = frozenset[str]()
_SHOWN = 5
_DATABASES = ("DATABASE", "PATTERN")


class Row(NamedTuple):
    """A row of mysql.db, mysql.tables_priv (with its columns) or mysql.procs_priv.

    database  as it is stored: a pattern where partial_revokes is OFF
    """

    account: AccountName
    scope: Scope
    database: str
    grants: tuple[Grant, ...]

    def privileges(self, column: str = "", folds: bool = False) -> Privileges:
        """On the whole object and on one of its columns. ``folds``: its name ignores case."""
        names = {"", column.lower() if folds else column}
        spelled = str.lower if folds else str
        return frozenset(grant.privilege for grant in self.grants if spelled(grant.scope.column) in names)


@dataclass(frozen=True)
class GrantTables:
    """What was read of the grant tables.

    grants        by account or role; rows may have names and hosts that no account has
    restrictions  partial revokes of each account
    """

    dialect: Dialect
    grants: Mapping[AccountName, Collection[Grant]]
    restrictions: Mapping[AccountName, Restrictions] = field(default_factory=dict)

    def rows(self, account: AccountName) -> list[Row]:
        """Without that of mysql.user."""
        by_object = together((object_of(grant.scope), grant) for grant in self.grants.get(account, ()))
        return [
            Row(account, scope, self.stored(scope), tuple(grants))
            for scope, grants in by_object.items()
            if scope != GLOBAL
        ]

    def stored(self, scope: Scope) -> str:
        return self.dialect.stored_database(scope) if scope.kind in _DATABASES else scope.path[0]

    def global_grants(self, account: AccountName) -> frozenset[Grant]:
        return frozenset(grant for grant in self.grants.get(account, ()) if grant.scope == GLOBAL)


class Access:
    """Of one session."""

    def __init__(
        self, tables: GrantTables, account: AccountName, client: Client, roles: Collection[AccountName] = ()
    ) -> None:
        """``roles``: those that are active, also through others. They give an anonymous account nothing, but its rows
        are looked up as while a role is active."""
        self._tables = tables
        self._by_role = bool(roles)
        self.principals = (account, *roles) if account.name != ANONYMOUS else (account,)
        self._everywhere = {name: _privileges(tables.global_grants(name)) for name in self.principals}
        names = self.principals if roles else _matching(tables.grants, account, client)
        users = {name.name for name in self.principals}
        by_level = together((row.scope.kind in _DATABASES, row) for name in names for row in tables.rows(name))
        self._databases = by_level.get(True, [])
        self._objects = together((row.scope, row) for row in by_level.get(False, ()) if row.account.name in users)

    def on_everything(self) -> frozenset[Grant]:
        """``*.*``, of all principals."""
        return frozenset(grant for name in self.principals for grant in self._tables.global_grants(name))

    def restrictions(self, name: AccountName) -> Restrictions:
        return self._tables.restrictions.get(name, {})

    def global_grants(self, name: AccountName) -> frozenset[Grant]:
        return self._tables.global_grants(name)

    def on(self, scope: Scope, certain: bool = True) -> Privileges:
        """The privileges on a database, a pattern, a table, a column or a routine, by whatever level.

        scope    a column as the table spells it: while roles are active, grants that spell it otherwise do not count
        certain  where the server keeps rows in no order, what all of them give, and without what it loses; else what
                 any of them gives
        """
        found = [self._of_database(self._tables.stored(scope), scope)]
        if scope.kind not in _DATABASES:
            found.append(self._of_object(replace(scope, column="")))
        levels = (
            [NOTHING.union(*(row.privileges(scope.column, not self._by_role) for row in rows)) for rows in alternatives]
            for alternatives in found
            if alternatives
        )
        combined = frozenset.intersection if certain else frozenset.union
        return self._on_everything_in(scope.path[0]).union(*(combined(*level) for level in levels))

    def _on_everything_in(self, database: str) -> Privileges:
        """Of ``*.*``: what one of the principals has without a partial revoke."""
        return NOTHING.union(
            *(
                privileges - self.restrictions(name).get(database, NOTHING)
                for name, privileges in self._everywhere.items()
            )
        )

    def _of_database(self, database: str, scope: Scope) -> list[list[Row]]:
        patterns = self._tables.dialect.database_patterns
        named = [row for row in self._databases if row.database == database]
        if self._by_role:
            plain = [row for row in named if _is_plain(row.database)]
            return [plain or self._of_first_pattern(database, scope)]
        found = [row for row in self._databases if _covers(row.database, database, scope)] if patterns else named
        return _most_specific(found, _row_order)

    def _of_first_pattern(self, database: str, scope: Scope) -> list[Row]:
        rows = sorted((row for row in self._databases if not _is_plain(row.database)), key=lambda row: row.database)
        if self._tables.dialect.database_patterns:
            found = [row for row in rows if _covers(row.database, database, scope)]
        else:
            found = [row for row in rows if row.database.lower() == database.lower()]
        return [row for row in found if row.database == found[0].database]

    def _of_object(self, scope: Scope) -> list[list[Row]]:
        """What the server loses it may have lost already: any account statement that fails lets it read its tables."""
        rows = self._objects.get(scope, [])
        kept = [row for row in rows if not is_lost(row.account, row.scope)]
        return self._counting(rows) if kept == rows else [*self._counting(rows), *(self._counting(kept) or [[]])]

    def _counting(self, rows: list[Row]) -> list[list[Row]]:
        return [rows] if self._by_role else _most_specific(rows, lambda row: specificity(row.account.host))


def _privileges(grants: Iterable[Grant]) -> Privileges:
    return frozenset(grant.privilege for grant in grants)


def rows_of_others(
    names: Iterable[AccountName], tables: GrantTables, accounts: Collection[AccountName], resolves_hosts: bool
) -> dict[AccountName, list[Row]]:
    """Rows of others that the server looks at for each account while no role is active, at least for some of its
    clients. Accounts for which there are none are left out.

    accounts        all of the accounts' names, and the anonymous ones: a client logs in as the one with the most
                    specific host, so that rows of that one do not count for the others
    resolves_hosts  the server tells clients by the names of their hosts, too
    """
    by_user = together((name.name, name) for name, grants in tables.grants.items() if grants)
    found = {}
    for name in names:
        others = {*by_user.get(name.name, ()), *by_user.get(ANONYMOUS, ())} - {name}
        sharing = {other for other in others if _shares_clients(name, other, accounts, resolves_hosts)}
        rows = _looked_at(name, sharing, tables)
        if rows:
            found[name] = rows
    return found


def added_by(rows: Iterable[Row], name: AccountName, tables: GrantTables) -> list[Row]:
    """Of rows of others that the server looks at, the grants that the account has not by rows of its own."""
    own = replace(tables, grants={name: tables.grants.get(name, ())})
    alone = Access(own, name, Client())
    added = (
        (row, sorted(grant for grant in row.grants if grant.privilege not in alone.on(grant.scope)))
        for row in _not_hidden(rows, tables.rows(name))
    )
    return [row._replace(grants=tuple(grants)) for row, grants in added if grants]


def lost_to(rows: Iterable[Row], name: AccountName, tables: GrantTables) -> list[tuple[Row, Row, Privileges]]:
    """Where rows of others count instead of the account's own: both rows, and what the account has not there."""
    everywhere = _privileges(tables.global_grants(name))
    own_rows = tables.rows(name)
    found = (
        (row, own, takes_from(row, own) - everywhere) for row in _not_hidden(rows, own_rows) for own in sorted(own_rows)
    )
    return [(row, own, lost) for row, own, lost in found if lost]


def _not_hidden(rows: Iterable[Row], own: Collection[Row]) -> Iterator[Row]:
    return (row for row in rows if not any(hides(each, row) for each in own))


def listed(rows: Iterable[Row]) -> str:
    """The first rows in words, with the accounts that they are of."""
    words = [f"{text} of {quoted_account(row.account)}" for row in rows for text in in_words(row.grants)]
    return first_of(words, _SHOWN)


def _looked_at(name: AccountName, others: Iterable[AccountName], tables: GrantTables) -> list[Row]:
    """Of anonymous accounts, others have what they have on databases only."""
    rows = (row for other in others for row in tables.rows(other))
    return sorted(row for row in rows if row.scope.kind in _DATABASES or row.account.name == name.name)


def _shares_clients(
    name: AccountName, other: AccountName, accounts: Collection[AccountName], resolves_hosts: bool
) -> bool:
    ahead = other in accounts and host_order(other.host) > host_order(name.host)
    return not ahead and may_share_clients(name.host, other.host, resolves_hosts)


def hides(row: Row, hidden: Row) -> bool:
    """Whether the second one never counts, because the first does wherever it matches."""
    if row.scope.kind not in _DATABASES:
        return row.scope == hidden.scope and specificity(row.account.host) > specificity(hidden.account.host)
    return hidden.scope.kind in _DATABASES and _is_within(hidden, row) and _row_order(row) > _row_order(hidden)


def takes_from(row: Row, other: Row, may_have_roles: bool = False) -> Privileges:
    """What the other one gives and is lost on databases of both, because this one counts instead there.

    may_have_roles  also while a role is active. Both are of one account then
    """
    databases = {row.scope.kind, other.scope.kind} <= set(_DATABASES)
    counts = _row_order(row) >= _row_order(other) or (may_have_roles and _counts_by_role(row, other))
    if not databases or not counts or not overlap(row.database, other.database):
        return NOTHING
    return other.privileges() - row.privileges()


def _counts_by_role(row: Row, other: Row) -> bool:
    if _is_plain(row.database) or _is_plain(other.database):
        return _is_plain(row.database)
    return row.database < other.database


def _is_within(row: Row, other: Row) -> bool:
    """Whether what one row of mysql.db matches is matched by another one."""
    return row.database == other.database or (other.scope.kind == "PATTERN" and covers(other.database, row.database))


def _matching(names: Iterable[AccountName], account: AccountName, client: Client) -> list[AccountName]:
    """Those whose rows count for the account while no role is active."""
    users = (account.name, ANONYMOUS)
    return [name for name in names if name == account or (name.name in users and matches_client(name.host, client))]


def _row_order(row: Row) -> tuple[Any, ...]:
    return (host_order(row.account.host), specificity(row.database), specificity(row.account.name))


def _most_specific(rows: Collection[Row], order: Callable[[Row], Any]) -> list[list[Row]]:
    """One, or all that the server may take for it."""
    greatest = max(map(order, rows), default=None)
    return [[row] for row in rows if order(row) == greatest]


def _covers(pattern: str, database: str, scope: Scope) -> bool:
    """``scope``: GRANT compares the database as a pattern, if that is what it is about."""
    return covers(pattern, database) if scope.kind in _DATABASES else matches(pattern, database)


def _is_plain(database: str) -> bool:
    return not {"%", "_"} & set(database)

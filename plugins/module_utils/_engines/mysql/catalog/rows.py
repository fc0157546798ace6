# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Rows of the grant tables as canonical grants, by account."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.base import Row
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql import iam_login
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.grantor import Restrictions
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.objects import (
    GLOBAL,
    database_scope,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.privileges import (
    DATABASE_PRIVILEGES,
    STATIC_PRIVILEGES,
    USAGE,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.iam_login import (
    PLUGIN,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.statements import Dialect
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import (
    Account,
    AccountName,
    Grant,
    Scope,
)


class GrantedRows:
    """Takes the rows that ``observe.privileges`` selects. Accounts that are not ``subjects`` are passed over."""

    def __init__(self, dialect: Dialect, folds_names: bool, subjects: Collection[AccountName]) -> None:
        self.subjects = frozenset(subjects)
        self.grants: dict[AccountName, set[Grant]] = defaultdict(set)
        self.roles: dict[AccountName, set[AccountName]] = defaultdict(set)
        self.default_roles: dict[AccountName, set[AccountName]] = defaultdict(set)
        self.administered: dict[AccountName, set[AccountName]] = defaultdict(set)
        self.doubled: dict[AccountName, set[str]] = defaultdict(set)
        """Dynamic privileges that the server holds twice, so that they must be revoked twice."""
        self._dialect = dialect
        self._folds = folds_names
        self._readers: dict[str, Callable[..., None]] = {
            "column": self._column,
            "database": self._database,
            "default role": self._default_role,
            "dynamic": self._dynamic,
            "role": self._role,
            "routine": self._routine,
            "table": self._table,
        }

    def add_global(self, flags: Mapping[AccountName, tuple[str, str]]) -> None:
        """``flags``: one Y or N for each static privilege, and for the grant option."""
        for name, (privileges, option) in flags.items():
            if name in self.subjects:
                self._level(name, GLOBAL, _flagged(STATIC_PRIVILEGES, privileges), option == "Y")

    def add(self, rows: Iterable[Row]) -> None:
        for kind, user, host, *rest in rows:
            name = _grantee(user) if kind == "dynamic" else AccountName(user, host.lower())
            if name in self.subjects:
                self._readers[kind](name, *rest)

    def _level(self, name: AccountName, scope: Scope, privileges: Iterable[str], option: bool) -> None:
        self.grants[name].update(Grant(privilege, scope) for privilege in privileges)
        if option:
            self.grants[name].add(Grant(USAGE, scope, True))

    def _database(self, name: AccountName, database: str, flags: str, option: str, _none: str) -> None:
        database = self._folded(database)
        patterns = self._dialect.database_patterns
        scope = database_scope(database) if patterns else Scope("DATABASE", path=(database,))
        self._level(name, scope, _flagged(DATABASE_PRIVILEGES, flags), option == "Y")

    def _table(self, name: AccountName, database: str, table: str, privileges: str, _none: str) -> None:
        self._words(name, Scope("TABLE", path=(self._folded(database), self._folded(table))), privileges)

    def _column(self, name: AccountName, database: str, table: str, privileges: str, column: str) -> None:
        path = (self._folded(database), self._folded(table))
        self._words(name, Scope("TABLE", path=path, column=column), privileges)

    def _routine(self, name: AccountName, database: str, routine: str, privileges: str, kind: str) -> None:
        # Routine names ignore case, and the grant table holds them in lower case.
        self._words(name, Scope(kind, path=(self._folded(database), routine.lower())), privileges)

    def _words(self, name: AccountName, scope: Scope, privileges: str) -> None:
        words = {word.upper() for word in privileges.split(",") if word}
        self._level(name, scope, words - {"GRANT"}, "GRANT" in words)

    def _dynamic(self, name: AccountName, privilege: str, option: str, *_none: str) -> None:
        held = self.grants[name]
        entries = {Grant(privilege, GLOBAL, False), Grant(privilege, GLOBAL, True)} & held
        if entries:
            self.doubled[name].add(privilege)
        held.difference_update(entries)
        held.add(Grant(privilege, GLOBAL, option == "YES" or any(entry.grantable for entry in entries)))

    def _role(self, name: AccountName, role: str, host: str, admin: str, _none: str) -> None:
        granted = AccountName(role, host.lower())
        self.roles[name].add(granted)
        if admin == "Y":
            self.administered[name].add(granted)

    def _default_role(self, name: AccountName, role: str, host: str, *_none: str) -> None:
        self.default_roles[name].add(AccountName(role, host.lower()))

    def _folded(self, name: str) -> str:
        return name.lower() if self._folds else name


def _grantee(text: str) -> AccountName:
    """``'user'@'host'``, in which nothing is escaped; a host has no quotes."""
    user, _middle, host = text[1:-1].rpartition("'@'")
    return AccountName(user, host.lower())


def _flagged(privileges: tuple[str, ...], flags: str) -> list[str]:
    return [privilege for privilege, flag in zip(privileges, flags) if flag == "Y"]


class UserRows:
    """The rows of mysql.user, by account."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows: dict[AccountName, Row] = {}
        self.flags: dict[AccountName, tuple[str, str]] = {}
        self.restrictions: dict[AccountName, Restrictions] = {}
        self.iam: set[AccountName] = set()
        self.expired: dict[AccountName, str] = {}
        for row in rows:
            name = AccountName(row[0], row[1].lower())
            attributes = json.loads(row[7] or "{}")
            self._rows[name] = (*row[:7], attributes)
            self.flags[name] = (row[8], row[9])
            self.restrictions[name] = _restrictions(attributes)
            if row[2] == PLUGIN:
                self.iam.add(name)
            elif row[10]:
                self.expired[name] = row[10]

    @property
    def names(self) -> set[AccountName]:
        return set(self._rows)

    def account(self, name: AccountName, granted: GrantedRows) -> Account:
        _user, _host, plugin, authentication, tls, locked, limit, attributes = self._rows[name]
        return Account(
            name=name,
            authentication=iam_login.authentication(plugin, authentication),
            locked=locked == "Y",
            tls=tls,
            connection_limit=int(limit) or -1,
            comment=_comment(attributes),
            roles=frozenset(granted.roles[name]),
            default_roles=frozenset(granted.default_roles[name]),
            grants=frozenset(granted.grants[name]),
        )


def _comment(attributes: Mapping[str, Any]) -> str:
    comment = (attributes.get("metadata") or {}).get("comment", "")
    return comment if isinstance(comment, str) else json.dumps(comment)


def _restrictions(attributes: Mapping[str, Any]) -> Restrictions:
    found: dict[str, frozenset[str]] = {}
    for restriction in attributes.get("Restrictions") or ():
        found[restriction["Database"]] = frozenset(restriction["Privileges"])
    return found

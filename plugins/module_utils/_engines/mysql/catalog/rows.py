# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""What the queries answer: the columns of each by name, and accounts and canonical grants from them.

Numbers may come as texts, and flags of the server as numbers.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.access import Restrictions
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.clients import (
    ANONYMOUS,
    Client,
    client_of,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.names import (
    from_procs_priv,
    login_name,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.objects import (
    GLOBAL,
    database_scope,
    is_lost,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.privileges import (
    DATABASE_PRIVILEGES,
    STATIC_PRIVILEGES,
    SYSTEM_USER,
    USAGE,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.iam_login import (
    PLUGIN,
    PasswordRules,
    authentication,
    is_blockable,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.statements import Dialect
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import (
    Account,
    AccountName,
    Grant,
    Scope,
)


class ServerRow(NamedTuple):
    """``client``: as USER() tells it; ``mandatory_roles``: see :func:`role_list`; ``active_roles``: a list of pairs in
    JSON."""

    login: str
    client: str
    partial_revokes: int
    lower_case_table_names: int
    sql_mode: str
    mandatory_roles: str | None
    skip_name_resolve: int
    activate_all_roles: int
    plugin_status: str | None
    active_roles: str | None
    authentication_policy: str

    @property
    def principals(self) -> list[AccountName]:
        """The login and its active roles."""
        return [login_name(self.login), *_listed_names(self.active_roles)]

    @property
    def known_client(self) -> Client:
        """Of this session."""
        return client_of(self.client)

    @property
    def dialect(self) -> Dialect:
        return Dialect(not int(self.partial_revokes), "NO_BACKSLASH_ESCAPES" not in self.sql_mode)

    @property
    def folds_names(self) -> bool:
        return bool(int(self.lower_case_table_names))

    @property
    def resolves_hosts(self) -> bool:
        return not int(self.skip_name_resolve)

    @property
    def plugin_active(self) -> bool:
        return self.plugin_status == "ACTIVE"


class UserRow(NamedTuple):
    """
    privileges    one Y or N for each of STATIC_PRIVILEGES; None, as all that follows the plugin, where only the name
                  was read
    expired       how, or since when, the password has expired; empty where it has not
    expired_flag  Y after PASSWORD EXPIRE, and in what CREATE ROLE makes
    """

    user: str
    host: str
    plugin: str
    authentication_string: str | None
    ssl_type: str
    account_locked: str
    max_user_connections: int
    attributes: str | None
    privileges: str
    grant_option: str
    expired: str
    max_questions: int
    max_updates: int
    max_connections: int
    expired_flag: str

    @property
    def name(self) -> AccountName:
        return AccountName(self.user, self.host.lower())

    @property
    def is_role(self) -> bool:
        """What CREATE ROLE makes: locked, expired, and without a way to log in."""
        return self.account_locked == "Y" and self.expired_flag == "Y" and not self.authentication_string


class PrivilegeRow(NamedTuple):
    """What the last five are depends on the kind: ``queries.privileges``."""

    kind: str
    user: str
    host: str
    first: str
    second: str
    third: str
    fourth: str
    fifth: str = ""


class KnownPrivilegeRow(NamedTuple):
    privilege: str
    context: str
    comment: str


class ObjectRow(NamedTuple):
    """``column``: of those of kind COLUMN; ``name``: not of those of kind DATABASE."""

    kind: str
    database: str
    name: str
    column: str


class RoleEdgeRow(NamedTuple):
    user: str
    host: str
    role: str
    role_host: str


class DependencyRow(NamedTuple):
    """``account``: as user@host. Database and name of what it is the definer of; or user and host of who has it as a
    role or acts as it."""

    kind: str
    account: str
    first: str
    second: str


class SessionRow(NamedTuple):
    number: int
    user: str
    client: str


class LoginRow(NamedTuple):
    """``user``: a name that somebody has logged in with; none in the row that only tells the time."""

    user: str | None
    uptime: int


class LockHolderRow(NamedTuple):
    """``user``, ``client``: None where the login may not see them. The last two are of the session that asks."""

    number: int | None
    user: str | None
    client: str | None
    announced: int
    login: str
    own_number: int


class LockAccountRow(NamedTuple):
    user: str
    host: str
    administrator: int
    iam: int
    may_kill: int

    @property
    def name(self) -> AccountName:
        return AccountName(self.user, self.host)


class GrantedRows:
    """Takes the rows of ``queries.privileges``: those of the names of ``subjects``, under whatever host, and those
    without a name. All others are passed over."""

    def __init__(self, dialect: Dialect, folds_names: bool, subjects: Collection[AccountName]) -> None:
        self.subjects = frozenset(subjects)
        self._names = {ANONYMOUS, *(name.name for name in subjects)}
        self.grants: dict[AccountName, set[Grant]] = defaultdict(set)
        self.roles: dict[AccountName, set[AccountName]] = defaultdict(set)
        self.default_roles: dict[AccountName, set[AccountName]] = defaultdict(set)
        self.administered: dict[AccountName, set[AccountName]] = defaultdict(set)
        self.as_creator: dict[AccountName, set[Grant]] = defaultdict(set)
        """Of ``grants``, what the server granted the creator of a routine by itself (automatic_sp_privileges)."""
        self.system_users: set[AccountName] = set()
        """Everybody who holds SYSTEM_USER directly, subject or not."""
        self.proxied: dict[AccountName, set[AccountName]] = defaultdict(set)
        """The accounts as which each may act."""
        self.doubled: dict[AccountName, set[str]] = defaultdict(set)
        """Dynamic privileges that the server holds twice, so that they must be revoked twice."""
        self._dialect = dialect
        self._folds = folds_names
        self._readers: dict[str, Callable[..., None]] = {
            "column": self._column,
            "database": self._database,
            "default role": self._default_role,
            "dynamic": self._dynamic,
            "proxy": self._proxy,
            "role": self._role,
            "routine": self._routine,
            "table": self._table,
        }

    def add_global(self, rows: Iterable[UserRow]) -> None:
        for row in rows:
            if row.user in self._names:
                self._level(row.name, GLOBAL, _flagged(STATIC_PRIVILEGES, row.privileges), row.grant_option == "Y")

    def add(self, rows: Iterable[PrivilegeRow]) -> None:
        for kind, user, host, *rest in rows:
            name = _grantee(user) if kind == "dynamic" else AccountName(user, host.lower())
            if kind == "dynamic" and rest[0] == SYSTEM_USER:
                self.system_users.add(name)
            if kind == "routine" and name.name not in self._names:
                name = AccountName(from_procs_priv(user), host.lower())
            if name.name in self._names:
                self._readers[kind](name, *rest)

    @property
    def lost(self) -> frozenset[Scope]:
        """Routines of which the server loses privileges of subjects."""
        held = ((name, grant) for name in self.subjects for grant in self.grants[name])
        return frozenset(grant.scope for name, grant in held if is_lost(name, grant.scope))

    def forget(self, routines: Collection[Scope]) -> None:
        """They were dropped when the server had lost what was granted on them. The rows are left, give nothing, and
        cannot be revoked."""
        for grants in self.grants.values():
            grants.difference_update([grant for grant in grants if grant.scope in routines])

    def _level(self, name: AccountName, scope: Scope, privileges: Iterable[str], option: bool) -> None:
        self.grants[name].update(Grant(privilege, scope) for privilege in privileges)
        if option:
            self.grants[name].add(Grant(USAGE, scope, True))

    def _database(self, name: AccountName, database: str, flags: str, option: str, *_none: str) -> None:
        database = self._folded(database)
        patterns = self._dialect.database_patterns
        scope = database_scope(database) if patterns else Scope("DATABASE", path=(database,))
        self._level(name, scope, _flagged(DATABASE_PRIVILEGES, flags), option == "Y")

    def _table(self, name: AccountName, database: str, table: str, privileges: str, *_none: str) -> None:
        self._words(name, Scope("TABLE", path=(self._folded(database), self._folded(table))), privileges)

    def _column(self, name: AccountName, database: str, table: str, privileges: str, column: str, *_none: str) -> None:
        path = (self._folded(database), self._folded(table))
        self._words(name, Scope("TABLE", path=path, column=column), privileges)

    def _routine(
        self, name: AccountName, database: str, routine: str, privileges: str, kind: str, grantor: str = ""
    ) -> None:
        # Routine names ignore case, and the grant table holds them in lower case.
        path = (self._folded(from_procs_priv(database)), from_procs_priv(routine).lower())
        scope = Scope(kind, path=path)
        self._words(name, scope, privileges)
        if from_procs_priv(grantor.rpartition("@")[0]) == name.name:
            self.as_creator[name].update(grant for grant in self.grants[name] if grant.scope == scope)

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

    def _role(self, name: AccountName, role: str, host: str, admin: str, *_none: str) -> None:
        granted = AccountName(role, host.lower())
        self.roles[name].add(granted)
        if admin == "Y":
            self.administered[name].add(granted)

    def _proxy(self, name: AccountName, proxied: str, host: str, *_none: str) -> None:
        self.proxied[name].add(AccountName(proxied, host.lower()))

    def _default_role(self, name: AccountName, role: str, host: str, *_none: str) -> None:
        self.default_roles[name].add(AccountName(role, host.lower()))

    def _folded(self, name: str) -> str:
        return name.lower() if self._folds else name


def _listed_names(pairs: str | None) -> list[AccountName]:
    return [AccountName(name, host) for name, host in json.loads(pairs or "[]")]


def build_granted(
    server: ServerRow, users: UserRows, subjects: Collection[AccountName], rows: Iterable[Sequence[Any]]
) -> GrantedRows:
    """``rows``: those of ``queries.privileges``."""
    granted = GrantedRows(server.dialect, server.folds_names, subjects)
    granted.add_global(users.by_name.values())
    granted.add(PrivilegeRow(*row) for row in rows)
    return granted


def _grantee(text: str) -> AccountName:
    """``'user'@'host'``, in which nothing is escaped; a host has no quotes."""
    user, _middle, host = text[1:-1].rpartition("'@'")
    return AccountName(user, host.lower())


def _flagged(privileges: tuple[str, ...], flags: str) -> list[str]:
    return [privilege for privilege, flag in zip(privileges, flags) if flag == "Y"]


class UserRows:
    """The rows of mysql.user, by account.

    iam  the IAM-authenticated accounts, also those of which only the names were read
    """

    def __init__(self, rows: Iterable[UserRow]) -> None:
        rows = list(rows)
        self.iam = {row.name for row in rows if row.plugin == PLUGIN}
        self.by_name: dict[AccountName, UserRow] = {row.name: row for row in rows if row.privileges is not None}
        self._attributes: dict[AccountName, dict[str, Any]] = {
            name: json.loads(row.attributes or "{}") for name, row in self.by_name.items()
        }
        self.restrictions: dict[AccountName, Restrictions] = {
            name: _restrictions(attributes) for name, attributes in self._attributes.items()
        }

    @property
    def expired(self) -> dict[AccountName, str]:
        return {name: row.expired for name, row in self.by_name.items() if row.expired and name not in self.iam}

    @property
    def names(self) -> set[AccountName]:
        return set(self.by_name)

    @property
    def group_roles(self) -> set[AccountName]:
        return {name for name, row in self.by_name.items() if row.is_role}

    @property
    def blockable(self) -> set[AccountName]:
        """IAM-authenticated accounts that failed logins block."""
        return {
            name
            for name, row in self.by_name.items()
            if is_blockable(row.plugin, row.authentication_string, _password_rules(self._attributes[name]))
        }

    def password_rules(self, names: Iterable[AccountName]) -> dict[AccountName, PasswordRules]:
        return {name: _password_rules(self._attributes[name]) for name in names}

    @property
    def unlocked(self) -> dict[AccountName, str]:
        return {name: row.plugin for name, row in self.by_name.items() if row.account_locked != "Y"}

    def account(self, name: AccountName, granted: GrantedRows, asked: Collection[Scope] = ()) -> Account:
        """``asked``: routines about whose privileges the task is."""
        row, by_server = self.by_name[name], granted.as_creator[name]
        return Account(
            name=name,
            authentication=authentication(
                row.plugin, row.authentication_string, _password_rules(self._attributes[name])
            ),
            locked=row.account_locked == "Y",
            tls=row.ssl_type,
            connection_limit=int(row.max_user_connections) or -1,
            comment=_comment(self._attributes[name]),
            roles=frozenset(granted.roles[name]),
            default_roles=frozenset(granted.default_roles[name]),
            grants=frozenset(granted.grants[name] - {each for each in by_server if each.scope not in asked}),
        )


def _comment(attributes: Mapping[str, Any]) -> str:
    comment = (attributes.get("metadata") or {}).get("comment", "")
    return comment if isinstance(comment, str) else json.dumps(comment)


def _password_rules(attributes: Mapping[str, Any]) -> PasswordRules:
    return PasswordRules("Password_locking" in attributes, len(attributes.get("multi_factor_authentication") or ()))


def _restrictions(attributes: Mapping[str, Any]) -> Restrictions:
    found: dict[str, frozenset[str]] = {}
    for restriction in attributes.get("Restrictions") or ():
        found[restriction["Database"]] = frozenset(restriction["Privileges"])
    return found

# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""What was read from a server, as values: accounts in canonical form, and what their grants and names refer to."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.base import ParsedAccount, Row, Session
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog import queries
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.grantor import (
    Authority,
    Restrictions,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.objects import Objects, look_up
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.rows import GrantedRows
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.drop.dependencies import (
    Leaving,
    read_leaving,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.drop.queries import ROLE_EDGES
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.names import (
    find_role,
    role_list,
    role_names,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.privileges import (
    STATIC_PRIVILEGES,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.statements import (
    AUTHENTICATION_STRING,
    PLUGIN,
    Dialect,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import (
    IAM,
    IAM_BROKEN,
    PASSWORD,
    Account,
    AccountName,
    Observed,
)

_NO_AUTHORITY = Authority(())
_NO_OBJECTS = Objects()
_PLAIN = Dialect(False)
_NOTHING_LEAVES = Leaving()


@dataclass(frozen=True)
class MySQLObserved(Observed):
    """
    title            how messages call the server
    master           the master user's name; empty when it is not known
    resolves_hosts   whether the server tells clients by the names of their hosts, too
    plugin_active    whether accounts can be IAM-authenticated; ``iam_auth`` is what AWS says (None: was not asked)
    existing         accounts and roles whose names were looked up, in any case and under any host
    administered     roles that the login may grant though it lacks ROLE_ADMIN
    restrictions     partial revokes of each account
    known_dynamic    the dynamic privileges that the server has registered; empty when the task names none
    doubled          dynamic privileges that the server holds twice, by account
    mandatory_roles  the server gives them to every account
    role_edges       which roles accounts and roles have, all of them; empty unless the task grants one to an account
                     that exists
    leaving          what stands between accounts and their leaving
    """

    title: str = ""
    master: str = ""
    dialect: Dialect = _PLAIN
    folds_names: bool = False
    resolves_hosts: bool = True
    plugin_active: bool = False
    iam_auth: bool | None = None
    existing: frozenset[AccountName] = frozenset()
    administered: frozenset[AccountName] = frozenset()
    restrictions: Mapping[AccountName, Restrictions] = field(default_factory=dict)
    known_dynamic: frozenset[str] = frozenset()
    authority: Authority = _NO_AUTHORITY
    objects: Objects = _NO_OBJECTS
    doubled: Mapping[AccountName, Collection[str]] = field(default_factory=dict)
    mandatory_roles: frozenset[AccountName] = frozenset()
    role_edges: Mapping[AccountName, Collection[AccountName]] = field(default_factory=dict)
    leaving: Leaving = _NOTHING_LEAVES


def read(session: Session, wanted: Sequence[ParsedAccount], all_accounts: bool) -> MySQLObserved:
    """At most ten queries, and one more where roles are granted. Raises StatementFailed, ConnectionLost."""
    login, partial, lower, mode, mandatory, unresolved, plugin, active = session.query(queries.SERVER)[0]
    dialect = Dialect(not int(partial), "NO_BACKSLASH_ESCAPES" not in str(mode))
    folds = bool(int(lower))
    own = login_name(str(login))
    principals = [own, *(AccountName(name, host) for name, host in json.loads(active or "[]"))]
    users = UserRows(session.query(*queries.accounts(_names(wanted, principals), all_accounts)))
    subjects = {account.name for account in wanted} & users.names
    if all_accounts:
        subjects |= users.iam
    granted = GrantedRows(dialect, folds, subjects | set(principals))
    granted.add_global(users.flags)
    granted.add(session.query(*queries.privileges(granted.subjects)))
    endpoint = session.login.endpoint
    return MySQLObserved(
        accounts={name: users.account(name, granted) for name in subjects},
        expired=users.expired,
        login=own,
        title=session.login.title,
        master=endpoint.master_user,
        dialect=dialect,
        folds_names=folds,
        resolves_hosts=not int(unresolved),
        plugin_active=plugin == "ACTIVE",
        iam_auth=endpoint.iam_auth,
        existing=frozenset(users.names),
        administered=frozenset(role for name in principals for role in granted.administered[name]),
        restrictions={name: users.restrictions[name] for name in users.names},
        known_dynamic=_known_dynamic(session, wanted),
        authority=Authority((frozenset(granted.grants[name]), users.restrictions.get(name, {})) for name in principals),
        objects=look_up(session, wanted, folds),
        doubled=granted.doubled,
        mandatory_roles=role_list(str(mandatory or "")),
        role_edges=_role_edges(session) if _gain_roles(wanted, granted, users.names) else {},
        leaving=read_leaving(session, wanted, subjects, users.names),
    )


def login_name(text: str) -> AccountName:
    name, _at, host = text.rpartition("@")
    return AccountName(name, host.lower())


def _names(wanted: Sequence[ParsedAccount], principals: Iterable[AccountName]) -> set[str]:
    """Every name that the task may mean."""
    names = {"", *(name.name for name in principals)}
    for account in wanted:
        names.add(account.name.name)
        names.update(name for role in account.roles or () for name in role_names(role))
    return names


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
            authentication=_authentication(plugin, authentication),
            locked=locked == "Y",
            tls=tls,
            connection_limit=int(limit) or -1,
            comment=_comment(attributes),
            roles=frozenset(granted.roles[name]),
            default_roles=frozenset(granted.default_roles[name]),
            grants=frozenset(granted.grants[name]),
        )


def _authentication(plugin: str, authentication: str | None) -> str:
    if plugin != PLUGIN:
        return PASSWORD
    return IAM if authentication == AUTHENTICATION_STRING else IAM_BROKEN


def _comment(attributes: Mapping[str, Any]) -> str:
    comment = (attributes.get("metadata") or {}).get("comment", "")
    return comment if isinstance(comment, str) else json.dumps(comment)


def _restrictions(attributes: Mapping[str, Any]) -> Restrictions:
    found: dict[str, frozenset[str]] = {}
    for restriction in attributes.get("Restrictions") or ():
        found[restriction["Database"]] = frozenset(restriction["Privileges"])
    return found


def _known_dynamic(session: Session, wanted: Sequence[ParsedAccount]) -> frozenset[str]:
    named = {
        privilege.name
        for account in wanted
        for grant in account.grants or ()
        if grant.scope.kind == "GLOBAL"
        for privilege in grant.privileges
    }
    if all(name in STATIC_PRIVILEGES or "_" not in name for name in named):
        return frozenset()
    return frozenset(str(row[0]).upper() for row in session.query(queries.KNOWN_PRIVILEGES))


def _gain_roles(wanted: Sequence[ParsedAccount], granted: GrantedRows, existing: Collection[AccountName]) -> bool:
    """Whether accounts that exist, and may be roles themselves, get roles that they have not."""
    return any(
        find_role(role, existing) not in granted.roles[account.name]
        for account in wanted
        if account.name in existing
        for role in account.roles or ()
    )


def _role_edges(session: Session) -> dict[AccountName, set[AccountName]]:
    edges: dict[AccountName, set[AccountName]] = {}
    for user, host, role, role_host in session.query(ROLE_EDGES):
        edges.setdefault(AccountName(user, host.lower()), set()).add(AccountName(role, role_host.lower()))
    return edges

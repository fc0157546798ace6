# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Reads a server: which queries are asked, in which order, and what is made of the answers.

A login that may not read the grant tables fails with the server's error (``connection/errors.py``); facts go on without
(``facts/survey.py``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.base import (
    Others,
    ParsedAccount,
    Requests,
    Session,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog import queries
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.access import GrantTables
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.grantor import authority_of_login
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.objects import (
    Objects,
    build_objects,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.observed import MySQLObserved
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.roles import (
    RoleEdges,
    build_role_edges,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.rows import (
    GrantedRows,
    KnownPrivilegeRow,
    ObjectRow,
    RoleEdgeRow,
    ServerRow,
    UserRow,
    UserRows,
    build_granted,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.drop.dependencies import (
    Dependencies,
    read_dependencies,
    sees_all_routines,
    unseen_definers,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.names import (
    find_role,
    is_reserved,
    login_name,
    role_list,
    role_names,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.objects import canonical
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.privileges import (
    STATIC_PRIVILEGES,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import AccountName, Scope


def observe(session: Session, wanted: Sequence[ParsedAccount], others: Others) -> MySQLObserved:
    """Nine queries at most, ten where roles are granted or sessions end. Raises StatementFailed, ConnectionLost."""
    server = ServerRow(*session.query(queries.SERVER)[0])
    principals = server.principals
    users = _read_users(session, wanted, principals, others)
    requests = Requests(wanted)
    subjects = requests.subjects(users.names) | (users.iam if others is Others.ACCOUNTS else set())
    looked_up = subjects.union(_alike(wanted, users.names), principals)
    granted = build_granted(server, users, looked_up, session.query(*queries.privileges(looked_up)))
    created = _created(wanted, users.names)
    dependencies = read_dependencies(session, requests, subjects, users.names, created)
    asked = _asked(wanted, server.folds_names)
    tables = GrantTables(server.dialect, granted.grants, users.restrictions)
    authority = authority_of_login(server, tables)
    objects = _look_up(session, wanted, server.folds_names, granted.lost)
    granted.forget(granted.lost - objects.scopes if sees_all_routines(authority) else ())
    return MySQLObserved(
        accounts={name: users.account(name, granted, asked.get(name, ())) for name in subjects},
        iam_accounts=[name for name in users.iam if not is_reserved(name.name)],
        expired=users.expired,
        login=principals[0],
        user=login_name(server.client).name,
        client=server.known_client,
        title=session.login.title,
        master=session.login.endpoint.master_user,
        dialect=server.dialect,
        folds_names=server.folds_names,
        resolves_hosts=server.resolves_hosts,
        authentication_policy=server.authentication_policy,
        plugin_active=server.plugin_active,
        iam_auth=session.login.endpoint.iam_auth,
        existing=frozenset(users.names),
        unlocked=users.unlocked,
        group_roles=frozenset(users.group_roles & subjects),
        password_rules=users.password_rules(subjects),
        administered=frozenset(role for name in principals for role in granted.administered[name]),
        admin_roles=granted.administered,
        proxied=granted.proxied,
        known_dynamic=_known_dynamic(session, wanted),
        grant_tables=tables,
        authority=authority,
        objects=objects,
        doubled=granted.doubled,
        mandatory_roles=role_list(server.mandatory_roles or ""),
        system_users=frozenset(granted.system_users),
        activates_all_roles=bool(int(server.activate_all_roles)),
        role_edges=_role_edges(session, dependencies, _gain_roles(wanted, granted, users.names)),
        dependencies=dependencies,
        unseen_definers=unseen_definers(session, created, authority),
    )


def _read_users(
    session: Session, wanted: Sequence[ParsedAccount], principals: Iterable[AccountName], others: Others
) -> UserRows:
    rows = session.query(*queries.accounts(_names(wanted, principals), others))
    return UserRows(UserRow(*row) for row in rows)


def _created(wanted: Sequence[ParsedAccount], existing: Collection[AccountName]) -> set[AccountName]:
    return {account.name for account in wanted if account.request.present} - set(existing)


def _alike(wanted: Sequence[ParsedAccount], existing: Iterable[AccountName]) -> set[AccountName]:
    """Of the same names: without active roles, their grants may count for the accounts of the task."""
    names = {account.name.name for account in wanted}
    return {name for name in existing if name.name in names}


def _names(wanted: Sequence[ParsedAccount], principals: Iterable[AccountName]) -> set[str]:
    """Every name that the task may mean."""
    names = {"", *(name.name for name in principals)}
    for account in wanted:
        names.add(account.name.name)
        names.update(name for role in account.roles or () for name in role_names(role))
    return names


def _known_dynamic(session: Session, wanted: Sequence[ParsedAccount]) -> frozenset[str]:
    if all(name in STATIC_PRIVILEGES or "_" not in name for name in _global_privileges(wanted)):
        return frozenset()
    rows = (KnownPrivilegeRow(*row) for row in session.query(queries.KNOWN_PRIVILEGES))
    return frozenset(row.privilege.upper() for row in rows)


def _global_privileges(wanted: Sequence[ParsedAccount]) -> Iterator[str]:
    for account in wanted:
        for grant in account.grants or ():
            if grant.scope.kind == "GLOBAL":
                yield from (privilege.name for privilege in grant.privileges)


def _gain_roles(wanted: Sequence[ParsedAccount], granted: GrantedRows, existing: Collection[AccountName]) -> bool:
    """Whether accounts that exist, and may be roles themselves, get roles that they have not."""
    return any(
        find_role(role, existing) not in granted.roles[account.name]
        for account in wanted
        if account.name in existing
        for role in account.roles or ()
    )


def _asked(wanted: Sequence[ParsedAccount], folds_names: bool) -> dict[AccountName, set[Scope]]:
    """What the grants of each account are on."""
    return {account.name: {canonical(grant.scope, folds_names) for grant in account.grants or ()} for account in wanted}


def _role_edges(session: Session, dependencies: Dependencies, gain_roles: bool) -> RoleEdges:
    if not (gain_roles or dependencies.sessions):
        return {}
    return build_role_edges(RoleEdgeRow(*row) for row in session.query(queries.ROLE_EDGES))


def _look_up(
    session: Session, wanted: Sequence[ParsedAccount], folds_names: bool, routines: Iterable[Scope]
) -> Objects:
    """One query, or none if no database is named. ``routines``: others that are looked up."""
    named = {*_named_objects(wanted, folds_names), *((routine, False) for routine in routines)}
    if not named:
        return Objects()
    scopes = {scope for scope, _has_columns in named}
    query = queries.objects(
        {scope.path[0] for scope in scopes},
        _pairs(scopes, "TABLE"),
        _pairs({scope for scope, has_columns in named if has_columns}, "TABLE"),
        _pairs(scopes, "FUNCTION", "PROCEDURE"),
    )
    return build_objects((ObjectRow(*row) for row in session.query(*query)), folds_names)


def _named_objects(wanted: Sequence[ParsedAccount], folds_names: bool) -> Iterator[tuple[Scope, bool]]:
    """Each object, and whether the grant names columns of it."""
    for account in wanted:
        for grant in account.grants or ():
            if grant.scope.kind not in ("GLOBAL", "PATTERN"):
                has_columns = any(privilege.columns for privilege in grant.privileges)
                yield canonical(grant.scope, folds_names), has_columns


def _pairs(scopes: set[Scope], *kinds: str) -> set[tuple[str, str]]:
    return {(scope.path[0], scope.path[1]) for scope in scopes if scope.kind in kinds}

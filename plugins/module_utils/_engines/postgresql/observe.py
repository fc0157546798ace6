# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Reads a cluster: which queries are asked, in which order, and what is made of the answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.base import ParsedAccount, Row
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog import queries, rows
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.observed import (
    PostgreSQLObserved,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.roles import Roles, oids
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.connection.session import (
    PostgreSQLSession,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.drop.code import build_code
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.drop.dependencies import (
    DROP,
    REASSIGN,
    build_obstacles,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.drop.queries import (
    read_code,
    read_handover,
    read_obstacles,
    read_successors,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.grammar.arguments import (
    is_unqualified,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.grammar.objects import (
    ANY_SIGNATURE,
    ARGUMENT_SEPARATOR,
    DEFAULT_SCHEMAS,
    FUTURE,
    PARENT,
    SHARED_KINDS,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.iam_login import (
    RDS_AD,
    RDS_IAM,
    half_gone,
    is_account,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import AccountName, Scope

_CLASSES = {
    "TABLE": "RELATION",
    "SEQUENCE": "RELATION",
    "FUNCTION": "ROUTINE",
    "PROCEDURE": "ROUTINE",
    "ROUTINE": "ROUTINE",
    "TYPE": "TYPE",
    "DOMAIN": "TYPE",
    "ALL TABLES": "RELATION",
    "ALL SEQUENCES": "RELATION",
    "ALL FUNCTIONS": "ROUTINE",
    "ALL PROCEDURES": "ROUTINE",
    "ALL ROUTINES": "ROUTINE",
}


_PUBLIC_OID = 0


def observe(session: PostgreSQLSession, wanted: Sequence[ParsedAccount], all_accounts: bool) -> PostgreSQLObserved:
    listed = {account.name.name for account in wanted}
    names = listed | (set(queries.read_iam_accounts(session)) if all_accounts else set())
    master = session.login.endpoint.master_user
    others = [RDS_IAM, RDS_AD, *([master] if master else []), *named_roles(wanted)]
    role_rows, membership_rows = queries.read_roles(session, sorted(names), others)
    roles = rows.build_roles(role_rows, membership_rows)
    accounts = {name for name in names if name in listed or is_account(name, roles)}
    going = {account.name.name for account in wanted if not account.request.present} | (accounts - listed)
    numbers = oids(roles.by_name, accounts)
    login_roles = oids(roles.by_name, {session.user} | roles.reachable(session.user, lambda membership: True))
    watched = sorted({*numbers, *login_roles, _PUBLIC_OID})
    shared = queries.read_shared(session, numbers, watched, named_parameters(wanted))
    databases = rows.build_databases(shared.objects)
    visible = {name for name, database in databases.items() if database.connectable}
    looked_for = wanted_objects(wanted, session.database)
    involved = visible & ({name for name in databases if databases[name].involved} | set(looked_for))
    builder = rows.CatalogueBuilder()
    builder.add_shared(shared)
    departure = _Departure(session, wanted, oids(roles.by_name, going), roles, sorted(visible))
    departure.read(session.database, shared=True)
    for database in sorted(involved):
        found = queries.read_database(session, database, looked_for.get(database, frozenset()), numbers, watched)
        builder.add_database(database, found)
        if database != session.database:
            departure.read(database, shared=False)
    catalogue = builder.build()
    return PostgreSQLObserved(
        accounts=rows.build_accounts(sorted(accounts), roles, catalogue, builder.entries),
        expired=rows.expired_passwords(role_rows),
        login=AccountName(session.user),
        title=session.login.title,
        iam_auth=session.login.endpoint.iam_auth,
        master=master,
        major=session.major,
        self_grant=role_rows[0][7],
        on_rds=role_rows[0][8],
        connected=frozenset(row[1] for row in role_rows if row[9]),
        of_superusers=frozenset(row[1] for row in role_rows if row[10]),
        database=session.database,
        locks=session.locks,
        roles=roles,
        databases=databases,
        catalogue=catalogue,
        namesakes=queries.read_namesakes(session, sorted(listed - set(roles.by_name))),
        obstacles=build_obstacles(departure.rows),
        advantages=departure.advantages(),
        code=build_code(departure.code),
        half_gone=half_gone(accounts, roles),
    )


class _Departure:
    """Reads what keeps accounts from leaving, one database after the other."""

    def __init__(
        self,
        session: PostgreSQLSession,
        wanted: Sequence[ParsedAccount],
        going: Sequence[int],
        roles: Roles,
        visible: Sequence[str],
    ) -> None:
        """``visible``: the databases that the login may connect to."""
        self._session, self._going, self._visible = session, going, visible
        lasting = {account.name.name for account in wanted if not account.request.terminate_sessions}
        self._ending = sorted(set(going) - set(oids(roles.by_name, lasting)))
        self._reassigned: dict[int, int] = {}
        self._dropped: list[int] = []
        self.rows: dict[str, list[Row]] = {}
        self.code: dict[str, list[Row]] = {}
        for account in wanted:
            role, successor = (roles.by_name.get(n) for n in (account.name.name, account.request.reassign_owned_to))
            if role is None or account.request.present:
                continue
            if account.request.owned_objects == REASSIGN:
                self._reassigned[role.oid] = successor.oid if successor is not None else _PUBLIC_OID
            elif account.request.owned_objects == DROP:
                self._dropped.append(role.oid)

    def read(self, database: str, shared: bool) -> None:
        self.rows[database] = [
            *read_obstacles(self._session, database, self._going, self._ending, shared, self._visible),
            *read_handover(self._session, database, self._reassigned, self._dropped),
        ]
        self.code[database] = read_code(self._session, database, self._reassigned)

    def advantages(self) -> dict[str, tuple[str, ...]]:
        found: dict[str, list[str]] = {}
        for account, text in read_successors(self._session, self._reassigned):
            found.setdefault(account, []).append(text)
        return {account: tuple(texts) for account, texts in found.items()}


def wanted_objects(accounts: Sequence[ParsedAccount], login_database: str) -> dict[str, frozenset[queries.Wanted]]:
    """What to look for, by database. Every database that a grant names is a key."""
    grants = {
        (grant.scope, privilege.columns != ())
        for account in accounts
        for grant in account.grants or ()
        for privilege in grant.privileges
        if grant.scope.kind not in SHARED_KINDS
    }
    found: dict[str, set[queries.Wanted]] = {}
    for scope, has_columns in grants:
        found.setdefault(scope.database or login_database, set()).update(_look_for(scope, has_columns))
    return {database: frozenset(wanted) for database, wanted in found.items()}


def _look_for(scope: Scope, has_columns: bool) -> Iterator[queries.Wanted]:
    kind, path = scope.kind, scope.path
    if kind.startswith((PARENT, FUTURE)):
        yield from (queries.Wanted("SCHEMA", "", schema) for schema in path)
        if kind in _CLASSES:
            yield queries.Wanted(_CLASSES[kind], path[0])
        return
    if kind not in _CLASSES:
        yield queries.Wanted(kind, "", path[0])
        return
    for schema in [path[0]] if path[0] else DEFAULT_SCHEMAS:
        yield queries.Wanted("SCHEMA", "", schema)
        yield queries.Wanted(_CLASSES[kind], schema, path[1])
        if has_columns:
            yield queries.Wanted("COLUMNS", schema, path[1])
    if scope.arguments not in ("", ANY_SIGNATURE):
        for text in scope.arguments.split(ARGUMENT_SEPARATOR):
            yield queries.Wanted("ARGUMENT", "public" if is_unqualified(text) else "", text)


def named_roles(accounts: Sequence[ParsedAccount]) -> list[str]:
    """Every role that the task names beside its accounts."""
    roles = {role for account in accounts for role in account.roles or ()}
    owners = {grant.scope.owner for account in accounts for grant in account.grants or ()}
    successors = {account.request.reassign_owned_to for account in accounts if not account.request.present}
    return sorted((roles | owners | successors) - {""})


def named_parameters(accounts: Sequence[ParsedAccount]) -> list[str]:
    return sorted(
        {
            grant.scope.path[0]
            for account in accounts
            for grant in account.grants or ()
            if grant.scope.kind == "PARAMETER"
        }
    )

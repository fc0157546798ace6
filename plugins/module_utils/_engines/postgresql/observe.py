# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Reads a cluster: which queries are asked, in which order, and what is made of the answers."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.base import Others, ParsedAccount
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog import queries
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.objects import (
    Database,
    Entry,
    SecuredObject,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.observed import (
    PostgreSQLObserved,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.queries import Wanted
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.roles import (
    MEMBERSHIP_OPTIONS,
    RDS_SUPERUSER,
    Membership,
    Roles,
    any_membership,
    inherits,
    oids,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.rows import (
    CatalogueBuilder,
    CreatorRow,
    DatabaseRows,
    EntryRow,
    ObjectRow,
    RoleRow,
    SharedEntryRow,
    SharedObjectRow,
    SharedRows,
    build_accounts,
    build_databases,
    build_roles,
    expired_passwords,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.connection.session import (
    PostgreSQLSession,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.drop.code import (
    build_code,
    build_needs,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.drop.dependencies import (
    Dependencies,
    build_obstacles,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.grammar.kinds import (
    CLUSTER,
    FUTURE,
    PARENT,
    SCHEMA,
    kind_of,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.grammar.names import is_reserved
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.grammar.objects import (
    ANY_SIGNATURE,
    ARGUMENT_SEPARATOR,
    DEFAULT_SCHEMAS,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.iam_login import (
    RDS_AD,
    RDS_IAM,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import AccountName, Scope

_PUBLIC_OID = 0


def observe(session: PostgreSQLSession, wanted: Sequence[ParsedAccount], others: Others) -> PostgreSQLObserved:
    """Seven queries, two more for owners of whom nothing is known yet, two for each further database that is involved,
    and one for each database in which creators are meant. Raises StatementFailed, ConnectionLost."""
    listed = {account.name.name for account in wanted}
    role_rows, iam_accounts = _role_rows(session, sorted(listed), wanted, others)
    names = listed.union(iam_accounts if others is Others.ACCOUNTS else ())
    roles = _build_roles(session, role_rows, names)
    builder, dependencies, databases = _read_databases(session, wanted, roles, names)
    catalogue = builder.build(databases)
    endpoint = session.login.endpoint
    first = role_rows[0]
    if _may_join_strangers(session, roles, first.on_rds):
        named = _named_databases(wanted, session.database)
        roles = _with_roles(session, roles, _owners(named, builder, databases, names))
    return PostgreSQLObserved(
        accounts=build_accounts(sorted(names), roles, catalogue, builder.entries),
        iam_accounts=frozenset(map(AccountName, iam_accounts)),
        expired=expired_passwords(role_rows),
        login=AccountName(session.user),
        title=session.login.title,
        iam_auth=endpoint.iam_auth,
        master=endpoint.master_user,
        major=session.major,
        self_grant=first.self_grant,
        on_rds=first.on_rds,
        connected=frozenset(row.name for row in role_rows if row.connected),
        database=session.database,
        locks=session.locks,
        roles=roles,
        catalogue=catalogue,
        namesakes=_namesakes(session, sorted(listed - set(roles.by_name))),
        obstacles=build_obstacles(dependencies.rows),
        advantages=dependencies.advantages(),
        code=build_code(dependencies.code),
        needs=build_needs(dependencies.needs),
    )


def _read_databases(
    session: PostgreSQLSession, wanted: Sequence[ParsedAccount], roles: Roles, accounts: Collection[str]
) -> tuple[CatalogueBuilder, Dependencies, dict[str, Database]]:
    """What is shared, and every database that an account has something in or that a grant names. Which those are, and
    whether the login can connect to them, the server says (``queries.shared_objects``)."""
    numbers = oids(roles.by_name, accounts)
    login_roles = oids(roles.by_name, {session.user} | roles.reachable(session.user, any_membership))
    watched = sorted({*numbers, *login_roles, _PUBLIC_OID})
    shared = read_shared(session, numbers, watched, _named_parameters(wanted))
    databases = build_databases(shared.objects)
    visible = {name for name, database in databases.items() if database.connectable}
    looked_for = _wanted_objects(wanted, session.database)
    involved = visible & ({name for name in databases if databases[name].involved} | set(looked_for))
    builder = CatalogueBuilder()
    builder.add_shared(shared)
    present = {account.name.name for account in wanted if account.request.present}
    dependencies = Dependencies(session, wanted, oids(roles.by_name, set(accounts) - present), roles, sorted(visible))
    dependencies.read(session.database, shared=True)
    for database in sorted(involved):
        found = read_database(session, database, looked_for.get(database, frozenset()), numbers, watched)
        builder.add_database(database, found)
        if database != session.database:
            dependencies.read(database, shared=False)
    return builder, dependencies, databases


def _namesakes(session: PostgreSQLSession, missing: Sequence[str]) -> list[str]:
    return sorted(name for (name,) in session.query(*queries.namesakes(missing))) if missing else []


def _role_rows(
    session: PostgreSQLSession, names: Sequence[str], wanted: Sequence[ParsedAccount], others: Others
) -> tuple[list[RoleRow], list[str]]:
    """And the names of IAM-authenticated accounts."""
    master = session.login.endpoint.master_user
    more = [RDS_IAM, RDS_AD, *([master] if master else []), *_named_roles(wanted)]
    rows = session.query(*queries.roles(names, more, others, session.major))
    iam_accounts = [name for number, name, *_nothing in rows if number is None and not is_reserved(name)]
    return [RoleRow(*row) for row in rows if row[0] is not None], iam_accounts


def _build_roles(session: PostgreSQLSession, rows: Sequence[RoleRow], grantors: Collection[str]) -> Roles:
    granting = [row.oid for row in rows if row.name in grantors]
    return build_roles(rows, read_memberships(session, [row.oid for row in rows], granting))


def _may_join_strangers(session: PostgreSQLSession, roles: Roles, on_rds: bool) -> bool:
    """Whether the login administers roles in which it has no membership."""
    login = roles.by_name.get(session.user)
    if login is None or login.superuser:
        return False
    by_attribute = session.major < MEMBERSHIP_OPTIONS and login.creates_roles
    return by_attribute or (on_rds and RDS_SUPERUSER in roles.reachable(session.user, inherits))


def _owners(
    named: Collection[str], builder: CatalogueBuilder, databases: Mapping[str, Database], accounts: Collection[str]
) -> set[str]:
    """Who owns what the task names, and who has granted what the accounts have.

    named  databases on which the task grants something
    """
    held = [entry for entry in builder.entries if entry.grantee in accounts]
    concerned = {*named, *_concerned(held, builder.objects)}
    owners = {item.owner for item in builder.objects if kind_of(item.scope.kind).place != CLUSTER}
    owners = owners.union(*builder.creators.values())
    grantors = {entry.grantor for entry in held}
    return owners | grantors | {databases[name].owner for name in concerned if name in databases}


def _concerned(entries: Sequence[Entry], objects: Iterable[SecuredObject]) -> set[str]:
    """The databases that these are in or about."""
    scopes = [*(entry.scope for entry in entries), *(item.scope for item in objects)]
    about = {entry.scope.path[0] for entry in entries if entry.scope.kind == "DATABASE"}
    return about.union(scope.database for scope in scopes)


def _with_roles(session: PostgreSQLSession, roles: Roles, names: Collection[str]) -> Roles:
    """With these, and all that they are members of. Nobody becomes a member of a reserved role."""
    unknown = sorted(name for name in names if name not in roles.by_name and not is_reserved(name))
    if not unknown:
        return roles
    rows = [RoleRow(*row) for row in session.query(*queries.roles([], unknown, Others.NOTHING, session.major))]
    more = build_roles(rows, read_memberships(session, [row.oid for row in rows]))
    together = dict.fromkeys([*roles.memberships, *more.memberships])
    return Roles({**more.by_name, **roles.by_name}.values(), together)


def read_memberships(
    session: PostgreSQLSession, members: Sequence[int], grantors: Sequence[int] = ()
) -> list[Membership]:
    return [Membership(*row) for row in session.query(*queries.memberships(members, grantors, session.major))]


def read_shared(
    session: PostgreSQLSession, accounts: Sequence[int], roles: Sequence[int], parameters: Sequence[str] = ()
) -> SharedRows:
    """``accounts``: whose privileges; ``roles``: these, the login's roles and 0 for PUBLIC."""
    return SharedRows(
        [SharedObjectRow(*row) for row in session.query(*queries.shared_objects(accounts, parameters))],
        [SharedEntryRow(*row) for row in session.query(*queries.shared_entries(roles, accounts, session.major))],
    )


def read_database(
    session: PostgreSQLSession,
    database: str,
    wanted: Collection[Wanted],
    accounts: Sequence[int],
    roles: Sequence[int],
) -> DatabaseRows:
    """``accounts``, ``roles``: as for :func:`read_shared`."""
    objects = [ObjectRow(*row) for row in session.query(*queries.objects(wanted, accounts, session.major), database)]
    numbers = list(_own_lists(objects))
    entries = session.query(*queries.entries(numbers, roles, accounts, session.major), database) if numbers else []
    schemas = {item.name for item in wanted if item.kind == "CREATORS"}
    creators = session.query(*queries.creators(schemas, session.major), database) if schemas else []
    return DatabaseRows(
        objects,
        [EntryRow(*row) for row in entries],
        [CreatorRow(*row) for row in creators],
    )


def _own_lists(rows: Iterable[ObjectRow]) -> Iterator[tuple[int, int]]:
    """Catalogue and OID of what has an access list of its own: columns come with their table."""
    for row in rows:
        if row.oid and row.kind not in ("COLUMN", "ARGUMENT"):
            yield row.catalogue, row.oid


def _wanted_objects(accounts: Sequence[ParsedAccount], login_database: str) -> dict[str, frozenset[Wanted]]:
    """What to look for, by database. Every database that a grant names is a key."""
    grants = {
        (grant.scope, privilege.columns != ())
        for account in accounts
        for grant in account.grants or ()
        for privilege in grant.privileges
        if kind_of(grant.scope.kind).place != CLUSTER
    }
    found: dict[str, set[Wanted]] = {}
    for scope, has_columns in grants:
        found.setdefault(scope.database or login_database, set()).update(_look_for(scope, has_columns))
    return {database: frozenset(wanted) for database, wanted in found.items()}


def _look_for(scope: Scope, has_columns: bool) -> Iterator[Wanted]:
    kind, path = kind_of(scope.kind), scope.path
    if scope.kind.startswith((PARENT, FUTURE)):
        yield from (Wanted("SCHEMA", "", schema) for schema in path)
        if scope.kind.startswith(PARENT):
            yield Wanted(kind.catalog.table, path[0])
        elif not scope.owner:
            yield Wanted("CREATORS", "", path[0] if path else None)
        return
    if kind.place != SCHEMA:
        yield Wanted(kind.word, "", path[0])
        return
    yield from _look_for_one(scope, has_columns)


def _look_for_one(scope: Scope, has_columns: bool) -> Iterator[Wanted]:
    """An object of a schema, and the types of its arguments."""
    kind, path = kind_of(scope.kind), scope.path
    for schema in [path[0]] if path[0] else DEFAULT_SCHEMAS:
        yield Wanted("SCHEMA", "", schema)
        yield Wanted(kind.catalog.table, schema, path[1])
        if has_columns:
            yield Wanted("COLUMNS", schema, path[1])
    if scope.arguments not in ("", ANY_SIGNATURE):
        for text in scope.arguments.split(ARGUMENT_SEPARATOR):
            yield Wanted("ARGUMENT", "", text)


def _named_databases(accounts: Sequence[ParsedAccount], login_database: str) -> set[str]:
    """On which the task grants something; not those in which it does."""
    scopes = (grant.scope for account in accounts for grant in account.grants or ())
    return {name for scope in scopes if scope.kind == "DATABASE" for name in scope.path or (login_database,)}


def _named_roles(accounts: Sequence[ParsedAccount]) -> list[str]:
    """Every role that the task names beside its accounts."""
    roles = {role for account in accounts for role in account.roles or ()}
    owners = {grant.scope.owner for account in accounts for grant in account.grants or ()}
    new_owners = {account.request.reassign_owned_to for account in accounts if not account.request.present}
    return sorted((roles | owners | new_owners) - {""})


def _named_parameters(accounts: Sequence[ParsedAccount]) -> list[str]:
    return sorted(
        {
            grant.scope.path[0]
            for account in accounts
            for grant in account.grants or ()
            if grant.scope.kind == "PARAMETER"
        }
    )

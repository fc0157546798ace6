# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""What the queries answer: the columns of each by name, and roles, objects and accounts from them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.objects import (
    PUBLIC,
    Catalogue,
    Database,
    Entry,
    SecuredObject,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.roles import (
    Membership,
    Role,
    Roles,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.grammar.kinds import (
    FUTURE,
    KINDS,
    SIGNATURE,
    kind_of,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.iam_login import (
    RDS_IAM,
    authentication,
    without_marker,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import (
    Account,
    AccountName,
    Grant,
    Scope,
)

_FUTURE_KINDS = {FUTURE + kind.future: FUTURE + kind.plural for kind in KINDS if kind.future}


class RoleRow(NamedTuple):
    """``expired``: since when its password has expired; None where it has not. See also PostgreSQLObserved."""

    oid: int
    name: str
    can_login: bool
    superuser: bool
    creates_roles: bool
    connection_limit: int
    comment: str
    self_grant: str
    on_rds: bool
    connected: bool
    expired: str | None


class SurveyedRoleRow(NamedTuple):
    """``valid_until``: as text; ``over``: it is in the past."""

    oid: int
    name: str
    can_login: bool
    superuser: bool
    creates_roles: bool
    connection_limit: int
    comment: str
    bypasses_row_security: bool
    replicates: bool
    valid_until: str | None
    over: bool


class SharedObjectRow(NamedTuple):
    """``connectable``, ``involved``: of databases, see :class:`Database`; the last two: see :class:`SecuredObject`."""

    kind: str
    oid: int
    name: str
    owner: str
    connectable: bool
    involved: bool
    items: int
    size: int


class SharedEntryRow(NamedTuple):
    """``grantee``: None for PUBLIC."""

    kind: str
    name: str
    grantee: str | None
    grantor: str
    privilege: str
    grantable: bool


class ObjectRow(NamedTuple):
    """
    kind      of default privileges: FUTURE and the letter of pg_default_acl
    oid       of an argument: of its type; None if there is none
    schema    None for what is in no schema
    detail    a column's name, or a routine's arguments
    types     a routine's, by number; of a type: what to grant on in its place
    supplied  see :class:`SecuredObject`
    """

    kind: str
    catalogue: int
    oid: int | None
    schema: str | None
    name: str
    detail: str
    owner: str
    items: int
    size: int
    types: str
    is_domain: bool
    supplied: bool


class EntryRow(NamedTuple):
    catalogue: int
    oid: int
    column: str
    grantee: str | None
    grantor: str
    privilege: str
    grantable: bool


class CreatorRow(NamedTuple):
    """``owner``: of the schema or of something in it."""

    schema: str
    owner: str


class SharedRows(NamedTuple):
    objects: list[SharedObjectRow]
    entries: list[SharedEntryRow]


class DatabaseRows(NamedTuple):
    objects: list[ObjectRow]
    entries: list[EntryRow]
    creators: list[CreatorRow]


class OwnedRow(NamedTuple):
    owner: str
    database: str
    number: int


class OwnedObjectRow(NamedTuple):
    owner: str
    text: str


class SessionsRow(NamedTuple):
    role: str
    number: int


class PublicDatabaseRow(NamedTuple):
    """One for each privilege of PUBLIC, and for each further holder of CONNECT, who is the grantee then."""

    name: str
    quoted: str
    owner: str
    template: bool
    connectable: bool
    privilege: str | None
    grantee: str | None


class PublicGrantRow(NamedTuple):
    """``names``: the first of them, as a list in JSON."""

    kind: str
    privileges: str
    number: int
    names: str


class PublicEntryRow(NamedTuple):
    privilege: str
    schema: str
    text: str
    owner: str
    grantee: str | None


class LockHolderRow(NamedTuple):
    """
    pid            None for a prepared transaction, which ``prepared`` names
    administrator  it may be a run, by what its role may do
    own            the role is the login
    announced      it has only announced itself
    """

    pid: int | None
    prepared: str
    role: str
    client: str
    administrator: bool
    iam: bool
    own: bool
    announced: bool


def build_roles(rows: Iterable[RoleRow | SurveyedRoleRow], memberships: Iterable[Membership]) -> Roles:
    roles = (
        Role(row.name, row.oid, row.can_login, row.superuser, row.creates_roles, row.connection_limit, row.comment)
        for row in rows
    )
    return Roles(roles, memberships)


def build_databases(rows: Iterable[SharedObjectRow]) -> dict[str, Database]:
    return {
        row.name: Database(row.name, row.oid, row.owner, row.connectable, row.involved)
        for row in rows
        if row.kind == "DATABASE"
    }


class CatalogueBuilder:
    """Takes the rows of one database after the other."""

    def __init__(self) -> None:
        self.objects: list[SecuredObject] = []
        self.entries: list[Entry] = []
        self.types: dict[tuple[str, str], int] = {}
        self.creators: dict[tuple[str, str], set[str]] = {}

    def add_shared(self, rows: SharedRows) -> None:
        for row in rows.objects:
            self.objects.append(SecuredObject(Scope(row.kind, path=(row.name,)), row.owner, row.items, row.size))
        scopes: dict[tuple[str, str], Scope] = {}
        for entry in rows.entries:
            scope = scopes.setdefault((entry.kind, entry.name), Scope(entry.kind, path=(entry.name,)))
            self._add_entry(scope, entry)

    def add_database(self, database: str, rows: DatabaseRows) -> None:
        scopes = self._add_objects(database, rows.objects)
        for entry in rows.entries:
            key = (entry.catalogue, entry.oid, entry.column)
            if key not in scopes:
                table = scopes[(entry.catalogue, entry.oid, "")]
                scopes[key] = Scope(table.kind, database, table.path, column=entry.column)
            self._add_entry(scopes[key], entry)
        for creator in rows.creators:
            self.creators.setdefault((database, creator.schema), set()).add(creator.owner)

    def _add_objects(self, database: str, rows: Iterable[ObjectRow]) -> dict[tuple[int, int | None, str], Scope]:
        """Returns their scopes by catalogue, OID and column."""
        scopes: dict[tuple[int, int | None, str], Scope] = {}
        for row in rows:
            if row.kind == "ARGUMENT":
                if row.oid is not None:
                    self.types[(database, row.name)] = row.oid
                continue
            if row.kind.startswith(FUTURE):
                path: tuple[str, ...] = () if row.schema is None else (row.schema,)
                scopes[(row.catalogue, row.oid, "")] = Scope(_FUTURE_KINDS[row.kind], database, path, owner=row.owner)
                continue
            item = _secured_object(database, row)
            if row.kind != "COLUMN":
                scopes[(row.catalogue, row.oid, "")] = item.scope
            self.objects.append(item)
        return scopes

    def _add_entry(self, scope: Scope, row: SharedEntryRow | EntryRow) -> None:
        self.entries.append(Entry(scope, row.privilege, row.grantee or PUBLIC, row.grantor, row.grantable))

    def build(self, databases: Mapping[str, Database]) -> Catalogue:
        return Catalogue(self.objects, self.entries, self.types, self.creators, databases)


def _secured_object(database: str, row: ObjectRow) -> SecuredObject:
    path = (row.name,) if row.schema is None else (row.schema, row.name)
    if row.kind == "COLUMN":
        scope = Scope("TABLE", database, path, column=row.detail)
    else:
        scope = Scope(row.kind, database, path, row.detail)
    routine = kind_of(scope.kind).catalog.form == SIGNATURE
    arguments, instead = (row.types, "") if routine else ("", row.types)
    return SecuredObject(scope, row.owner, row.items, row.size, arguments, row.is_domain, instead, row.supplied)


def build_accounts(
    names: Iterable[str], roles: Roles, catalogue: Catalogue, entries: Iterable[Entry]
) -> dict[AccountName, Account]:
    """The accounts among ``names`` that exist."""
    existing = [name for name in names if name in roles.by_name]
    grants = _grants(existing, catalogue, entries)
    members = roles.members(RDS_IAM)
    accounts: dict[AccountName, Account] = {}
    for name in existing:
        role = roles.by_name[name]
        accounts[AccountName(name)] = Account(
            AccountName(name),
            authentication=authentication(name, members),
            locked=not role.can_login,
            connection_limit=role.connection_limit,
            comment=without_marker(role.comment),
            roles=frozenset(AccountName(parent) for parent in roles.direct(name) - {RDS_IAM}),
            default_roles=frozenset(
                AccountName(item.role) for item in roles.held_by(name) if item.inherits and item.role != RDS_IAM
            ),
            grants=grants[name],
        )
    return accounts


def _grants(names: Iterable[str], catalogue: Catalogue, entries: Iterable[Entry]) -> dict[str, frozenset[Grant]]:
    """What an owner has on its own object is not a grant."""
    grants: dict[str, dict[tuple[str, Scope], bool]] = {name: {} for name in names}
    for entry in entries:
        held = grants.get(entry.grantee)
        if held is not None and entry.grantee != catalogue.owner(entry.scope):
            key = (entry.privilege, entry.scope)
            held[key] = held.get(key, False) or entry.grantable
    return {
        name: frozenset(Grant(privilege, scope, option) for (privilege, scope), option in held.items())
        for name, held in grants.items()
    }


def expired_passwords(rows: Iterable[RoleRow]) -> dict[AccountName, str]:
    return {AccountName(row.name): row.expired for row in rows if row.expired}

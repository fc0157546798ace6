# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""From parsed accounts to what must be read, and from rows to what was observed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.base import ParsedAccount, Row
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog import queries
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.lock_marker import (
    without_marker,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.observed import (
    PUBLIC,
    Catalogue,
    Database,
    Entry,
    SecuredObject,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.roles import (
    RDS_IAM,
    Membership,
    Role,
    Roles,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.grammar.arguments import (
    is_unqualified,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.grammar.objects import (
    ANY_SIGNATURE,
    ARGUMENT_SEPARATOR,
    FUTURE,
    PARENT,
    SHARED_KINDS,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import (
    IAM,
    PASSWORD,
    Account,
    AccountName,
    Grant,
    Scope,
)

DEFAULT_SCHEMAS = ("pg_catalog", "public")
"""Where an unqualified name is looked up, in this order."""

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
_FUTURE_KINDS = {
    "r": "FUTURE TABLES",
    "S": "FUTURE SEQUENCES",
    "f": "FUTURE FUNCTIONS",
    "T": "FUTURE TYPES",
    "n": "FUTURE SCHEMAS",
    "L": "FUTURE LARGE OBJECTS",
}


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
    new_owners = {account.request.reassign_owned_to for account in accounts if not account.request.present}
    return sorted((roles | owners | new_owners) - {""})


def named_parameters(accounts: Sequence[ParsedAccount]) -> list[str]:
    return sorted(
        {
            grant.scope.path[0]
            for account in accounts
            for grant in account.grants or ()
            if grant.scope.kind == "PARAMETER"
        }
    )


def build_roles(roles: Iterable[Row], memberships: Iterable[Row]) -> Roles:
    return Roles(
        (Role(name, oid, *attributes[:5]) for oid, name, *attributes in roles),
        (Membership(*row) for row in memberships),
    )


def expired_passwords(rows: Iterable[Row]) -> dict[AccountName, str]:
    return {AccountName(row[1]): row[11] for row in rows if row[11]}


def build_databases(rows: Iterable[Row]) -> dict[str, Database]:
    return {
        name: Database(name, oid, owner, connectable, involved)
        for kind, oid, name, owner, connectable, involved, *_rest in rows
        if kind == "DATABASE"
    }


@dataclass
class CatalogueBuilder:
    """Takes the rows of one database after the other."""

    def __post_init__(self) -> None:
        self.objects: list[SecuredObject] = []
        self.entries: list[Entry] = []
        self.types: dict[tuple[str, str], int] = {}

    def add_shared(self, rows: queries.SharedRows) -> None:
        for kind, _oid, name, owner, _connectable, _involved, items, size in rows.objects:
            self.objects.append(SecuredObject(Scope(kind, path=(name,)), owner, items, size))
        scopes: dict[tuple[str, str], Scope] = {}
        for kind, name, grantee, grantor, privilege, grantable in rows.entries:
            scope = scopes.setdefault((kind, name), Scope(kind, path=(name,)))
            self.entries.append(Entry(scope, privilege, grantee or PUBLIC, grantor, grantable))

    def add_database(self, database: str, rows: queries.DatabaseRows) -> None:
        scopes: dict[tuple[int, int, str], Scope] = {}
        for row in rows.objects:
            kind, class_number, number, schema, name, detail, owner, items, size, types, is_domain = row
            if kind == "ARGUMENT":
                if number is not None:
                    self.types[(database, name)] = number
                continue
            path = (name,) if schema is None else (schema, name)
            if kind == "COLUMN":
                scope = Scope("TABLE", database, path, column=detail)
            else:
                scope = Scope(kind, database, path, detail)
                scopes[(class_number, number, "")] = scope
            arguments, instead = ("", types) if kind == "TYPE" else (types, "")
            self.objects.append(SecuredObject(scope, owner, items, size, arguments, is_domain, instead))
        for class_number, number, column, grantee, grantor, privilege, grantable in rows.entries:
            key = (class_number, number, column)
            if key not in scopes:
                table = scopes[(class_number, number, "")]
                scopes[key] = Scope(table.kind, database, table.path, column=column)
            self.entries.append(Entry(scopes[key], privilege, grantee or PUBLIC, grantor, grantable))
        for owner, schema, letter, grantee, grantor, privilege, grantable in rows.defaults:
            if letter not in _FUTURE_KINDS:
                continue
            within: tuple[str, ...] = () if schema is None else (schema,)
            scope = Scope(_FUTURE_KINDS[letter], database, within, owner=owner)
            self.entries.append(Entry(scope, privilege, grantee or PUBLIC, grantor, grantable))

    def build(self) -> Catalogue:
        return Catalogue(self.objects, self.entries, self.types)


def build_accounts(
    names: Iterable[str], roles: Roles, catalogue: Catalogue, entries: Iterable[Entry]
) -> dict[AccountName, Account]:
    """The accounts among ``names`` that exist. What an owner has on its own object is not a grant."""
    grants: dict[str, dict[tuple[str, Scope], bool]] = {name: {} for name in names if name in roles.by_name}
    for entry in entries:
        held = grants.get(entry.grantee)
        if held is not None and entry.grantee != catalogue.owner(entry.scope):
            key = (entry.privilege, entry.scope)
            held[key] = held.get(key, False) or entry.grantable
    members = roles.members(RDS_IAM)
    accounts: dict[AccountName, Account] = {}
    for name, held in grants.items():
        role = roles.by_name[name]
        accounts[AccountName(name)] = Account(
            AccountName(name),
            authentication=IAM if name in members else PASSWORD,
            locked=not role.can_login,
            connection_limit=role.connection_limit,
            comment=without_marker(role.comment),
            roles=frozenset(AccountName(parent) for parent in roles.direct(name) if parent != RDS_IAM),
            grants=frozenset(Grant(privilege, scope, option) for (privilege, scope), option in held.items()),
        )
    return accounts

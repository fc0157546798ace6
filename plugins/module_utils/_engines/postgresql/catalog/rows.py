# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""From parsed accounts to what must be read, and from rows to what was observed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.base import Row
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog import queries
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.observed import (
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
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.iam_login import (
    RDS_IAM,
    authentication,
    half_gone,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import (
    Account,
    AccountName,
    Grant,
    Scope,
)

_FUTURE_KINDS = {
    "r": "FUTURE TABLES",
    "S": "FUTURE SEQUENCES",
    "f": "FUTURE FUNCTIONS",
    "T": "FUTURE TYPES",
    "n": "FUTURE SCHEMAS",
    "L": "FUTURE LARGE OBJECTS",
}


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
    marks = half_gone(grants, roles)
    accounts: dict[AccountName, Account] = {}
    for name, held in grants.items():
        role = roles.by_name[name]
        accounts[AccountName(name)] = Account(
            AccountName(name),
            authentication=authentication(name, members, marks),
            locked=not role.can_login,
            connection_limit=role.connection_limit,
            comment=marks[name].comment if name in marks else role.comment,
            roles=frozenset(AccountName(parent) for parent in roles.direct(name) if parent != RDS_IAM),
            grants=frozenset(Grant(privilege, scope, option) for (privilege, scope), option in held.items()),
        )
    return accounts

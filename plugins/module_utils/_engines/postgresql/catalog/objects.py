# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""What accounts are granted privileges on, and the access lists of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.grouping import object_of
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.roles import DATABASE_OWNER
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.grammar.kinds import (
    SIGNATURE,
    kind_of,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import Scope

PUBLIC = ""
"""The grantee PUBLIC among grantees' names: no role has an empty name."""


@dataclass(frozen=True)
class Database:
    name: str
    oid: int
    owner: str
    connectable: bool
    """The login may connect to it."""
    involved: bool
    """An account of the task owns something in it or has a privilege there."""


@dataclass(frozen=True)
class SecuredObject:
    """Something that privileges are granted on.

    items, size     entries of its access list, and the bytes that the list takes (compressed)
    argument_types  a routine's, as the catalogue's type numbers separated by blanks
    instead         a type's: what to grant on, where it has no privileges of its own
    is_domain       of types
    supplied        of relations and routines: belongs to an extension or to a superuser
    """

    scope: Scope
    owner: str
    items: int = 0
    size: int = 0
    argument_types: str = ""
    is_domain: bool = False
    instead: str = ""
    supplied: bool = False


@dataclass(frozen=True)
class Entry:
    """One privilege in one access list. An account can hold the same privilege from several grantors."""

    scope: Scope
    privilege: str
    grantee: str
    grantor: str
    grantable: bool


class Catalogue:
    """The objects of all databases that were read, and who has which privilege on them."""

    def __init__(
        self,
        objects: Iterable[SecuredObject] = (),
        entries: Iterable[Entry] = (),
        types: Mapping[tuple[str, str], int] | None = None,
        creators: Mapping[tuple[str, str], Collection[str]] | None = None,
        databases: Mapping[str, Database] | None = None,
    ) -> None:
        """
        types     (database, type as a user wrote it) → its number in the catalogue
        creators  (database, schema) → who owns it or something in it
        """
        self.databases: Mapping[str, Database] = databases or {}
        self.objects: dict[Scope, SecuredObject] = {}
        self.types: Mapping[tuple[str, str], int] = types or {}
        self._creators = creators or {}
        self._in_schema: dict[tuple[str, str], list[SecuredObject]] = {}
        self._routines: dict[tuple[str, tuple[str, ...]], list[SecuredObject]] = {}
        for item in objects:
            self.objects[item.scope] = item
            if len(item.scope.path) == 2 and not item.scope.column:
                self._in_schema.setdefault((item.scope.database, item.scope.path[0]), []).append(item)
            if kind_of(item.scope.kind).catalog.form == SIGNATURE:
                self._routines.setdefault((item.scope.database, item.scope.path), []).append(item)
        self._entries: dict[tuple[Scope, str], list[Entry]] = {}
        self._by_grantor: dict[str, list[Entry]] = {}
        for entry in entries:
            self._entries.setdefault((entry.scope, entry.grantee), []).append(entry)
            self._by_grantor.setdefault(entry.grantor, []).append(entry)

    def in_schema(self, database: str, schema: str) -> list[SecuredObject]:
        return self._in_schema.get((database, schema), [])

    def creators(self, database: str, schema: str = "") -> set[str]:
        """Who owns the schema or something in it; without ``schema``, any schema that was read."""
        found = (names for key, names in self._creators.items() if key[0] == database and schema in ("", key[1]))
        return {name for names in found for name in names}

    def routines(self, database: str, path: tuple[str, ...]) -> list[SecuredObject]:
        """All overloads of one name."""
        return self._routines.get((database, path), [])

    def entries(self, scope: Scope, grantee: str) -> list[Entry]:
        return self._entries.get((scope, grantee), [])

    def granted_by(self, grantor: str) -> list[Entry]:
        return self._by_grantor.get(grantor, [])

    def owner(self, scope: Scope) -> str:
        """Of the object, or of the table that a column belongs to. FUTURE: whose new objects are meant."""
        if scope.owner:
            return scope.owner
        item = self.objects.get(object_of(scope))
        return item.owner if item else ""

    def owner_in_effect(self, scope: Scope) -> str:
        """pg_database_owner stands for the owner of the database."""
        owner = self.owner(scope)
        database = self.databases.get(scope.database)
        return database.owner if owner == DATABASE_OWNER and database is not None else owner

# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""What PUBLIC has, which is what every account has without a grant of its own, and what of it is a danger."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.base import Row
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.roles import (
    DATABASE_OWNER,
    Roles,
    inherits,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.rows import (
    PublicDatabaseRow,
    PublicEntryRow,
    PublicGrantRow,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.connection.session import (
    PostgreSQLSession,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.facts import queries
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.grammar.names import is_reserved
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import CannotConnect, StatementFailed
from ansible_collections.dbops.aurora_iam.plugins.module_utils._survey import (
    Exposure,
    Owned,
    PublicGrant,
    PublicRights,
    Unseen,
    first_of,
)

SHOWN = 20
"""Objects that are named, of each kind in each database."""

_READS_EVERYTHING = ("pg_read_all_data", "pg_write_all_data")
"""Roles that make no administrator, and whose members' code is a danger all the same.

https://www.postgresql.org/docs/current/predefined-roles.html
"""


@dataclass(frozen=True)
class _Database:
    """holders: whom CONNECT is granted to, where PUBLIC has it"""

    name: str
    quoted: str
    owner: str
    template: bool
    connectable: bool
    privileges: tuple[str, ...]
    holders: frozenset[str]


@dataclass
class Everybody:
    """
    public     what everybody has, by database
    exposures  what of it somebody should judge
    """

    roles: Roles
    administrators: Collection[str]
    public: list[PublicRights] = field(default_factory=list)
    exposures: list[Exposure] = field(default_factory=list)
    unseen: list[Unseen] = field(default_factory=list)

    def read(self, session: PostgreSQLSession) -> None:
        """Two queries, and two for each database. In a template no session is opened, because it would keep others
        from creating databases. Raises ConnectionLost, StatementFailed."""
        databases = list(_databases(PublicDatabaseRow(*row) for row in session.query(queries.PUBLIC_DATABASES)))
        shared = tuple(_grants(session.query(*queries.public_shared(SHOWN, session.major))))
        if shared:
            self.public.append(PublicRights("", shared))
        for database in databases:
            if not is_reserved(database.name):
                self._read_database(session, database)

    def _read_database(self, session: PostgreSQLSession, database: _Database) -> None:
        grants: list[PublicGrant] = []
        if database.privileges:
            grants = [PublicGrant(database.privileges, "DATABASE", 1, (database.quoted,))]
        entries: list[PublicEntryRow] = []
        if database.connectable and not database.template:
            try:
                grants += _grants(session.query(*queries.public_grants(SHOWN), database.name))
                entries = [PublicEntryRow(*row) for row in session.query(queries.PUBLIC_ENTRIES, (), database.name)]
            except (CannotConnect, StatementFailed) as error:
                self._miss(database.name, error.message.rstrip("."))
            finally:
                session.release(database.name)
        elif not database.template:
            self._miss(database.name, "the login may not connect to it; GRANT CONNECT ON DATABASE to the login")
        found = _Entries(entries, database.owner)
        code = [f"{text}, owner {owner}" for text, owner in sorted(found.code.items())]
        self.public.append(PublicRights(database.name, tuple(grants), Owned(len(code), tuple(code[:SHOWN]))))
        self.exposures += self._exposures(database, found)

    def _miss(self, database: str, why: str) -> None:
        self.unseen.append(Unseen("public", f"What PUBLIC has in database {database} is not shown, because {why}."))

    def _exposures(self, database: _Database, found: _Entries) -> Iterator[Exposure]:
        name = database.name
        if "CONNECT" in database.privileges and not database.template:
            command = f"REVOKE CONNECT ON DATABASE {database.quoted} FROM PUBLIC"
            yield Exposure(
                "public_connect",
                name,
                f"Every account can connect to database {name}, because PUBLIC has CONNECT on it; grant CONNECT to the "
                f"accounts that need it, then {command} ({self._lose([database.holders], 'CONNECT')}).",
            )
        schemas = sorted(found.creatable)
        if schemas:
            command = f"REVOKE CREATE ON SCHEMA {', '.join(schemas[:SHOWN])} FROM PUBLIC"
            yield Exposure(
                "public_create",
                name,
                f"Every account can create objects in {first_of(schemas, SHOWN)} of database {name}, such as functions "
                "that others call instead of those that they mean, because PUBLIC has CREATE on the schema; grant "
                f"CREATE to the accounts that need it, then {command} "
                f"({self._lose(found.creatable.values(), 'CREATE')}).",
            )
        code = sorted(text for text in found.code if self._is_dangerous(text, found))
        if code:
            listed = first_of([f"{text} of {found.code[text]}" for text in code], SHOWN)
            signatures = ", ".join(text.partition(" ")[2] for text in code[:SHOWN])
            yield Exposure(
                "public_definer_code",
                name,
                f"Every account can run code with the privileges of a stronger owner in database {name}, because it is "
                f"SECURITY DEFINER and PUBLIC has EXECUTE on it: {listed}; grant EXECUTE to the accounts that need it, "
                f"then REVOKE EXECUTE ON ROUTINE {signatures} FROM PUBLIC "
                f"({self._lose([found.executors[text] for text in code], 'EXECUTE')}).",
            )

    def _is_dangerous(self, text: str, found: _Entries) -> bool:
        """Where the owner is stronger than somebody who may use the schema."""
        if not self._is_stronger(found.code[text]):
            return False
        return any(not user or not self._is_stronger(user) for user in found.users[found.schema[text]])

    def _is_stronger(self, name: str) -> bool:
        return (
            is_reserved(name)
            or name in self.administrators
            or not self.roles.reachable(name, inherits).isdisjoint(_READS_EVERYTHING)
        )

    def _lose(self, lists: Iterable[Collection[str]], privilege: str) -> str:
        """The accounts that have one of the privileges by PUBLIC only."""
        logins = {
            role.name
            for role in self.roles.by_name.values()
            if role.can_login and not role.superuser and not is_reserved(role.name)
        }
        losing: set[str] = set()
        for holders in {frozenset(each) for each in lists}:
            losing |= logins - set(holders).union(*(self.roles.members(each, inherits) for each in holders))
        if not losing:
            return f"every account that can log in has {privilege} otherwise"
        number = "1 account has" if len(losing) == 1 else f"{len(losing)} accounts have"
        return f"{number} {privilege} by PUBLIC only and would lose it: {first_of(sorted(losing), SHOWN)}"


class _Entries:
    """The rows of ``queries.PUBLIC_ENTRIES``.

    code       a routine → its owner
    schema     a routine → its schema
    executors  a routine → whom EXECUTE is granted to, beside PUBLIC
    users      a schema of such code → whom USAGE is granted to; PUBLIC is the empty name
    creatable  a schema → whom CREATE is granted to, beside PUBLIC
    """

    def __init__(self, rows: Iterable[PublicEntryRow], owner: str) -> None:
        self.code: dict[str, str] = {}
        self.schema: dict[str, str] = {}
        self.executors: dict[str, set[str]] = defaultdict(set)
        self.users: dict[str, set[str]] = defaultdict(set)
        self.creatable: dict[str, set[str]] = defaultdict(set)
        by_privilege: Mapping[str, Callable[[str], set[str]]] = {
            "CREATE": lambda text: self.creatable[text],
            "EXECUTE": lambda text: self.executors[text],
        }
        for row in rows:
            # https://www.postgresql.org/docs/current/predefined-roles.html#PREDEFINED-ROLES
            holder = owner if row.grantee == DATABASE_OWNER else row.grantee or ""
            if row.privilege == "USAGE":
                self.users[row.schema].add(holder)
                continue
            if row.privilege == "EXECUTE":
                self.code[row.text], self.schema[row.text] = row.owner, row.schema
            holders = by_privilege[row.privilege](row.text)
            if holder:
                holders.add(holder)


def _databases(rows: Iterable[PublicDatabaseRow]) -> Iterator[_Database]:
    found: dict[str, list[PublicDatabaseRow]] = defaultdict(list)
    for row in rows:
        found[row.name].append(row)
    for name, of_database in sorted(found.items()):
        first = of_database[0]
        privileges = {row.privilege for row in of_database if row.privilege and row.grantee is None}
        holders = frozenset(row.grantee for row in of_database if row.privilege and row.grantee is not None)
        yield _Database(
            name, first.quoted, first.owner, first.template, first.connectable, tuple(sorted(privileges)), holders
        )


def _grants(rows: Iterable[Row]) -> Iterator[PublicGrant]:
    for row in map(PublicGrantRow._make, rows):
        yield PublicGrant(tuple(row.privileges.split(", ")), row.kind, int(row.number), tuple(json.loads(row.names)))

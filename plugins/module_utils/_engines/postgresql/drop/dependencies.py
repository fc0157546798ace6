# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""What keeps accounts from being dropped, and which of it each value of owned_objects takes care of."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.base import ParsedAccount, Row, Session
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.queries import Query
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.roles import Roles, oids
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.drop import queries
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.drop.code import (
    Advantage,
    AdvantageRow,
    CodeRow,
    NeedRow,
    build_advantages,
)

OWNED, SHARED_OWNED, POLICY, GRANTOR, INITIAL = "o", "D", "r", "a", "i"
SCHEMA, OUT_OF_SIGHT = "S", "d"

FAIL, REASSIGN, DROP = "fail", "reassign", "drop"

SOLVED = {
    FAIL: frozenset({INITIAL}),
    REASSIGN: frozenset({OWNED, SHARED_OWNED, POLICY, INITIAL}),
    DROP: frozenset({OWNED, SHARED_OWNED, POLICY, GRANTOR, INITIAL}),
}
"""What is left to REASSIGN OWNED and DROP OWNED. What they do not do, the server says when they are rehearsed: nobody
but a superuser can own some objects, and DROP OWNED drops neither databases nor subscriptions.

https://www.postgresql.org/docs/current/sql-drop-owned.html
"""
NO_OBSTACLE = frozenset({SCHEMA})

_SENTENCES = {
    OWNED: "owns {} (in database {database})",
    SHARED_OWNED: "owns {}",
    POLICY: "is named by {} (in database {database})",
    GRANTOR: "granted {}",
    OUT_OF_SIGHT: "owns something or has privileges in {}, to which the login may not connect",
}
_SHOWN = 10


class ObstacleRow(NamedTuple):
    """``number``: of all of this kind. ``description``: of one."""

    account: str
    kind: str
    number: int
    description: str


@dataclass(frozen=True)
class Obstacle:
    """Things of one kind that one account has in one database.

    names   described by the server; only the first ten of what is plainly owned
    number  of all
    """

    kind: str
    database: str
    names: tuple[str, ...]
    number: int

    def __str__(self) -> str:
        """What the account does or is; the account is the sentence's subject."""
        shown = self.names[:_SHOWN]
        more = f" and {self.number - len(shown)} more" if self.number > len(shown) else ""
        return _SENTENCES[self.kind].format(", ".join(shown) + more, database=self.database)


Obstacles = Mapping[str, Sequence[Obstacle]]


def build_obstacles(rows: Mapping[str, Iterable[ObstacleRow]]) -> dict[str, tuple[Obstacle, ...]]:
    """``rows`` by database."""
    found: dict[tuple[str, str, str], tuple[int, list[str]]] = {}
    for database, obstacles in rows.items():
        for row in obstacles:
            names = found.setdefault((row.account, database, row.kind), (row.number, []))[1]
            names.append(row.description)
    by_account: dict[str, list[Obstacle]] = {}
    for (account, database, kind), (number, names) in found.items():
        by_account.setdefault(account, []).append(Obstacle(kind, database, tuple(names), max(number, len(names))))
    return {account: tuple(items) for account, items in by_account.items()}


def databases_of(obstacles: Iterable[Obstacle], owned_objects: str) -> frozenset[str]:
    """Where REASSIGN OWNED and DROP OWNED have something to do."""
    return frozenset(item.database for item in obstacles if item.kind in SOLVED[owned_objects])


def names_of(obstacles: Iterable[Obstacle], kind: str, database: str = "") -> list[str]:
    """Described things of that kind; with ``database`` only those in it."""
    items = (item for item in obstacles if item.kind == kind and database in ("", item.database))
    return [name for item in items for name in item.names]


class Dependencies:
    """Reads what keeps accounts from being dropped, one database after the other."""

    def __init__(
        self,
        session: Session,
        wanted: Sequence[ParsedAccount],
        dropped: Sequence[int],
        roles: Roles,
        visible: Sequence[str],
    ) -> None:
        """``visible``: the databases that the login may connect to."""
        self._session, self._all, self._visible = session, dropped, visible
        lasting = {account.name.name for account in wanted if not account.request.terminate_sessions}
        self._ending = sorted(set(dropped) - set(oids(roles.by_name, lasting)))
        self._reassigned: dict[int, int] = {}
        self.rows: dict[str, list[ObstacleRow]] = {}
        self.code: dict[str, list[CodeRow]] = {}
        self.needs: dict[str, list[NeedRow]] = {}
        for account in wanted:
            role = roles.by_name.get(account.name.name)
            if role is None or account.request.present:
                continue
            if account.request.owned_objects == REASSIGN:
                owner = roles.by_name.get(account.request.reassign_owned_to)
                self._reassigned[role.oid] = owner.oid if owner is not None else 0

    def read(self, database: str, shared: bool) -> None:
        obstacles = queries.obstacles(self._all, self._ending, shared, self._visible)
        self.rows[database] = [ObstacleRow(*row) for row in self._ask(self._all, obstacles, database)]
        code, needs = queries.code(self._reassigned), queries.needs(self._reassigned)
        self.code[database] = [CodeRow(*row) for row in self._ask(self._reassigned, code, database)]
        self.needs[database] = [NeedRow(*row) for row in self._ask(self._reassigned, needs, database)]

    def advantages(self) -> dict[str, tuple[Advantage, ...]]:
        rows = self._ask(self._reassigned, queries.new_owners(self._reassigned))
        return build_advantages(AdvantageRow(*row) for row in rows)

    def _ask(self, accounts: Collection[int], query: Query, database: str = "") -> list[Row]:
        return self._session.query(*query, database) if accounts else []

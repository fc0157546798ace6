# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Reads what has to be dealt with before accounts are dropped: code, members, proxies, sessions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.base import Requests, Session
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.rows import (
    DependencyRow,
    SessionRow,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.drop import queries
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.drop.sessions import assign
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import AccountName, AccountRequest
from ansible_collections.dbops.aurora_iam.plugins.module_utils._plan import Executor


class DefinedObject(NamedTuple):
    """``kind``: VIEW, FUNCTION, PROCEDURE, TRIGGER or EVENT."""

    kind: str
    database: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind.lower()} {self.database}.{self.name}"


T = TypeVar("T", AccountName, DefinedObject)


@dataclass(frozen=True)
class Dependencies:
    """
    objects    of each account that may be dropped, what has it as definer
    members    of each, who has it as a role
    proxies    of each, who may act as it
    sessions   number → account; ``unclear``: those that may be of several accounts
    rds_kill   the server has the procedure mysql.rds_kill
    """

    objects: Mapping[AccountName, tuple[DefinedObject, ...]] = field(default_factory=dict)
    members: Mapping[AccountName, tuple[AccountName, ...]] = field(default_factory=dict)
    proxies: Mapping[AccountName, tuple[AccountName, ...]] = field(default_factory=dict)
    sessions: Mapping[int, AccountName] = field(default_factory=dict)
    unclear: tuple[str, ...] = ()
    rds_kill: bool = False


def read_dependencies(
    session: Session,
    requests: Requests,
    subjects: Collection[AccountName],
    existing: Collection[AccountName],
) -> Dependencies:
    """Raises StatementFailed, ConnectionLost."""
    asked = {name: requests.about(name) for name in subjects}
    dropped = {name for name, request in asked.items() if request is None or not request.present}
    ending = {name for name, request in asked.items() if _loses_sessions(request)}
    objects, members, proxies = obstacles(session, dropped)
    sessions, unclear, rds_kill = _sessions(session, ending, existing)
    return Dependencies(objects, members, proxies, sessions, tuple(unclear), rds_kill)


def _loses_sessions(request: AccountRequest | None) -> bool:
    """``request``: None for an account that no one listed."""
    if request is None:
        return True
    return request.terminate_sessions and (not request.present or bool(request.locked))


Objects = dict[AccountName, tuple[DefinedObject, ...]]
Names = dict[AccountName, tuple[AccountName, ...]]


def obstacles(session: Executor, accounts: Collection[AccountName]) -> tuple[Objects, Names, Names]:
    """For each account: what has it as definer, who has it as a role, and who may act as it."""
    objects: dict[AccountName, list[DefinedObject]] = defaultdict(list)
    others: dict[str, dict[AccountName, list[AccountName]]] = {
        "role of": defaultdict(list),
        "proxy": defaultdict(list),
    }
    by_text = {str(name): name for name in accounts}
    if accounts:
        found = session.query(*queries.obstacles(by_text, {name.name for name in accounts}))
        for row in map(DependencyRow._make, found):
            name = by_text.get(row.account)
            if name is None:
                continue
            if row.kind in others:
                others[row.kind][name].append(AccountName(row.first, row.second))
            else:
                objects[name].append(DefinedObject(row.kind, row.first, row.second))
    return _sorted(objects), _sorted(others["role of"]), _sorted(others["proxy"])


def _sorted(found: Mapping[AccountName, Iterable[T]]) -> dict[AccountName, tuple[T, ...]]:
    return {name: tuple(sorted(values)) for name, values in found.items()}


def _sessions(
    session: Session, ending: Collection[AccountName], existing: Collection[AccountName]
) -> tuple[dict[int, AccountName], list[str], bool]:
    if not ending:
        return {}, [], False
    found, unclear = open_sessions(session, ending, existing)
    return found, unclear, bool(found) and bool(session.query(queries.RDS_KILL))


def open_sessions(
    session: Executor, accounts: Collection[AccountName], existing: Collection[AccountName]
) -> tuple[dict[int, AccountName], list[str]]:
    """Of these accounts, by number; and those that may be of one of them or of another."""
    names = {account.name for account in accounts}
    rows = map(SessionRow._make, session.query(*queries.sessions(names)))
    found, unclear = assign((row for row in rows if row.user in names), existing)
    return {number: name for number, name in sorted(found.items()) if name in accounts}, unclear

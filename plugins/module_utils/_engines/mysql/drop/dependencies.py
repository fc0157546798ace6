# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Reads what has to be dealt with before accounts are dropped: code, members, proxies, sessions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.base import Requests, Session
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.grouping import batches
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql import statements
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.grantor import Authority
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.queries import MANY
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.rows import (
    DependencyRow,
    SessionRow,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.drop import queries
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.drop.sessions import assign
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.objects import GLOBAL
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import IamAuthDisabled, StatementFailed
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import AccountName, AccountRequest, Scope
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
    objects    of each account that may be dropped or created, what has it as definer
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
    created: Collection[AccountName],
) -> Dependencies:
    """Raises StatementFailed, ConnectionLost."""
    asked = {name: requests.about(name) for name in subjects}
    dropped = {name for name, request in asked.items() if request is None or not request.present}
    ending = {name for name, request in asked.items() if _loses_sessions(request)}
    objects, members, proxies = obstacles(session, dropped | set(created))
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
    return found, unclear, bool(session.query(queries.RDS_KILL))


def open_sessions(
    session: Executor, accounts: Collection[AccountName], existing: Collection[AccountName]
) -> tuple[dict[int, AccountName], list[str]]:
    """Of these accounts, by number; and those that may be of one of them or of another."""
    names = {account.name for account in accounts}
    rows = map(SessionRow._make, session.query(*queries.sessions(names)))
    found, unclear = assign((row for row in rows if row.user in names), existing)
    return {number: name for number, name in sorted(found.items()) if name in accounts}, unclear


_SEES_ROUTINES = ("SHOW_ROUTINE", "SELECT", "EXECUTE", "CREATE ROUTINE", "ALTER ROUTINE")
_SEES = (
    ("SHOW_ROUTINE", _SEES_ROUTINES),
    ("TRIGGER", ("TRIGGER",)),
    ("EVENT", ("EVENT",)),
)
"""What to ask for, and what else serves: for routines, triggers and events. TRIGGER shows views too.

https://dev.mysql.com/doc/refman/8.4/en/information-schema-routines-table.html

https://dev.mysql.com/doc/refman/8.4/en/information-schema-triggers-table.html

https://dev.mysql.com/doc/refman/8.4/en/information-schema-events-table.html
"""
_OF_SERVER = frozenset({"mysql", "sys", "performance_schema", "information_schema"})
"""Aurora and RDS let nobody create code in these, and revoke privileges on them even from the master user."""
_IS_DEFINER = "4006"
_ADOPT = ("ALLOW_NONEXISTENT_DEFINER", "SET_USER_ID")
"""The first since MySQL 8.2, the second until then."""


def missing_to_see(authority: Authority) -> list[str]:
    """Privileges without which the login may not see all code: ``TRIGGER ON *.*``. Empty where it sees all.

    information_schema leaves out without a word what the login has no privilege on.
    """
    return [f"{word} ON {where}" for word, privileges in _SEES for where in _hidden(authority, privileges)]


def sees_all_routines(authority: Authority) -> bool:
    return not list(_hidden(authority, _SEES_ROUTINES))


def _hidden(authority: Authority, privileges: tuple[str, ...]) -> Iterator[str]:
    everywhere = [privilege for privilege in privileges if authority.holds(privilege, GLOBAL)]
    if not everywhere:
        yield "*.*"
        return
    restricted = frozenset.intersection(*map(authority.restricted, everywhere))
    for name in sorted(restricted - _OF_SERVER):
        database = Scope("DATABASE", path=(name,))
        if not any(authority.holds(privilege, database) for privilege in privileges):
            yield f"{name}.*"


def unseen_definers(
    session: Executor, created: Collection[AccountName], authority: Authority
) -> frozenset[AccountName]:
    """Those that the server does not let the login create, because code has them as its definer. The server is asked
    where the login does not see all code. Raises ConnectionLost."""
    if may_adopt(authority) or not missing_to_see(authority):
        return frozenset()
    found = (_refused_of(session, batch) for batch in batches(sorted(created), MANY))
    return frozenset[AccountName]().union(*found)


def _refused_of(session: Executor, names: Sequence[AccountName]) -> Sequence[AccountName]:
    """By halves: the server's number does not say which one it is."""
    if not _is_refused(session, names):
        return ()
    if len(names) == 1:
        return names
    middle = len(names) // 2
    return [*_refused_of(session, names[:middle]), *_refused_of(session, names[middle:])]


def _is_refused(session: Executor, names: Sequence[AccountName]) -> bool:
    try:
        session.query(statements.try_to_create_users(names))
    except (StatementFailed, IamAuthDisabled) as error:
        return isinstance(error, StatementFailed) and error.code == _IS_DEFINER
    return False


def may_adopt(authority: Authority) -> bool:
    """Whether the server lets the login create an account that existing code has as its definer (otherwise error 4006).

    https://dev.mysql.com/doc/refman/8.4/en/stored-objects-security.html#stored-objects-security-orphan-objects
    """
    return any(authority.holds_dynamic(privilege) for privilege in _ADOPT)

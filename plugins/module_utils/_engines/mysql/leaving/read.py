# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Reads what stands between accounts and their leaving: code, members, proxies, sessions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.base import ParsedAccount, Session
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.leaving import observe
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.leaving.code import (
    COPY_PREFIX,
    ROUTINES,
    Code,
    DefinedObject,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.leaving.sessions import assign
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.names import find_role
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.scope import identifier
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import Refused
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import AccountName

T = TypeVar("T", AccountName, DefinedObject)


@dataclass(frozen=True)
class Leaving:
    """
    objects    of each account that may be dropped, what has it as definer
    members    of each, who has it as a role
    proxies    of each, who may act as it
    heirs      to whom an account's objects go, by its request; None if there is no such account
    code       what is handed over, by the account that it is of
    sessions   number → account; ``unclear``: those that may be of several accounts
    rds_kill   the server has the procedure mysql.rds_kill
    takes_code the login may create triggers and functions without SUPER
    """

    objects: Mapping[AccountName, tuple[DefinedObject, ...]] = field(default_factory=dict)
    members: Mapping[AccountName, tuple[AccountName, ...]] = field(default_factory=dict)
    proxies: Mapping[AccountName, tuple[AccountName, ...]] = field(default_factory=dict)
    heirs: Mapping[AccountName, AccountName | None] = field(default_factory=dict)
    code: Mapping[AccountName, tuple[Code, ...]] = field(default_factory=dict)
    sessions: Mapping[int, AccountName] = field(default_factory=dict)
    unclear: tuple[str, ...] = ()
    rds_kill: bool = False
    takes_code: bool = True


def read(
    session: Session,
    wanted: Sequence[ParsedAccount],
    subjects: Collection[AccountName],
    existing: Collection[AccountName],
) -> Leaving:
    """Raises StatementFailed, ConnectionLost."""
    requests = {account.name: account.request for account in wanted if account.name in subjects}
    leaving = {name for name in subjects if name not in requests or not requests[name].present}
    ending = {
        name
        for name in subjects
        if name not in requests or (requests[name].terminate_sessions and (name in leaving or requests[name].locked))
    }
    heirs = {
        name: find_role(request.reassign_owned_to, existing)
        for name, request in requests.items()
        if name in leaving and request.owned_objects == "reassign"
    }
    objects, members, proxies = _obstacles(session, leaving)
    code, takes_code = _handed_over(session, objects, heirs, leaving) if any(heirs.values()) else ({}, True)
    if session.login.transport is not None and any(
        item.object.kind != "EVENT" for items in code.values() for item in items
    ):
        raise Refused(no_code(session.login.title))
    sessions, unclear, rds_kill = _sessions(session, ending, existing)
    return Leaving(objects, members, proxies, heirs, code, sessions, tuple(unclear), rds_kill, takes_code)


def no_code(title: str) -> str:
    return (
        f"The Data API carries one statement at a time, so that code on {title} which is given another definer would "
        "be gone between two of them; use another login_method for this account, or owned_objects: drop."
    )


Objects = dict[AccountName, tuple[DefinedObject, ...]]
Names = dict[AccountName, tuple[AccountName, ...]]


def _obstacles(session: Session, leaving: Collection[AccountName]) -> tuple[Objects, Names, Names]:
    objects: dict[AccountName, list[DefinedObject]] = defaultdict(list)
    others: dict[str, dict[AccountName, list[AccountName]]] = {
        "role of": defaultdict(list),
        "proxy": defaultdict(list),
    }
    by_text = {str(name): name for name in leaving}
    if leaving:
        for kind, owner, first, second, security, detail, table in session.query(
            *observe.obstacles(by_text, {name.name for name in leaving})
        ):
            name = by_text.get(owner)
            if name is None:
                continue
            if kind in others:
                others[kind][name].append(AccountName(first, second))
            else:
                objects[name].append(DefinedObject(kind, first, second, security == "INVOKER", detail, table))
    return _sorted(objects), _sorted(others["role of"]), _sorted(others["proxy"])


def _sorted(found: Mapping[AccountName, Iterable[T]]) -> dict[AccountName, tuple[T, ...]]:
    return {name: tuple(sorted(values)) for name, values in found.items()}


def _sessions(
    session: Session, ending: Collection[AccountName], existing: Collection[AccountName]
) -> tuple[dict[int, AccountName], list[str], bool]:
    if not ending:
        return {}, [], False
    found, unclear = open_sessions(session, ending, existing)
    return found, unclear, bool(found) and bool(session.query(observe.RDS_KILL))


def open_sessions(
    session: Session, accounts: Collection[AccountName], existing: Collection[AccountName]
) -> tuple[dict[int, AccountName], list[str]]:
    """Of these accounts, by number; and those that may be of one of them or of another."""
    names = {account.name for account in accounts}
    rows = [row for row in session.query(*observe.sessions(names)) if row[1] in names]
    found, unclear = assign(rows, existing)
    return {number: name for number, name in sorted(found.items()) if name in accounts}, unclear


def _handed_over(
    session: Session,
    objects: Objects,
    heirs: Mapping[AccountName, AccountName | None],
    leaving: Collection[AccountName],
) -> tuple[dict[AccountName, tuple[Code, ...]], bool]:
    code: dict[AccountName, list[Code]] = defaultdict(list)
    for name, heir in heirs.items():
        if heir is None:
            continue
        for item in objects.get(name, ()):
            code[name].append(_code(session, item, name, heir, leaving))
        originals = {(item.kind, item.database, item.name.lower()) for item in objects.get(name, ())}
        for kind, _definer, database, copied, security in session.query(*observe.copies({str(heir)})):
            item = DefinedObject(kind, database, copied[len(COPY_PREFIX) :], security == "INVOKER")
            if (kind, database, item.name.lower()) not in originals:
                code[name].append(_code(session, item, heir, heir, leaving, copied=True))
    takes_code = bool(int(session.query(observe.TAKES_CODE)[0][0]))
    return {name: tuple(items) for name, items in code.items()}, takes_code


def _code(
    session: Session,
    item: DefinedObject,
    definer: AccountName,
    heir: AccountName,
    leaving: Collection[AccountName],
    copied: bool = False,
) -> Code:
    source = DefinedObject(item.kind, item.database, COPY_PREFIX + item.name) if copied else item
    row = session.query(observe.code(source))[0]
    if item.kind == "VIEW":
        return Code(item, definer, heir, row[1] or "", row[2], row[3])
    current = session.query(observe.COLLATION, (item.database,))[0][0]
    zone = row[2] if item.kind == "EVENT" else ""
    create, client, connection, collation = row[3:7] if item.kind == "EVENT" else row[2:6]
    return Code(
        item,
        definer,
        heir,
        create or "",
        client,
        connection,
        sql_mode=row[1],
        time_zone=zone,
        collation=collation,
        current=current,
        place=_place(session, item) if item.kind == "TRIGGER" else "",
        grants=_routine_grants(session, source, leaving) if item.kind in ROUTINES else (),
        garbled=item.kind in ROUTINES and _is_garbled(session, source, create or "", client, str(row[1])),
        copied=copied,
    )


def _is_garbled(session: Session, item: DefinedObject, create: str, client: str, sql_mode: str) -> bool:
    """SHOW CREATE converts all of a routine from the character set of its body, though what stands before the body is
    in UTF-8; and it escapes a comment with backslashes also where sql_mode makes them plain characters."""
    converted = not client.startswith("utf8") and not create.isascii()
    escaped = "NO_BACKSLASH_ESCAPES" in sql_mode and "\\" in create
    if not converted and not escaped:
        return False
    body = session.query(*observe.routine_body(item))[0][0]
    before = create[: -len(body)] if body and create.endswith(body) else create
    return (converted and not before.isascii()) or (escaped and "\\" in before)


def _place(session: Session, item: DefinedObject) -> str:
    names = [row[0] for row in session.query(*observe.triggers_beside(item))]
    position = names.index(item.name)
    if position:
        return f"FOLLOWS {identifier(names[position - 1])} "
    return f"PRECEDES {identifier(names[1])} " if len(names) > 1 else ""


def _routine_grants(
    session: Session, item: DefinedObject, leaving: Collection[AccountName]
) -> tuple[tuple[AccountName, tuple[str, ...]], ...]:
    rows = session.query(*observe.routine_grants(item))
    grants = {
        AccountName(user, host.lower()): tuple(sorted(word.upper() for word in words.split(",") if word))
        for user, host, words in rows
    }
    return tuple(sorted((name, words) for name, words in grants.items() if name not in leaving))

# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""The object clause of a grant: from what the user wrote to a Scope, and back.

A parsed scope may be one that only the catalogue can complete: ``ALL TABLES`` and its like, an empty schema (looked
up in pg_catalog and public), an empty database (the login's), a routine without signature (ANY_SIGNATURE), an empty
owner (who owns something there). ``resolve`` does that.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.grammar.arguments import (
    read_argument,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.grammar.kinds import (
    CLUSTER,
    FUTURE,
    KINDS,
    NUMBER,
    OTHER_PLURALS,
    PARENT,
    SCHEMA,
    SETTING,
    SIGNATURE,
    WORDS,
    kind_of,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.grammar.names import (
    Clause,
    check_name,
    fold,
    readable_identifier,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import InvalidOption, Where
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import GrantRequest, Scope

ANY_SIGNATURE = "*"
ARGUMENT_SEPARATOR = "\0"
"""Between the argument types of a parsed routine, as read_argument leaves them."""
DEFAULT_SCHEMAS = ("pg_catalog", "public")
"""Where an unqualified name is looked up, in this order."""

_NAMED = tuple(word for word in WORDS if kind_of(word).place != SCHEMA)
_IN_SCHEMA = tuple(word for word in WORDS if kind_of(word).place == SCHEMA)
_ALL_PLURALS = (*(kind.plural for kind in KINDS if kind.together), *OTHER_PLURALS)
_FUTURE_PLURALS = {
    **{kind.plural: kind.plural for kind in KINDS if kind.future},
    **{plural: kind_of(words[0]).plural for plural, words in OTHER_PLURALS.items()},
}
"""As written, and as default privileges have it."""
_PARAMETER_PART = re.compile(r"[A-Za-z_\u0080-\U0010ffff][A-Za-z0-9_$\u0080-\U0010ffff]*\Z")


def parse_scope(request: GrantRequest) -> Scope:
    """Raises InvalidOption."""
    for option, name in (("database", request.database), ("owner", request.owner)):
        if name:
            check_name(name, "the name", option)
    clause = Clause(request.on, "on")
    scope = _read(clause, request.database)
    clause.finish("name one object, and nothing after it")
    if scope.kind.startswith(FUTURE):
        return Scope(scope.kind, scope.database, scope.path, owner=request.owner)
    if request.owner:
        raise InvalidOption(
            f"owner belongs to FUTURE grants (FOR ROLE); leave it out with {request.on}.", Where(element="owner")
        )
    return scope


def _read(clause: Clause, database: str) -> Scope:
    for words, read in _READERS.items():
        if clause.keywords(*words.split()):
            return read(clause, database)
    for kind in _NAMED:
        if clause.keywords(*kind.split()):
            return _read_named(clause, database, kind)
    # GRANT … ON customers means a table, in SQL as well.
    kind = next((kind for kind in _IN_SCHEMA if clause.keywords(*kind.split())), "TABLE")
    path = clause.path(f"the name of a {kind}", 2)
    arguments = _signature(clause) if kind_of(kind).catalog.form == SIGNATURE else ""
    return Scope(kind, database, path if len(path) == 2 else ("", *path), arguments)


def _read_named(clause: Clause, database: str, kind: str) -> Scope:
    if kind_of(kind).place == CLUSTER:
        _refuse_database(clause, database, kind)
    if kind_of(kind).catalog.form == SETTING:
        return _read_parameter(clause, kind)
    if kind_of(kind).catalog.form == NUMBER:
        return Scope(kind, database, (clause.number(f"the number of a {kind}"),))
    return Scope(kind, database, clause.path(f"the name of a {kind}", 1))


def _read_database(clause: Clause, database: str) -> Scope:
    if clause.peek() is None:
        return Scope("DATABASE", path=(database,) if database else ())
    name = clause.name("the name of a database")
    if database and database != name:
        raise clause.error(f"names one database and the option database another ({database}); leave one of them out")
    return Scope("DATABASE", path=(name,))


def _refuse_database(clause: Clause, database: str, kind: str) -> None:
    if database:
        raise clause.error(f"belongs to the whole cluster: a {kind} is in no database; leave the option database out")


def _read_parameter(clause: Clause, kind: str) -> Scope:
    # The server stores parameter names in lower case, whatever their spelling in the manual.
    parts = [fold(part) for part in clause.path("a parameter name", 8)]
    if not all(map(_PARAMETER_PART.match, parts)):
        raise clause.error("is no name of a parameter: those consist of letters, digits, _ and $")
    return Scope(kind, path=(".".join(parts),))


def _read_all(clause: Clause, database: str) -> Scope:
    kind = next((kind for kind in _ALL_PLURALS if clause.keywords(*kind.split())), "")
    if not kind or not clause.keywords("IN", "SCHEMA"):
        raise clause.error(f"is not of the form ALL {'|'.join(_ALL_PLURALS)} IN SCHEMA name")
    return Scope(PARENT + kind, database, (clause.name("the name of a schema"),))


def _read_future(clause: Clause, database: str) -> Scope:
    kind = next((kind for kind in _FUTURE_PLURALS if clause.keywords(*kind.split())), "")
    if not kind:
        raise clause.error(f"is not of the form FUTURE {'|'.join(_FUTURE_PLURALS)} [IN SCHEMA name]")
    path: tuple[str, ...] = ()
    if clause.keywords("IN", "SCHEMA"):
        if kind_of(FUTURE + _FUTURE_PLURALS[kind]).place != SCHEMA:
            raise clause.error(
                f"cannot be limited to a schema; leave IN SCHEMA out, or ask for other objects than {kind}"
            )
        path = (clause.name("the name of a schema"),)
    return Scope(FUTURE + _FUTURE_PLURALS[kind], database, path)


_READERS: dict[str, Callable[[Clause, str], Scope]] = {
    "DATABASE": _read_database,
    "ALL": _read_all,
    "FUTURE": _read_future,
}
"""Clauses that have a form of their own, by the keyword that they begin with."""


def _signature(clause: Clause) -> str:
    arguments = clause.parenthesised()
    if arguments is None:
        return ANY_SIGNATURE
    if "" in arguments:
        raise clause.error("has an empty argument; write the argument types, separated by commas")
    if arguments == ["*"]:  # an aggregate without arguments
        return ""
    types = [read_argument(argument, clause.label) for argument in arguments]
    return ARGUMENT_SEPARATOR.join(kind for kind in types if kind)


def describe_scope(scope: Scope) -> str:
    """A canonical scope as the user would write it under ``on``; columns are written with the privilege."""
    if scope.kind == "DATABASE":
        return "DATABASE"
    if scope.kind.startswith((FUTURE, PARENT)):
        return scope.kind + (f" IN SCHEMA {readable_identifier(scope.path[0])}" if scope.path else "")
    form = kind_of(scope.kind).catalog.form
    if form in (SETTING, NUMBER):
        return f"{scope.kind} {scope.path[0]}"
    name = ".".join(readable_identifier(part) for part in scope.path if part)
    return f"{scope.kind} {name}" + (f"({scope.arguments})" if form == SIGNATURE else "")


def name_scope(scope: Scope) -> str:
    """For messages: what ``describe_scope`` says, and the database."""
    if scope.kind == "DATABASE":
        return f"DATABASE {readable_identifier(scope.path[0])}"
    column = f" column {readable_identifier(scope.column)}" if scope.column else ""
    owner = f" of {scope.owner}" if scope.owner else ""
    return describe_scope(scope) + column + owner + (f" in database {scope.database}" if scope.database else "")

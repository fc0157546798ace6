# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""From an account as the user wrote it to one that is read by MySQL's grammar. No I/O."""

from __future__ import annotations

import re

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.base import (
    ParsedAccount,
    ParsedGrant,
    ParsedPrivilege,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.checks import (
    grant_option,
    no_columns,
    parse_all,
    unknown_privilege,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.names import account_name
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.objects import (
    Token,
    format_scope,
    parse_scope,
    tokens,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.privileges import (
    ALL,
    COLUMN_PRIVILEGES,
    ROLES_OF_AURORA,
    ROUTINE_PRIVILEGES,
    STATIC_PRIVILEGES,
    USAGE,
    privileges_of,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import (
    InvalidOption,
    Mistakes,
    UnknownPrivilege,
    Where,
    about,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import (
    ALL_HOSTS,
    AccountRequest,
    GrantRequest,
    Scope,
)

MAX_CONNECTIONS = 2**32 - 1
"""What MAX_USER_CONNECTIONS holds."""

_DYNAMIC = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)+\Z")
_OPEN, _CLOSE, _COMMA = (Token("mark", mark) for mark in "(),")


def parse_account(request: AccountRequest) -> ParsedAccount:
    """Raises InvalidOption, UnknownPrivilege, Refused."""
    mistakes = Mistakes()
    with mistakes.about():
        name = account_name(request.name, request.host)
    with mistakes.about(element="host"):
        if request.all_hosts and request.present:
            _check_lock(request)
    with mistakes.about(element="connection_limit"):
        _check_limit(request.connection_limit)
    grants = parse_all(request.grants, parse_grant, mistakes)
    mistakes.refuse()
    return ParsedAccount(name, request, grants, request.roles)


def _check_lock(request: AccountRequest) -> None:
    """Of every account of a name. Raises InvalidOption."""
    if request.locked is not True:
        raise InvalidOption(
            f"{ALL_HOSTS} means every account called {request.name}, which can only be dropped (state: absent) or "
            "locked (locked: true); name one host, or % for any host."
        )
    managed = {
        "grants": request.grants is not None,
        "roles": request.roles is not None,
        "convert": request.convert,
        "connection_limit": request.connection_limit is not None,
        "comment": request.comment is not None,
    }
    if any(managed.values()):
        named = ", ".join(option for option, given in managed.items() if given)
        raise InvalidOption(
            f"With host: {ALL_HOSTS} every account called {request.name} is locked, and nothing else of them is "
            f"managed; leave out {named}."
        )


def _check_limit(limit: int | None) -> None:
    if limit == 0:
        raise InvalidOption(
            "connection_limit is 0, which MySQL takes for no limit; write -1 for no limit, or locked: true to refuse "
            "every login."
        )
    if limit is not None and limit > MAX_CONNECTIONS:
        raise InvalidOption(
            f"connection_limit is {limit}, and MySQL stores {MAX_CONNECTIONS} at most; write -1 for no limit."
        )


def parse_grant(request: GrantRequest) -> ParsedGrant:
    """Raises InvalidOption, UnknownPrivilege."""
    for option, value in (("database", request.database), ("owner", request.owner)):
        if value:
            raise InvalidOption(
                f"{option} is for PostgreSQL; on MySQL the database is the first part of on, so remove {option}.",
                Where(element=option),
            )
    with about(Where(element="on")):
        scope = parse_scope(request.on)
        if scope.path and scope.path[0].lower() == "information_schema":
            raise UnknownPrivilege(
                "MySQL has no privileges on information_schema, where every account sees what it may see; remove this "
                "grant."
            )
    privileges = tuple(_parse_privilege(text, scope) for text in request.privileges)
    return ParsedGrant(privileges, scope, request.grant_option, request.position)


def _parse_privilege(text: str, scope: Scope) -> ParsedPrivilege:
    words, columns = _divide(text)
    name = " ".join(word.upper() for word in words)
    name = ALL if name == "ALL PRIVILEGES" else name
    if name in ("GRANT", "GRANT OPTION"):
        raise grant_option(text)
    if name == "PROXY":
        raise UnknownPrivilege("PROXY lets somebody act as another account and is not managed; remove it.")
    if name in ROLES_OF_AURORA:
        raise UnknownPrivilege(
            f"{name} is a privilege of Aurora MySQL 2. Aurora MySQL 3 has the role {ROLES_OF_AURORA[name]} instead: "
            "list it under roles."
        )
    if name in ROUTINE_PRIVILEGES and scope.kind == "TABLE":
        written = format_scope(scope)
        raise UnknownPrivilege(
            f"{name} does not apply to a table. For a routine, write on: PROCEDURE {written} or FUNCTION {written}."
        )
    if columns:
        _check_columns(name, scope)
    elif name not in (ALL, USAGE, *privileges_of(scope.kind)):
        _check_dynamic(name, scope, text)
    return ParsedPrivilege(name, columns)


def _divide(text: str) -> tuple[list[str], tuple[str, ...]]:
    """``SELECT (id, email)`` → its words, its columns."""
    found = tokens(text) or []
    if _COMMA in found and _OPEN not in found:
        raise InvalidOption(f"{text!r} holds several privileges; write each as an element of its own.")
    opening = found.index(_OPEN) if _OPEN in found else len(found)
    words = [token.text for token in found[:opening] if token.kind == "word"]
    columns = _columns(found[opening:])
    if not words or len(words) != opening or columns is None:
        raise UnknownPrivilege(f"{text!r} is not a privilege; write it as in SQL, such as SELECT (id, email).")
    return words, columns


def _columns(found: list[Token]) -> tuple[str, ...] | None:
    """The names between parentheses; empty if there are no parentheses, None if it cannot be read."""
    if not found:
        return ()
    inner = found[1:-1]
    names, commas = inner[0::2], inner[1::2]
    well_formed = found[-1] == _CLOSE and len(inner) % 2 == 1 and all(comma == _COMMA for comma in commas)
    if not well_formed or any(name.kind == "mark" for name in names):
        return None
    return tuple(name.text for name in names)


def _check_columns(name: str, scope: Scope) -> None:
    if scope.kind != "TABLE":
        raise no_columns(format_scope(scope))
    if name not in COLUMN_PRIVILEGES:
        raise UnknownPrivilege(f"{name} cannot be limited to columns; {', '.join(COLUMN_PRIVILEGES)} can.")


def _check_dynamic(name: str, scope: Scope, text: str) -> None:
    """A name that is no static privilege of this level may be a dynamic one on ``*.*``; the server knows which."""
    if scope.kind == "GLOBAL" and _DYNAMIC.match(name):
        return
    known = (*STATIC_PRIVILEGES, *([name] if _DYNAMIC.match(name) else []))
    raise unknown_privilege(text, "MySQL", known, format_scope(scope), _applicable(scope))


def _applicable(scope: Scope) -> str:
    dynamic = " and the dynamic privileges that SHOW PRIVILEGES lists" if scope.kind == "GLOBAL" else ""
    return ", ".join(privileges_of(scope.kind)) + dynamic

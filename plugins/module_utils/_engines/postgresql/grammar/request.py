# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""From an account as the user wrote it to one that is read by PostgreSQL's grammar. No I/O."""

from __future__ import annotations

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.base import (
    ParsedAccount,
    ParsedGrant,
    ParsedPrivilege,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.grammar.names import (
    Clause,
    check_name,
    check_text,
    is_reserved,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.grammar.objects import parse_scope
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.grammar.privileges import (
    ALL,
    BY_KIND,
    ON_COLUMNS,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.iam_login import (
    LOCK_MARKER,
    has_marker,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import InvalidOption, Refused, UnknownPrivilege
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import AccountName, AccountRequest, GrantRequest

_SYNONYMS = {"TEMP": "TEMPORARY", "ALL PRIVILEGES": ALL}
_HIGHEST_LIMIT = 2**31 - 1


def parse_account(request: AccountRequest) -> ParsedAccount:
    """Raises InvalidOption, UnknownPrivilege, Refused."""
    _check_names(request)
    _check_comment(request)
    if (request.connection_limit or 0) > _HIGHEST_LIMIT:
        raise InvalidOption(
            f"{request.position}connection_limit is {request.connection_limit}, and PostgreSQL takes "
            f"{_HIGHEST_LIMIT} at most; give -1 for no limit."
        )
    grants = None if request.grants is None else tuple(parse_grant(grant) for grant in request.grants)
    return ParsedAccount(AccountName(request.name), request, grants, request.roles)


def _check_names(request: AccountRequest) -> None:
    check_name(request.name, f"{request.position}name")
    if request.host:
        raise InvalidOption(
            f"{request.position}host is {request.host}, and PostgreSQL's accounts have no host; leave it out."
        )
    if is_reserved(request.name):
        raise Refused(f"{request.position}{request.name} is reserved by PostgreSQL or RDS; choose another name.")
    for role in request.roles or ():
        check_name(role, f"{request.position}roles: the name")
    if request.reassign_owned_to:
        check_name(request.reassign_owned_to, f"{request.position}reassign_owned_to")
    if is_reserved(request.reassign_owned_to):
        raise Refused(
            f"{request.position}reassign_owned_to: {request.reassign_owned_to} is reserved by PostgreSQL or RDS; "
            "name another role."
        )


def _check_comment(request: AccountRequest) -> None:
    """Raises InvalidOption."""
    check_text(request.comment or "", f"{request.position}comment")
    if has_marker(request.comment or ""):
        raise InvalidOption(
            f"{request.position}comment begins with {LOCK_MARKER}, which this collection writes into the comments of "
            "accounts that it locks; leave that line out."
        )


def parse_grant(request: GrantRequest) -> ParsedGrant:
    """Raises InvalidOption, UnknownPrivilege."""
    target = parse_scope(request)
    if not request.privileges:
        raise InvalidOption(f"{request.position}.privileges is empty; name privileges, or leave the element out.")
    label = f"{request.position}.privileges"
    privileges = tuple(parse_privilege(text, target.kind, label) for text in request.privileges)
    return ParsedGrant(privileges, target, request.grant_option, request.position)


def parse_privilege(text: str, kind: str, label: str) -> ParsedPrivilege:
    """One element of ``privileges``. Raises UnknownPrivilege, InvalidOption (unreadable)."""
    clause = Clause(text, label)
    words = []
    token = clause.peek()
    while token is not None and token.kind == "word":
        clause.keywords(token.text.upper())
        words.append(token.text.upper())
        token = clause.peek()
    columns = clause.parenthesised()
    clause.finish("write one privilege an element")
    name = _SYNONYMS.get(" ".join(words), " ".join(words))
    _check(name, kind, columns is not None, label)
    if columns is None:
        return ParsedPrivilege(name)
    if not columns:
        raise clause.error("names no column; write SELECT for the whole table or name the columns")
    return ParsedPrivilege(name, tuple(sorted({_column(column, label) for column in columns})))


def _check(name: str, kind: str, on_columns: bool, label: str) -> None:
    if name in ("GRANT OPTION", "WITH GRANT OPTION"):
        raise UnknownPrivilege(f"{label}: GRANT OPTION is not a privilege; set grant_option: true beside privileges.")
    if on_columns and kind != "TABLE":
        raise UnknownPrivilege(f"{label}: only grants on a TABLE can be limited to columns; leave the columns out.")
    known = ON_COLUMNS if on_columns else BY_KIND[kind]
    if name != ALL and name not in known:
        columns = "columns of a " if on_columns else ""
        raise UnknownPrivilege(
            f"{label}: {name or 'an empty text'} is not a privilege on {columns}{kind}; there are {', '.join(known)} "
            "and ALL."
        )


def _column(text: str, label: str) -> str:
    clause = Clause(text, label)
    name = clause.name("a column name")
    clause.finish("separate columns with commas")
    return name

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
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.checks import (
    grant_option,
    no_columns,
    parse_all,
    reserved,
    unknown_privilege,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.grammar.names import (
    Clause,
    check_name,
    check_text,
    is_reserved,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.grammar.objects import (
    parse_scope,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.grammar.privileges import (
    ALL,
    EVERY,
    ON_COLUMNS,
    known,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.iam_login import (
    LOCK_MARKER,
    has_marker,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import (
    InvalidOption,
    Mistakes,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import AccountName, AccountRequest, GrantRequest

_SYNONYMS = {"TEMP": "TEMPORARY", "ALL PRIVILEGES": ALL}
_HIGHEST_LIMIT = 2**31 - 1


def parse_account(request: AccountRequest) -> ParsedAccount:
    """Raises InvalidOption, UnknownPrivilege, Refused."""
    mistakes = Mistakes()
    _check_names(request, mistakes)
    with mistakes.about(element="comment"):
        _check_comment(request.comment or "")
    with mistakes.about(element="connection_limit"):
        _check_limit(request.connection_limit or 0)
    grants = parse_all(request.grants, parse_grant, mistakes)
    mistakes.refuse()
    return ParsedAccount(AccountName(request.name), request, grants, request.roles)


def _check_names(request: AccountRequest, mistakes: Mistakes) -> None:
    with mistakes.about(element="name"):
        _check_role(request.name)
    with mistakes.about(element="host"):
        if request.host:
            raise InvalidOption(f"host is {request.host}, and PostgreSQL's accounts have no host; leave it out.")
    for index, role in enumerate(request.roles or ()):
        with mistakes.about(element=f"roles[{index}]"):
            check_name(role, "the name")
    with mistakes.about(element="reassign_owned_to"):
        if request.reassign_owned_to:
            _check_role(request.reassign_owned_to)


def _check_role(name: str) -> None:
    check_name(name, "the name")
    if is_reserved(name):
        raise reserved(name)


def _check_comment(comment: str) -> None:
    """Raises InvalidOption."""
    check_text(comment, "the comment")
    if has_marker(comment):
        raise InvalidOption(
            f"the comment begins with {LOCK_MARKER}, which this collection writes into the comments of accounts that "
            "it locks; leave that line out."
        )


def _check_limit(limit: int) -> None:
    if limit > _HIGHEST_LIMIT:
        raise InvalidOption(
            f"connection_limit is {limit}, and PostgreSQL takes {_HIGHEST_LIMIT} at most; give -1 for no limit."
        )


def parse_grant(request: GrantRequest) -> ParsedGrant:
    """Raises InvalidOption, UnknownPrivilege."""
    target = parse_scope(request)
    if not request.privileges:
        raise InvalidOption("privileges is empty; list at least one, or remove the element.")
    privileges = tuple(parse_privilege(text, target.kind) for text in request.privileges)
    return ParsedGrant(privileges, target, request.grant_option, request.position)


def parse_privilege(text: str, kind: str) -> ParsedPrivilege:
    """One element of ``privileges``. Raises UnknownPrivilege, InvalidOption (unreadable)."""
    clause = Clause(text, "")
    words = []
    token = clause.peek()
    while token is not None and token.kind == "word":
        clause.keywords(token.text.upper())
        words.append(token.text.upper())
        token = clause.peek()
    columns = clause.parenthesised()
    clause.finish("write one privilege an element")
    name = _SYNONYMS.get(" ".join(words), " ".join(words))
    _check(name, kind, columns is not None)
    if columns is None:
        return ParsedPrivilege(name)
    if not columns:
        raise clause.error("names no column; write SELECT for the whole table or name the columns")
    return ParsedPrivilege(name, tuple(sorted(set(map(_column, columns)))))


def _check(name: str, kind: str, on_columns: bool) -> None:
    if name in ("GRANT OPTION", "WITH GRANT OPTION"):
        raise grant_option(name)
    if on_columns and kind != "TABLE":
        raise no_columns(kind)
    possible = ON_COLUMNS if on_columns else known(kind)
    if name != ALL and name not in possible:
        on = f"columns of a {kind}" if on_columns else kind
        raise unknown_privilege(name, "PostgreSQL", EVERY, on, f"{', '.join(possible)} and ALL")


def _column(text: str) -> str:
    clause = Clause(text, "")
    name = clause.name("a column name")
    clause.finish("separate columns with commas")
    return name

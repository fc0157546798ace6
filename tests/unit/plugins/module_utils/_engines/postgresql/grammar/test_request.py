# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.dbops.aurora_iam.plugins.module_utils._account_module import parse
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.base import ParsedPrivilege
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.engine import PostgreSQLEngine
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.grammar.request import (
    parse_privilege,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import InvalidOption, UnknownPrivilege
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import AccountRequest, GrantRequest


def grant(**options: Any) -> dict[str, Any]:
    return {"grants": (GrantRequest(**{"privileges": ("SELECT",), "on": "t", **options}),)}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"comment": "a\0b"}, "comment holds a NUL character"),
        ({"comment": "\udcff"}, "^account jane, comment: the comment contains invalid UTF-8"),
        ({"roles": ("\udcff",)}, r"^account jane, roles\[0\]: the name contains invalid UTF-8"),
        ({"connection_limit": 2**31}, "PostgreSQL takes 2147483647 at most"),
        (grant(on="FUTURE TABLES", owner="a\0b"), r"^account jane, grants\[0\]\.owner: the name holds a NUL character"),
        (grant(database="x" * 64), r"^account jane, grants\[0\]\.database: the name x+ is 64 bytes long"),
        (grant(on='FUNCTION f("\0")'), r"^account jane, grants\[0\]\.on: .* holds a NUL character"),
        (grant(on='PARAMETER "my app".tenant', privileges=("SET",)), "is no name of a parameter"),
        (grant(privileges=('SELECT ("\udcff")',)), r"^account jane, grants\[0\]: .* contains invalid UTF-8"),
    ],
)
def test_what_the_server_cannot_store_is_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidOption, match=words):
        parse(PostgreSQLEngine(), [AccountRequest("jane", **options)])


@pytest.mark.parametrize(
    ("text", "kind", "parsed"),
    [
        ("select", "TABLE", ParsedPrivilege("SELECT")),
        ("  Temp ", "DATABASE", ParsedPrivilege("TEMPORARY")),
        ("all privileges", "SCHEMA", ParsedPrivilege("ALL")),
        ("alter  system", "PARAMETER", ParsedPrivilege("ALTER SYSTEM")),
        ('SELECT (b, "A", b)', "TABLE", ParsedPrivilege("SELECT", ("A", "b"))),
        ("ALL (a)", "TABLE", ParsedPrivilege("ALL", ("a",))),
    ],
)
def test_privileges_in_any_spelling(text: str, kind: str, parsed: ParsedPrivilege) -> None:
    assert parse_privilege(text, kind) == parsed


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("SELEKT", "TABLE"),
        ("", "TABLE"),
        ("EXECUTE", "TABLE"),
        ("DELETE (a)", "TABLE"),
        ("USAGE (a)", "SCHEMA"),
        ("SELECT (a)", "ALL TABLES"),
        ("GRANT OPTION", "TABLE"),
        ("CONNECT", "SCHEMA"),
    ],
)
def test_unknown_and_misplaced_privileges(text: str, kind: str) -> None:
    with pytest.raises(UnknownPrivilege):
        parse_privilege(text, kind)


@pytest.mark.parametrize("text", ["SELECT, INSERT", "SELECT ()", "SELECT (a b)", "SELECT (a", "SELECT; DROP"])
def test_unreadable_privileges(text: str) -> None:
    with pytest.raises(InvalidOption):
        parse_privilege(text, "TABLE")

# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.base import ParsedPrivilege
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.grammar.describe import (
    describe_grants,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.grammar.objects import (
    ANY_SIGNATURE,
    describe_scope,
    parse_scope,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.grammar.privileges import available
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.grammar.request import (
    parse_privilege,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import InvalidOption, UnknownPrivilege
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import Grant, GrantRequest, Scope
from tests.unit.plugins.module_utils._engines.postgresql import scenes

READ = {
    "DATABASE": Scope("DATABASE"),
    "database Orders": Scope("DATABASE", path=("orders",)),
    "SCHEMA public": Scope("SCHEMA", path=("public",)),
    "TABLE Public.Customers": Scope("TABLE", path=("public", "customers")),
    'table public."We.ird ""x"""': Scope("TABLE", path=("public", 'We.ird "x"')),
    "customers": Scope("TABLE", path=("", "customers")),
    "SEQUENCE s.q": Scope("SEQUENCE", path=("s", "q")),
    "FUNCTION public.f": Scope("FUNCTION", path=("public", "f"), arguments=ANY_SIGNATURE),
    "FUNCTION public.f()": Scope("FUNCTION", path=("public", "f")),
    "FUNCTION public.f(IN int, variadic text[])": Scope(
        "FUNCTION", path=("public", "f"), arguments='integer\0"text"[]'
    ),
    "ROUTINE agg(*)": Scope("ROUTINE", path=("", "agg")),
    "PROCEDURE p(numeric(1,2))": Scope("PROCEDURE", path=("", "p"), arguments="numeric"),
    "TYPE public.mood": Scope("TYPE", path=("public", "mood")),
    "DOMAIN d": Scope("DOMAIN", path=("", "d")),
    "LANGUAGE plpgsql": Scope("LANGUAGE", path=("plpgsql",)),
    "foreign data wrapper w": Scope("FOREIGN DATA WRAPPER", path=("w",)),
    "FOREIGN SERVER s": Scope("FOREIGN SERVER", path=("s",)),
    "PARAMETER Work_Mem": Scope("PARAMETER", path=("work_mem",)),
    "PARAMETER my.own": Scope("PARAMETER", path=("my.own",)),
    "LARGE OBJECT 0042": Scope("LARGE OBJECT", path=("42",)),
    "ALL TABLES IN SCHEMA a": Scope("ALL TABLES", path=("a",)),
    "all routines in schema a": Scope("ALL ROUTINES", path=("a",)),
    "FUTURE TABLES": Scope("FUTURE TABLES"),
    "FUTURE ROUTINES IN SCHEMA a": Scope("FUTURE FUNCTIONS", path=("a",)),
    "FUTURE SCHEMAS": Scope("FUTURE SCHEMAS"),
}


@pytest.mark.parametrize(("on", "scope"), READ.items(), ids=str)
def test_clauses_are_read_as_the_server_reads_them(on: str, scope: Scope) -> None:
    assert parse_scope(GrantRequest(("SELECT",), on)) == scope


@pytest.mark.parametrize(
    "on",
    [
        "",
        "TABLE",
        "TABLE a, b",
        "TABLE a TO b",
        "TABLE a; DROP TABLE b",
        "TABLE a.b.c",
        "TABLE a(b)",
        "FUNCTION f(int,)",
        "ALL TABLES",
        "ALL VIEWS IN SCHEMA a",
        "FUTURE VIEWS",
        "FUTURE SCHEMAS IN SCHEMA a",
        "LARGE OBJECT x",
        "DATABASE a.b",
    ],
)
def test_anything_else_is_refused(on: str) -> None:
    with pytest.raises(InvalidOption):
        parse_scope(GrantRequest(("SELECT",), on))


@pytest.mark.parametrize(
    "request_",
    [
        GrantRequest(("CONNECT",), "DATABASE a", database="b"),
        GrantRequest(("SET",), "PARAMETER a", database="b"),
        GrantRequest(("SELECT",), "TABLE a", owner="b"),
    ],
)
def test_options_that_contradict_the_clause_are_refused(request_: GrantRequest) -> None:
    with pytest.raises(InvalidOption):
        parse_scope(request_)


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
    assert parse_privilege(text, kind, "privileges") == parsed


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
        parse_privilege(text, kind, "privileges")


@pytest.mark.parametrize("text", ["SELECT, INSERT", "SELECT ()", "SELECT (a b)", "SELECT (a", "SELECT; DROP"])
def test_unreadable_privileges(text: str) -> None:
    with pytest.raises(InvalidOption):
        parse_privilege(text, "TABLE", "privileges")


def test_all_depends_on_the_version() -> None:
    assert "MAINTAIN" not in available("TABLE", 16)
    assert "MAINTAIN" in available("TABLE", 17)


def test_described_grants_are_read_back_as_the_same_grants() -> None:
    future = Scope("FUTURE TABLES", "shop", ("public",), owner="master")
    grants = frozenset(
        {
            Grant("SELECT", scenes.TABLE),
            Grant("SELECT", scenes.COLUMN),
            Grant("UPDATE", scenes.COLUMN, grantable=True),
            Grant("SELECT", scenes.STRANGE, grantable=True),
            Grant("EXECUTE", scenes.ONE_ARGUMENT),
            Grant("CONNECT", scenes.DATABASE),
            Grant("USAGE", scenes.DOMAIN),
            Grant("INSERT", future),
        }
    )
    described = describe_grants(grants)
    assert described == describe_grants(sorted(grants, reverse=True))
    requests = [
        scenes.grant(
            item["on"], *item["privileges"], **{k: v for k, v in item.items() if k not in ("on", "privileges")}
        )
        for item in described
    ]
    # the signature is matched by the catalogue's type numbers, and the type is written as the catalogue prints it
    state = scenes.observed()
    state.catalogue.types = {("shop", "integer"): 23}
    account = scenes.AccountRequest("joe", grants=tuple(requests))
    assert scenes.changes(state, account).accounts[0].granted == grants


def test_a_described_column_stands_with_its_privilege() -> None:
    grants = {Grant("SELECT", scenes.COLUMN), Grant("INSERT", scenes.TABLE)}
    assert describe_grants(grants) == [
        {"on": "TABLE public.orders", "privileges": ["INSERT", "SELECT (id)"], "database": "shop"}
    ]
    assert describe_scope(scenes.COLUMN) == "TABLE public.orders"

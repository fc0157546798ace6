# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.grammar.objects import (
    ANY_SIGNATURE,
    parse_scope,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import InvalidOption
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import GrantRequest, Scope

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

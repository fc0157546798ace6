# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.objects import (
    database_scope,
    escaped_name,
    format_scope,
    matches,
    overlap,
    parse_scope,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import InvalidOption
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import Scope


def database(name: str) -> Scope:
    return Scope("DATABASE", path=(name,))


def pattern(text: str) -> Scope:
    return Scope("PATTERN", path=(text,))


@pytest.mark.parametrize(
    ("on", "scope"),
    [
        ("*.*", Scope("GLOBAL")),
        (" * . * ", Scope("GLOBAL")),
        ("orders.*", database("orders")),
        ("`orders`.*", database("orders")),
        ('"orders".*', database("orders")),
        ("Orders.*", database("Orders")),
        ("my_db.*", database("my_db")),
        (r"my\_db.*", database("my_db")),
        (r"`100\%`.*", database("100%")),
        (r"`a\\b`.*", database("a\\b")),
        (r"`a\b`.*", database("a\\b")),
        ("my%.*", pattern("my%")),
        ("`my_x%`.*", pattern(r"my\_x%")),
        (r"`my\_x\%%`.*", pattern(r"my\_x\%%")),
        ("PATTERN my_db.*", pattern("my_db")),
        (r"PATTERN `my\_db`.*", database("my_db")),
        ("orders.customers", Scope("TABLE", path=("orders", "customers"))),
        ("table orders.customers", Scope("TABLE", path=("orders", "customers"))),
        ("`a.b/@c``'`.`d.e`", Scope("TABLE", path=("a.b/@c`'", "d.e"))),
        ("Procedure orders.refresh", Scope("PROCEDURE", path=("orders", "refresh"))),
        ("FUNCTION `orders`.f", Scope("FUNCTION", path=("orders", "f"))),
        ("function.f", Scope("TABLE", path=("function", "f"))),
        ("`TABLE`.*", database("TABLE")),
    ],
)
def test_on_is_read_by_mysqls_rules_and_written_so_that_it_reads_the_same(on, scope):
    assert parse_scope(on) == scope
    assert parse_scope(format_scope(scope)) == scope


@pytest.mark.parametrize(
    "on",
    [
        "",
        "orders",
        "*",
        "a.b.c",
        "orders.* TO bob",
        "orders.*; DROP USER bob",
        "*.t",
        "PROCEDURE orders.*",
        "`a.*",
        "a-b.*",
    ]
    + [
        "``.*",
        "PROCEDURE *.*",
        "PATTERN a.b",
        "orders.t -- x",
        "'orders'.*",
        "x" * 65 + ".*",
        "a😀.*",
        "a.`b\n`",
        "a.,",
    ],
)
def test_what_is_no_clause_is_refused(on):
    with pytest.raises(InvalidOption):
        parse_scope(on)


NAMES = st.text(
    st.characters(min_codepoint=32, max_codepoint=0xD7FF, exclude_characters="\x7f"), min_size=1, max_size=64
)


@given(NAMES)
def test_any_database_survives_being_escaped_and_being_written(name):
    assert database_scope(escaped_name(name)) == database(name)
    scope = database(name)
    assert parse_scope(format_scope(scope)) == scope
    assert matches(escaped_name(name), name)


@given(NAMES, NAMES)
def test_an_escaped_name_matches_no_other_database(name, other):
    assert matches(escaped_name(name), other) == (name == other)


@given(st.text("ab_%\\", min_size=1, max_size=8))
def test_any_stored_pattern_can_be_written_and_read_again(stored):
    scope = database_scope(stored)
    assert parse_scope(format_scope(scope)) == scope


@pytest.mark.parametrize(
    ("text", "covered", "not_covered"),
    [("my_db", "myXdb", "my__db"), ("my%", "my", "m"), (r"my\_db", "my_db", "myXdb"), (r"100\%", "100%", "1000")],
)
def test_wildcards(text, covered, not_covered):
    assert matches(text, covered)
    assert not matches(text, not_covered)


patterns = st.lists(st.sampled_from(["a", "b", "%", "_", r"\_"]), max_size=2).map("".join)


@given(pattern=patterns, other=patterns)
def test_patterns_overlap_where_a_name_matches_both(pattern, other):
    names = ("".join(letters) for size in range(5) for letters in product("ab_", repeat=size))
    shared = any(matches(pattern, name) and matches(other, name) for name in names)
    assert overlap(pattern, other) is overlap(other, pattern) is shared

# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.grammar.names import (
    Clause,
    check_name,
    quote_identifier,
    quote_literal,
    readable_identifier,
    with_arrays,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import InvalidOption

names = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=15)


@given(names)
def test_a_quoted_name_is_read_back_as_it_was(name: str) -> None:
    for text in (quote_identifier(name), readable_identifier(name)):
        clause = Clause(text, "on")
        assert clause.name("a name") == name
        clause.finish("")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Orders", "orders"),
        ('"Orders"', "Orders"),
        ("ÄPFEL", "ÄpfeL".replace("L", "l")),
        ('"a""b"', 'a"b'),
        ("a$1", "a$1"),
    ],
)
def test_only_ascii_letters_of_unquoted_names_are_folded(text: str, name: str) -> None:
    assert Clause(text, "on").name("a name") == name


@pytest.mark.parametrize(
    ("text", "literal"),
    [("plain", "'plain'"), ("it's", "'it''s'"), ("back\\slash", "E'back\\\\slash'"), ("\\'; DROP", "E'\\\\''; DROP'")],
)
def test_literals_hold_under_both_values_of_standard_conforming_strings(text: str, literal: str) -> None:
    assert quote_literal(text) == literal


@pytest.mark.parametrize("name", ["", "a\0b", "x" * 64, "é" * 32, "half \ud800"])
def test_names_that_the_server_would_alter_are_refused(name: str) -> None:
    with pytest.raises(InvalidOption):
        check_name(name, "name")


@pytest.mark.parametrize("name", ["x" * 63, "é" * 31 + "x", "'; DROP ROLE x; --", " "])
def test_all_other_names_are_taken_as_they_are(name: str) -> None:
    check_name(name, "name")


def test_the_parts_of_a_parenthesis_keep_their_inner_ones() -> None:
    clause = Clause('f(numeric(10, 2), "a,b", int[])', "on")
    assert clause.path("a function", 2) == ("f",)
    assert clause.parenthesised() == ["numeric(10, 2)", '"a,b"', "int[]"]


@pytest.mark.parametrize("text", ['"open', "f(int", "f(int))", "a.b.c", "a b", "1a", "a;b", "", "a.", "a TO b"])
def test_what_is_not_one_name_is_refused(text: str) -> None:
    def read() -> None:
        clause = Clause(text, "on")
        clause.path("a name", 2)
        clause.parenthesised()
        clause.finish("one only")

    with pytest.raises(InvalidOption):
        read()


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([], "{}"),
        ([1, 20], "{1,20}"),
        (["a", "", "NULL", None], '{"a","","NULL",NULL}'),
        (['a"b', "c\\d", "e,f", "{g}", " h "], '{"a\\"b","c\\\\d","e,f","{g}"," h "}'),
    ],
)
def test_a_list_is_sent_as_the_text_of_an_array(values: list[object], text: str) -> None:
    assert with_arrays([values, "a", 1]) == [text, "a", 1]

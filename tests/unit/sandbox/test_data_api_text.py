# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from tests.sandbox.aws.data_api_text import bind, is_one_statement


@pytest.mark.parametrize(
    ("sql", "one"),
    [
        ("SELECT 1", True),
        ("SELECT 1;", True),
        ("SELECT 1; -- the end", True),
        ("SELECT ';', \"a;b\", `c;d`", True),
        ("SELECT $x$;$x$", True),
        ("CREATE PROCEDURE p() BEGIN SELECT 1; SELECT 2; END", True),
        ("SELECT 1; SELECT 2", False),
        ("SELECT 'it''s'; DROP USER joe", False),
    ],
)
def test_one_statement_or_several(sql: str, one: bool) -> None:
    assert is_one_statement(sql) is one


def test_parameters_stand_outside_of_quotes_and_casts() -> None:
    sql = "SELECT :a, ':a', \":a\", :b::text[], x::a, @v := :a -- :a"
    assert bind(sql, {"a": "1", "b": "'2'"}.__getitem__) == "SELECT 1, ':a', \":a\", '2'::text[], x::a, @v := 1 -- :a"
    with pytest.raises(KeyError):
        bind("SELECT :c", {}.__getitem__)

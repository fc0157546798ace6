# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.data_api import (
    MAX_CHARACTERS,
    MAX_STATEMENTS,
    batches,
    write_array,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._plan import Statement


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([], "{}"),
        ([1, 20], "{1,20}"),
        (["a", "", "NULL", None], '{"a","","NULL",NULL}'),
        (['a"b', "c\\d", "e,f", "{g}", " h "], '{"a\\"b","c\\\\d","e,f","{g}"," h "}'),
    ],
)
def test_an_array_is_sent_as_its_text(values: list[object], text: str) -> None:
    assert write_array(values) == text


def test_statements_travel_together_as_far_as_a_call_takes_them() -> None:
    short = [Statement(f"GRANT a TO b{number}") for number in range(MAX_STATEMENTS + 1)]
    first, second = batches(short)
    assert first.text.startswith("DO 'DECLARE s text; BEGIN")
    assert second == short[-1], "a statement alone goes as it is"
    long = [Statement(f"SELECT '{'x' * 25000}'")] * 3
    pair, third = batches(long)
    assert pair.text.count("SELECT") == 2
    assert third == long[-1]
    assert len(pair.text) <= MAX_CHARACTERS

# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.connection.data_api import (
    MAX_CHARACTERS,
    MAX_STATEMENTS,
    calls,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._plan import Statement


def test_statements_travel_together_as_far_as_a_call_takes_them() -> None:
    short = [Statement(f"GRANT a TO b{number}") for number in range(MAX_STATEMENTS + 1)]
    first, second = calls(short)
    assert first.text.startswith("DO 'DECLARE s text; BEGIN")
    assert second == short[-1], "a statement alone goes as it is"
    long = [Statement(f"SELECT '{'x' * 25000}'")] * 3
    pair, third = calls(long)
    assert pair.text.count("SELECT") == 2
    assert third == long[-1]
    assert len(pair.text) <= MAX_CHARACTERS

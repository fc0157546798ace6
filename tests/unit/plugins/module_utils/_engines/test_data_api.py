# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What sessions over the Data API share: errors and pages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.data_api import Answers
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import ConnectionLost, StatementFailed
from ansible_collections.dbops.aurora_iam.plugins.module_utils._transport import (
    DatabaseRefused,
    ResultTooLarge,
    Rows,
    TransactionLost,
)


def refusal(error: DatabaseRefused, statement: str) -> StatementFailed:
    return StatementFailed(error.text, str(error.args[0]), statement)


ANSWERS = Answers("cluster orders", refusal)


@pytest.mark.parametrize("carried", [5000, 1000, 100, 10, 1])
def test_pages_shrink_until_they_fit(carried: int) -> None:
    rows = [(number,) for number in range(2050)]
    asked: list[int] = []

    def read(size: int) -> Iterator[Rows]:
        asked.append(size)
        for start in range(0, len(rows), size):
            if size > carried:
                raise ResultTooLarge
            yield rows[start : start + size]

    assert ANSWERS.all_pages("SELECT", read) == rows
    assert asked[-1] == min(carried, 1000)


def test_a_row_that_no_page_carries() -> None:
    rows: Rows = [("too long",)]

    def read(_size: int) -> Iterator[Rows]:
        if rows:
            raise ResultTooLarge
        yield rows

    with pytest.raises(StatementFailed, match="larger than the 64 KB") as failure:
        ANSWERS.all_pages("SELECT text", read)
    assert failure.value.statement == "SELECT text"


def test_what_the_database_refuses_is_the_engines_error() -> None:
    with pytest.raises(StatementFailed, match="no such table"), ANSWERS.about("SELECT x"):
        raise DatabaseRefused(1146, "no such table")


def test_a_lost_session_says_whether_something_may_have_been_done() -> None:
    with pytest.raises(ConnectionLost, match=r"was lost \(expired\); run the task again"), ANSWERS.about("SELECT x"):
        raise TransactionLost("expired")
    lost = ANSWERS.lost(TransactionLost("expired"), ["DROP USER x"])
    assert "may have been done" in str(lost)
    assert lost.in_doubt == ("DROP USER x",)

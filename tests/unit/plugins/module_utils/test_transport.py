# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all engines share over the Data API: placeholders, transactions that are kept or let go."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from ansible_collections.dbops.aurora_iam.plugins.module_utils import _transport
from ansible_collections.dbops.aurora_iam.plugins.module_utils._transport import (
    Conversation,
    DatabaseRefused,
    ResultTooLarge,
    Rows,
    TransactionLost,
    Transport,
    named,
)


@pytest.mark.parametrize(
    ("sql", "values", "expected"),
    [
        ("SELECT 1", (), ("SELECT 1", {})),
        ("SELECT '100%', %s", (), ("SELECT '100%', %s", {})),
        ("SELECT %s, %s::text[]", ("a", 2), ("SELECT :p1, :p2::text[]", {"p1": "a", "p2": 2})),
        ("SELECT '10%%' WHERE a = %s", (None,), ("SELECT '10%' WHERE a = :p1", {"p1": None})),
    ],
)
def test_placeholders_get_names(sql: str, values: Sequence[Any], expected: tuple[str, dict[str, Any]]) -> None:
    assert named(sql, values) == expected


class Record(Transport):
    """Writes down what it is asked to carry."""

    def __init__(self) -> None:
        self.carried: list[str] = []
        self.fails: Exception | None = None

    def begin(self, database: str) -> str:
        self.carried.append(f"begin {database}")
        return f"t{len(self.carried)}"

    def execute(
        self, sql: str, values: Sequence[Any] = (), database: str = "", transaction: str = "", lasting: bool = False
    ) -> Rows:
        self.carried.append(f"{transaction}: {sql}")
        if self.fails is not None:
            raise self.fails
        return [(sql,)]

    def end(self, transaction: str, commit: bool) -> None:
        self.carried.append(f"{transaction}: {'commit' if commit else 'rollback'}")


def test_a_transaction_begins_when_something_is_said() -> None:
    record = Record()
    talk = Conversation(record, "shop", ("FIRST", "SETUP"))
    talk.end(commit=True)
    talk.keep()
    assert record.carried == []
    talk.say("A")
    talk.say("B")
    talk.end(commit=True)
    talk.say("C")
    assert record.carried == [
        "begin shop", "t1: FIRST", "t1: SETUP", "t1: A", "t1: B", "t1: commit", "begin shop",
        "t7: FIRST", "t7: SETUP", "t7: C",
    ]  # fmt: skip
    assert talk.greeting == [("SETUP",)]


@pytest.mark.parametrize("error", [DatabaseRefused(0, "no"), TransactionLost("gone"), ResultTooLarge()])
def test_an_error_ends_it(error: Exception) -> None:
    record = Record()
    talk = Conversation(record)
    record.fails = error
    with pytest.raises(type(error)):
        talk.say("A")
    assert not talk.is_open
    record.fails = None
    talk.end(commit=True)
    talk.say("B")
    assert record.carried == ["begin ", "t1: A", "begin ", "t3: B"]


def test_it_is_used_before_it_expires_and_not_counted_on_after(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(_transport.time, "monotonic", lambda: now[0])
    record = Record()
    talk = Conversation(record)
    talk.say("A")
    now[0] += 59
    talk.keep()
    assert record.carried[-1] == "t1: A"
    now[0] += 2
    talk.keep()
    assert record.carried[-1] == "t1: SELECT 1"
    now[0] += 149
    talk.forget_if_old()
    assert talk.is_open
    now[0] += 2
    talk.forget_if_old()
    assert not talk.is_open

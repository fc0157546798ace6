# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import ConnectionLost, StatementFailed
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import (
    Account,
    AccountChange,
    AccountName,
    Changes,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._plan import Plan, Statement, Step
from ansible_collections.dbops.aurora_iam.plugins.module_utils._progress import NEW_SESSIONS, Progress

JANE, JOHN = AccountName("jane"), AccountName("john")


def plan(*texts: str) -> Plan:
    return Plan({}, {}, (Step(tuple(map(Statement, texts))),))


def change(name: AccountName, before: Account | None, after: Account | None) -> AccountChange:
    return AccountChange(name, before, after)


def lost(executed: list[str], in_doubt: list[str]) -> ConnectionLost:
    error = ConnectionLost("It broke.")
    error.done, error.in_doubt = tuple(executed), tuple(in_doubt)
    return error


def test_without_an_interruption_it_is_the_plan():
    progress = Progress(["twins"])
    changes = Changes((change(JANE, None, Account(JANE)),))
    assert progress.begin(changes, plan("A"), ["w", "w"]) == changes
    progress.carried_out(plan("A").steps[0])
    assert (progress.statements, progress.warnings) == (["A"], ["twins", "w"])


@pytest.mark.parametrize(
    ("again", "statements"),
    [
        (["C", "D"], ["A", "B"]),
        (["B", "C", "D"], ["A"]),
        (["D"], ["A", "B", "C"]),
        ([], ["A", "B", "C"]),
        (["B", "D"], ["A"]),
    ],
)
def test_what_is_planned_again_was_not_carried_out_nor_what_followed_it(again, statements):
    progress = Progress()
    progress.begin(Changes(()), plan("A", "B", "C", "D"), [])
    progress.failed(lost(["A"], ["B", "C"]))
    progress.begin(Changes(()), plan(*again), [])
    assert progress.statements == statements


def test_the_changes_are_from_what_was_there_first():
    progress = Progress()
    locked = Account(JANE, locked=True)
    progress.begin(
        Changes((change(JANE, None, locked), change(JOHN, Account(JOHN), None)), frozenset((JOHN,))), plan("A"), []
    )
    whole = progress.begin(Changes((change(JANE, Account(JANE), locked),)), plan("B"), [])
    assert whole == Changes((change(JANE, None, locked), change(JOHN, Account(JOHN), None)), frozenset((JOHN,)))


def test_after_the_last_session_the_error_says_how_far_it_got():
    progress = Progress()
    progress.begin(Changes(()), plan("A", "B", "C"), [])
    error = lost(["A"], ["B"])
    progress.failed(error)
    for _session in range(NEW_SESSIONS):
        progress.interrupted(error)
    with pytest.raises(ConnectionLost) as caught:
        progress.interrupted(error)
    assert "4 sessions broke in this task: 1 statements were carried out, 2 were left" in caught.value.message
    assert caught.value.details == {"statements_executed": ["A"], "statements_in_doubt": ["B"]}


def test_another_error_keeps_its_words():
    progress = Progress()
    progress.begin(Changes(()), plan("A", "B"), [])
    error = StatementFailed("No.", "1", "B")
    error.done = ("A",)
    progress.failed(error)
    progress.explain(error)
    assert (error.message, error.details["statements_executed"]) == ("No.", ["A"])

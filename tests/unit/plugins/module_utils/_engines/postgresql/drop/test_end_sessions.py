# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.drop import queries
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.drop.end_sessions import EndSessions
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import StatementFailed
from ansible_collections.dbops.aurora_iam.plugins.module_utils._login import Credentials, Endpoint, Login
from ansible_collections.dbops.aurora_iam.plugins.module_utils._plan import Statement, Step

STEP = EndSessions((Statement("end"),), "shop")
OPEN = queries.open_sessions([])[0]


class Session:
    """A server that gives these answers, one after the other, to the statement that ends sessions."""

    def __init__(self, answers: Sequence[list[tuple[Any, ...]]], still_open: tuple[int, ...]) -> None:
        endpoint = Endpoint("cluster shop", "aurora-postgresql", "localhost", 5432)
        self.login = Login(endpoint, "localhost", 5432, lambda: Credentials("master", ""))
        self.asked: list[str] = []
        self._answers, self._still_open = list(answers), still_open

    def query(self, sql: str, parameters: Sequence[Any] = (), database: str = "") -> list[tuple[Any, ...]]:
        assert database == "shop"
        self.asked.append(sql)
        if sql == OPEN:
            return [(pid,) for pid in parameters[0] if pid in self._still_open]
        return self._answers.pop(0) if sql == "end" else []

    def execute(self, step: Step) -> None:
        raise AssertionError(step)


def asked(*answers: list[tuple[Any, ...]], still_open: tuple[int, ...] = ()) -> list[str]:
    session = Session(answers, still_open)
    STEP.carry_out(session)
    return session.asked


def test_sessions_are_ended_until_there_are_none() -> None:
    """One that had passed the login before it was refused shows up a moment later."""
    assert asked([]) == [queries.FORGET_SESSIONS, "end"]
    first, late = [(True, "joe", 7, "local", "idle")], [(True, "joe", 8, "local", "active")]
    assert asked(first, late, []) == [queries.FORGET_SESSIONS, "end"] * 3


def test_a_session_that_ended_by_itself_has_ended() -> None:
    assert OPEN in asked([(False, "joe", 7, "local", "idle")], [])


def test_a_session_that_goes_on_is_named() -> None:
    rows = [(False, "joe", 7, "10.0.0.5", "active"), (True, "joe", 8, "local", "idle")]
    with pytest.raises(StatementFailed, match=r"joe \(pid 7, client 10\.0\.0\.5, state active\)\. Their") as failure:
        asked(rows, still_open=(7,))
    assert failure.value.details["sessions"] == [
        {"account": "joe", "pid": 7, "client": "10.0.0.5", "state": "active"},
    ]

# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.drop.sessions import (
    EndSessions,
    end_sessions,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import StatementFailed
from ansible_collections.dbops.aurora_iam.plugins.module_utils._plan import Statement

STEP = EndSessions((Statement("end"),), "shop", "forget", "open")


def asked(*answers: list[tuple[Any, ...]], still_open: tuple[int, ...] = ()) -> list[str]:
    """What is asked of a server that gives these answers, one after the other, to the statement that ends sessions."""
    remaining, log = list(answers), []

    def query(text: str, parameters: tuple[list[int], ...]) -> list[tuple[Any, ...]]:
        log.append(text)
        if text == "open":
            return [(pid,) for pid in parameters[0] if pid in still_open]
        return remaining.pop(0) if text == "end" else []

    end_sessions(STEP, query, "cluster shop")
    return log


def test_sessions_are_ended_until_there_are_none() -> None:
    """One that had passed the login before it was refused shows up a moment later."""
    assert asked([]) == ["forget", "end"]
    first, late = [(True, "joe", 7, "local", "idle")], [(True, "joe", 8, "local", "active")]
    assert asked(first, late, []) == ["forget", "end"] * 3


def test_a_session_that_ended_by_itself_has_ended() -> None:
    assert "open" in asked([(False, "joe", 7, "local", "idle")], [])


def test_a_session_that_goes_on_is_named() -> None:
    rows = [(False, "joe", 7, "10.0.0.5", "active"), (True, "joe", 8, "local", "idle")]
    with pytest.raises(StatementFailed, match=r"joe \(pid 7, client 10\.0\.0\.5, state active\)\. Their") as failure:
        asked(rows, still_open=(7,))
    assert failure.value.details["sessions"] == [
        {"account": "joe", "pid": 7, "client": "10.0.0.5", "state": "active"},
    ]

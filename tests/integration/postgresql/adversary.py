# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Somebody who acts while a task is running."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import psycopg2
import pytest

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.connection.data_api import (
    PostgreSQLDataApiSession,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.connection.session import (
    PostgreSQLSession,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.drop.end_sessions import EndSessions
from ansible_collections.dbops.aurora_iam.plugins.module_utils._plan import Step

Act = Callable[[], object]


class Adversary:
    """Acts once, just before the task sends its nth message, or before the step that ends its session."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.messages, self.acted = 0, 0
        self._act: Act = lambda: None
        self._number = 0
        execute = PostgreSQLSession._execute

        def executed(session: PostgreSQLSession, *arguments: Any) -> list[Any]:
            self.messages += 1
            if self.messages == self._number:
                self.act()
            return execute(session, *arguments)

        monkeypatch.setattr(PostgreSQLSession, "_execute", executed)
        for kind in (PostgreSQLSession, PostgreSQLDataApiSession):
            monkeypatch.setattr(kind, "run", self._before_its_session_ends(kind.run))

    def _before_its_session_ends(self, run: Callable[[Any, Step], None]) -> Callable[[Any, Step], None]:
        def runs(session: Any, step: Step) -> None:
            if not self._number and isinstance(step, EndSessions):
                self.act()
            run(session, step)

        return runs

    def act(self) -> None:
        self.acted = self.messages
        with contextlib.suppress(psycopg2.Error):  # its session has ended, or waits for the task's locks
            self._act()

    def wait(self, act: Act, number: int = 0) -> None:
        """``number``: of the message; 0 for the step that ends its session."""
        self.messages, self.acted, self._act, self._number = 0, 0, act, number

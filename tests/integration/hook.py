# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sandbox's hook for tests: what AWS was asked, answers that fail, and states that a test holds."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from tests.sandbox.clients import State, ask_hook


class Hook:
    def __init__(self, state: State) -> None:
        self._state = state

    def _ask(self, method: str, name: str, document: Any = None) -> Any:
        return ask_hook(self._state, method, name, document)

    def forget(self) -> None:
        """Forget calls and faults."""
        self._ask("DELETE", "faults")

    def calls(self) -> dict[str, int]:
        counted: dict[str, int] = self._ask("GET", "calls")
        return counted

    def parameters(self, action: str) -> list[dict[str, str]]:
        """What each call of an action was given."""
        return [each["parameters"] for each in self._ask("GET", "requests") if each["action"] == action]

    def fail(self, action: str, **fault: Any) -> None:
        self._ask("POST", "faults", [{"action": action, **fault}])

    def fail_switch(self, identifier: str) -> None:
        self._ask("POST", "failing-switch", identifier)

    def describe_fleet(self, number: int) -> None:
        """Describe so many clusters beside those that there are."""
        self._ask("POST", "fleet", number)

    @contextlib.contextmanager
    def held(self, **statuses: str) -> Iterator[None]:
        """Meanwhile these clusters and instances (``_`` in place of ``-``) are shown in these states."""
        named = {name.replace("_", "-"): status for name, status in statuses.items()}
        self._ask("POST", "status", named)
        try:
            yield
        finally:
            self.release(*named)

    def release(self, *identifiers: str) -> None:
        self._ask("POST", "status", dict.fromkeys(identifiers))

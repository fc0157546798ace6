# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prints one line of JSON for each task: what it took, and how long the lists of its result are, but not the lists."""

from __future__ import annotations

import json
import time
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
    name: figures
    type: stdout
    short_description: Task durations
    description:
      - For benchmarks.
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "figures"

    def __init__(self) -> None:
        super().__init__()
        self._started = 0.0

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        self._started = time.monotonic()

    def v2_runner_on_ok(self, result: Any) -> None:
        self._tell(result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self._tell(result)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self._tell(result)

    def _tell(self, result: Any) -> None:
        seconds = time.monotonic() - self._started
        found = result._result
        messages = [element["msg"] for element in found.get("results", ()) if element.get("failed")]
        figures = {
            "task": result._task.get_name(),
            "seconds": seconds,
            "changed": bool(found.get("changed")),
            "lengths": {name: len(value) for name, value in found.items() if isinstance(value, list)},
            "messages": messages + ([found["msg"]] if found.get("failed") and "msg" in found else []),
        }
        print(json.dumps(figures), flush=True)

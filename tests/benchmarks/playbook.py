# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tasks, run and timed by Ansible itself."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.benchmarks.memory import RunMemory
from tests.sandbox.__main__ import environment as sandbox_environment
from tests.sandbox.clients import CHECKOUT, State

PROGRAMS = Path(sys.executable).parent
Options = dict[str, Any]


class BenchmarkFailed(Exception):
    """One sentence: what did not do what is to be measured."""


@dataclass(frozen=True)
class Task:
    """``loop`` is the name of a variable: the module runs once for each of its elements, ``item``."""

    name: str
    module: str
    options: Options
    loop: str = ""

    def written(self) -> Options:
        loop = {"loop": "{{ " + self.loop + " }}", "loop_control": {"label": ""}} if self.loop else {}
        return {"name": self.name, self.module: self.options, **loop}


@dataclass(frozen=True)
class Timed:
    """
    seconds  from the task's start to its result, as Ansible sees it
    lengths  of the lists in its result
    """

    seconds: float
    changed: bool
    lengths: dict[str, int]


@dataclass(frozen=True)
class Cost:
    """Of a program and all that it started: CPU seconds, wall seconds, and MB of the largest process."""

    cpu: float
    wall: float
    memory: float


def environment(state: State) -> dict[str, str]:
    """What a playbook must know of AWS, and no colours."""
    return {
        **os.environ,
        "PATH": os.pathsep.join([str(PROGRAMS), os.environ["PATH"]]),
        **sandbox_environment(state),
        "ANSIBLE_CALLBACK_PLUGINS": str(Path(__file__).with_name("callback")),
        "ANSIBLE_LIBRARY": str(Path(__file__).with_name("library")),
        "ANSIBLE_DEPRECATION_WARNINGS": "false",
        "ANSIBLE_NOCOLOR": "1",
    }


def spend(command: list[str], state: State, callback: str = "default") -> tuple[Cost, int, str]:
    """Run a program to its end. Returns its cost, its status and what it printed (by an Ansible ``callback``)."""
    with tempfile.TemporaryFile() as printed:
        redirected = [(os.POSIX_SPAWN_DUP2, printed.fileno(), number) for number in (1, 2)]
        started = datetime.now()
        previous = Path.cwd()
        os.chdir(CHECKOUT)
        try:
            with RunMemory() as memory:
                marked = {
                    **environment(state),
                    "ANSIBLE_STDOUT_CALLBACK": callback,
                    "AURORA_IAM_BENCHMARK": memory.mark,
                }
                child = os.posix_spawn(command[0], command, marked, file_actions=redirected)
                _pid, status, usage = os.wait4(child, 0)
        finally:
            os.chdir(previous)
        wall = (datetime.now() - started).total_seconds()
        printed.seek(0)
        text = printed.read().decode(errors="replace")
    cost = Cost(usage.ru_utime + usage.ru_stime, wall, memory.peak)
    return cost, os.waitstatus_to_exitcode(status), text


def play(state: State, tasks: list[Task], variables: Mapping[str, Any]) -> tuple[dict[str, Timed], Cost]:
    """Run tasks on localhost, one after the other; ``variables`` are a file beside the playbook, as users have it.

    Returns what each came to, by its name. Raises BenchmarkFailed.
    """
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "accounts.json").write_text(json.dumps(variables))
        plays = [
            {
                "hosts": "localhost",
                "gather_facts": False,
                "vars_files": ["accounts.json"],
                "tasks": [task.written() for task in tasks],
            }
        ]
        book = Path(folder) / "playbook.yml"
        book.write_text(json.dumps(plays))
        cost, status, text = spend([str(PROGRAMS / "ansible-playbook"), str(book)], state, "figures")
    if status:
        raise BenchmarkFailed(f"A playbook of {', '.join(task.name for task in tasks)} failed:\n{text[-3000:]}")
    found = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    return {line["task"]: Timed(line["seconds"], line["changed"], line["lengths"]) for line in found}, cost

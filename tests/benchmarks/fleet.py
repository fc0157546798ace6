# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m tests.benchmarks.fleet``: provision many clusters in one play, beside an empty task on the same hosts.

Prints a table, and writes it into docs/fleet.md unless ``--clusters`` or ``--forks`` say something else than there.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.benchmarks.__main__ import sandbox
from tests.benchmarks.playbook import PROGRAMS, BenchmarkFailed, Cost, spend
from tests.integration.hook import Hook
from tests.sandbox.clients import CHECKOUT, State, read_state

PAGE = CHECKOUT / "docs" / "fleet.md"
BEGIN, END = "<!-- figures -->\n", "<!-- end of figures -->\n"
CLUSTERS, FORKS = 200, 10

PROVISION = "dbops.aurora_iam.provision"
MODULE = "dbops.aurora_iam.aurora_iam_users"


def inventory(clusters: int) -> dict[str, Any]:
    """Every cluster has an account of its own, so that each has something to make though they share servers."""
    account = "svc_{{ inventory_hostname | replace('-', '_') }}"
    variables = {
        "ansible_connection": "local",
        "ansible_python_interpreter": "{{ ansible_playbook_python }}",
        "aurora_iam_accounts": [{"name": account, "connection_limit": 20}],
        "aurora_iam_login": {"lock_timeout": 300},
    }
    hosts: dict[str, Any] = {f"fleet-{number:03}": {} for number in range(1, clusters + 1)}
    return {"aurora_iam": {"hosts": hosts, "vars": variables}}


def play(task: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"hosts": "aurora_iam", "gather_facts": False, "tasks": [task]}]


def accounts(state: str) -> dict[str, Any]:
    users = [{"name": "{{ aurora_iam_accounts[0].name }}", "connection_limit": 20, "state": state}]
    return {MODULE: {"cluster": "{{ inventory_hostname }}", "lock_timeout": 300, "users": users}}


STEPS: dict[str, Any] = {
    "an empty task (the floor)": play({"nothing": {}}),
    "`dbops.aurora_iam.provision`, every cluster gets an account": PROVISION,
    "`aurora_iam_users` alone, nothing to do": play(accounts("present")),
    "": play(accounts("absent")),
}
"""title → tasks, or a playbook; one without a title only tidies up"""


def measure(state: State, clusters: int, forks: int) -> Iterator[tuple[str, Cost]]:
    """What each step costs, in their order. Raises BenchmarkFailed."""
    with tempfile.TemporaryDirectory() as folder:
        hosts = Path(folder) / "hosts.json"
        hosts.write_text(json.dumps(inventory(clusters)))
        for title, step in STEPS.items():
            book = step
            if not isinstance(step, str):
                book = str(Path(folder) / "play.yml")
                Path(book).write_text(json.dumps(step))
            command = [str(PROGRAMS / "ansible-playbook"), "-i", str(hosts), "--forks", str(forks), book]
            cost, status, text = spend(command, state)
            if status:
                raise BenchmarkFailed(f"{title} failed:\n{text[-3000:]}")
            if title:
                print(f"{title}: {cost.wall:.1f} s", flush=True)
                yield title, cost


def table(costs: dict[str, Cost], clusters: int, forks: int, load: float) -> str:
    floor = next(iter(costs.values()))
    lines = [
        f"{clusters} clusters, forks {forks}, on {os.cpu_count()} cores (load {load:.1f} when it began), by",
        "`python -m tests.benchmarks.fleet`:",
        "",
        "| one play | seconds | for each cluster | times the floor | CPU seconds | MB of the largest process |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for title, cost in costs.items():
        figures = f"{cost.wall:.0f} | {cost.wall / clusters:.2f} | {cost.wall / floor.wall:.1f} | {cost.cpu:.0f}"
        lines.append(f"| {title} | {figures} | {cost.memory:.0f} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.fleet", description="How fast a fleet goes.")
    parser.add_argument("--clusters", type=int, default=CLUSTERS)
    parser.add_argument("--forks", type=int, default=FORKS)
    arguments = parser.parse_args()
    load = os.getloadavg()[0]
    was_up = sandbox("status") == 0
    try:
        if not was_up and sandbox("up --only orders,ledger"):
            return 1
        state = read_state()
        Hook(state).describe_fleet(arguments.clusters)
        costs = dict(measure(state, arguments.clusters, arguments.forks))
        Hook(state).describe_fleet(0)
    except BenchmarkFailed as failure:
        print(failure, file=sys.stderr)
        return 1
    finally:
        if not was_up:
            sandbox("down")
    text = table(costs, arguments.clusters, arguments.forks, load)
    print(text)
    if (arguments.clusters, arguments.forks) == (CLUSTERS, FORKS):
        before, _begin, rest = PAGE.read_text().partition(BEGIN)
        PAGE.write_text(before + BEGIN + "\n" + text + "\n" + END + rest.partition(END)[2])
    return 0


if __name__ == "__main__":
    sys.exit(main())

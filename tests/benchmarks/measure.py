# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure, and be sure that what is measured did its work."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass

from tests.benchmarks.distance import Proxies
from tests.benchmarks.playbook import PROGRAMS, BenchmarkFailed, Cost, Options, Task, Timed, play, spend
from tests.benchmarks.subject import Subject, members
from tests.sandbox.clients import State

STEPS = {"create": "as_created", "no change": "as_created", "change": "as_changed", "drop": "as_dropped"}
"""What is done to all accounts → the variable with the accounts as they shall be."""
WARM_UP = Task("first", "ansible.builtin.ping", {})
EMPTY = Task("empty", "ansible.builtin.ping", {})
FIRST, AGAIN = (Task(name, "nothing", {"users": "{{ as_created }}"}) for name in ("handed over", "handed over again"))
"""A task that is given the same accounts and does nothing with them. When a module runs for the first time, Ansible
packs it; so it does with ours when it creates."""


@dataclass(frozen=True)
class SetCost:
    """All accounts in one task, and the floor beside it.

    delay        seconds each way
    seconds      the task's
    empty        seconds of a task that does nothing
    handed_over  seconds of a task that is given the same accounts and does nothing
    sql          seconds of connecting and the widest SQL; of connecting alone where nothing changes
    queries      round trips without those of logging in
    connections  one for each database that is involved
    memory       MB of the largest process, in the largest of the steps
    """

    subject: Subject
    accounts: int
    delay: float
    step: str
    seconds: float
    empty: float
    handed_over: float
    sql: float
    round_trips: int
    queries: int
    connections: int
    memory: float

    @property
    def ratio(self) -> float:
        return self.seconds / (self.handed_over + self.sql)

    @property
    def strict_ratio(self) -> float:
        """Beside an empty task that is given nothing."""
        return self.seconds / (self.empty + self.sql)


@dataclass(frozen=True)
class LoopCost:
    """What users write today; seconds and round trips are those of one account."""

    subject: Subject
    accounts: int
    delay: float
    step: str
    seconds: float
    round_trips: float


@dataclass(frozen=True)
class SingleCost:
    """``ansible localhost -m …`` for one account that is there already: the best of several runs."""

    subject: Subject
    delay: float
    command: str
    wall: float
    cpu: float
    round_trips: int


def measure_set(state: State, subject: Subject, proxies: Proxies, number: int, delay: float) -> list[SetCost]:
    accounts = members(number)
    roads = {step: proxies.road(delay) for step in STEPS}
    tasks = [subject.ours(step, users, roads[step].port) for step, users in STEPS.items()]
    timed, whole = play(state, [WARM_UP, EMPTY, FIRST, AGAIN, *tasks], subject.variables(accounts))
    for step in STEPS:
        _check(timed[step], step, number)
    floor, login = _floor(subject, proxies, number, delay)
    return [
        SetCost(
            subject,
            number,
            delay,
            step,
            timed[step].seconds,
            timed[EMPTY.name].seconds,
            timed[(FIRST if step == "create" else AGAIN).name].seconds,
            floor[step],
            road.round_trips,
            road.round_trips - login * road.connections,
            road.connections,
            whole.memory,
        )
        for step, road in roads.items()
    ]


def _check(task: Timed, step: str, number: int) -> None:
    if task.changed != (step != "no change"):
        raise BenchmarkFailed(f"{step} of {number} accounts: changed is {task.changed}.")
    word = {"create": "created", "no change": "unchanged", "change": "altered", "drop": "dropped"}[step]
    if task.lengths[word] != number:
        raise BenchmarkFailed(f"{step} of {number} accounts: only {task.lengths[word]} are {word}.")


def _floor(subject: Subject, proxies: Proxies, number: int, delay: float) -> tuple[dict[str, float], int]:
    """Seconds of each step in the widest SQL, connecting included; and the round trips that a login takes."""
    accounts = members(number, prefix="floor")
    seconds: dict[str, float] = {}
    login = 0
    for step, statements in (
        ("no change", []),
        ("create", subject.created(accounts)),
        ("change", subject.changed(accounts)),
        ("drop", subject.dropped(accounts)),
    ):
        road = proxies.road(delay)
        started = time.monotonic()
        connection = subject.connect(road.port)
        if statements:
            subject.execute(connection, statements)
        seconds[step] = time.monotonic() - started
        connection.close()
        if not statements:
            time.sleep(0.1 + 2 * delay)
            login = road.round_trips
    return seconds, login


def measure_loop(state: State, subject: Subject, proxies: Proxies, number: int, delay: float) -> list[LoopCost]:
    roads = {step: proxies.road(delay) for step in STEPS}
    tasks = {step: subject.loops(road.port)[step] for step, road in roads.items()}
    every = [task for part in tasks.values() for task in part]
    timed, _whole = play(state, [WARM_UP, *every], subject.variables(members(number)))
    for step, part in tasks.items():
        if any(timed[task.name].changed != (step != "no change") for task in part):
            raise BenchmarkFailed(f"The loop that should {step} {number} accounts on {subject.engine} did not.")
    return [
        LoopCost(
            subject,
            number,
            delay,
            step,
            sum(timed[task.name].seconds for task in part) / number,
            roads[step].round_trips / number,
        )
        for step, part in tasks.items()
    ]


def measure_single(state: State, subject: Subject, proxies: Proxies, runs: int, delay: float) -> list[SingleCost]:
    """The commands take turns, so that a busy moment of the machine meets all of them."""
    account = members(1)[0]
    connection = subject.connect(subject.port)
    subject.execute(connection, subject.created([account]))
    connection.close()
    roads = {}
    commands: dict[str, tuple[str, Options]] = {"ansible.builtin.ping": ("ansible.builtin.ping", {})}
    for name in ("theirs", "login_host=", "cluster="):
        roads[name] = proxies.road(delay)
    module, options = subject.single(account.name, roads["theirs"].port)
    commands[module] = (module, options)
    ours = "dbops.aurora_iam.aurora_iam_user"
    commands["aurora_iam_user, login_host="] = (
        ours,
        {**subject.by_host(roads["login_host="].port), "name": account.name},
    )
    commands["aurora_iam_user, cluster="] = (
        ours,
        {
            "cluster": subject.cluster,
            "name": account.name,
            "login_host": subject.host,
            "login_port": roads["cluster="].port,
        },
    )
    costs: dict[str, list[Cost]] = {command: [] for command in commands}
    for _turn in range(runs):
        for command, (module, options) in commands.items():
            costs[command].append(_ad_hoc(state, module, options))
    connection = subject.connect(subject.port)
    subject.execute(connection, subject.dropped([account]))
    connection.close()
    trips = [0, *(road.round_trips // runs for road in roads.values())]
    return [
        SingleCost(subject, delay, command, min(c.wall for c in found), min(c.cpu for c in found), count)
        for (command, found), count in zip(costs.items(), trips, strict=True)
    ]


def _ad_hoc(state: State, module: str, options: Options) -> Cost:
    command = [str(PROGRAMS / "ansible"), "localhost", "-m", module]
    if options:
        command = [*command, "-a", json.dumps(options)]
    cost, status, text = spend(command, state)
    if status or '"changed": true' in text:
        raise BenchmarkFailed(f"{module} for an account that is there failed or changed it:\n{text[-2000:]}")
    return cost

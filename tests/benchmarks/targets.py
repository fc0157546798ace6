# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the collection promises, and whether the figures keep it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from tests.benchmarks.measure import LoopCost, SetCost, SingleCost
from tests.benchmarks.subject import Subject

QUERIES, ROUND_TRIPS, FLOOR, LOOP, MEMORY, SINGLE = 10, 60, 2.0, 100, 500, 1.0
MANY = 1000


@dataclass
class Figures:
    sets: list[SetCost] = field(default_factory=list)
    loops: list[LoopCost] = field(default_factory=list)
    singles: list[SingleCost] = field(default_factory=list)

    def subjects(self) -> list[Subject]:
        return list({cost.subject.engine: cost.subject for cost in self.sets}.values())

    def loop(self, cost: SetCost) -> LoopCost:
        """The loop that does the same at the same distance."""
        return next(
            loop
            for loop in self.loops
            if (loop.subject, loop.step, loop.delay) == (cost.subject, cost.step, cost.delay)
        )

    def speedup(self, cost: SetCost) -> float:
        """How many times as long an account takes in the loop."""
        return self.loop(cost).seconds / (cost.seconds / cost.accounts)

    def single_ratio(self, subject: Subject, delay: float, command: str) -> float:
        """Wall seconds of our command, beside the module that users have today."""
        of_subject = [cost for cost in self.singles if (cost.subject, cost.delay) == (subject, delay)]
        ours = next(cost.wall for cost in of_subject if command in cost.command)
        theirs = next(cost.wall for cost in of_subject if cost.command.startswith(("community.", "ansible.mysql.")))
        return ours / theirs


@dataclass(frozen=True)
class Verdict:
    """``kept`` is None for what is only worth knowing beside a promise."""

    promise: str
    found: str
    kept: bool | None

    def line(self) -> str:
        words = {True: "yes", False: "**no**", None: "not promised"}
        return f"| {self.promise} | {self.found} | {words[self.kept]} |"


def judge(figures: Figures) -> list[Verdict]:
    near = [cost for cost in figures.sets if cost.delay == 0]
    many = [cost for cost in near if cost.accounts == MANY]
    memory = max(near, key=lambda cost: (cost.accounts, cost.memory))
    verdicts = [
        _most(
            f"A run that changes nothing: at most {QUERIES} queries for each database involved, at any number",
            [cost for cost in near if cost.step == "no change"],
            lambda cost: cost.queries / cost.connections,
            QUERIES,
        ),
        _most(
            f"{MANY:,} accounts with two grants each: at most {ROUND_TRIPS} round trips",
            many,
            lambda cost: cost.round_trips,
            ROUND_TRIPS,
        ),
        *_beside_the_floor(many),
        _least_speedup(figures, many),
        Verdict(
            f"{memory.accounts:,} accounts: no process takes more than {MEMORY} MB of memory",
            f"{memory.memory:.0f} MB",
            memory.memory < MEMORY,
        ),
    ]
    return [*verdicts, *_single(figures)]


def _beside_the_floor(many: Sequence[SetCost]) -> list[Verdict]:
    made = [cost for cost in many if cost.step == "create"]
    others = [cost for cost in many if cost.step != "create"]
    beside = f"within {FLOOR:.0f} times the floor"
    return [
        _most(f"… made {beside}", made, lambda cost: cost.ratio, FLOOR),
        _most(f"… found unchanged, changed or dropped {beside}", others, lambda cost: cost.ratio, FLOOR),
        _most("… made, beside an empty task that is given no accounts", made, lambda cost: cost.strict_ratio, None),
    ]


def _most(promise: str, costs: Iterable[SetCost], figure: Callable[[SetCost], float], limit: float | None) -> Verdict:
    worst = max(costs, key=figure)
    found = f"{figure(worst):.3g} ({worst.subject.engine}, {worst.step}, {worst.accounts:,})"
    return Verdict(promise, found, None if limit is None else figure(worst) <= limit)


def _least_speedup(figures: Figures, many: Sequence[SetCost]) -> Verdict:
    worst = min(many, key=figures.speedup)
    found = f"{figures.speedup(worst):.0f} times ({worst.subject.engine}, {worst.step})"
    return Verdict(
        f"{MANY:,} accounts: for each of them at least {LOOP} times as fast as the loop",
        found,
        figures.speedup(worst) >= LOOP,
    )


def _single(figures: Figures) -> list[Verdict]:
    verdicts = []
    for delay in sorted({cost.delay for cost in figures.singles}):
        for option, limit in (("login_host=", SINGLE), ("cluster=", None)):
            ratios = {s.engine: figures.single_ratio(s, delay, option) for s in figures.subjects()}
            found = ", ".join(f"{ratio:.2f} times ({engine})" for engine, ratio in ratios.items())
            where = f", {delay * 1000:.0f} ms away" if delay else ""
            promise = f"One existing account by `ansible -m`, with {option}{where}: " + (
                "no slower than today's module" if limit else "beside today's module, which does not ask AWS"
            )
            verdicts.append(Verdict(promise, found, max(ratios.values()) <= limit if limit else None))
    return verdicts

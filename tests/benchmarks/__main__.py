# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m tests.benchmarks``: measure, print, and write docs/performance.md.

``--quick`` takes less, prints only, and is for work on the collection. Exits with 1 if a promise is not kept.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from tests.benchmarks.distance import Proxies
from tests.benchmarks.measure import measure_loop, measure_set, measure_single
from tests.benchmarks.mysql import MySQL
from tests.benchmarks.playbook import BenchmarkFailed
from tests.benchmarks.postgresql import PostgreSQL
from tests.benchmarks.report import page
from tests.benchmarks.subject import Subject
from tests.benchmarks.targets import Figures, judge
from tests.sandbox.clients import CHECKOUT, read_state

PAGE = CHECKOUT / "docs" / "performance.md"
FAR = 0.020
"""seconds, each way"""


@dataclass(frozen=True)
class Profile:
    """How much is measured.

    sizes  distance → numbers of accounts in one task
    loops  distance → accounts in a loop
    runs   of one account by ``ansible -m``
    """

    sizes: Mapping[float, Sequence[int]]
    loops: Mapping[float, int]
    runs: int

    def up_to(self, most: int) -> Profile:
        """The same with fewer accounts."""
        sizes = {delay: [number for number in numbers if number <= most] for delay, numbers in self.sizes.items()}
        return replace(self, sizes=sizes)


QUICK = Profile(sizes={0.0: (1, 100, 1000)}, loops={0.0: 5}, runs=3)
FULL = Profile(sizes={0.0: (1, 10, 100, 1000, 10000), FAR: (1, 10, 100, 1000, 10000)}, loops={0.0: 25, FAR: 5}, runs=5)


def sandbox(command: str) -> int:
    program = [sys.executable, "-m", "tests.sandbox", *command.split()]
    quiet = subprocess.DEVNULL if command == "status" else None
    return subprocess.run(program, cwd=CHECKOUT, stdout=quiet, stderr=quiet, check=False).returncode


def measure(profile: Profile) -> Figures:
    state = read_state()
    figures = Figures()
    for subject in (MySQL(state), PostgreSQL(state)):
        proxies = Proxies(subject.host, subject.port)
        try:
            subject.set_scene()
            for delay in profile.sizes:
                _measure_at(figures, subject, proxies, profile, delay)
        finally:
            subject.clear()
            proxies.close()
    return figures


def _measure_at(figures: Figures, subject: Subject, proxies: Proxies, profile: Profile, delay: float) -> None:
    state = read_state()
    where = f"{subject.engine}, {delay * 1000:.0f} ms away:"
    for number in profile.sizes[delay]:
        print(f"{where} {number:,} accounts in one task", flush=True)
        figures.sets += measure_set(state, subject, proxies, number, delay)
    print(f"{where} {profile.loops[delay]} accounts in a loop", flush=True)
    figures.loops += measure_loop(state, subject, proxies, profile.loops[delay], delay)
    print(f"{where} one account by ansible -m", flush=True)
    figures.singles += measure_single(state, subject, proxies, profile.runs, delay)


def _command(arguments: argparse.Namespace) -> str:
    if arguments.quick:
        return "python -m tests.benchmarks --quick"
    return "make bench" if arguments.most == 10000 else f"make bench MOST={arguments.most}"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description="How fast the collection is.")
    parser.add_argument("--quick", action="store_true", help="up to 1,000 accounts, no distance; writes no page")
    parser.add_argument("--most", type=int, default=10000, help="no more accounts than these in one task")
    arguments = parser.parse_args()
    profile = QUICK if arguments.quick else FULL.up_to(arguments.most)
    load = os.getloadavg()[0]
    was_up = sandbox("status") == 0
    try:
        if not was_up and sandbox("up --only orders,ledger"):
            return 1
        figures = measure(profile)
    except BenchmarkFailed as failure:
        print(failure, file=sys.stderr)
        return 1
    finally:
        if not was_up:
            sandbox("down")
    text = page(figures, _command(arguments), load)
    print(text)
    if not arguments.quick:
        PAGE.write_text(text)
    return int(any(verdict.kept is False for verdict in judge(figures)))


if __name__ == "__main__":
    sys.exit(main())

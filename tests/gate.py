# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one gate: runs the checks of CHECKS, and closes with one summary.

``python -m tests.gate`` runs all of them, several at a time where they do not disturb each other;
``python -m tests.gate lint units`` runs those of the named groups, one after the other, and shows their output;
``python -m tests.gate check`` runs QUICK as the gate runs CHECKS.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOGS = ROOT / ".cache" / "logs"
PROGRAMS = Path(sys.executable).parent
PLUGINS = "ansible_collections.dbops.aurora_iam.plugins"
TYPED_TESTS = (
    "tests/benchmarks tests/documentation tests/matrix tests/sandbox tests/sanity tests/startup "
    "tests/artifact.py tests/checkout.py tests/demo.py tests/docsite.py tests/gate.py tests/interpreters.py "
    "tests/plugin_docs.py"
)
MARKUP = "--plugin-docs --validate-collection-refs dependent --disallow-unknown-collection-refs"


ALONE = "alone"
"""The lane of what compares times: it is the last, when nothing else runs."""


@dataclass(frozen=True)
class Check:
    """A command that exits with 0 if all is well. Checks of one lane run one after the other, lanes at the same time.

    A check whose output has ``N passed`` or ``N failed`` in it counts these; any other one counts as one.
    """

    name: str
    group: str
    command: str
    lane: str = "sources"
    time_limit: float = 600
    """seconds"""


INTEGRATION = 'pytest tests/integration -m "not timed"'
PAGES = "tests/integration/test_documentation.py"
IN_TWO_PROCESSES = f"{INTEGRATION} --ignore {PAGES} -n 2 --dist loadfile --no-loadscope-reorder"
OVER_DATA_API = f"env AURORA_SANDBOX=.sandbox-data-api {INTEGRATION} --data-api --clusters orders,ledger"
"""in a sandbox of its own, beside those of the other tests. The way to a server is the same for all versions of it:
tests/integration/aws/test_data_api_limits.py has an older one"""

CHECKS: tuple[Check, ...] = (
    Check("ruff format", "lint", "ruff format --check --diff ."),
    Check("ruff check", "lint", "ruff check ."),
    Check("yamllint", "lint", "yamllint --strict ."),
    Check("shellcheck", "lint", "shellcheck .ci/run"),
    Check("licences", "lint", "reuse lint --lines"),
    Check("workflows", "lint", "check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/test.yml"),
    Check("changelog", "lint", "antsibull-changelog lint"),
    Check("types of plugins", "types", f"mypy --python-version 3.9 -p {PLUGINS}"),
    Check("types of tests", "types", f"mypy --python-version 3.11 {TYPED_TESTS}"),
    Check("ansible-doc", "docs", "python -m tests.plugin_docs"),
    Check("antsibull-docs", "docs", f"antsibull-docs lint-collection-docs {MARKUP} ."),
    Check("code blocks", "docs", "python -m tests.documentation"),
    Check("docs site", "docs", "python -m tests.docsite"),
    Check("galaxy-importer", "build", "python -m tests.artifact import"),
    Check("execution environment", "build", "python -m tests.artifact environment"),
    Check("ansible-lint", "lint", "ansible-lint"),
    Check("ansible-test sanity", "sanity", "python -m tests.sanity.run", time_limit=900),
    Check("oldest and newest", "matrix", "python -m tests.matrix --ends --only units", time_limit=900),
    Check("Molecule", "molecule", "molecule test --all", time_limit=1800),
    Check("demo", "demo", "python -m tests.demo"),
    # In this lane, which ends before that of the other integration tests
    Check("pages", "integration", f"env AURORA_SANDBOX=.sandbox-pages pytest {PAGES}", time_limit=1800),
    # In the lane that would end first. That of the integration tests ends last, since some of them wait for long
    Check("unit tests", "units", "pytest tests/unit", lane="data api"),
    Check("integration tests", "integration", IN_TWO_PROCESSES, lane="tests", time_limit=2700),
    Check("integration, Data API", "integration", OVER_DATA_API, lane="data api", time_limit=2700),
    Check("comparisons of time", "integration", "pytest tests/integration -m timed", lane=ALONE),
)


QUICK_GROUPS = ("lint", "types", "units")
CONTRACTS = Check(
    "contract tests",
    "check",
    "pytest tests/integration/modules/test_contract.py --clusters orders,ledger",
    lane="contracts",
)
"""of the integration tests, those of the life of an account, on one cluster of each engine"""
QUICK: tuple[Check, ...] = (*(check for check in CHECKS if check.group in QUICK_GROUPS), CONTRACTS)


@dataclass(frozen=True)
class Result:
    """How a check went. ``passed`` and ``failed`` count tests, or the check itself."""

    check: Check
    passed: int
    failed: int
    skipped: int
    seconds: float

    def line(self) -> str:
        status = "FAILED" if self.failed else "ok"
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        counts = f"{self.passed} passed, {self.failed} failed{skipped}"
        return f"{status:<7} {self.check.name:<22} {self.seconds:>6.1f} s   {counts}"


@dataclass
class Gate:
    """Runs checks; on the way it prints what ends, and the output of what fails."""

    show_output: bool
    running: set[int] = field(default_factory=set)
    """ids of process groups, to end them when the gate is interrupted"""
    stopped: bool = False
    printing: threading.Lock = field(default_factory=threading.Lock)

    def run_lane(self, checks: Sequence[Check]) -> list[Result]:
        return [self.run(check) for check in checks if not self.stopped]

    def run(self, check: Check) -> Result:
        log = LOGS / f"{check.name.replace(' ', '-')}.log"
        started = time.monotonic()
        with subprocess.Popen(
            shlex.split(check.command),
            cwd=ROOT,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        ) as process:
            self.running.add(process.pid)
            alarm = threading.Timer(check.time_limit, end_group, [process.pid])
            alarm.start()
            with log.open("w") as copy:
                for line in process.stdout or ():
                    copy.write(line)
                    copy.flush()
                    if self.show_output:
                        print(line, end="", flush=True)
            status = process.wait()
            alarm.cancel()
            self.running.discard(process.pid)
        seconds = time.monotonic() - started
        result = read_result(check, log.read_text(), status, seconds)
        self.report(result, log, late=seconds >= check.time_limit)
        return result

    def report(self, result: Result, log: Path, late: bool) -> None:
        with self.printing:
            if result.failed and not self.show_output:
                print(f"\n----- {result.check.name}: {result.check.command}\n{log.read_text().rstrip()}\n-----\n")
            if late:
                print(f"{result.check.name} was ended after its time limit of {result.check.time_limit:.0f} s.")
            print(result.line(), flush=True)

    def stop(self) -> None:
        self.stopped = True
        for group in tuple(self.running):
            end_group(group)


def environment() -> dict[str, str]:
    """The caller's environment, with the programs of the virtual environment first, and plain output.

    Bytecode goes to .cache: beside the sources, `reuse lint` could meet a file that another check is just writing.
    It is kept even where the caller keeps none: without it every start of Ansible compiles all of Ansible, which takes
    longer than what most tests start it for. That of modules is kept too: tests/startup.
    """
    path = os.pathsep.join([str(PROGRAMS), os.environ.get("PATH", os.defpath)])
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {
        **inherited,
        "PATH": path,
        "NO_COLOR": "1",
        "ANSIBLE_NOCOLOR": "1",
        "PYTHONUNBUFFERED": "1",
        "PYTHONPYCACHEPREFIX": str(ROOT / ".cache" / "pycache"),
        "PYTHONPATH": str(ROOT / "tests" / "startup"),
        # antsibull-docs copies a collection that is in a repository as git lists it, and amazon.aws is no part of ours
        "GIT_CEILING_DIRECTORIES": str(PROGRAMS.parent),
    }


def end_group(group: int) -> None:
    """Interrupt a check, so that it can take down what it started; kill it if it has not ended 30 s later."""
    send(group, signal.SIGINT)
    last_resort = threading.Timer(30, send, [group, signal.SIGKILL])
    last_resort.daemon = True
    last_resort.start()


def send(group: int, number: int) -> None:
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return


def read_result(check: Check, output: str, status: int, seconds: float) -> Result:
    """Read the last count of each kind in the output. A check that failed has at least one failure."""
    counts = {
        word: int(([0, *re.findall(rf"\b(\d+) {word}\b", output)])[-1])
        for word in ("passed", "failed", "errors?", "skipped")
    }
    failed = counts["failed"] + counts["errors?"] if counts["passed"] or counts["failed"] else 0
    failed = max(failed, 1) if status else 0
    passed = counts["passed"] or (0 if status else 1)
    return Result(check, passed, failed, counts["skipped"], seconds)


def lanes(checks: Iterable[Check]) -> tuple[list[list[Check]], list[Check]]:
    """What runs at the same time, and what runs afterwards."""
    by_lane: dict[str, list[Check]] = {}
    for check in checks:
        by_lane.setdefault(check.lane, []).append(check)
    alone = by_lane.pop(ALONE, [])
    return list(by_lane.values()), alone


def main() -> int:
    parser = argparse.ArgumentParser(description="Run the checks of this repository.")
    groups = sorted({check.group for check in (*CHECKS, CONTRACTS)})
    parser.add_argument("groups", nargs="*", metavar="group", help=f"one of {', '.join(groups)}; left out: all")
    chosen = parser.parse_args().groups
    if unknown := set(chosen) - set(groups):
        parser.error(f"there is no group {', '.join(sorted(unknown))}; choose from {', '.join(groups)}")
    LOGS.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    quick = chosen == [CONTRACTS.group]
    gate = Gate(show_output=bool(chosen) and not quick)
    for number in (signal.SIGINT, signal.SIGTERM):  # a shell starts what is in the background without SIGINT
        signal.signal(number, signal.default_int_handler)
    rows, alone = lanes(QUICK if quick else CHECKS)
    if chosen and not quick:
        rows, alone = [[check for check in (*CHECKS, CONTRACTS) if check.group in chosen]], []
    with ThreadPoolExecutor(max_workers=len(rows)) as pool:
        try:
            results = [result for row in pool.map(gate.run_lane, rows) for result in row]
            results += gate.run_lane(alone)
        except KeyboardInterrupt:
            gate.stop()
            return 130
    return close(results, time.monotonic() - started)


def close(results: Sequence[Result], seconds: float) -> int:
    print(f"\nSummary, after {seconds:.0f} s. The output of each check is in {LOGS.relative_to(ROOT)}/.")
    for result in results:
        print("  " + result.line())
    passed, failed = sum(result.passed for result in results), sum(result.failed for result in results)
    print(f"{passed} passed, {failed} failed", flush=True)
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())

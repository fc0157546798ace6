# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The unit tests, and tasks on both engines, with every ansible-core and Python that is supported and on this machine.

``python -m tests.matrix``; ``--core 2.20`` and ``--python 3.12`` choose, ``--ends`` takes the oldest and newest pairs.
``--only units`` needs no sandbox. Each pair's tasks run on its own Python and on the oldest target's.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.matrix.versions import CACHE, ROOT, SUPPORTED, Pair, collections, here, missing, pairs, target
from tests.sandbox.__main__ import environment
from tests.sandbox.clients import State, read_state

CLUSTERS = "orders,ledger"
OF_AMAZON_AWS = "from 'ansible.module_utils._text' is deprecated"
"""The one deprecation that is not this collection's: amazon.aws 10 imports to_native from there."""


def units(pair: Pair) -> str | None:
    """What pytest printed if it failed."""
    python = pair.environment() / "bin" / "python"
    words = [str(python), "-m", "pytest", "-q", "tests/unit/plugins"]
    ran = run(ROOT, words, {"PYTHONPATH": str(collections())})
    return told(ran) if ran.returncode else None


def tasks(pair: Pair, state: State, python: Path) -> str | None:
    """What Ansible printed if a task failed: an account on each engine made, found again, and dropped."""
    account = f"matrix_{uuid.uuid4().hex[:10]}"
    ran = playbook(pair, state, python, ROOT / "playbooks" / "demo.yml", "--diff", "-e", f"demo_account={account}")
    return told(ran) if ran.returncode else None


def warnings(pair: Pair, state: State, python: Path) -> str | None:
    """What Ansible printed if a task failed, or a deprecation warning, or a token that it could have masked."""
    ran = playbook(pair, state, python, ROOT / "tests" / "matrix" / "deprecations.yml")
    printed = told(ran)
    deprecated = [
        each for each in printed.splitlines() if "[DEPRECATION WARNING]" in each and OF_AMAZON_AWS not in each
    ]
    shown = "X-Amz-Signature" in printed and pair.masks_lookups
    return printed if ran.returncode or deprecated or shown else None


def playbook(pair: Pair, state: State, python: Path, path: Path, *words: str) -> subprocess.CompletedProcess[str]:
    program = pair.environment() / "bin" / "ansible-playbook"
    more = {
        **environment(state),
        "ANSIBLE_COLLECTIONS_PATH": str(collections()),
        "ANSIBLE_LOCALHOST_WARNING": "false",
    }
    # Not in the checkout, whose ansible.cfg would lead to the plain files
    return run(CACHE, [str(program), str(path), *words, "-e", f"ansible_python_interpreter={python}"], more)


def run(folder: Path, words: list[str], more: dict[str, str]) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    return subprocess.run(
        words,
        cwd=folder,
        env={**inherited, **more},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )


def told(ran: subprocess.CompletedProcess[str]) -> str:
    return ran.stdout + ran.stderr


def trials(pair: Pair, only: str | None, state: State | None) -> Iterator[tuple[str, str | None]]:
    """What was tried with a pair, and what it printed if it failed."""
    if only in (None, "units"):
        yield "unit tests", units(pair)
    if state:
        own = pair.environment() / "bin" / "python"
        yield f"tasks on Python {pair.python}", tasks(pair, state, own)
        yield "deprecation warnings on the controller", warnings(pair, state, own)
        try:
            oldest = target()
        except LookupError as error:
            print(error, file=sys.stderr)
        else:
            yield "tasks on the oldest target", tasks(pair, state, oldest / "bin" / "python")
            yield "deprecation warnings of modules", warnings(pair, state, oldest / "bin" / "python")


@contextmanager
def sandbox(wanted: bool) -> Iterator[State | None]:
    """The sandbox, as it is if it is up, and otherwise for as long as this takes."""
    command = [sys.executable, "-m", "tests.sandbox"]
    if not wanted:
        yield None
        return
    was_up = subprocess.run([*command, "status"], cwd=ROOT, capture_output=True, check=False).returncode == 0
    if not was_up:
        subprocess.run([*command, "up", "--only", CLUSTERS], cwd=ROOT, check=True)
    try:
        yield read_state()
    finally:
        if not was_up:
            subprocess.run([*command, "down"], cwd=ROOT, check=True)


def main() -> int:
    """Print each trial, and ``N passed, N failed``."""
    parser = argparse.ArgumentParser(description="Try the collection with all that is supported.")
    parser.add_argument("--core", choices=list(SUPPORTED), help="only this ansible-core")
    parser.add_argument("--python", help="only this Python, such as 3.12")
    parser.add_argument("--ends", action="store_true", help="only the oldest and the newest pair that is here")
    parser.add_argument("--only", choices=["units", "tasks"], help="only these")
    arguments = parser.parse_args()
    chosen = [
        pair for pair in pairs() if arguments.core in (None, pair.core) and arguments.python in (None, pair.python)
    ]
    missing(chosen)
    present = here(chosen)
    if arguments.ends:
        present = list(dict.fromkeys([*present[:1], *present[-1:]]))
    counts = {True: 0, False: 0}
    with sandbox(arguments.only != "units") as state:
        for pair in present:
            started = time.monotonic()
            for what, printed in trials(pair, arguments.only, state):
                counts[printed is None] += 1
                print(printed or "", end="")
                outcome = "ok" if printed is None else "FAILED"
                print(f"{outcome:<7} {pair}: {what}, {time.monotonic() - started:.0f} s", flush=True)
                started = time.monotonic()
    print(f"{counts[True]} passed, {counts[False]} failed")
    return int(counts[False] > 0 or counts[True] == 0)


if __name__ == "__main__":
    sys.exit(main())

# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which Python runs which ansible-core, and the virtual environments of those pairs."""

from __future__ import annotations

import fcntl
import hashlib
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import ansible_collections.amazon.aws

from tests.interpreters import find_python

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache" / "matrix"

SUPPORTED: dict[str, tuple[str, ...]] = {
    "2.17": ("3.10", "3.11", "3.12"),
    "2.18": ("3.11", "3.12", "3.13"),
    "2.19": ("3.11", "3.12", "3.13"),
    "2.20": ("3.12", "3.13", "3.14"),
    "2.21": ("3.12", "3.13", "3.14"),
    "2.22": ("3.13", "3.14", "3.15"),
}
"""each ansible-core, and the Pythons that it runs on as the controller:
https://docs.ansible.com/ansible/latest/reference_appendices/release_and_maintenance.html"""

PRE_RELEASED = ("2.22",)
"""Of those above, the ones of which there are only betas and release candidates yet."""

OLDEST_TARGET = "3.9"
"""The oldest Python that modules run on. Every ansible-core above reaches it."""

TESTS = ("hypothesis>=6.100,<7", "pytest>=8,<10")


@dataclass(frozen=True)
class Pair:
    """A controller: an ansible-core on a Python."""

    core: str
    python: str

    def __str__(self) -> str:
        return f"ansible-core {self.core}, Python {self.python}"

    @property
    def masks_lookups(self) -> bool:
        """Whether Ansible masks secrets that a lookup registers."""
        return int(self.core.partition(".")[2]) >= 22

    def environment(self) -> Path:
        """Its virtual environment. Raises CalledProcessError if pip cannot make it."""
        major, minor = self.core.split(".")
        # pip takes a pre-release where the requirement names one
        lowest = f"{self.core}.0b1" if self.core in PRE_RELEASED else self.core
        core = f"ansible-core>={lowest},<{major}.{int(minor) + 1}.dev0"
        return make(f"core-{self.core}-python-{self.python}", self.python, (core, *TESTS))


def pairs() -> list[Pair]:
    return [Pair(core, python) for core, pythons in SUPPORTED.items() for python in pythons]


def here(chosen: list[Pair]) -> list[Pair]:
    """Those whose Python is on this machine."""
    found = {python for python in {pair.python for pair in chosen} if find_python(python)}
    return [pair for pair in chosen if pair.python in found]


def target() -> Path:
    """The virtual environment of the oldest target. Raises LookupError where this machine has no such Python."""
    return make(f"target-{OLDEST_TARGET}", OLDEST_TARGET, ())


def make(name: str, python: str, packages: tuple[str, ...]) -> Path:
    """A virtual environment with these packages and requirements.txt; made anew when one of them has changed."""
    interpreter = find_python(python)
    if not interpreter:
        raise LookupError(f"There is no Python {python} on this machine.")
    folder = CACHE / name
    wanted = "\n".join([str(interpreter), *packages, (ROOT / "requirements.txt").read_text()])
    stamp = folder / hashlib.sha256(wanted.encode()).hexdigest()[:16]
    with alone(name):
        if not stamp.exists():
            subprocess.run([interpreter, "-m", "venv", "--clear", folder], check=True)
            pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
            subprocess.run([*pip, "-r", str(ROOT / "requirements.txt"), *packages], check=True)
            stamp.touch()
    return folder


def collections() -> Path:
    """A path of collections with this one and amazon.aws; ansible-core alone has neither."""
    path = CACHE / "collections" / "ansible_collections"
    amazon = Path(next(iter(ansible_collections.amazon.aws.__path__))).parent
    with alone("collections"):
        for link, there in ((path / "dbops" / "aurora_iam", ROOT), (path / "amazon", amazon)):
            link.parent.mkdir(parents=True, exist_ok=True)
            link.unlink(missing_ok=True)
            link.symlink_to(there)
    return path.parent


@contextmanager
def alone(name: str) -> Iterator[None]:
    """Two checks at once may want the same environment."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def missing(chosen: list[Pair]) -> None:
    """Say on standard error what is not tried, and for want of what."""
    absent = {pair.python for pair in chosen} - {pair.python for pair in here(chosen)}
    for python in sorted(absent, key=lambda version: int(version.partition(".")[2])):
        cores = ", ".join(pair.core for pair in chosen if pair.python == python)
        print(f"There is no Python {python} on this machine: not tried with ansible-core {cores}.", file=sys.stderr)

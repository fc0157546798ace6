# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The programs that run in the background: start them, find them again, stop them.

There are no PID files, which a killed ``up`` would leave wrong. A program of this sandbox is one of the known kinds
whose working directory is inside the sandbox's ``run`` folder. Needs Linux's /proc.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

CONTROL_PLANE = "tests.sandbox.aws.control_plane"

# A server's files are thrown away after it, so none needs time to close them. PostgreSQL gets SIGQUIT, on which it
# still gives back its shared memory. https://www.postgresql.org/docs/current/server-shutdown.html
_SIGNALS = {"mysqld": signal.SIGKILL, "postgres": signal.SIGQUIT}


class SandboxError(Exception):
    """One sentence: the cause, and the next step."""


def start(command: list[str], folder: Path, log: Path, environment: Mapping[str, str] | None = None) -> None:
    """Launch a program that outlives this one. ``folder`` becomes its working directory, by which it is found again."""
    with log.open("ab") as output:
        subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def run(command: list[str], folder: Path, stdin: str = "") -> str:
    """Run a program to its end. Raises SandboxError with the last lines of what it printed."""
    result = subprocess.run(command, cwd=folder, input=stdin, capture_output=True, text=True, check=False)
    if result.returncode:
        last = "\n".join((result.stdout + result.stderr).strip().splitlines()[-8:])
        raise SandboxError(f"{Path(command[0]).name} ended with {result.returncode}: {last}")
    return result.stdout


def wait_until(ready: Callable[[], bool], seconds: float, what: str, log: Path) -> None:
    """Poll. Raises SandboxError with the end of the log when it takes too long."""
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            tail = "\n".join(log.read_text(errors="replace").splitlines()[-8:]) if log.exists() else ""
            raise SandboxError(f"{what} was not ready after {seconds:.0f} s; the end of {log}:\n{tail}")
        time.sleep(0.05)


def running(folder: Path) -> dict[int, str]:
    """PID → kind of every program of the sandbox whose ``run`` folder this is."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (kind := _kind(entry, folder.resolve())):
            found[int(entry.name)] = kind
    return found


def _kind(entry: Path, folder: Path) -> str:
    try:
        inside = (entry / "cwd").readlink().is_relative_to(folder)
        name = (entry / "comm").read_text().strip()
        if inside and CONTROL_PLANE.encode() in (entry / "cmdline").read_bytes():
            return CONTROL_PLANE
    except OSError:  # it has ended meanwhile, or is another user's
        return ""
    return name if inside and name in _SIGNALS else ""


def stop_all(folder: Path, seconds: float = 10) -> None:
    """Stop every program of the sandbox. Raises SandboxError if one is still there afterwards."""
    deadline = time.monotonic() + seconds
    for pid, kind in running(folder).items():
        _send(pid, _SIGNALS.get(kind, signal.SIGTERM))
    while left := running(folder):
        if time.monotonic() > deadline:
            raise SandboxError(f"Still running after {seconds:.0f} s: {left}; end them by hand.")
        if time.monotonic() > deadline - seconds / 2:
            for pid in left:
                _send(pid, signal.SIGKILL)
        time.sleep(0.05)


def _send(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


@dataclass(frozen=True)
class RunAs:
    """How a database server runs as somebody else than root, whom it refuses.

    words           what stands before its command
    owner           whom its files must belong to; None if that is us
    administrators  as whom the server sees us on its Unix socket, and then its own user, where that is another
    """

    administrators: tuple[str, ...]
    words: tuple[str, ...] = ()
    owner: pwd.struct_passwd | None = None

    def give(self, folder: Path) -> None:
        """Let the servers own a folder and all that is in it."""
        if self.owner is None:
            return
        for path in (folder, *folder.rglob("*")):
            os.chown(path, self.owner.pw_uid, self.owner.pw_gid, follow_symlinks=False)


@cache
def run_as(folder: Path) -> RunAs:
    """As whom servers whose files are in ``folder`` run: as us, unless we are root.

    Root's servers run as nobody. Where nobody may not pass through the folders above (a checkout below /root), they
    run in a user namespace of their own, in which root has another number, and everybody else nobody's (the overflow
    user of user_namespaces(7)).
    """
    if os.geteuid() != 0:
        return RunAs((pwd.getpwuid(os.geteuid()).pw_name,))
    user = pwd.getpwnam("nobody")
    words = ("setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups")
    nobody = RunAs(("root", user.pw_name), words, user)
    other = next(each for each in pwd.getpwall() if each.pw_uid not in (0, user.pw_uid))
    renumbered = RunAs(
        (other.pw_name,), ("unshare", "--user", f"--map-user={other.pw_uid}", f"--map-group={other.pw_gid}")
    )
    for candidate in (nobody, renumbered):
        if shutil.which(candidate.words[0]) and _can_list(candidate, folder):
            return candidate
    raise SandboxError(
        f"Database servers refuse to run as root, and the user nobody may not read {folder}; put the checkout where "
        "everybody may pass, or run this as another user."
    )


def _can_list(candidate: RunAs, folder: Path) -> bool:
    return subprocess.run([*candidate.words, "ls", str(folder)], capture_output=True, check=False).returncode == 0

# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""The lock that keeps runs apart, which every account of the server can take: who may hold a run up with it.

A run that finds the lock taken by a session that cannot be a run goes on without it. It announces itself instead, under
a name that nobody else can take beforehand, and then looks for other runs. As each run first takes the lock or
announces itself and looks afterwards, of two runs at least one sees the other.
"""

from __future__ import annotations

import secrets
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Callable

from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import Refused
from ansible_collections.dbops.aurora_iam.plugins.module_utils._login import Login
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import AccountName

_LONGEST_WAIT = 5
"""Seconds for which the server is let wait before the holders are looked at again: meanwhile the lock may have gone to
a session that cannot be a run."""
_PAUSE_MS = (50, 250)
"""Between looks for runs that have announced themselves. Not always the same, so that two of them do not withdraw in
step."""

Removes = Callable[[AccountName, bool], bool]
"""Whether the task drops or locks this account. The second argument: the account is IAM-authenticated."""


def removes_nobody(_name: AccountName, _iam: bool) -> bool:
    return False


@dataclass(frozen=True)
class Holder:
    """Another session, or a prepared transaction, that has taken the lock or announced itself.

    what           session or transaction, with its number or name
    account        None: the login may not see whose it is, which ``what`` says then
    client         the address that it came from; empty if that is not known
    administrator  the account may create accounts. True too where the server does not tell
    iam            the account is IAM-authenticated
    own            the account is the login of this task
    announced      it has only announced itself
    ending         the statement that ends it
    """

    what: str
    account: AccountName | None
    client: str
    administrator: bool
    iam: bool
    own: bool
    announced: bool
    ending: str

    def __str__(self) -> str:
        account = f" of {self.account}" if self.account else ""
        return f"{self.what}{account}" + (f" from {self.client}" if self.client else "")


class RunLock(ABC):
    """How an engine takes the lock and tells who has it. Raises StatementFailed, ConnectionLost."""

    held = False
    """This session has taken the lock or announced itself, and no other run has."""

    @abstractmethod
    def take(self, seconds: int) -> tuple[bool, list[Holder]]:
        """Wait so long for the lock, or not at all. Whether this session has it, until it ends; and ``holders``."""

    @abstractmethod
    def announce(self) -> bool:
        """Take a lock of this session's own."""

    @abstractmethod
    def withdraw(self) -> None:
        """Undo ``announce``."""

    @abstractmethod
    def holders(self) -> list[Holder]:
        """The others that hold the lock or have announced themselves."""


def acquire(lock: RunLock, login: Login, removes: Removes) -> list[str]:
    """Return warnings about sessions that hold the lock and that the run does not wait for. Raises Refused after
    lock_timeout."""
    deadline = time.monotonic() + login.lock_timeout
    taken, wait = False, 0
    while not lock.held:
        taken, others = (True, lock.holders()) if taken else lock.take(wait)
        lock.held, others = _claim(lock, taken, others, removes)
        if lock.held:
            return [] if taken else _not_waited_for(others, login, removes)
        runs, left = _runs(others, removes), deadline - time.monotonic()
        if left <= 0:
            raise _held_up(runs or others, login)
        wait = 0 if taken else _next_wait(runs, left)
        if not wait:
            time.sleep((_PAUSE_MS[0] + secrets.randbelow(_PAUSE_MS[1] - _PAUSE_MS[0])) / 1000)
    return []


def _claim(lock: RunLock, taken: bool, others: list[Holder], removes: Removes) -> tuple[bool, list[Holder]]:
    """Whether the lock is this run's, since none of the others, which are returned, may be a run. A run that has not
    taken it announces itself."""
    alone = not _runs(others, removes)
    if taken or not alone:
        return alone, others
    if not lock.announce():
        return False, others
    others = lock.holders()
    alone = not _runs(others, removes)
    if not alone:
        lock.withdraw()
    return alone, others


def _next_wait(runs: Sequence[Holder], left: float) -> int:
    """The lock's queue is fair. Runs that have announced themselves can only be asked for again and again."""
    return 0 if all(run.announced for run in runs) else max(1, min(_LONGEST_WAIT, round(left)))


def _runs(others: Sequence[Holder], removes: Removes) -> list[Holder]:
    """Those that may be runs."""
    return [holder for holder in others if (holder.own or holder.administrator) and not _is_removed(holder, removes)]


def _is_removed(holder: Holder, removes: Removes) -> bool:
    return holder.account is not None and not holder.own and removes(holder.account, holder.iam)


def _not_waited_for(others: Sequence[Holder], login: Login, removes: Removes) -> list[str]:
    return [_warning(holder, login, removes) for holder in others if not holder.announced]


def _warning(holder: Holder, login: Login, removes: Removes) -> str:
    reason = (
        "is an account that this task drops or locks" if _is_removed(holder, removes) else "cannot administer accounts"
    )
    what = str(holder)
    return (
        f"{what[0].upper()}{what[1:]} holds the lock of dbops.aurora_iam on {login.title}. The task did not wait for "
        f"it, because {holder.account} {reason}. End it with: {holder.ending}"
    )


def _held_up(holders: Sequence[Holder], login: Login) -> Refused:
    who = ", ".join(map(str, holders)) or "its holder changes all the time"
    endings = "; ".join(holder.ending for holder in holders)
    advice = f"; if it is not a run, end it with: {endings}" if endings else "."
    return Refused(
        "Another run of dbops.aurora_iam, or a session left open that holds its lock, has kept this task waiting on "
        f"{login.title} for more than {login.lock_timeout} s: {who}. Wait for it to end or raise lock_timeout{advice}"
    )

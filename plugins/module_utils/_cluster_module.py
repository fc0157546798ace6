# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""The pipeline of aurora_iam_cluster: read, decide, refuse or warn, switch, wait."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Callable

from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.calls import Clients
from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.iam_auth import (
    IamAuth,
    read_iam_auth,
    switch_iam_auth,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.iam_auth_rules import (
    Change,
    can_be_modified,
    check_change,
    decide,
    is_switching,
    unfinished,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._connect import connection
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import (
    AuroraIamError,
    CloudError,
    InvalidOption,
    Refused,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import IAM
from ansible_collections.dbops.aurora_iam.plugins.module_utils._params import connection_spec, iam_auth_spec
from ansible_collections.dbops.aurora_iam.plugins.module_utils._report import to_yaml
from ansible_collections.dbops.aurora_iam.plugins.module_utils._task import Operation, Result, Task

_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 10.0
"""Seconds between two looks at the state. The pauses grow, because a change takes minutes on AWS."""


@dataclass(frozen=True)
class Outcome:
    """What a task came to: the same in check mode and in the real run.

    before, after  the state when the task decided, and when it ended
    change         the call that it made, or would make; None when there was nothing to do
    accounts       whose accounts lose their login; None where that was not asked or could not be counted
    """

    before: IamAuth
    after: IamAuth
    change: Change | None
    waited: bool
    accounts: tuple[str, ...] | None
    warnings: tuple[str, ...]

    def result(self) -> Result:
        side_before, side_after = _side(self.before.enabled, self.before.pending), self._planned()
        changed = self.change is not None
        header = f"IAM authentication of {self.before.title}"
        result: Result = {
            "changed": changed,
            "diff": {
                "before_header": header,
                "after_header": header,
                "before": to_yaml(side_before) if changed else "",
                "after": to_yaml(side_after) if changed else "",
            },
            **side_after,
            self.after.kind: _described(self.after),
        }
        if side_after["pending"]:
            result["msg"] = (
                f"IAM authentication of {self.before.title} is not {side_after['pending']} yet, but pending."
            )
        if self.accounts is not None:
            result["accounts"] = list(self.accounts)
        return result

    def _planned(self) -> Result:
        """What is so after the task, by its plan."""
        if self.change is None:
            return _side(self.before.enabled, self.before.pending)
        wanted = self.change.wanted
        if self.change.pending is None and (self.waited or wanted == self.before.enabled):
            return _side(wanted, None)
        return _side(self.before.enabled, wanted)


class _Clock:
    """How long a task may wait, in all, and how it does."""

    def __init__(self, seconds: int) -> None:
        self._end = time.monotonic() + seconds
        self._pause = _FIRST_PAUSE

    def sleep(self) -> bool:
        """Wait a little; False when the time is over."""
        left = self._end - time.monotonic()
        if left <= 0:
            return False
        time.sleep(min(self._pause, left))
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)
        return True


def perform(task: Task) -> Result:
    """The work of aurora_iam_cluster."""
    outcome = converge(task.params, task.client, task.write)
    for warning in outcome.warnings:
        task.warn(warning)
    return outcome.result()


OPERATION = Operation({**connection_spec(), **iam_auth_spec()}, perform)


def converge(options: Mapping[str, Any], clients: Clients, write: bool) -> Outcome:
    """Decide from what RDS says and, if ``write``, switch and wait until it is so. Raises what ``_errors`` has."""
    kind, identifier = _target(options)
    wanted, immediately = options["iam_auth"] == "enabled", options["apply_immediately"]
    clock = _Clock(options["wait_timeout"] if options["wait"] else 0)
    waits = options["wait"] and immediately

    def read() -> IamAuth:
        return read_iam_auth(clients, kind, identifier)

    def ready() -> tuple[IamAuth, Change | None]:
        return _ready(read, lambda state: decide(state, wanted, immediately), clock, waits)

    before, change = ready()
    if change is None:
        return Outcome(before, before, None, waits, None, ())
    check_change(before, change)
    accounts, warnings = _who_loses(options, clients, before) if before.enabled and not wanted else (None, ())
    after = before
    while write:
        if switch_iam_auth(clients, before, wanted, immediately):
            after = _finished(read, wanted, clock) if waits else read()
            break
        if not clock.sleep():
            raise CloudError(_refuses(before))
        before, change = ready()
        if change is None:
            after = before
            break
    return Outcome(before, after, change, waits, accounts, warnings)


def _target(options: Mapping[str, Any]) -> tuple[str, str]:
    named = [kind for kind in ("cluster", "instance") if options[kind]]
    if len(named) != 1 or options["proxy"]:
        raise InvalidOption(
            "IAM authentication is turned on and off for one cluster or one instance; set either cluster or instance, "
            "and neither proxy nor both."
        )
    return named[0], str(options[named[0]])


def _ready(
    read: Callable[[], IamAuth], needed: Callable[[IamAuth], Change | None], clock: _Clock, waits: bool
) -> tuple[IamAuth, Change | None]:
    """The state and the change that it needs, once nothing else is going on that a change would have to wait for.

    waits  whether a switch that is being made already is waited for where it is the one that is wanted
    Raises CloudError when that takes too long, or when waiting does not help.
    """
    while True:
        state = read()
        change = needed(state)
        if change is None and not (waits and is_switching(state)):
            return state, None
        if change is not None and can_be_modified(state) and not is_switching(state):
            return state, change
        if not clock.sleep():
            raise CloudError(_refuses(state))


def _refuses(state: IamAuth) -> str:
    return (
        f"The {state.title} is {state.status}, and RDS modifies none that is; run the task again when it is available, "
        "or give it more wait_timeout."
    )


def _finished(read: Callable[[], IamAuth], wanted: bool, clock: _Clock) -> IamAuth:
    """The state when the change is over in every instance. Raises CloudError when it fails or takes too long."""
    word = _word(wanted)
    was_switching = False
    while True:
        state = read()
        left = unfinished(state, wanted)
        if not left:
            return state
        if was_switching and not is_switching(state) and state.pending is None and state.enabled != wanted:
            raise CloudError(
                f"RDS could not switch IAM authentication of {state.title}: it stayed {_word(state.enabled)}; look for "
                "the reason among its events, and run the task again."
            )
        was_switching = was_switching or is_switching(state)
        if not clock.sleep():
            raise CloudError(
                f"IAM authentication of {state.title} is not {word} everywhere within wait_timeout: "
                f"{', '.join(left)}; run the task again to wait on."
            )


def _who_loses(
    options: Mapping[str, Any], clients: Clients, state: IamAuth
) -> tuple[tuple[str, ...] | None, tuple[str, ...]]:
    """The accounts that can log in by token only, and a warning about them. Raises Refused without ``confirm``."""
    try:
        accounts = _iam_accounts(options, clients)
    except AuroraIamError as error:
        reason = error.message.rstrip(".")
        if not options["confirm"]:
            raise Refused(
                f"How many IAM-authenticated accounts of {state.title} would lose their login cannot be counted "
                f"({reason}); give the task a way to log in, or set confirm: true to turn it off all the same.",
                **error.details,
            ) from error
        return None, (
            f"How many IAM-authenticated accounts of {state.title} lose their login could not be counted ({reason}).",
        )
    if not accounts:
        return accounts, ()
    what = f"{len(accounts)} IAM-authenticated account{'s' if len(accounts) > 1 else ''} of {state.title}"
    if not options["confirm"]:
        raise Refused(
            f"{what} would lose the only way to log in; if that is what you want, set confirm: true.",
            accounts=list(accounts),
        )
    return accounts, (f"Without IAM authentication nobody can log in any more as {what}.",)


def _iam_accounts(options: Mapping[str, Any], clients: Clients) -> tuple[str, ...]:
    engine, login = connection(options, clients)
    session = engine.open(login)
    try:
        observed = engine.observe(session, [], all_accounts=True)
    finally:
        session.close()
    return tuple(sorted(str(name) for name, account in observed.accounts.items() if account.authentication == IAM))


def _word(enabled: bool) -> str:
    return "enabled" if enabled else "disabled"


def _side(enabled: bool, pending: bool | None) -> Result:
    return {"iam_auth": _word(enabled), "pending": "" if pending is None else _word(pending)}


def _described(state: IamAuth) -> Result:
    described: Result = {
        "identifier": state.identifier,
        "arn": state.arn,
        "resource_id": state.resource_id,
        "engine": state.engine,
        "engine_version": state.engine_version,
        "status": state.status,
    }
    if state.kind == "cluster":
        described["instances"] = [
            {"identifier": each.identifier, "class": each.instance_class, "status": each.status}
            for each in state.members
        ]
    return described

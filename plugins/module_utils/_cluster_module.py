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
from typing import Any

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
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.base import Others
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


@dataclass(frozen=True)
class _Switch:
    """The switch of one cluster or instance.

    waits  until it is over, also where it is being made already
    """

    clients: Clients
    kind: str
    identifier: str
    wanted: bool
    immediately: bool
    waits: bool
    clock: _Clock

    def read(self) -> IamAuth:
        return read_iam_auth(self.clients, self.kind, self.identifier)

    def ready(self) -> tuple[IamAuth, Change | None]:
        """The state and the change that it needs, once nothing else is going on that a change would have to wait for.

        Raises CloudError when that takes too long, or when waiting does not help.
        """
        while True:
            state = self.read()
            change = decide(state, self.wanted, self.immediately)
            if change is None and not (self.waits and is_switching(state)):
                return state, None
            if change is not None and can_be_modified(state) and not is_switching(state):
                return state, change
            if not self.clock.sleep():
                raise CloudError(_refuses(state))

    def make(self, before: IamAuth, change: Change) -> tuple[IamAuth, Change | None, IamAuth]:
        """Once RDS lets the state be modified: that state, the change that it needed, and the state afterwards."""
        while not switch_iam_auth(self.clients, before, self.wanted, self.immediately):
            if not self.clock.sleep():
                raise CloudError(_refuses(before))
            before, needed = self.ready()
            if needed is None:
                return before, None, before
            change = needed
        return before, change, self._finished() if self.waits else self.read()

    def _finished(self) -> IamAuth:
        """The state when the change is over in every instance. Raises CloudError when it fails or takes too long."""
        was_switching = False
        while True:
            state = self.read()
            left = unfinished(state, self.wanted)
            if not left:
                return state
            if was_switching and not is_switching(state) and state.pending is None and state.enabled != self.wanted:
                raise CloudError(
                    f"RDS could not switch IAM authentication of {state.title}: it stayed {_word(state.enabled)}; look "
                    "for the reason among its events, and run the task again."
                )
            was_switching = was_switching or is_switching(state)
            if not self.clock.sleep():
                raise CloudError(
                    f"IAM authentication of {state.title} is not {_word(self.wanted)} everywhere within wait_timeout: "
                    f"{', '.join(left)}; run the task again to wait on."
                )


def perform(task: Task) -> Result:
    """The work of aurora_iam_cluster."""
    outcome = converge(task.params, task.client, task.write)
    for warning in outcome.warnings:
        task.warn(warning)
    return outcome.result()


OPERATION = Operation({**connection_spec(), **iam_auth_spec()}, perform)


def converge(options: Mapping[str, Any], clients: Clients, write: bool) -> Outcome:
    """Decide from what RDS says and, if ``write``, switch and wait until it is so. Raises what ``_errors`` has."""
    switch = _requested_switch(options, clients)
    before, change = switch.ready()
    if change is None:
        return Outcome(before, before, None, switch.waits, None, ())
    check_change(before, change)
    turned_off = before.enabled and not switch.wanted
    accounts, warnings = _who_loses(options, clients, before) if turned_off else (None, ())
    after = before
    if write:
        before, change, after = switch.make(before, change)
    return Outcome(before, after, change, switch.waits, accounts, warnings)


def _requested_switch(options: Mapping[str, Any], clients: Clients) -> _Switch:
    kind, identifier = _target(options)
    clock = _Clock(options["wait_timeout"] if options["wait"] else 0)
    wanted, immediately = options["iam_auth"] == "enabled", options["apply_immediately"]
    return _Switch(clients, kind, identifier, wanted, immediately, options["wait"] and immediately, clock)


def _target(options: Mapping[str, Any]) -> tuple[str, str]:
    named = [kind for kind in ("cluster", "instance") if options[kind]]
    if len(named) != 1 or options["proxy"]:
        raise InvalidOption(
            "IAM authentication is turned on and off for one cluster or one instance; set either cluster or instance, "
            "and neither proxy nor both."
        )
    return named[0], str(options[named[0]])


def _refuses(state: IamAuth) -> str:
    return (
        f"The {state.title} is {state.status}, and RDS modifies none that is; run the task again when it is available, "
        "or give it more wait_timeout."
    )


def _who_loses(
    options: Mapping[str, Any], clients: Clients, state: IamAuth
) -> tuple[tuple[str, ...] | None, tuple[str, ...]]:
    """The accounts that can log in by token only, and a warning about them. Raises Refused without ``confirm``."""
    try:
        accounts = _iam_accounts(options, clients)
    except AuroraIamError as error:
        reason = str(error).rstrip(".")
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
        observed = engine.observe(session, [], Others.ACCOUNTS)
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

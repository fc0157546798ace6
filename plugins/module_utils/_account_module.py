# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""The one pipeline of aurora_iam_user and aurora_iam_users."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Callable, Generic, TypeVar

from ansible_collections.dbops.aurora_iam.plugins.module_utils._connect import connection
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.base import (
    Engine,
    ParsedAccount,
    Session,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.run_lock import Removes
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import (
    AuroraIamError,
    ConnectionLost,
    InvalidOption,
    NotWriter,
    Unreachable,
    VerificationFailed,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._login import Login
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import (
    Account,
    AccountName,
    AccountRequest,
    Changes,
    Observed,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._params import connection_spec
from ansible_collections.dbops.aurora_iam.plugins.module_utils._plan import Plan
from ansible_collections.dbops.aurora_iam.plugins.module_utils._progress import Progress
from ansible_collections.dbops.aurora_iam.plugins.module_utils._reconcile import KEEP, reconcile
from ansible_collections.dbops.aurora_iam.plugins.module_utils._report import (
    DescribeGrants,
    describe_account,
    diff_side,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._task import Operation, Result, Task
from ansible_collections.dbops.aurora_iam.plugins.module_utils._writer import open_writer

O = TypeVar("O", bound=Observed)  # noqa: E741 - as in _engines.base


@dataclass(frozen=True)
class Outcome(Generic[O]):
    """What a task came to: the same object in check mode and in the real run.

    describe_grants  the engine's; remembers what it described, because accounts of a set often have the same grants
    changes          from what was observed first to what is there now, over all plans that the task needed
    plan             the last of them
    statements       what was carried out over all of them; in check mode, what would be
    """

    engine: Engine[O]
    describe_grants: DescribeGrants
    login: Login
    changes: Changes
    plan: Plan
    statements: tuple[str, ...]
    warnings: tuple[str, ...]

    def result(self) -> Result:
        """The keys that every account module returns."""
        return {
            "changed": bool(self.statements),
            "statements": list(self.statements),
            "diff": self._diff(),
        }

    def describe(self, account: Account) -> Result:
        """The account after the task, with the ARN that an IAM policy names to let somebody connect as it."""
        described = describe_account(account, self.engine.capabilities, self.describe_grants)
        described["connect_arn"] = self.login.endpoint.connect_arn(account.name.name)
        return described

    def _diff(self) -> Result:
        changed = self.changes.effective
        before = {change.name: change.before for change in changed if change.before}
        after = {change.name: change.after for change in changed if change.after}
        return {
            "before_header": f"accounts on {self.login.title}",
            "after_header": f"accounts on {self.login.title}",
            "before": diff_side(before, self.engine.capabilities, self.describe_grants),
            "after": diff_side(after, self.engine.capabilities, self.describe_grants),
        }


def account_operation(
    spec: Mapping[str, Mapping[str, Any]],
    read: Callable[[Mapping[str, Any]], tuple[list[AccountRequest], str]],
    report: Callable[[Outcome[Any]], Result],
) -> Operation:
    """
    spec    the options that are not for the connection
    read    options → the requests, and what happens to unlisted accounts
    report  outcome → the keys that only this module returns
    """

    def perform(task: Task) -> Result:
        requests, unlisted = read(task.params)
        engine, login = connection(task.params, task.client)
        outcome = converge(engine, login, requests, unlisted, task.write)
        for warning in outcome.warnings:
            task.warn(warning)
        return {**outcome.result(), **report(outcome)}

    return Operation({**connection_spec(), **spec}, perform)


def converge(
    engine: Engine[O], login: Login, requests: Sequence[AccountRequest], unlisted: str, write: bool
) -> Outcome[O]:
    """Plan from what is observed and, if ``write``, carry the plan out and verify it.

    When the session breaks or its server ceases to be the writer, everything begins anew with another session: what is
    there now is observed, and the plan is for what is missing.
    """
    wanted = [engine.parse(request) for request in requests]
    progress = Progress(compare_names(wanted))
    session = open_writer(engine, login)
    while True:
        try:
            return _attempt(engine, session, wanted, unlisted, write, progress)
        except (ConnectionLost, NotWriter, Unreachable) as error:
            progress.interrupted(error)
        except AuroraIamError as error:
            progress.explain(error)
            raise
        finally:
            session.close()
        try:
            session = open_writer(engine, login, again=True)
        except AuroraIamError as error:
            progress.explain(error)
            raise


def _attempt(
    engine: Engine[O],
    session: Session,
    wanted: Sequence[ParsedAccount],
    unlisted: str,
    write: bool,
    progress: Progress,
) -> Outcome[O]:
    warnings = []
    if write:
        warnings += session.lock(_removes(wanted, unlisted, session.login))
    observed = engine.observe(session, wanted, all_accounts=unlisted != KEEP)
    desired = engine.resolve(wanted, observed)
    changes = reconcile(
        desired, observed.accounts, engine.capabilities, unlisted, engine.protected(observed), observed.expired
    )
    changes = engine.foresee(changes, observed)
    warnings += engine.review(changes, observed)
    plan = _plan(engine, changes, observed)
    whole = progress.begin(changes, plan, warnings)
    if plan.steps:
        progress.warn(session.rehearse(plan, whole=not write))
    if write and plan.steps:
        _apply(session, plan, progress)
        _verify(engine, session, wanted, plan, progress)
    return Outcome(
        engine=engine,
        describe_grants=lru_cache(maxsize=None)(engine.describe_grants),
        login=session.login,
        changes=whole,
        plan=plan,
        statements=tuple(progress.statements if write else (statement.text for statement in plan.statements)),
        warnings=tuple(progress.warnings),
    )


def _removes(wanted: Sequence[ParsedAccount], unlisted: str, login: Login) -> Removes:
    """Which accounts the task drops or locks, as far as the options tell it."""
    requests = {account.name: account.request for account in wanted}

    def removes(name: AccountName, iam: bool) -> bool:
        request = requests.get(name)
        if request is None:
            return iam and unlisted != KEEP and name.name != login.endpoint.master_user
        return not request.present or request.locked is True

    return removes


def compare_names(wanted: Sequence[ParsedAccount]) -> list[str]:
    """Raise InvalidOption where one account is listed twice; return warnings about names that differ only in case."""
    seen: dict[AccountName, str] = {}
    folded: dict[AccountName, AccountName] = {}
    warnings = []
    for account in wanted:
        name, position = account.name, account.request.position
        if name in seen:
            raise InvalidOption(f"{position}{name} is already {seen[name]}; one account is one element: merge the two.")
        seen[name] = position.rstrip(": ")
        twin = folded.setdefault(AccountName(name.name.casefold(), name.host), name)
        if twin != name:
            warnings.append(
                f"{twin} and {name} differ only in case; they are two accounts, and an IAM policy that names the one "
                "does not let anybody connect as the other."
            )
    return warnings


def _plan(engine: Engine[O], changes: Changes, observed: O) -> Plan:
    return Plan(
        before={change.name: change.before for change in changes.accounts if change.before},
        after={change.name: change.after for change in changes.accounts if change.after},
        steps=engine.render(changes, observed),
    )


def _apply(session: Session, plan: Plan, progress: Progress) -> None:
    for step in plan.steps:
        try:
            session.run(step)
        except AuroraIamError as error:
            progress.failed(error)
            raise
        progress.carried_out(step)


def _verify(
    engine: Engine[O], session: Session, wanted: Sequence[ParsedAccount], plan: Plan, progress: Progress
) -> None:
    """Observe again. That a server accepted every statement does not mean that it did what they say."""
    involved = set(plan.before) | set(plan.after)
    unlisted = involved - {account.name for account in wanted}
    found = engine.observe(session, wanted, all_accounts=bool(unlisted)).accounts
    different = sorted(name for name in involved if found.get(name) != plan.after.get(name))
    if not different:
        return

    def side(accounts: Mapping[AccountName, Account]) -> str:
        shown = {name: accounts[name] for name in different if name in accounts}
        return diff_side(shown, engine.capabilities, engine.describe_grants)

    raise VerificationFailed(
        f"The server accepted every statement, yet {', '.join(map(str, different))} is not as planned; compare planned "
        "and found. Another session may have changed it meanwhile: run the task again.",
        planned=side(plan.after),
        found=side(found),
        statements=list(progress.statements),
    )

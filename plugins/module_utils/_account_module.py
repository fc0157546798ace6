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
    Others,
    ParsedAccount,
    Requests,
    Session,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.run_lock import Removes
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import (
    AuroraIamError,
    ConnectionLost,
    InvalidOption,
    ManyMistakes,
    MissingObject,
    Mistakes,
    NotDroppable,
    NotWriter,
    Refused,
    StatementFailed,
    Unreachable,
    VerificationFailed,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._login import Login
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import (
    ALL_HOSTS,
    IAM,
    PASSWORD,
    Account,
    AccountChange,
    AccountName,
    AccountRequest,
    Changes,
    Observed,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._params import connection_spec
from ansible_collections.dbops.aurora_iam.plugins.module_utils._plan import Plan, Subject
from ansible_collections.dbops.aurora_iam.plugins.module_utils._progress import Progress
from ansible_collections.dbops.aurora_iam.plugins.module_utils._reconcile import DROP, KEEP, LOCK, reconcile
from ansible_collections.dbops.aurora_iam.plugins.module_utils._report import (
    DescribeGrants,
    describe_account,
    diff_side,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._task import Operation, Result, Task
from ansible_collections.dbops.aurora_iam.plugins.module_utils._writer import open_writer

O = TypeVar("O", bound=Observed)  # noqa: E741 - as in _engines.base

Check = Callable[[Changes], Sequence[str]]
"""What else may refuse the changes of a task before the first of them is made. Returns warnings."""

PLANS, FAILURES = 3, 5
"""That are carried out before a task fails because something is still to be done, and that fail because something
changes meanwhile."""


@dataclass(frozen=True)
class Outcome(Generic[O]):
    """What a task came to: the same object in check mode and in the real run.

    describe_grants  the engine's; remembers what it described, because accounts of a set often have the same grants
    changes          from what was observed first to what is there now, over all plans that the task needed
    unlisted         IAM-authenticated accounts that the task did not list, before it
    statements       what was carried out over all of them; in check mode, what would be
    """

    engine: Engine[O]
    describe_grants: DescribeGrants
    login: Login
    changes: Changes
    unlisted: tuple[AccountName, ...]
    statements: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def accounts(self) -> list[Account]:
        """After the task."""
        return [change.after for change in self.changes.accounts if change.after is not None]

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

        def check(changes: Changes) -> list[str]:
            converted = [change for change in changes.accounts if is_checked_conversion(change)]
            if not converted:
                return []
            # Most tasks never need it
            from ansible_collections.dbops.aurora_iam.plugins.module_utils._conversion import check_conversions

            return check_conversions(task.client, login.endpoint, converted)

        outcome = converge(engine, login, requests, unlisted, task.write, check)
        for warning in outcome.warnings:
            task.warn(warning)
        return {**outcome.result(), **report(outcome)}

    return Operation({**connection_spec(), **spec}, perform)


def is_checked_conversion(change: AccountChange) -> bool:
    """Whether somebody must be able to connect as the account afterwards. Nobody is meant to as one that is locked."""
    before, after, request = change.before, change.after, change.request
    if before is None or after is None or request is None or request.convert_unchecked:
        return False
    return before.authentication == PASSWORD and after.authentication == IAM and not after.locked


def converge(
    engine: Engine[O],
    login: Login,
    requests: Sequence[AccountRequest],
    unlisted: str,
    write: bool,
    check: Check = lambda _changes: (),
) -> Outcome[O]:
    """Plan from what is observed and, if ``write``, carry the plan out and verify it.

    When the session breaks or its server ceases to be the writer, everything begins anew with another session: what is
    there now is observed, and the plan is for what is missing.
    """
    wanted = parse(engine, requests)
    progress = Progress(compare_names(wanted))
    session = open_writer(engine, login)
    while True:
        try:
            return _attempt(_Planner(engine, session, wanted, unlisted, check), write, progress)
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


def parse(engine: Engine[O], requests: Sequence[AccountRequest]) -> list[ParsedAccount]:
    """Raises what the engine does, and ManyMistakes."""
    mistakes = Mistakes()
    wanted = []
    for request in requests:
        with mistakes.about(request.where):
            wanted.append(engine.parse(request))
    mistakes.refuse()
    return wanted


@dataclass(frozen=True)
class _Planned:
    """``unlisted``: IAM-authenticated accounts that the task does not list, whatever happens to them. Only a first plan
    has it."""

    changes: Changes
    plan: Plan
    warnings: tuple[str, ...]
    unlisted: tuple[AccountName, ...]


@dataclass
class _Planner(Generic[O]):
    """From what is there now to what is left to do. ``observed``: for the last plan."""

    engine: Engine[O]
    session: Session
    wanted: Sequence[ParsedAccount]
    unlisted: str
    check: Check
    observed: O | None = None

    def plan(self, first: bool = False) -> _Planned:
        engine = self.engine
        observed = engine.observe(self.session, self.wanted, self._others(first))
        self.observed = observed
        unlisted = tuple(self._unlisted(observed)) if first else ()
        desired = engine.resolve(self.wanted, observed)
        changes = reconcile(
            desired,
            observed.accounts,
            engine.capabilities,
            self.unlisted,
            engine.protected(observed),
            observed.expired,
        )
        changes, steps, warnings = engine.plan(changes, observed)
        plan = Plan(
            before={change.name: change.before for change in changes.accounts if change.before},
            after={change.name: change.after for change in changes.accounts if change.after},
            steps=steps,
        )
        return _Planned(changes, plan, tuple(warnings), unlisted)

    def locate(self, error: AuroraIamError) -> None:
        """Say of accounts that an error names where they stand in the task, and which of their elements it is about."""
        if self.observed is None:
            return
        wanted = {str(account.name): account for account in self.wanted}
        named = [wanted[where.account] for where in error.where if where.account in wanted]
        subjects: tuple[Subject, ...] = error.subjects
        elements = self.engine.elements(named, subjects, self.observed)
        places = {str(item.name): item.request.where._replace(element=elements.get(item.name, "")) for item in named}
        error.where = tuple(where if where.element else places.get(where.account, where) for where in error.where)

    def _others(self, first: bool) -> Others:
        if self.unlisted in (LOCK, DROP):
            return Others.ACCOUNTS
        return Others.NAMES if first and self.unlisted == KEEP else Others.NOTHING

    def _unlisted(self, observed: O) -> list[AccountName]:
        requests, protected = Requests(self.wanted), self.engine.protected(observed)

        def is_unlisted(name: AccountName) -> bool:
            return requests.about(name) is None and name not in protected

        return sorted(filter(is_unlisted, observed.iam_accounts))


def _attempt(planner: _Planner[O], write: bool, progress: Progress) -> Outcome[O]:
    session = planner.session
    warnings = session.lock(_removes(planner.wanted, planner.unlisted, session.login)) if write else []
    try:
        return _outcome(planner, warnings, write, progress)
    except AuroraIamError as error:
        planner.locate(error)
        raise


def _outcome(planner: _Planner[O], warnings: Sequence[str], write: bool, progress: Progress) -> Outcome[O]:
    engine = planner.engine
    planned = planner.plan(first=True)
    unlisted_before = planned.unlisted
    warnings = [*warnings, *planned.warnings, *planner.check(planned.changes)]
    whole = progress.begin(planned.changes, planned.plan, warnings)
    if write:
        whole = _carry_out(planner, planned, whole, progress)
    else:
        planned, whole = _rehearse(planner, planned, whole, progress)
    return Outcome(
        engine=engine,
        describe_grants=lru_cache(maxsize=None)(engine.describe_grants),
        login=planner.session.login,
        changes=whole,
        unlisted=unlisted_before,
        statements=tuple(progress.statements if write else (statement.text for statement in planned.plan.statements)),
        warnings=tuple(progress.warnings),
    )


def _carry_out(planner: _Planner[O], planned: _Planned, whole: Changes, progress: Progress) -> Changes:
    """Carry the plan out and plan again. Returns the changes of the whole task.

    That a server accepted every statement does not mean that it did what they say: the next plan must be empty. It is
    carried out too, a few times, because something else may have changed meanwhile: a table that was made is one more
    for a grant on all of them. What no plan decides is not compared.

    Raises VerificationFailed.
    """
    carried_out = failures = 0
    while planned.plan.steps and carried_out < PLANS:
        try:
            _apply(planner.session, planned.plan, progress)
        except (StatementFailed, NotDroppable) as error:
            failures += 1
            planned = _after_failure(planner, planned, error, progress.left, failures)
        else:
            carried_out += 1
            planned = planner.plan()
        if planned.plan.steps:
            whole = progress.begin(planned.changes, planned.plan, ())
    if planned.plan.steps:
        raise _not_as_planned(planner.engine, planned, progress)
    return whole


def _rehearse(planner: _Planner[O], planned: _Planned, whole: Changes, progress: Progress) -> tuple[_Planned, Changes]:
    """In check mode. Returns the plan that the run would carry out, and its changes."""
    failures = 0
    while planned.plan.steps:
        try:
            progress.warn(planner.session.rehearse(planned.plan, whole=True))
            break
        except (StatementFailed, NotDroppable) as error:
            failures += 1
            planned = _after_failure(planner, planned, error, progress.left, failures)
            whole = progress.begin(planned.changes, planned.plan, ())
    return planned, whole


def _after_failure(
    planner: _Planner[O], failed: _Planned, error: StatementFailed | NotDroppable, left: int, failures: int
) -> _Planned:
    """Another plan, where something has changed since the one that failed was made. Otherwise raises the error. What
    was gone when the plan was carried out may be back when the next one is made, which then says the same.

    left      how many statements of the failed plan were not carried out, at its end
    failures  of this task, with this one
    """
    try:
        planned = planner.plan()
    except (Refused, MissingObject, ManyMistakes):
        raise error from None
    again = len(planned.plan.statements)
    same = again >= left and planned.plan.statements == failed.plan.statements[-again:]
    if failures == FAILURES or (same and not planner.session.sees_change(error)):
        raise error
    return planned


def _apply(session: Session, plan: Plan, progress: Progress) -> None:
    progress.warn(session.rehearse(plan, whole=False))
    for step in plan.steps:
        try:
            session.run(step)
        except AuroraIamError as error:
            progress.failed(error)
            raise
        progress.carried_out(step)


def _not_as_planned(engine: Engine[O], planned: _Planned, progress: Progress) -> VerificationFailed:
    different = [change.name for change in planned.changes.effective]

    def side(accounts: Mapping[AccountName, Account]) -> str:
        shown = {name: accounts[name] for name in different if name in accounts}
        return diff_side(shown, engine.capabilities, engine.describe_grants)

    return VerificationFailed(
        f"The server accepted every statement of {PLANS} plans, yet {', '.join(map(str, different))} is not as "
        "planned; compare planned and found. If another program keeps changing it, end that one first.",
        *(change.at() for change in planned.changes.effective),
        planned=side(planned.plan.after),
        found=side(planned.plan.before),
        statements=list(progress.statements),
    )


def _removes(wanted: Sequence[ParsedAccount], unlisted: str, login: Login) -> Removes:
    """Which accounts the task drops or locks, as far as the options tell it."""
    requests = Requests(wanted)

    def removes(name: AccountName, iam: bool) -> bool:
        request = requests.about(name)
        if request is None:
            return iam and unlisted in (LOCK, DROP) and name.name != login.endpoint.master_user
        return not request.present or request.locked is True

    return removes


def compare_names(wanted: Sequence[ParsedAccount]) -> list[str]:
    """Raise InvalidOption where one account is listed twice; return warnings about names that differ only in case."""
    seen: dict[AccountName, str] = {}
    first: dict[str, AccountName] = {}
    folded: dict[AccountName, AccountName] = {}
    warnings = []
    for account in wanted:
        name = account.name
        known = first.setdefault(name.name, name) if account.request.all_hosts else AccountName(name.name, ALL_HOSTS)
        for other in (name, known):
            if other in seen:
                already = f"{other} is already {seen[other]}; one account is one element: merge the two."
                raise InvalidOption(already, account.request.where)
        seen[name] = account.request.position
        first.setdefault(name.name, name)
        twin = folded.setdefault(AccountName(name.name.casefold(), name.host), name)
        if twin != name:
            warnings.append(
                f"{twin} and {name} differ only in case; they are two accounts, and an IAM policy that names the one "
                "does not let anybody connect as the other."
            )
    return warnings

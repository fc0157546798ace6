# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""The pipeline of aurora_iam_facts: look at AWS, at the database and at IAM policies, and join what was seen. It writes
nothing, so that check mode makes no difference."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from ansible_collections.dbops.aurora_iam.plugins.module_utils._authorization.decide import DENIED, Verdict, decide
from ansible_collections.dbops.aurora_iam.plugins.module_utils._authorization.policies import ConnectStatement
from ansible_collections.dbops.aurora_iam.plugins.module_utils._authorization.principals import (
    Principal,
    connect_statements,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.authorization import read_principals
from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.calls import Clients
from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.simulation import simulate
from ansible_collections.dbops.aurora_iam.plugins.module_utils._connect import connection, find_endpoint
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.base import Engine
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import (
    CloudError,
    InvalidOption,
    MissingLibrary,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._facts import (
    MINIMAL,
    SUBSETS,
    Describer,
    Facts,
    Filter,
    choose,
    describe_authorization,
    describe_cluster,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._findings.estate import Estate
from ansible_collections.dbops.aurora_iam.plugins.module_utils._findings.find import find
from ansible_collections.dbops.aurora_iam.plugins.module_utils._login import Endpoint, Login
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import IAM
from ansible_collections.dbops.aurora_iam.plugins.module_utils._params import connection_spec, facts_spec
from ansible_collections.dbops.aurora_iam.plugins.module_utils._survey import Survey, SurveyRequest, Unseen
from ansible_collections.dbops.aurora_iam.plugins.module_utils._task import Operation, Result, Task

Verdicts = Mapping[str, Sequence[Verdict]]


def perform(task: Task) -> Result:
    """The work of aurora_iam_facts."""
    facts = gather(task.params, task.client)
    return {"changed": False, "ansible_facts": {"aurora_iam": facts}}


OPERATION = Operation({**connection_spec(), **facts_spec()}, perform)


def gather(options: Mapping[str, Any], clients: Clients) -> Facts:
    """What stands under ``ansible_facts.aurora_iam``. Asks for no more than the subsets need.

    Raises InvalidOption, CloudError, Refused, CannotConnect, MissingLibrary, ConnectionLost, StatementFailed.
    """
    subsets = _subsets(options["gather_subset"])
    if subsets <= MINIMAL:
        described = {"cluster": describe_cluster(find_endpoint(options, clients), None)} if subsets else {}
        return {**described, "unseen": []}
    engine, login = connection(options, clients)
    everybody = bool(subsets & {"public", "findings"})
    survey = _survey(engine, login, SurveyRequest("grants" in subsets, everybody, options["passwords"]))
    names = Filter(tuple(options["names"]))
    access = _Access()
    if subsets & {"authorization", "findings"}:
        access.read(login.endpoint, clients, survey, names, options["simulate"])
    facts = _described(subsets, engine, login.endpoint, survey, names, options["passwords"])
    if "authorization" in subsets:
        facts["authorization"] = describe_authorization(access.verdicts or {}, advisory=options["simulate"])
    if "findings" in subsets:
        estate = Estate(
            login.endpoint,
            survey,
            engine.capabilities,
            _where(options),
            access.statements,
            access.connectable,
            access.allowed,
        )
        facts["findings"] = _findings(estate, names)
    unseen = [*survey.unseen, *access.unseen]
    facts["unseen"] = [{"what": item.what, "why": item.why} for item in unseen]
    return facts


def _subsets(wanted: Sequence[str]) -> frozenset[str]:
    try:
        chosen = choose(wanted)
    except ValueError as error:
        raise InvalidOption(
            f"gather_subset: there is no subset {error}; there are all, min, {', '.join(SUBSETS)}, and each with ! to "
            "leave it out."
        ) from None
    # Grants are shown with who has them
    return chosen if "grants" not in chosen or "roles" in chosen else chosen | {"accounts"}


def _survey(engine: Engine[Any], login: Login, request: SurveyRequest) -> Survey:
    session = engine.open(login)
    try:
        return engine.survey(session, request)
    finally:
        session.close()


def _described(
    subsets: frozenset[str], engine: Engine[Any], endpoint: Endpoint, survey: Survey, names: Filter, passwords: bool
) -> Facts:
    describe_grants = lru_cache(maxsize=None)(engine.describe_grants)
    describer = Describer(endpoint, engine.capabilities, describe_grants, "grants" in subsets)
    facts: Facts = {}
    if "cluster" in subsets:
        facts["cluster"] = describe_cluster(endpoint, survey)
    if "accounts" in subsets:
        facts["accounts"] = describer.accounts(survey, names)
        facts["other_accounts"] = describer.others(survey, names, passwords)
    if "roles" in subsets:
        facts["roles"] = describer.roles(survey)
    if "public" in subsets:
        facts["public"] = describer.public(survey)
    return facts


def _findings(estate: Estate, names: Filter) -> list[dict[str, Any]]:
    return [item.describe() for item in find(estate) if not item.account or names.passes(item.account)]


def _where(options: Mapping[str, Any]) -> dict[str, Any]:
    """How a task names the same database; credentials are not repeated."""
    named = {key: options[key] for key in ("cluster", "instance") if options[key]}
    if named:
        return named
    keys = ("engine", "login_host", "login_port", "login_unix_socket")
    return {key: options[key] for key in keys if options[key]}


def _nobody(endpoint: Endpoint) -> str:
    """The ARN of an account of a database, neither of which exists."""
    return replace(endpoint, resource_id="cluster-NODATABASEOFAURORAIAM").connect_resource("no_account_of_aurora_iam")


Cause = tuple[str, str, str]


def _cause(verdict: Verdict) -> Cause:
    """Whom it is about, and the statement that decides."""
    if verdict.reason is None:
        return (verdict.principal_arn, "", "")
    return (verdict.principal_arn, verdict.reason.policy.title, verdict.reason.statement)


def _connectable(arns: Mapping[str, str], verdicts: Verdicts, apart_from: Collection[Cause] = ()) -> frozenset[str]:
    """The names of accounts that somebody may connect as, for other causes than these."""
    return frozenset(
        name
        for arn, name in arns.items()
        for verdict in verdicts.get(arn, ())
        if verdict.outcome != DENIED and _cause(verdict) not in apart_from
    )


def _judged_accounts(survey: Survey, names: Filter, master: str) -> tuple[set[str], set[str]]:
    """The IAM-authenticated accounts that the task asked for, and those to judge: also the master user."""
    accounts = {item.name.name for item in survey.accounts if item.account.authentication == IAM}
    asked_for = {name for name in accounts if name and names.passes(name)}
    return asked_for, asked_for | ({master} & accounts)


@dataclass
class _Access:
    """Who may connect, as far as it could be read.

    verdicts     connect ARN → verdicts; None where the policies could not be read
    statements   of the policies, about connecting
    connectable  names of accounts that somebody may connect as, not counting who may as every account of every
                 database: administrators can connect as an account that was made for nobody, too
    allowed      names of accounts that somebody may connect as, by whatever policy
    """

    verdicts: Verdicts | None = None
    statements: list[ConnectStatement] | None = None
    connectable: frozenset[str] | None = None
    allowed: frozenset[str] | None = None
    unseen: list[Unseen] = field(default_factory=list)

    def read(self, endpoint: Endpoint, clients: Clients, survey: Survey, names: Filter, simulated: bool) -> None:
        asked_for, judged = _judged_accounts(survey, names, endpoint.master_user)
        arns = {endpoint.connect_resource(name): name for name in sorted(judged)}
        if not endpoint.connect_resource("x"):
            self._miss("AWS was not asked, so that the database has no resource ID; set cluster or instance.")
            return
        try:
            principals = read_principals(clients)
            asked = [*arns, _nobody(endpoint)]
            verdicts: Verdicts = decide(principals, asked).verdicts
            if simulated:
                verdicts = simulate(clients, [principal.arn for principal in principals], asked)
        except (CloudError, MissingLibrary) as error:
            self._miss(error.message)
            return
        self.statements = connect_statements(principals)
        self.verdicts = {arn: verdicts[arn] for arn, name in arns.items() if name in asked_for}
        everywhere = {_cause(verdict) for verdict in verdicts[_nobody(endpoint)]}
        self.connectable = _connectable(arns, self.verdicts, everywhere)
        self.allowed = _connectable(arns, verdicts)
        self._name_unread(principals)

    def _miss(self, why: str) -> None:
        self.unseen.append(Unseen("authorization", why))

    def _name_unread(self, principals: Sequence[Principal]) -> None:
        policies = [policy for each in principals for policy in (*each.policies, each.boundary)]
        for title in sorted({policy.title for policy in policies if policy is not None and policy.unread}):
            self._miss(f"AWS names {title} and does not return its text; look at it in IAM.")

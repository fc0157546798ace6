# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""The pipeline of aurora_iam_facts: look at AWS, at the database and at IAM policies, and join what was seen. It writes
nothing, so that check mode makes no difference."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import lru_cache, partial
from typing import Any

from ansible_collections.dbops.aurora_iam.plugins.module_utils._authorization.access import Access, Verdicts, judge
from ansible_collections.dbops.aurora_iam.plugins.module_utils._authorization.principals import Principal
from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.authorization import read_principals
from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.calls import Clients
from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.proxy_targets import databases_behind
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
    found = _Found(login.endpoint)
    if subsets & {"authorization", "findings"}:
        found.look(options, clients, survey)
    facts = _described(subsets, engine, login.endpoint, survey, names, options["passwords"])
    if "authorization" in subsets:
        facts["authorization"] = describe_authorization(found.verdicts(names), advisory=options["simulate"])
    if "findings" in subsets:
        estate = Estate(login.endpoint, survey, engine.capabilities, _where(options, found.databases), found.access)
        facts["findings"] = _findings(estate, names)
    unseen = [*survey.unseen, *found.unseen]
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


def _where(options: Mapping[str, Any], databases: Sequence[Endpoint]) -> dict[str, Any]:
    """How a task names the same database, for a proxy the one behind it; credentials are not repeated."""
    named = {key: options[key] for key in ("cluster", "instance") if options[key]}
    for database in databases[1:]:
        kind, _space, identifier = database.title.partition(" ")
        named = {kind: identifier}
    if named or options["proxy"]:
        return named or {"proxy": options["proxy"]}
    keys = ("engine", "login_host", "login_port", "login_unix_socket")
    return {key: options[key] for key in keys if options[key]}


class _Found:
    """Who may connect, as far as it could be read.

    databases  the one that was asked about, and what is behind it if that is a proxy
    access     None where the policies could not be read
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self.databases = [endpoint]
        self.access: Access | None = None
        self.unseen: list[Unseen] = []

    def look(self, options: Mapping[str, Any], clients: Clients, survey: Survey) -> None:
        endpoint = self.databases[0]
        if not endpoint.connect_resource("x"):
            self._miss("AWS was not asked, so that the database has no resource ID; set cluster or instance.")
            return
        accounts = {item.name.name for item in survey.accounts if item.account.authentication == IAM}
        try:
            if endpoint.is_proxy:
                self.databases += databases_behind(clients, options["proxy"])
            principals = read_principals(clients)
            asker = partial(simulate, clients) if options["simulate"] else None
            self.access = judge(principals, self.databases, accounts - {""}, time.time(), asker)
        except (CloudError, MissingLibrary) as error:
            self._miss(error.message)
            return
        self._name_unread(principals)

    def verdicts(self, names: Filter) -> Verdicts:
        """On the accounts that the task asked for, by the database itself."""
        if self.access is None:
            return {}
        arns = {self.databases[0].connect_resource(name): name for name in set(self.access.arns.values())}
        return {arn: self.access.verdicts[arn] for arn, name in sorted(arns.items()) if names.passes(name)}

    def _miss(self, why: str) -> None:
        self.unseen.append(Unseen("authorization", why))

    def _name_unread(self, principals: Sequence[Principal]) -> None:
        policies = [policy for each in principals for policy in (*each.policies, each.boundary)]
        for title in sorted({policy.title for policy in policies if policy is not None and policy.unread}):
            self._miss(f"AWS names {title} and does not return its text; look at it in IAM.")

# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""The pipeline of aurora_iam_revoke: look at the policies of each principal, take accounts out, read back.

What fails of one policy does not keep the others from being changed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.dbops.aurora_iam.plugins.module_utils._authorization.document import connect_policy_name
from ansible_collections.dbops.aurora_iam.plugins.module_utils._authorization.revocation import (
    Document,
    Revocation,
    revoke,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.calls import Clients
from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.connect_policies import (
    Iam,
    ManagedPolicy,
    Missing,
    Policy,
    attached_policies,
    inline_policies,
    shows,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.endpoint import describe_cluster, describe_instance
from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.listed_principals import Principal, read_principal
from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.proxy_users import all_proxies, is_before
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import CloudError, InvalidOption
from ansible_collections.dbops.aurora_iam.plugins.module_utils._login import Endpoint
from ansible_collections.dbops.aurora_iam.plugins.module_utils._params import connection_spec
from ansible_collections.dbops.aurora_iam.plugins.module_utils._task import Operation, Result, Task


@dataclass
class Outcome:
    """
    revoked  policies that were changed
    left     policies that still name an account, or could not be looked at, and why
    gone     principals that IAM does not have, and the accounts they are listed with
    """

    revoked: list[Result] = field(default_factory=list)
    left: list[Result] = field(default_factory=list)
    gone: list[Result] = field(default_factory=list)

    def result(self) -> Result:
        return {"changed": bool(self.revoked), "revoked": self.revoked, "left": self.left, "gone": self.gone}


class _Proxies:
    """The proxies for the database, as policies name them: AWS is asked only where one does, and once for each."""

    def __init__(self, clients: Clients, database: Endpoint) -> None:
        self._clients, self._database = clients, database
        self._all: Mapping[str, dict[str, Any]] | None = None
        self._ours: dict[str, bool] = {}
        beginning = database.connect_resource("").partition(":dbuser:")[0]
        self._named = re.compile(f"{re.escape(beginning)}:dbuser:(prx-[a-z0-9]+)/")

    def in_policy(self, document: Document) -> list[Endpoint]:
        """Those that the document names. Raises CloudError."""
        named = sorted(set(self._named.findall(json.dumps(document))))
        return [replace(self._database, resource_id=each) for each in named if self._is_ours(each)]

    def _is_ours(self, resource_id: str) -> bool:
        if resource_id not in self._ours:
            if self._all is None:
                self._all = {each["DBProxyArn"].rpartition(":")[2]: each for each in all_proxies(self._clients)}
            proxy = self._all.get(resource_id)
            self._ours[resource_id] = proxy is not None and is_before(self._clients, proxy, self._database)
        return self._ours[resource_id]


@dataclass(frozen=True)
class _Work:
    """``policy_name``: the beginning of the names of managed policies."""

    iam: Iam
    endpoint: Endpoint
    proxies: _Proxies
    policy_name: str
    write: bool
    outcome: Outcome

    def revoke_from(self, principal: Principal) -> None:
        title = principal.holder.title
        try:
            for policy in self._policies(principal):
                self._revoke_in(policy, principal)
        except Missing:
            self.outcome.gone.append({"principal": title, "accounts": list(principal.accounts)})
        except CloudError as error:
            self._keep(title, "", principal.accounts, error.message, failed=True)

    def _policies(self, principal: Principal) -> Iterator[Policy]:
        """The managed one first: its principal may be none that IAM has, such as a permission set."""
        if principal.managed:
            name = connect_policy_name(self.policy_name, self.endpoint, principal.holder.kind, principal.holder.name)
            yield ManagedPolicy.of_owner(self.iam, self.endpoint.arn, name)
        yield from inline_policies(self.iam, principal.holder)
        if principal.managed:
            yield from attached_policies(self.iam, principal.holder)

    def _revoke_in(self, policy: Policy, principal: Principal) -> None:
        title, accounts = principal.holder.title, principal.accounts
        try:
            found, accounts = self._look(policy, accounts)
            if not accounts:
                return
            if not found.is_own:
                why = (
                    "it is about more than this database, so it is left as it is; take the accounts out of it yourself"
                )
                self._keep(title, policy.title, accounts, why)
                return
            if self.write:
                _change(policy, found)
                self._read_back(policy, accounts)
        except Missing:
            return
        except CloudError as error:
            self._keep(title, policy.title, accounts, error.message, failed=True)
            return
        self.outcome.revoked.append({"principal": title, "policy": policy.title, "accounts": list(accounts)})

    def _look(self, policy: Policy, accounts: Iterable[str]) -> tuple[Revocation, tuple[str, ...]]:
        """And the accounts that the policy names."""
        document = policy.read()
        databases = [self.endpoint, *self.proxies.in_policy(document)]
        meant = {database.connect_arn(name): name for name in accounts for database in databases}
        found = revoke(document, tuple(database.connect_resource("") for database in databases), meant)
        return found, tuple(dict.fromkeys(meant[arn] for arn in found.named))

    def _read_back(self, policy: Policy, accounts: Iterable[str]) -> None:
        if not shows(lambda: not self._still_named(policy, accounts)):
            raise CloudError(
                f"IAM accepted the change of {policy.title}, and still shows the accounts; run the task again."
            )

    def _still_named(self, policy: Policy, accounts: Iterable[str]) -> tuple[str, ...]:
        try:
            return self._look(policy, accounts)[1]
        except Missing:
            return ()

    def _keep(self, title: str, policy: str, accounts: Iterable[str], why: str, failed: bool = False) -> None:
        entry = {"principal": title, "policy": policy, "accounts": list(accounts), "why": why, "failed": failed}
        self.outcome.left.append(entry)


def _change(policy: Policy, found: Revocation) -> None:
    if found.document:
        policy.replace(json.dumps(found.document))
    else:
        policy.delete()


def perform(task: Task) -> Result:
    """The work of aurora_iam_revoke."""
    options = task.params
    accounts = list(options["accounts"])
    principals = list(read_principals(options["principals"], accounts))
    outcome = Outcome()
    if principals:
        endpoint = _endpoint(options, task.client)
        proxies = _Proxies(task.client, endpoint)
        work = _Work(Iam(task.client), endpoint, proxies, options["policy_name"], task.write, outcome)
        for principal in principals:
            work.revoke_from(principal)
    failed = [entry["why"] for entry in outcome.left if entry["failed"]]
    if failed:
        raise CloudError(" ".join(failed), **outcome.result())
    return outcome.result()


def read_principals(elements: Iterable[Any], accounts: list[str]) -> Iterator[Principal]:
    """The principals that are listed with one of the accounts, for these alone. Raises InvalidOption."""
    for principal in map(read_principal, elements):
        meant = tuple(account for account in accounts if account in principal.accounts)
        if meant:
            yield replace(principal, accounts=meant)


def _endpoint(options: Mapping[str, Any], clients: Clients) -> Endpoint:
    """What the ARNs are made of. A database that cannot be reached has policies all the same.

    Raises InvalidOption, CloudError.
    """
    named = [kind for kind in ("cluster", "instance") if options[kind]]
    if len(named) != 1 or options["proxy"]:
        raise InvalidOption("Policies are about one cluster or one instance; set either cluster or instance.")
    if options["cluster"]:
        found = describe_cluster(clients, options["cluster"])
        arn, resource_id, name = found["DBClusterArn"], found["DbClusterResourceId"], found["DBClusterIdentifier"]
    else:
        found = describe_instance(clients, options["instance"])
        arn, resource_id, name = found["DBInstanceArn"], found["DbiResourceId"], found["DBInstanceIdentifier"]
    return Endpoint("", found["Engine"], host="", port=0, resource_id=resource_id, arn=arn, identifier=name)


SPEC: dict[str, dict[str, Any]] = {
    "accounts": {"type": "list", "elements": "str", "required": True},
    "policy_name": {"type": "str", "default": "aurora-iam"},
    "principals": {"type": "list", "elements": "raw", "required": True},
}

OPERATION = Operation({**connection_spec(), **SPEC}, perform)

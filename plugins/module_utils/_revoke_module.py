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
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.dbops.aurora_iam.plugins.module_utils._authorization.document import connect_policy_name
from ansible_collections.dbops.aurora_iam.plugins.module_utils._authorization.revocation import Revocation, revoke
from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.calls import Clients
from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.connect_policies import (
    Iam,
    ManagedPolicy,
    Missing,
    Policy,
    attached_policies,
    inline_policies,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.endpoint import describe_cluster, describe_instance
from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.listed_principals import Principal, read_principal
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import CloudError, InvalidOption
from ansible_collections.dbops.aurora_iam.plugins.module_utils._login import Endpoint
from ansible_collections.dbops.aurora_iam.plugins.module_utils._params import connection_spec
from ansible_collections.dbops.aurora_iam.plugins.module_utils._task import Operation, Result, Task

LOOKS, PAUSE = 5, 1.0
"""How often a policy that was changed is read, and the seconds in between: IAM is eventually consistent."""


@dataclass
class Outcome:
    """
    revoked  policies that were changed
    left     policies that still name an account, or could not be looked at, and why
    gone     principals that IAM does not have
    """

    revoked: list[Result] = field(default_factory=list)
    left: list[Result] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)

    def result(self) -> Result:
        return {"changed": bool(self.revoked), "revoked": self.revoked, "left": self.left, "gone": self.gone}


@dataclass(frozen=True)
class _Work:
    """
    connect_arns  of the accounts of the task, with their names
    policy_name   the beginning of the names of managed policies
    """

    iam: Iam
    endpoint: Endpoint
    connect_arns: Mapping[str, str]
    policy_name: str
    write: bool
    outcome: Outcome

    def revoke_from(self, principal: Principal) -> None:
        title = principal.holder.title
        try:
            for policy in self._policies(principal):
                self._revoke_in(policy, principal)
        except Missing:
            self.outcome.gone.append(title)
        except CloudError as error:
            self._keep(title, "", principal.accounts, error.message, failed=True)

    def _policies(self, principal: Principal) -> Iterator[Policy]:
        """The managed one first: its principal may be none that IAM has, such as a permission set."""
        if principal.managed:
            partition, _service, _region, owner = self.endpoint.arn.split(":")[1:5]
            name = connect_policy_name(self.policy_name, self.endpoint, principal.holder.kind, principal.holder.name)
            yield ManagedPolicy(self.iam, f"arn:{partition}:iam::{owner}:policy/{name}")
        yield from inline_policies(self.iam, principal.holder)
        if principal.managed:
            yield from attached_policies(self.iam, principal.holder)

    def _revoke_in(self, policy: Policy, principal: Principal) -> None:
        title, accounts = principal.holder.title, principal.accounts
        try:
            found = self._look(policy, accounts)
            if not found.named:
                return
            accounts = tuple(self.connect_arns[arn] for arn in found.named)
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

    def _look(self, policy: Policy, accounts: Iterable[str]) -> Revocation:
        meant = {arn for arn, name in self.connect_arns.items() if name in accounts}
        return revoke(policy.read(), self.endpoint.connect_resource(""), meant)

    def _read_back(self, policy: Policy, accounts: Iterable[str]) -> None:
        for number in range(LOOKS):
            if number:
                time.sleep(PAUSE)
            try:
                if not self._look(policy, accounts).named:
                    return
            except Missing:
                return
        raise CloudError(
            f"IAM accepted the change of {policy.title}, and still shows the accounts; run the task again."
        )

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
        connect_arns = {endpoint.connect_arn(name): name for name in accounts}
        work = _Work(Iam(task.client), endpoint, connect_arns, options["policy_name"], task.write, outcome)
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
        arn, resource_id = found["DBClusterArn"], found["DbClusterResourceId"]
    else:
        found = describe_instance(clients, options["instance"])
        arn, resource_id = found["DBInstanceArn"], found["DbiResourceId"]
    return Endpoint(title="", engine=found["Engine"], host="", port=0, resource_id=resource_id, arn=arn)


SPEC: dict[str, dict[str, Any]] = {
    "accounts": {"type": "list", "elements": "str", "required": True},
    "policy_name": {"type": "str", "default": "aurora-iam"},
    "principals": {"type": "list", "elements": "raw", "required": True},
}

OPERATION = Operation({**connection_spec(), **SPEC}, perform)

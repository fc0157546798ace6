# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""The pipeline of aurora_iam_connect_policy: read, refuse, write, read back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.dbops.aurora_iam.plugins.module_utils._authorization.document import (
    MAX_INLINE,
    MAX_SIZE,
    connect_policy,
    connect_policy_name,
    foreign,
    named_resources,
    policy_size,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.connect_policies import (
    Holder,
    Iam,
    InlinePolicy,
    ManagedPolicy,
    Missing,
    Policy,
    inline_policies,
    shows,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.listed_principals import Principal, read_principal
from ansible_collections.dbops.aurora_iam.plugins.module_utils._connect import find_endpoint
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import (
    InvalidOption,
    Mistakes,
    Refused,
    VerificationFailed,
    Where,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._login import Endpoint
from ansible_collections.dbops.aurora_iam.plugins.module_utils._params import connection_spec
from ansible_collections.dbops.aurora_iam.plugins.module_utils._report import to_yaml
from ansible_collections.dbops.aurora_iam.plugins.module_utils._task import Operation, Result, Task

Document = Mapping[str, Any]


@dataclass(frozen=True)
class Change:
    """One policy of one principal.

    before  its document; None where it is not there
    after   the same, as it has to be
    """

    holder: Holder
    policy: Policy
    name: str
    before: Document | None
    after: Document | None

    @property
    def is_one(self) -> bool:
        return _resources(self.before) != _resources(self.after)

    def describe(self) -> Result:
        return {
            "principal": self.holder.title,
            "policy": self.name,
            "managed": isinstance(self.policy, ManagedPolicy),
            "accounts": _names(self.after),
            "changed": self.is_one,
        }


def _resources(document: Document | None) -> frozenset[str]:
    return frozenset() if document is None else named_resources(document)


def _names(document: Document | None) -> list[str]:
    """Of the accounts, as a policy has them."""
    return sorted(arn.partition("/")[2] for arn in _resources(document))


def perform(task: Task) -> Result:
    """The work of aurora_iam_connect_policy."""
    options, mistakes = task.params, Mistakes()
    principals = _principals(options["principals"], mistakes)
    mistakes.refuse()
    database = find_endpoint(options, task.client)
    if not database.connect_resource("x"):
        raise InvalidOption("A policy names a database by its resource ID, so set cluster, instance or proxy.")
    work = _Work(Iam(task.client), database, options["policy_name"], options["known_accounts"])
    changes = [change for number, each in principals for change in work.changes(each, Where(element=number), mistakes)]
    mistakes.refuse()
    needed = [change for change in changes if change.is_one]
    if task.write:
        work.carry_out(needed)
    return {
        "changed": bool(needed),
        "policies": [change.describe() for change in changes],
        "diff": {
            "before_header": f"policies for {database.title}",
            "after_header": f"policies for {database.title}",
            "before": _side({change.name: change.before for change in needed}),
            "after": _side({change.name: change.after for change in needed}),
        },
    }


def _side(policies: Mapping[str, Document | None]) -> str:
    """Of the diff."""
    return to_yaml({name: _names(document) for name, document in policies.items()}) if policies else ""


SPEC: dict[str, dict[str, Any]] = {
    "known_accounts": {"type": "list", "elements": "str"},
    "policy_name": {"type": "str", "default": "aurora-iam"},
    "principals": {"type": "list", "elements": "raw", "required": True},
}

OPERATION = Operation({**connection_spec(), **SPEC}, perform)


def _principals(elements: list[Any], mistakes: Mistakes) -> list[tuple[str, Principal]]:
    """Each with its place in the task."""
    found: dict[Holder, tuple[str, Principal]] = {}
    for number, element in enumerate(elements):
        with mistakes.about(Where(element=f"principals[{number}]")):
            principal = read_principal(element)
            if principal.holder in found:
                raise InvalidOption(
                    f"The {principal.holder.title} is listed more than once; list it once, with all its accounts."
                )
            found[principal.holder] = f"principals[{number}]", principal
    return list(found.values())


@dataclass(frozen=True)
class _Work:
    """``known``: names of the accounts that there are; None where that is not checked."""

    iam: Iam
    database: Endpoint
    prefix: str
    known: list[str] | None

    def changes(self, principal: Principal, where: Where, mistakes: Mistakes) -> list[Change]:
        """What there is and what has to be. Refuses what must not or cannot be written; raises CloudError."""
        with mistakes.about(where):
            self._check_accounts(principal)
            return self._changes(principal)
        return []

    def _check_accounts(self, principal: Principal) -> None:
        unknown = [] if self.known is None else [each for each in principal.accounts if each not in self.known]
        if unknown:
            twin = next((each for each in self.known or () if each.casefold() == unknown[0].casefold()), "")
            raise Refused(
                f"{self.database.title} has no account {', '.join(unknown)}, which "
                f"{principal.holder.title} is listed with; "
                f"{f'write {twin}, since case matters' if twin else 'create it first, or correct the name'}."
            )

    def _changes(self, principal: Principal) -> list[Change]:
        holder = principal.holder
        try:
            others = {policy.name: policy.read() for policy in inline_policies(self.iam, holder)}
        except Missing:
            if not principal.accounts:
                return []
            raise Refused(
                f"There is no {holder.title} in IAM, and policies are written for principals that exist; create it "
                "first, or correct the name."
            ) from None
        name = connect_policy_name(self.prefix, self.database, holder.kind, holder.name)
        inline = InlinePolicy(self.iam, holder, name)
        managed = ManagedPolicy.of_owner(self.iam, self.database.arn, name)
        own = others.pop(name, None)
        if not principal.accounts:
            both = ((inline, own), (managed, self._read(managed)))
            return [Change(holder, policy, name, self._own(policy, before), None) for policy, before in both if before]
        after = connect_policy(map(self.database.connect_arn, principal.accounts), limit=None)
        if principal.managed:
            self._check_managed_size(holder, after)
            return [Change(holder, managed, name, self._own(managed, self._read(managed)), after)]
        self._check_size(holder, after, others)
        return [Change(holder, inline, name, self._own(inline, own), after)]

    @staticmethod
    def _read(policy: Policy) -> Document | None:
        try:
            return policy.read()
        except Missing:
            return None

    def _own(self, policy: Policy, document: Document | None) -> Document | None:
        """The same document, if it is one of ours. Raises Refused."""
        why = "" if document is None else foreign(document, self.database)
        if why:
            raise Refused(
                f"The {policy.title} {why}, so it is not overwritten; move what it says to a policy of another name, "
                "and delete it."
            )
        return document

    @staticmethod
    def _check_managed_size(holder: Holder, document: Document) -> None:
        size = policy_size(document)
        if size > MAX_SIZE:
            raise Refused(
                f"The managed policy of {holder.title} would have {size} characters, and IAM takes {MAX_SIZE}; list "
                "fewer accounts, such as a part of them with another principal."
            )

    @staticmethod
    def _check_size(holder: Holder, document: Document, others: Mapping[str, Document]) -> None:
        own, rest, limit = policy_size(document), sum(map(policy_size, others.values())), MAX_INLINE[holder.kind]
        if own + rest > limit:
            besides = f", and its other inline policies {rest}" if rest else ""
            raise Refused(
                f"The inline policy of {holder.title} would have {own} characters{besides}, and IAM takes {limit} in "
                f"all inline policies of a {holder.kind}; set managed: true and attach that policy, or list fewer "
                "accounts."
            )

    def carry_out(self, changes: list[Change]) -> None:
        """And read back. Raises VerificationFailed, CloudError."""
        for change in changes:
            self._write(change)
        for change in changes:
            self._read_back(change)

    def _write(self, change: Change) -> None:
        if change.after is None:
            change.policy.delete()
        elif change.before is None and isinstance(change.policy, ManagedPolicy):
            document, title = json.dumps(change.after), change.policy.title
            self.iam.ask("CreatePolicy", title, PolicyName=change.name, PolicyDocument=document)
        else:
            change.policy.replace(json.dumps(change.after))

    def _read_back(self, change: Change) -> None:
        if not shows(lambda: self._read(change.policy) == change.after):
            raise VerificationFailed(
                f"IAM accepted the change of {change.policy.title}, and still shows another text; run the task again."
            )

# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Findings about IAM policies: those that let nobody connect, and those that let too much."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ansible_collections.dbops.aurora_iam.plugins.module_utils._authorization.access import Access, Use
from ansible_collections.dbops.aurora_iam.plugins.module_utils._findings.estate import Estate
from ansible_collections.dbops.aurora_iam.plugins.module_utils._findings.finding import Finding
from ansible_collections.dbops.aurora_iam.plugins.module_utils._findings.ineffective import (
    DANGLING,
    Obstacle,
    obstacles,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._findings.resources import (
    Resource,
    Target,
    read_resource,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import IAM

_RESOURCE_ID = re.compile(r"(cluster|db|prx)-[A-Za-z0-9]{4,}\Z")
_NAMED = 3
"""Resources and accounts that a sentence names before it only counts them"""


def policy_findings(estate: Estate) -> Iterator[Finding]:
    """Nothing where the policies are not known, or AWS does not know the database."""
    if estate.access is None:
        return
    targets = tuple(_targets(estate, estate.access))
    for use in estate.access.uses:
        yield from _Judge(estate, estate.access, targets, use).findings()


def _targets(estate: Estate, access: Access) -> Iterator[Target]:
    named = [item.account for item in estate.survey.accounts if item.name.name]
    accounts = frozenset(account.name.name for account in named if account.authentication == IAM)
    others = frozenset(account.name.name for account in named) - accounts
    for database in access.databases:
        yield Target(database, estate.capabilities, accounts, others)


class _Judge:
    """Of one statement."""

    def __init__(self, estate: Estate, access: Access, targets: tuple[Target, ...], use: Use) -> None:
        self._estate = estate
        self._access = access
        self._targets = targets
        self._use = use
        self._obstacles = list(obstacles(use, access, targets))

    def findings(self) -> Iterator[Finding]:
        use, reaches_all = self._use, self._access.anybody & self._use.sweeping & self._use.effective
        if reaches_all and self._access.is_everywhere(use) and not use.statement.means_connecting:
            yield self._everything()
        elif reaches_all:
            yield self._any_account()
        if use.effective and use.statement.ineffective_keys:
            yield self._without_effect()
        yield from self._other_cluster()
        by_reason: dict[str, list[Obstacle]] = {}
        for obstacle in self._obstacles:
            by_reason.setdefault(obstacle.reason, []).append(obstacle)
        for reason, found in by_reason.items():
            yield self._ineffective(reason, found)

    def _everything(self) -> Finding:
        use = self._use
        return self._finding(
            "policy_everything",
            f"{use.title} allows everything, and so lets {_holders(use)} connect as every account of every database; "
            "know that its holders are database users, too.",
        )

    def _any_account(self) -> Finding:
        use, element = self._use, "NotResource" if self._use.statement.excludes else "Resource"
        return self._finding(
            "policy_any_account",
            f"{use.title} lets {_holders(use)} connect as every account by {element} "
            f"{_first(use.statement.resources)}; name the accounts instead (…:dbuser:RESOURCE_ID/ACCOUNT).",
        )

    def _without_effect(self) -> Finding:
        keys = ", ".join(self._use.statement.ineffective_keys)
        return self._finding(
            "policy_condition_ineffective",
            f"{self._use.title} has a condition on {keys}, which IAM database authentication does not support, so that "
            "it restricts nobody; restrict the network by security groups, and remove the condition.",
        )

    def _ineffective(self, reason: str, found: Sequence[Obstacle]) -> Finding:
        first, names = found[0], {obstacle.account for obstacle in found}
        which = f" by {_first([obstacle.resource for obstacle in found])}" if first.resource else ""
        more = f" (and alike for the other {len(found) - 1})" if len(found) > 1 and first.resource else ""
        return self._finding(
            "policy_dangling" if reason in DANGLING else "policy_ineffective",
            f"{self._use.title} lets nobody connect{which}, because {first.wrong}{more}; {first.remedy}{more}.",
            first.account if len(names) == 1 else "",
            self._conversion(first.account) if reason == "account_not_iam" and len(names) == 1 else None,
            reason,
        )

    def _conversion(self, account: str) -> dict[str, object]:
        name = next(item.name for item in self._estate.survey.accounts if item.name.name == account)
        return self._estate.account_task(f"Convert {account} to IAM authentication", name, convert=True)

    def _other_cluster(self) -> Iterator[Finding]:
        """Said only where the account waits for somebody: policies for other databases are none of its business."""
        explained = {obstacle.resource for obstacle in self._obstacles}
        texts = () if self._use.statement.excludes else self._use.statement.resources
        for text in texts:
            resource = read_resource(text)
            if text in explained or resource is None or not self._is_of_another(resource):
                continue
            account = resource.name or ""
            if self._waits(account):
                yield self._finding(
                    "policy_other_cluster",
                    f"{self._use.title} lets somebody connect as {account} to {resource.database} and nobody may here; "
                    f"if this database is meant, write {self._estate.endpoint.connect_arn(account)}.",
                    account,
                )

    def _is_of_another(self, resource: Resource) -> bool:
        own = {target.own.database for target in self._targets}
        is_known = resource.service == "rds-db" and _RESOURCE_ID.match(resource.database)
        return bool(is_known) and resource.database not in own

    def _waits(self, account: str) -> bool:
        return account in self._targets[0].accounts and account not in self._access.connectable

    def _finding(
        self,
        code: str,
        message: str,
        account: str = "",
        remedy: dict[str, object] | None = None,
        reason: str = "",
    ) -> Finding:
        return Finding(code, "policy", self._use.title, message, remedy, account, reason)


def _first(texts: Sequence[str]) -> str:
    more = len(texts) - _NAMED
    return ", ".join(texts[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _holders(use: Use) -> str:
    principals = use.principals
    return principals[0].arn if len(principals) == 1 else f"{len(principals)} users and roles"

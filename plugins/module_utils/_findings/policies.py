# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Findings about IAM policies: those that let somebody connect as nobody, and those that let too much."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ansible_collections.dbops.aurora_iam.plugins.module_utils._authorization.patterns import (
    matcher,
    matches,
    plain_glob,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._authorization.policies import ConnectStatement
from ansible_collections.dbops.aurora_iam.plugins.module_utils._findings.estate import Estate
from ansible_collections.dbops.aurora_iam.plugins.module_utils._findings.finding import Finding
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import IAM

_RESOURCE = re.compile(r"arn:[^:]*:[^:]*:[^:]*:[^:]*:dbuser:([^/]*)/(.*)\Z", re.DOTALL)
"""https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/UsingWithRDS.IAMDBAuth.IAMPolicy.html"""
_RESOURCE_ID = re.compile(r"(cluster|db|prx)-[A-Z0-9]{4,}\Z")
_WILD = re.compile(r"[*?]|\$\{")


@dataclass(frozen=True)
class _Use:
    """A resource of a statement: the database and the account that it names, as written; None if it names neither."""

    source: ConnectStatement
    text: str
    database: str | None
    account: str | None

    @property
    def title(self) -> str:
        return f"{self.source.policy.title}, {self.source.statement.label}"


def policy_findings(estate: Estate) -> Iterator[Finding]:
    """Nothing where AWS does not know the database: then it cannot be told what a policy means by its ARNs."""
    if not estate.endpoint.connect_arn("x"):
        return
    judge = _Judge(estate)
    for source in _distinct(estate.statements or ()):
        if not (source.statement.denies or source.statement.excludes):
            yield from judge.statement_findings(source)


def _distinct(statements: Iterable[ConnectStatement]) -> Iterator[ConnectStatement]:
    """A managed policy is one, to however many users and roles it is attached."""
    seen: set[tuple[str, str, str]] = set()
    for source in statements:
        policy = source.policy
        key = (policy.arn, "" if policy.arn else policy.holder + policy.name, source.statement.label)
        if key not in seen:
            seen.add(key)
            yield source


def _use(source: ConnectStatement, text: str) -> _Use:
    found = _RESOURCE.match(text)
    return _Use(source, text, found[1], found[2]) if found else _Use(source, text, None, None)


class _Judge:
    def __init__(self, estate: Estate) -> None:
        self._estate = estate
        self._endpoint = estate.endpoint
        accounts = [item.account for item in estate.survey.accounts if item.name.name]
        self._iam = {account.name.name for account in accounts if account.authentication == IAM}
        self._arns = [self._endpoint.connect_resource(name) for name in sorted(self._iam)]
        self._others = {account.name.name for account in accounts} - self._iam
        self._folded = {name.casefold(): name for name in sorted(self._iam)}
        self._identifiers = {
            word.lower() for word in (self._endpoint.identifier, self._endpoint.host, *self._endpoint.members) if word
        }
        self._sample = self._endpoint.connect_resource("x\ny")
        """An account that no name of a policy means, unless it is a wildcard."""

    def statement_findings(self, source: ConnectStatement) -> Iterator[Finding]:
        uses = [_use(source, text) for text in source.statement.resources]
        for use in uses:
            yield from self.findings(use)
        if source.statement.ineffective_keys and any(self.concerns(use) for use in uses):
            yield self.ineffective(uses[0])

    def concerns(self, use: _Use) -> bool:
        """Whether it may be about this database."""
        if use.database is None:
            return matches(use.text, self._sample)
        return self._is_here(use.database)

    def _is_here(self, database: str) -> bool:
        return bool(matches(database, self._endpoint.resource_id))

    def findings(self, use: _Use) -> Iterator[Finding]:
        if matches(use.text, self._sample):
            yield self._any_account(use)
        elif use.database is None or use.account is None or "${" in use.text or _WILD.search(use.database):
            return
        elif use.database.lower() in self._identifiers:
            yield self._identifier(use)
        elif self._is_here(use.database):
            yield from self._account(use, use.account)
        elif _RESOURCE_ID.match(use.database):
            yield from self._other_cluster(use, use.account)

    def _any_account(self, use: _Use) -> Finding:
        if use.database is None and not use.text.startswith("arn:"):
            return self._finding(
                "policy_everything",
                use,
                f"{use.title} allows everything (Resource {use.text}), and so lets {_holders(use)} connect as every "
                "account of every database; know that its holders are database users, too.",
            )
        return self._finding(
            "policy_any_account",
            use,
            f"{use.title} lets {_holders(use)} connect as every account by {use.text}; name the accounts instead, such "
            f"as {self._endpoint.connect_arn('jane_doe')}.",
        )

    def _identifier(self, use: _Use) -> Finding:
        return self._finding(
            "policy_identifier",
            use,
            f"{use.title} names {use.database} by its identifier, where IAM knows databases by resource ID only, so "
            f"that it lets nobody connect; write {self._endpoint.connect_resource(use.account or '')}.",
        )

    def _account(self, use: _Use, account: str) -> Iterator[Finding]:
        known = self._iam | self._others
        if not matches(use.text[: len(use.text) - len(account)] + "x", self._endpoint.connect_resource("x")):
            yield self._finding(
                "policy_wrong_arn",
                use,
                f"{use.text} in {use.title} has another partition, service, region or account than this database, so "
                f"that it lets nobody connect; write {self._endpoint.connect_resource(account)}.",
            )
        elif _WILD.search(account):
            if not any(map(matcher(plain_glob(use.text)), self._arns)):
                yield self._dangling(use, f"matches no IAM-authenticated account of {self._endpoint.title}")
        elif self._estate.capabilities.too_long(account):
            yield self._finding(
                "policy_name_too_long",
                use,
                f"{use.title} names account {account}, which is longer than the names that {self._endpoint.title} can "
                "have, so that nobody can connect as it; shorten the account's name and the policy's.",
                account,
            )
        elif account in self._others:
            remedy = f"Convert {account} to IAM authentication"
            yield self._dangling(use, f"is about {account}, which is not IAM-authenticated", remedy)
        elif account not in known:
            yield self._missing(use, account)

    def _missing(self, use: _Use, account: str) -> Finding:
        twin = self._folded.get(account.casefold())
        if twin is None:
            return self._dangling(use, f"is about {account}, an account that {self._endpoint.title} does not have")
        return self._finding(
            "policy_case",
            use,
            f"{use.title} names account {account}, and the account is {twin}: the case matters, so that it lets nobody "
            f"connect; write {self._endpoint.connect_arn(twin)}.",
            twin,
        )

    def _dangling(self, use: _Use, why: str, remedy: str = "") -> Finding:
        account = use.account or ""
        task = None
        if remedy:
            name = next(item.name for item in self._estate.survey.accounts if item.name.name == account)
            task = self._estate.account_task(remedy, name, convert=True)
        message = f"{use.text} in {use.title} {why}; remove it from the policy, or make the account."
        return self._finding("policy_dangling", use, message, account, task)

    def _other_cluster(self, use: _Use, account: str) -> Iterator[Finding]:
        """Said only where the account waits for somebody: policies for other databases are none of its business."""
        connectable = self._estate.connectable
        if account in self._iam and connectable is not None and account not in connectable:
            yield self._finding(
                "policy_other_cluster",
                use,
                f"{use.title} lets somebody connect as {account} to {use.database} and nobody may here; if this "
                f"database is meant, write {self._endpoint.connect_arn(account)}.",
                account,
            )

    def ineffective(self, use: _Use) -> Finding:
        keys = ", ".join(use.source.statement.ineffective_keys)
        return self._finding(
            "policy_condition_ineffective",
            use,
            f"{use.title} has a condition on {keys}, which IAM database authentication does not support; restrict the "
            "network by security groups, and remove the condition.",
        )

    def _finding(
        self, code: str, use: _Use, message: str, account: str = "", remedy: dict[str, object] | None = None
    ) -> Finding:
        return Finding(code, "policy", use.title, message, remedy, account)


def _holders(use: _Use) -> str:
    principals = use.source.principals
    return principals[0] if len(principals) == 1 else f"{len(principals)} users and roles"

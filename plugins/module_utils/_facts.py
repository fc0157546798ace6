# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Facts as a person reads them: the dictionaries under ``ansible_facts.aurora_iam``."""

from __future__ import annotations

import fnmatch
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.dbops.aurora_iam.plugins.module_utils._authorization.decide import Verdict
from ansible_collections.dbops.aurora_iam.plugins.module_utils._login import Endpoint
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import IAM, PASSWORD, AccountName, Capabilities
from ansible_collections.dbops.aurora_iam.plugins.module_utils._report import DescribeGrants, describe_account
from ansible_collections.dbops.aurora_iam.plugins.module_utils._survey import GroupRole, Survey, SurveyedAccount

Facts = dict[str, Any]

SUBSETS = ("accounts", "authorization", "cluster", "findings", "grants", "public", "roles")
MINIMAL = frozenset({"cluster"})


def choose(wanted: Sequence[str]) -> frozenset[str]:
    """What ``gather_subset`` means, by the rules of ansible.builtin.setup: the minimal subset, then all that is added,
    less what is excluded, but never less what is added by name. Raises ValueError for a subset that does not exist."""
    added, excluded, named = set(MINIMAL), set[str](), set[str]()
    for word in wanted or ("all",):
        name = word[1:] if word.startswith("!") else word
        if word == "all":
            added.update(SUBSETS)
        elif word == "!all":
            excluded.update(set(SUBSETS) - MINIMAL)
        elif word == "!min":
            excluded.update(MINIMAL)
        elif word.startswith("!"):
            excluded.add(name)
        elif word != "min":
            if word not in SUBSETS:
                raise ValueError(word)
            named.add(word)
    return frozenset((added | named) - (excluded - named))


@dataclass(frozen=True)
class Filter:
    """Globs for names of accounts, in which case matters; none lets all through."""

    globs: tuple[str, ...] = ()

    def passes(self, name: str) -> bool:
        return not self.globs or any(fnmatch.fnmatchcase(name, glob) for glob in self.globs)


def describe_cluster(endpoint: Endpoint, survey: Survey | None) -> Facts:
    """What AWS was not asked for is null, or an empty text."""
    seen = survey.iam_auth if survey is not None else None
    return {
        "title": endpoint.title,
        "identifier": endpoint.identifier,
        "arn": endpoint.arn,
        "resource_id": endpoint.resource_id,
        "engine": endpoint.engine,
        "engine_version": endpoint.version,
        "status": endpoint.status,
        "host": endpoint.host,
        "port": endpoint.port,
        "members": list(endpoint.members),
        "master_user": endpoint.master_user,
        "iam_auth": seen if endpoint.iam_auth is None else endpoint.iam_auth,
        "iam_auth_pending": endpoint.pending_iam_auth,
    }


@dataclass(frozen=True)
class Describer:
    """``grants``: whether what accounts and roles may do is shown."""

    endpoint: Endpoint
    capabilities: Capabilities
    describe_grants: DescribeGrants
    grants: bool

    def accounts(self, survey: Survey, names: Filter) -> list[Facts]:
        return [
            self._account(item)
            for item in survey.accounts
            if item.account.authentication == IAM and _is_shown(item, names)
        ]

    def others(self, survey: Survey, names: Filter, passwords: bool) -> list[Facts]:
        """Accounts that are meant to log in by IAM and cannot; those with passwords if they are asked for."""
        left_out = {IAM, "" if passwords else PASSWORD}
        return [
            {**self._account(item), "untouchable": item.untouchable}
            for item in survey.accounts
            if item.account.authentication not in left_out and _is_shown(item, names)
        ]

    def _account(self, item: SurveyedAccount) -> Facts:
        account = item.account
        described = describe_account(account, self.capabilities, self.describe_grants if self.grants else _no_grants)
        if not self.grants:
            del described["grants"]
        elif self.capabilities.hosts:
            described["reached_by"] = [
                {"name": name.name, "host": name.host, "grants": self.describe_grants(grants)}
                for name, grants in sorted(item.reached_by.items())
            ]
        described.update(self._default_roles(item))
        described.update(
            authentication=account.authentication,
            connect_arn=self.endpoint.connect_arn(account.name.name) if account.authentication == IAM else "",
            inherited_roles=self._named(item.inherited_roles),
            limits=dict(item.limits),
            owns={name: {"count": o.count, "objects": list(o.objects)} for name, o in sorted(item.owned.items())},
            sessions=item.sessions,
            used=item.used,
            administrator_by=list(item.administrator_by),
        )
        if self.capabilities.tls_requirement:
            described.update(
                tls=account.tls,
                admin_roles=self._named(item.admin_roles),
                acts_as=sorted(map(str, item.acts_as)),
                partial_revokes=_listed(item.partial_revokes),
            )
            if self.grants:
                described["creator_grants"] = self.describe_grants(item.creator_grants)
        return described

    def _default_roles(self, item: SurveyedAccount) -> Facts:
        """Naming a role in a task makes it default, so that one which is not must not be named: it stays by
        ``purge_roles: false``."""
        account = item.account
        idle = account.roles - account.default_roles
        described: Facts = {
            "roles": self._named(account.roles & account.default_roles),
            "roles_not_default": self._named(idle),
            "default_roles": self._named(account.default_roles),
        }
        return {**described, "purge_roles": False} if idle else described

    def roles(self, survey: Survey) -> list[Facts]:
        return [self._role(role) for role in survey.roles]

    def public(self, survey: Survey) -> list[Facts]:
        return [
            {
                "database": rights.database,
                "grants": [
                    {
                        "privileges": list(grant.privileges),
                        "kind": grant.kind,
                        "count": grant.count,
                        "objects": list(grant.objects),
                    }
                    for grant in rights.grants
                ],
                "definer_code": {"count": rights.definer_code.count, "objects": list(rights.definer_code.objects)},
                "roles": self._named(rights.roles),
            }
            for rights in survey.public
        ]

    def _role(self, role: GroupRole) -> Facts:
        described: Facts = {"name": role.name.name}
        if self.capabilities.hosts:
            described["host"] = role.name.host
        described.update(members=self._named(role.members), roles=self._named(role.roles))
        if self.grants:
            described["grants"] = self.describe_grants(role.grants)
        if self.capabilities.tls_requirement:
            described["partial_revokes"] = _listed(role.partial_revokes)
        return described

    def _named(self, names: Iterable[AccountName]) -> list[str]:
        return sorted(name.name if name.host == "%" else str(name) for name in names)


def _listed(partial_revokes: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    return {database: list(words) for database, words in partial_revokes.items()}


def _is_shown(item: SurveyedAccount, names: Filter) -> bool:
    """Accounts of the service are not, nor those without a name, which no task can name."""
    return bool(item.name.name) and not item.reserved and names.passes(item.name.name)


def _no_grants(_grants: object) -> list[Facts]:
    return []


def describe_authorization(verdicts: Mapping[str, Collection[Verdict]], advisory: bool) -> list[Facts]:
    """One element for each principal, outcome and deciding statement, with the accounts that it is about.

    verdicts  connect ARN → what was decided
    """
    accounts: dict[int, list[str]] = {}
    by_number: dict[int, Verdict] = {}
    for arn, decided in verdicts.items():
        name = arn.split("/", 1)[1]
        for verdict in decided:
            by_number[id(verdict)] = verdict
            accounts.setdefault(id(verdict), []).append(name)
    merged: dict[tuple[Any, ...], Facts] = {}
    for number, verdict in by_number.items():
        described = verdict.describe()
        key = tuple(map(repr, described.values()))
        entry = merged.setdefault(key, {**described, "advisory": advisory, "accounts": []})
        entry["accounts"] += accounts[number]
    for entry in merged.values():
        entry["accounts"].sort()
    return [merged[key] for key in sorted(merged)]

# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the facts of a server say that somebody may do, read from nothing but what the module shows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.base import Session
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.access import (
    Access,
    GrantTables,
    Privileges,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.clients import Client
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.roles import roles_at_login
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.engine import MySQLEngine
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.privileges import privileges_of
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.request import parse_grant
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.statements import Dialect
from ansible_collections.dbops.aurora_iam.plugins.module_utils._facts import Describer, Facts, Filter
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import (
    AccountName,
    Grant,
    GrantRequest,
    Scope,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._survey import SurveyRequest

ENGINE = MySQLEngine()


def gathered(session: Session) -> Facts:
    """As ``aurora_iam_facts`` returns them, with accounts of every kind."""
    survey = ENGINE.survey(session, SurveyRequest(passwords=True))
    describer = Describer(session.login.endpoint, ENGINE.capabilities, ENGINE.describe_grants, grants=True)
    return {
        "accounts": [*describer.accounts(survey, Filter()), *describer.others(survey, Filter(), passwords=True)],
        "roles": describer.roles(survey),
        "public": describer.public(survey),
    }


class FactsReader:
    def __init__(self, facts: Facts, dialect: Dialect) -> None:
        self._accounts = {AccountName(each["name"], each["host"]): each for each in facts["accounts"]}
        roles = {AccountName(each["name"], each["host"]): each for each in facts["roles"]}
        self.mandatory = {_role(text) for each in facts["public"] for text in each["roles"]}
        self._granted = {name: set(map(_role, each["roles"])) for name, each in roles.items()}
        self._granted.update(
            (name, {_role(text) for text in (*each["roles"], *each["roles_not_default"])})
            for name, each in self._accounts.items()
        )
        grants = {name: set(_grants(each["grants"])) for name, each in (*roles.items(), *self._accounts.items())}
        for name, each in self._accounts.items():
            grants[name].update(_grants(each["creator_grants"]))
        for element in (each for public in facts["public"] for each in public["grants"]):
            on, _from, host = element["objects"][0].partition(" from ")
            name = AccountName("", host or "%")
            grants.setdefault(name, set()).update(_grants([{"privileges": element["privileges"], "on": on}]))
        restrictions = {
            name: {database: frozenset(words) for database, words in each["partial_revokes"].items()}
            for name, each in (*roles.items(), *self._accounts.items())
        }
        self._tables = GrantTables(dialect, grants, restrictions)

    def roles(self, name: AccountName, all_active: bool) -> tuple[AccountName, ...]:
        default = {name: set(map(_role, self._accounts[name]["default_roles"]))}
        return roles_at_login(name, self._granted, default, self.mandatory, all_active)

    def access(self, name: AccountName, client: Client, roles: tuple[AccountName, ...]) -> Access:
        return Access(self._tables, name, client, roles)

    def own(self, name: AccountName, scope: Scope) -> Privileges:
        """By what is listed for the account itself."""
        alone = GrantTables(self._tables.dialect, {name: self._tables.grants[name]}, self._tables.restrictions)
        return Access(alone, name, Client()).on(scope, certain=False)

    def reached(self, name: AccountName, scope: Scope) -> set[str]:
        """What others' rows give it."""
        found = (grant for other in self._accounts[name]["reached_by"] for grant in _grants(other["grants"]))
        return {grant.privilege for grant in found if _is_about(grant.scope, scope)}


def _is_about(granted: Scope, scope: Scope) -> bool:
    return granted.kind in ("DATABASE", "PATTERN") or (granted.kind, granted.path) == (scope.kind, scope.path)


def _role(text: str) -> AccountName:
    name, at, host = text.rpartition("@")
    return AccountName(name, host) if at else AccountName(text, "%")


def _grants(elements: Iterable[Mapping[str, Any]]) -> Iterator[Grant]:
    for element in elements:
        option = bool(element.get("grant_option"))
        parsed = parse_grant(GrantRequest(tuple(element["privileges"]), element["on"], grant_option=option))
        for privilege in parsed.privileges:
            names = privileges_of(parsed.scope.kind) if privilege.name == "ALL" else (privilege.name,)
            for column in privilege.columns or ("",):
                scope = Scope(parsed.scope.kind, path=parsed.scope.path, column=column)
                yield from (Grant(name, scope) for name in names if name != "USAGE")
        if option:
            yield Grant("USAGE", parsed.scope, True)

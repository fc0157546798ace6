# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster as it might have been observed, to plan against without one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.objects import (
    PUBLIC,
    Catalogue,
    Database,
    Entry,
    SecuredObject,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.observed import (
    PostgreSQLObserved,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.roles import (
    Membership,
    Role,
    Roles,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.rows import build_accounts
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.engine import PostgreSQLEngine
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import (
    AccountName,
    AccountRequest,
    Changes,
    GrantRequest,
    Scope,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._plan import Step
from ansible_collections.dbops.aurora_iam.plugins.module_utils._reconcile import reconcile

ENGINE = PostgreSQLEngine()

TABLE = Scope("TABLE", "shop", ("public", "orders"))
COLUMN = replace(TABLE, column="id")
VIEW = Scope("TABLE", "shop", ("public", "recent"))
SEQUENCE = Scope("SEQUENCE", "shop", ("public", "numbers"))
NO_ARGUMENTS = Scope("FUNCTION", "shop", ("public", "total"))
ONE_ARGUMENT = replace(NO_ARGUMENTS, arguments="integer")
PROCEDURE = Scope("PROCEDURE", "shop", ("public", "refresh"))
SCHEMA = Scope("SCHEMA", "shop", ("public",))
DOMAIN = Scope("TYPE", "shop", ("public", "email"))
DATABASE = Scope("DATABASE", path=("shop",))
STRANGE = Scope("TABLE", "shop", ("public", 'we.ird "x'))
FOREIGN = Scope("TABLE", "shop", ("public", "ledger"))
"""belongs to a role for which the login cannot act"""

_OWNED = (TABLE, COLUMN, VIEW, SEQUENCE, NO_ARGUMENTS, ONE_ARGUMENT, PROCEDURE, SCHEMA, DOMAIN, DATABASE, STRANGE)
_TYPES = {ONE_ARGUMENT: "23"}


def role(name: str, oid: int = 0, login: bool = True, **attributes: Any) -> Role:
    return Role(name, oid or 16000 + sum(map(ord, name)), login, **attributes)


def observed(
    *,
    roles: tuple[Role, ...] = (),
    memberships: tuple[Membership, ...] = (),
    entries: tuple[Entry, ...] = (),
    objects: tuple[SecuredObject, ...] = (),
    accounts: tuple[str, ...] = (),
    creators: tuple[str, ...] = ("master",),
    databases: Mapping[str, Database] | None = None,
    major: int = 17,
    **rest: Any,
) -> PostgreSQLObserved:
    """The master owns the database shop and most of what is in it.

    creators  who owns schema public or something in it
    """
    groups = (role("rds_iam", login=False), role("rds_ad", login=False), role("readers", login=False))
    administers = Membership("rds_iam", "master", "rdsadmin", admin=True, inherits=False, sets=False)
    others = (replace(administers, role="readers"), administers)
    graph = Roles((role("master", creates_roles=True), *groups, *roles), (*others, *memberships))
    items = [SecuredObject(scope, "master", 1, 20, _TYPES.get(scope, ""), scope == DOMAIN) for scope in _OWNED]
    items += [SecuredObject(FOREIGN, "banker"), *objects]
    databases = {
        "shop": Database("shop", 1, "master", True, True),
        "rdsadmin": Database("rdsadmin", 2, "x", False, False),
        **(databases or {}),
    }
    catalogue = Catalogue(items, entries, {("shop", "integer"): 23}, {("shop", "public"): creators}, databases)
    base = PostgreSQLObserved(
        accounts=build_accounts(accounts, graph, catalogue, entries),
        login=AccountName("master"),
        title="cluster shop",
        master="master",
        major=major,
        database="shop",
        locks=6400,
        roles=graph,
        catalogue=catalogue,
    )
    return replace(base, **rest)


def entry(scope: Scope, privilege: str, grantee: str, grantor: str = "master", grantable: bool = False) -> Entry:
    return Entry(scope, privilege, grantee, grantor, grantable)


def public(scope: Scope, privilege: str) -> Entry:
    return entry(scope, privilege, PUBLIC)


def iam(name: str) -> Membership:
    return Membership("rds_iam", name, "master")


def created_by_master(name: str) -> Membership:
    return Membership(name, "master", "rdsadmin", admin=True, inherits=False, sets=False)


def grant(on: str, *privileges: str, **rest: Any) -> GrantRequest:
    return GrantRequest(privileges, on, **rest)


def changes(state: PostgreSQLObserved, *requests: AccountRequest, unlisted: str = "keep") -> Changes:
    desired = ENGINE.resolve([ENGINE.parse(request) for request in requests], state)
    return reconcile(desired, state.accounts, ENGINE.capabilities, unlisted, ENGINE.protected(state))


def steps(state: PostgreSQLObserved, *requests: AccountRequest, unlisted: str = "keep") -> tuple[Step, ...]:
    return ENGINE.plan(changes(state, *requests, unlisted=unlisted), state).steps


def texts(state: PostgreSQLObserved, *requests: AccountRequest) -> list[tuple[str, list[str]]]:
    """The statements of each step, and its database."""
    return [(step.database, [item.text for item in step.statements]) for step in steps(state, *requests)]


def statements(state: PostgreSQLObserved, *requests: AccountRequest, unlisted: str = "keep") -> list[str]:
    return [statement.text for step in steps(state, *requests, unlisted=unlisted) for statement in step.statements]


def warnings(state: PostgreSQLObserved, *requests: AccountRequest) -> list[str]:
    return ENGINE.plan(changes(state, *requests), state).warnings


def graph(*memberships: Membership, roles: tuple[Role, ...] = ()) -> Roles:
    groups = [role(name, login=False) for name in ("rds_iam", "rds_ad", "rds_superuser", "readers")]
    return Roles([*groups, role("master"), role("jane"), *roles], memberships)


def member(of: str, name: str = "jane") -> Membership:
    return Membership(of, name, "master")

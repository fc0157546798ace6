# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A MySQL server without a server: what the engine would have observed, and what it makes of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.access import Access, GrantTables
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.clients import Client
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.grantor import Authority
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.objects import Objects
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.observed import MySQLObserved
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.engine import MySQLEngine
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.objects import GLOBAL
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.privileges import (
    STATIC_PRIVILEGES,
    USAGE,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.plan import checks, render
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.statements import Dialect
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import (
    Account,
    AccountChange,
    AccountName,
    AccountRequest,
    Changes,
    Grant,
    GrantRequest,
    Scope,
)

ENGINE = MySQLEngine()
JANE, READER, WRITER, ADMIN = (AccountName(name, "%") for name in ("jane", "reader", "writer", "admin"))
ORDERS = Scope("DATABASE", path=("orders",))
CUSTOMERS = Scope("TABLE", path=("orders", "customers"))
REFRESH = Scope("PROCEDURE", path=("orders", "refresh"))
OPTION = Grant(USAGE, ORDERS, True)

NOT_OF_THE_MASTER = ("FILE", "SHUTDOWN", "SUPER", "CREATE TABLESPACE")
MASTER = frozenset(
    [
        *(Grant(name, GLOBAL) for name in STATIC_PRIVILEGES if name not in NOT_OF_THE_MASTER),
        Grant(USAGE, GLOBAL, True),
        Grant("CONNECTION_ADMIN", GLOBAL, True),
        Grant("ROLE_ADMIN", GLOBAL, True),
        Grant("SHOW_ROUTINE", GLOBAL, True),
    ]
)
READ_ONLY_MYSQL = {"mysql": frozenset({"INSERT", "UPDATE", "DELETE"})}
CLIENT = Client(address="10.1.2.3")


def authority(
    grants: Iterable[Grant], restrictions: Mapping[str, frozenset[str]] | None = None, patterns: bool = False
) -> Authority:
    """Of a login that has these grants and no role."""
    tables = GrantTables(Dialect(patterns), {ADMIN: frozenset(grants)}, {ADMIN: restrictions or {}})
    return Authority(Access(tables, ADMIN, CLIENT))


SERVER = MySQLObserved(
    login=ADMIN,
    title="cluster orders",
    master="admin",
    dialect=Dialect(database_patterns=False),
    plugin_active=True,
    iam_auth=True,
    existing=frozenset({ADMIN, READER, WRITER}),
    known_dynamic=frozenset({"CONNECTION_ADMIN", "SHOW_ROUTINE", "BACKUP_ADMIN"}),
    authority=authority(MASTER, READ_ONLY_MYSQL),
    objects=Objects(
        frozenset({ORDERS, CUSTOMERS, REFRESH, Scope("DATABASE", path=("my_db",)), Scope("DATABASE", path=("mysql",))}),
        {("orders", "customers"): {"id": "id", "email": "Email"}},
    ),
)
WITH_PATTERNS = replace(SERVER, dialect=Dialect(database_patterns=True), authority=authority(MASTER, patterns=True))


def restricted(server: MySQLObserved, name: AccountName, database: str, privilege: str) -> MySQLObserved:
    """Under a partial revoke."""
    restrictions = {name: {database: frozenset({privilege})}}
    return replace(server, grant_tables=replace(server.grant_tables, restrictions=restrictions))


def grant(on: str, *privileges: str, option: bool = False, position: str = "grants[0]") -> GrantRequest:
    return GrantRequest(privileges, on, grant_option=option, position=position)


def request(*grants: GrantRequest, **options) -> AccountRequest:
    return AccountRequest(name=options.pop("name", "jane"), grants=grants, **options)


def account(*grants: Grant, **state) -> Account:
    return Account(JANE, **{"tls": "ANY", "grants": frozenset(grants), **state})


def resolved(*grants: GrantRequest, observed: MySQLObserved = SERVER, **options) -> frozenset[Grant]:
    desired = ENGINE.resolve([ENGINE.parse(request(*grants, **options))], observed)[0]
    return desired.grants or frozenset()


def rendered(before: Account | None, after: Account | None, observed: MySQLObserved = SERVER) -> list[str]:
    name = (before or after).name
    steps = render.render(Changes((AccountChange(name, before, after),)), observed)
    return [statement.text for step in steps for statement in step.statements]


def reviewed(before: Account | None, after: Account | None, observed: MySQLObserved = SERVER) -> list[str]:
    name = (before or after).name
    return checks.review(Changes((AccountChange(name, before, after),)), observed)

# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one element of ``users`` can have wrong on MySQL."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.observed import MySQLObserved
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.drop.dependencies import (
    DefinedObject,
    Dependencies,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.objects import GLOBAL
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import (
    PASSWORD,
    Account,
    AccountName,
    Grant,
    Scope,
)
from tests.unit.plugins.module_utils._engines.mysql.scenes import (
    CUSTOMERS,
    MASTER,
    READER,
    SERVER,
    WITH_PATTERNS,
    authority,
    restricted,
)
from tests.unit.plugins.module_utils.mistakes import CULPRIT, Mistake, anywhere, option

NAME = AccountName(CULPRIT, "%")
SOUND = {"privileges": ["SELECT"], "on": "orders.*"}
LONG = "x" * 70


WITH_PERFORMANCE_SCHEMA = replace(
    SERVER,
    objects=replace(SERVER.objects, scopes=SERVER.objects.scopes | {Scope("DATABASE", path=("performance_schema",))}),
)


def having(*grants: Grant, server: MySQLObserved = SERVER, **state: Any) -> MySQLObserved:
    """A server on which the account is there."""
    account = Account(NAME, **{"tls": "ANY", "grants": frozenset(grants), **state})
    return replace(server, accounts={NAME: account}, existing=server.existing | {NAME})


def without(*privileges: str) -> MySQLObserved:
    """A server whose login lacks these."""
    held = frozenset(grant for grant in MASTER if grant.privilege not in privileges)
    return replace(SERVER, authority=authority(held))


def grant(title: str, on: str, *privileges: str, state: MySQLObserved | None = None, **options: Any) -> Mistake:
    wrong = {"privileges": list(privileges or ["SELECT"]), "on": on, **options}
    return Mistake(f"a grant {title}", "grants[1]", {"grants": [SOUND, wrong]}, state)


def account(title: str, observed: MySQLObserved, element: str = "", **user: Any) -> Mistake:
    return Mistake(f"an account {title}", element, user, observed)


READ = [
    option("long", "name", name=LONG),
    option("ends with a space", "name", name="jane "),
    option("has four bytes a character", "name", name="jane😀"),
    option("reserved", "name", name="rdsadmin"),
    option("reserved by MySQL", "name", name="mysql.sys"),
    option("long", "host", host="x" * 256),
    option("not ASCII", "host", host="bücher.example"),
    option("two hosts", "host", host="a@b"),
    option("with a backslash", "host", host="a\\b"),
    option("zero", "connection_limit", connection_limit=0),
    option("beyond what is stored", "connection_limit", connection_limit=2**32),
    grant("with database", "orders.*", database="orders"),
    grant("with owner", "orders.*", owner="reader"),
    grant("on something unreadable", "a b"),
    grant("on a name without a database", "customers"),
    grant("on three names", "a.b.c"),
    grant("on all procedures", "PROCEDURE orders.*"),
    grant("on a pattern of tables", "PATTERN a.b"),
    grant("on a long name", f"orders.{LONG}"),
    grant("on information_schema", "information_schema.*"),
    grant("of two privileges in one", "orders.*", "SELECT, INSERT"),
    grant("of columns without privilege", "orders.customers", "(id)"),
    grant("of the grant option", "orders.*", "GRANT OPTION"),
    grant("of PROXY", "*.*", "PROXY"),
    grant("of a database's columns", "orders.*", "SELECT (id)"),
    grant("of columns to be deleted", "orders.customers", "DELETE (id)"),
    grant("of what a table has not", "orders.customers", "PROCESS"),
    grant("of what is no privilege", "orders.*", "EXECUT"),
    grant("of what is a role", "*.*", "LOAD FROM S3"),
    grant("of what a routine has", "orders.customers", "EXECUTE"),
]

RESOLVED = [
    option("missing", "roles[1]", roles=["reader", "nobody"]),
    Mistake("a role of itself", "roles[1]", {"roles": ["reader", CULPRIT]}, having()),
    grant("of an unknown dynamic privilege", "*.*", "NO_SUCH_ADMIN"),
    grant("on a missing column", "orders.customers", "SELECT (phone)"),
    grant("on a missing table", "orders.nothing"),
    grant("on a missing database", "nothing.*"),
    grant("on a pattern that is none", "shop%.*"),
    grant("on a database whose pattern is long", f"{'_' * 40}.*", state=WITH_PATTERNS),
    grant("of what performance_schema has not", "performance_schema.*", "EXECUTE", state=WITH_PERFORMANCE_SCHEMA),
    grant("with another grant option", "orders.*", "INSERT", grant_option=True),
    grant("of everything that is nothing", "*.*", "ALL", state=replace(SERVER, authority=authority([]))),
]

PLANNED = [
    account("with a password", having(authentication=PASSWORD)),
    account("with a password that is to be dropped", having(authentication=PASSWORD), state="absent"),
    account(
        "whose password has expired",
        replace(having(authentication=PASSWORD), expired={NAME: "since yesterday"}),
        convert=True,
    ),
    Mistake(
        "a grant that hides another",
        "grants[0]",
        {"grants": [SOUND, {"privileges": ["INSERT"], "on": "PATTERN `ord%`.*"}]},
        WITH_PATTERNS,
    ),
    account("that is the master", replace(having(), master=CULPRIT), comment="x"),
    account("that is the login", replace(having(), login=NAME), comment="x"),
    account("on a host that is not resolved", replace(SERVER, resolves_hosts=False), "host", host="db1.example.org"),
    account("on a host that no client has", SERVER, "host", host="10.1.2.3/8"),
    account("as SQL writes it", SERVER, "name", name="jane@10.%"),
    account("of the master's name", replace(SERVER, master=CULPRIT), "name", host="10.%"),
    account("that is a role", replace(having(authentication=PASSWORD), group_roles=frozenset({NAME})), "name"),
    account(
        "that gets a role with SYSTEM_USER",
        replace(SERVER, system_users=frozenset({READER})),
        "roles[0]",
        roles=["reader"],
    ),
    account("with SYSTEM_USER", having(Grant("SYSTEM_USER", GLOBAL)), state="absent"),
    account(
        "that is a definer",
        replace(having(), dependencies=Dependencies(objects={NAME: (DefinedObject("VIEW", "orders", "v"),)})),
        state="absent",
    ),
    account(
        "that is to hand code over",
        replace(having(), dependencies=Dependencies(objects={NAME: (DefinedObject("VIEW", "orders", "v"),)})),
        "owned_objects",
        state="absent",
        owned_objects="reassign",
        reassign_owned_to="reader",
    ),
    account("that is a mandatory role", replace(having(), mandatory_roles=frozenset({NAME})), state="absent"),
    account(
        "that loses a mandatory role",
        replace(having(roles=frozenset({READER})), mandatory_roles=frozenset({READER})),
        "roles",
        roles=[],
    ),
    account("that gets a role that the login may not grant", without("ROLE_ADMIN"), "roles[0]", roles=["reader"]),
    account(
        "with columns in two spellings",
        having(*(Grant("SELECT", replace(CUSTOMERS, column=name)) for name in ("id", "ID"))),
        "grants",
        purge_grants=False,
        grants=[{"privileges": ["INSERT"], "on": "orders.customers"}],
    ),
    account("whose sessions cannot be seen", replace(without("PROCESS"), accounts=having().accounts), state="absent"),
    Mistake(
        "an account with a role that is dropped",
        "roles[0]",
        {"roles": ["reader"]},
        replace(having(), accounts={READER: Account(READER, tls="ANY")}),
        ({"name": "reader", "state": "absent"},),
    ),
    account("in a circle of roles", replace(having(), role_edges={READER: {NAME}}), "roles[0]", roles=["reader"]),
    account("that the login may not create", without("CREATE USER", "INSERT")),
    account(
        "with a privilege that the login has not",
        SERVER,
        "grants[1]",
        grants=[SOUND, {"privileges": ["FILE"], "on": "*.*"}],
    ),
    account("with a privilege that the login may not revoke", having(Grant("FILE", GLOBAL)), "grants", grants=[]),
    account(
        "with a partial revoke",
        restricted(having(Grant("INSERT", GLOBAL)), NAME, "orders", "INSERT"),
        "grants[1]",
        grants=[{"privileges": ["INSERT"], "on": "*.*"}, {"privileges": ["INSERT"], "on": "orders.*"}],
    ),
    account("that may more than the login", having(Grant("INSERT", GLOBAL)), "grants", grants=[]),
    Mistake("an account listed twice", "", {}, None, ({"name": CULPRIT, "host": "%"},)),
]

MISTAKES = [*anywhere(SOUND, "reader"), *READ, *RESOLVED, *PLANNED]

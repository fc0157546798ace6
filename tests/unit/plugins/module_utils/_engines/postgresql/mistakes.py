# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one element of ``users`` can have wrong on PostgreSQL."""

from __future__ import annotations

from typing import Any

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.observed import (
    PostgreSQLObserved,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.roles import Membership
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.drop.code import Code
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.drop.dependencies import Obstacle
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.iam_login import LOCK_MARKER
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.plan.checks import ITEM_LIMIT
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import AccountName, Scope
from tests.unit.plugins.module_utils._engines.postgresql import scenes
from tests.unit.plugins.module_utils._engines.postgresql.scenes import created_by_master, entry, iam, role
from tests.unit.plugins.module_utils.mistakes import CULPRIT, Mistake, anywhere, option

SOUND = {"privileges": ["CONNECT"], "on": "DATABASE"}
LONG = "x" * 64
ON_TABLE = {"privileges": ["SELECT"], "on": "orders"}


def grant(title: str, on: str, *privileges: str, state: PostgreSQLObserved | None = None, **options: Any) -> Mistake:
    wrong = {"privileges": list(privileges or ["SELECT"]), "on": on, **options}
    return Mistake(f"a grant {title}", "grants[1]", {"grants": [SOUND, wrong]}, state)


def account(title: str, observed: PostgreSQLObserved, element: str = "", **user: Any) -> Mistake:
    return Mistake(f"an account {title}", element, user, observed)


def having(*, login: bool = True, password: bool = False, comment: str = "", **state: Any) -> PostgreSQLObserved:
    """A cluster on which the account is there."""
    own = [created_by_master(CULPRIT), *([] if password else [iam(CULPRIT)])]
    return scenes.observed(
        **{
            **state,
            "roles": (role(CULPRIT, login=login, comment=comment), *state.get("roles", ())),
            "memberships": (*own, *state.get("memberships", ())),
            "accounts": (CULPRIT, *state.get("accounts", ())),
        }
    )


def dropping(title: str, element: str, new_owner: str = "", way: str = "fail", **state: Any) -> Mistake:
    """An account that is to be dropped."""
    options = {"reassign_owned_to": new_owner} if new_owner else {}
    way = "reassign" if new_owner else way
    return account(f"to be dropped {title}", having(**state), element, state="absent", owned_objects=way, **options)


OWNS = {"obstacles": {CULPRIT: (Obstacle("o", "shop", ("table public.t",), 1),)}}
GRANTED_ON = (
    entry(scenes.TABLE, "SELECT", CULPRIT, grantable=True),
    entry(scenes.TABLE, "SELECT", "ann", grantor=CULPRIT),
)

READ = [
    option("long", "name", name=LONG),
    option("with a NUL", "name", name="a\0b"),
    option("reserved", "name", name="pg_monitor"),
    option("of MySQL", "host", host="%"),
    option("long", "roles[1]", roles=["readers", LONG]),
    option("long", "reassign_owned_to", state="absent", owned_objects="reassign", reassign_owned_to=LONG),
    option("reserved", "reassign_owned_to", state="absent", owned_objects="reassign", reassign_owned_to="rdsadmin"),
    option("with a NUL", "comment", comment="a\0b"),
    option("with the marker", "comment", comment=LOCK_MARKER),
    option("beyond what is stored", "connection_limit", connection_limit=2**31),
    grant("in a long database", "orders", database=LONG),
    grant("of a long owner", "FUTURE TABLES", owner=LONG),
    grant("on an open quote", 'TABLE "orders'),
    grant("on a long name", LONG),
    grant("on three names", "a.b.c"),
    grant("on no name", "TABLE"),
    grant("in two databases", "DATABASE shop", "CONNECT", database="other"),
    grant("on a parameter in a database", "PARAMETER work_mem", "SET", database="shop"),
    grant("on a strange parameter", 'PARAMETER "a b"', "SET"),
    grant("on a large object without a number", "LARGE OBJECT x"),
    grant("on all of something", "ALL THINGS IN SCHEMA public"),
    grant("on future somethings", "FUTURE THINGS"),
    grant("on future schemas in a schema", "FUTURE SCHEMAS IN SCHEMA public", "USAGE"),
    grant("on a function with an empty argument", "FUNCTION f(integer,)", "EXECUTE"),
    grant("on a function with a strange argument", "FUNCTION f(a b c)", "EXECUTE"),
    grant("on an open parenthesis", "FUNCTION f(integer", "EXECUTE"),
    grant("on two objects", "orders recent"),
    grant("with an owner", "orders", owner="readers"),
    grant("of the grant option", "orders", "GRANT OPTION"),
    grant("of a sequence's columns", "SEQUENCE numbers", "SELECT (a)"),
    grant("of what is no privilege", "orders", "EXECUT"),
    grant("of no column", "orders", "SELECT ()"),
    grant("of a strange column", "orders", "SELECT (a b)"),
    grant("of two privileges in one", "orders", "SELECT, INSERT"),
]

RESOLVED = [
    option("itself", "roles[1]", roles=["readers", CULPRIT]),
    option("the owner of the database", "roles[1]", roles=["readers", "pg_database_owner"]),
    option("missing", "roles[1]", roles=["readers", "nobody"]),
    account(
        "with a superuser as role",
        scenes.observed(roles=(role("boss", superuser=True),)),
        "roles[1]",
        roles=["readers", "boss"],
    ),
    account(
        "in a circle of roles",
        having(memberships=(Membership(CULPRIT, "team", "master"),), roles=(role("team", login=False),)),
        "roles[1]",
        roles=["readers", "team"],
    ),
    grant("of a privilege that is newer", "orders", "MAINTAIN", state=scenes.observed(major=14)),
    grant("on a missing column", "orders", "SELECT (phone)"),
    grant("in a missing database", "orders", database="nothing"),
    grant("in a database that is closed", "orders", database="rdsadmin"),
    grant("on a missing table", "nothing"),
    grant("in a missing schema", "nothing.orders"),
    grant("on all tables of a missing schema", "ALL TABLES IN SCHEMA nothing"),
    grant("on future tables of nobody", "FUTURE TABLES", owner="nobody"),
    grant("on future tables in a missing schema", "FUTURE TABLES IN SCHEMA nothing"),
    grant("on an overloaded function", "FUNCTION total", "EXECUTE"),
    grant("on a function with other arguments", "FUNCTION total(text)", "EXECUTE"),
    grant(
        "on an array's type",
        "TYPE public._email",
        "USAGE",
        state=scenes.observed(
            objects=(scenes.SecuredObject(Scope("TYPE", "shop", ("public", "_email")), "master", instead="TYPE email"),)
        ),
    ),
]

PLANNED = [
    account("with a password", having(password=True)),
    account("with a password that is to be dropped", having(password=True), state="absent"),
    account(
        "whose password has expired",
        having(password=True, expired={AccountName(CULPRIT): "since yesterday"}),
        convert=True,
    ),
    account("that is the master", having(master=CULPRIT), comment="x"),
    account("with two ways to log in", scenes.observed(), "roles[1]", roles=["readers", "rds_ad"]),
    account(
        "that is in rds_ad already",
        having(memberships=(Membership("rds_ad", CULPRIT),)),
        comment="x",
    ),
    account(
        "that has passed its membership on",
        having(
            memberships=(Membership("readers", CULPRIT, "master", admin=True), Membership("readers", "ann", CULPRIT))
        ),
        "roles",
        roles=[],
    ),
    dropping(
        "that is a group role",
        "",
        login=False,
        memberships=(Membership(CULPRIT, "ann"),),
        roles=(role("ann"),),
    ),
    dropping("with open sessions", "", connected=frozenset({CULPRIT})),
    dropping("with a missing new owner", "reassign_owned_to", "nobody", **OWNS),
    dropping(
        "whose new owner is a member of the login",
        "reassign_owned_to",
        "ann",
        roles=(role("ann"),),
        memberships=(Membership("master", "ann"),),
        **OWNS,
    ),
    dropping("whose new owner is a stranger", "reassign_owned_to", "ann", roles=(role("ann"),), **OWNS),
    Mistake(
        "an account to be dropped whose new owner is dropped",
        "reassign_owned_to",
        {"state": "absent", "owned_objects": "reassign", "reassign_owned_to": "ann"},
        having(roles=(role("ann"),), memberships=(iam("ann"), created_by_master("ann")), accounts=("ann",), **OWNS),
        ({"name": "ann", "state": "absent"},),
    ),
    dropping("that owns something", "", **OWNS),
    dropping("that has passed privileges on", "", entries=(GRANTED_ON[1],)),
    dropping("with privileges by strangers", "", entries=(entry(scenes.TABLE, "SELECT", CULPRIT, "stranger"),)),
    dropping(
        "whose code would gain rights",
        "reassign_owned_to",
        "ann",
        roles=(role("ann"),),
        memberships=(created_by_master("ann"), Membership("readers", "ann")),
        code={CULPRIT: (Code("shop", "function public.f()", "0" * 32),)},
        **OWNS,
    ),
    account(
        "that takes others along",
        having(
            password=True,
            roles=(role("ann"),),
            memberships=(Membership(CULPRIT, "ann"),),
        ),
        convert=True,
    ),
    account(
        "that takes the login along", having(password=True, memberships=(Membership(CULPRIT, "master"),)), convert=True
    ),
    account("that has passed a privilege on", having(entries=GRANTED_ON), "grants", grants=[]),
    account("that loses a grant option that it has used", having(entries=GRANTED_ON), "grants[0]", grants=[ON_TABLE]),
    account(
        "for whom a list has no room",
        scenes.observed(objects=(scenes.SecuredObject(scenes.TABLE, "master", items=ITEM_LIMIT, size=7800),)),
        "grants[1]",
        grants=[SOUND, ON_TABLE],
    ),
    Mistake(
        "an account with a role that is dropped",
        "roles[1]",
        {"roles": ["readers", "ann"]},
        scenes.observed(roles=(role("ann"),), memberships=(iam("ann"), created_by_master("ann")), accounts=("ann",)),
        ({"name": "ann", "state": "absent"},),
    ),
    Mistake(
        "an account with a privilege on what is dropped",
        "grants[1]",
        {"grants": [SOUND, {"privileges": ["SELECT"], "on": "theirs"}]},
        scenes.observed(
            roles=(role("ann"),),
            memberships=(iam("ann"), created_by_master("ann")),
            accounts=("ann",),
            objects=(scenes.SecuredObject(Scope("TABLE", "shop", ("public", "theirs")), "ann"),),
        ),
        ({"name": "ann", "state": "absent", "owned_objects": "drop"},),
    ),
    account(
        "with a privilege that the login may not grant",
        scenes.observed(),
        "grants[1]",
        grants=[SOUND, {"privileges": ["SELECT"], "on": "ledger"}],
    ),
    account(
        "with default privileges of an account",
        scenes.observed(roles=(role("ann"),), memberships=(iam("ann"),)),
        "grants[1]",
        grants=[SOUND, {"privileges": ["SELECT"], "on": "FUTURE TABLES", "owner": "ann"}],
    ),
    account(
        "with a privilege that the login may not revoke",
        having(entries=(entry(scenes.TABLE, "SELECT", CULPRIT, "stranger"),)),
        "grants",
        grants=[],
    ),
    Mistake("an account listed twice", "", {}, None, ({"name": CULPRIT},)),
]

MISTAKES = [*anywhere(SOUND, "readers"), *READ, *RESOLVED, *PLANNED]

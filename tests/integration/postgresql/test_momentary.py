# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What belongs to a role that the login administers, without having its rights: it is a member for as long as some
statements take, and nobody else sees it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog import queries
from ansible_collections.dbops.aurora_iam.plugins.module_utils._login import Credentials
from tests.integration.postgresql.scene import MASTER, Scene, open_connection, refused
from tests.integration.tasks import assert_settled, converge

KNOWN_BY = "EXISTS (SELECT FROM pg_settings WHERE name = 'rds.extensions')"
BY_THE_MASTER = pytest.mark.parametrize("acting", ["master"], indirect=True)


def memberships(scene: Scene, role: str) -> list[tuple[str, ...]]:
    return scene.sql(
        f"SELECT to_jsonb(m) - 'oid' FROM pg_auth_members m WHERE roleid = '{role}'::regrole ORDER BY 1::text"
    )


@pytest.fixture(params=["master", pytest.param("clerk", marks=pytest.mark.direct("is about the login"))])
def acting(request: pytest.FixtureRequest, scene: Scene) -> tuple[Scene, str]:
    """The scene as the master sees it, or as a role that has nothing but CREATEROLE; and its name."""
    name, other = MASTER, scene
    if request.param == "clerk":
        name = scene.role("clerk", "LOGIN CREATEROLE PASSWORD 'Pa55word!'", master=False)
        other = replace(scene, login=replace(scene.login, credentials=lambda: Credentials(name, "Pa55word!")))
    return other, name


@pytest.fixture
def owner(scene: Scene, acting: tuple[Scene, str]) -> Iterator[str]:
    """A role that the login has made, with a table in a schema of its own that the login may not use. At the end, it
    has the same members."""
    _other, login = acting
    name = f"{scene.database}_owner"
    scene.sql(
        f"SET ROLE {login}; CREATE ROLE {name}; RESET ROLE; CREATE SCHEMA apps AUTHORIZATION {name}; "
        f"SET ROLE {name}; CREATE TABLE apps.orders (id int, note text); CREATE SEQUENCE apps.numbers"
    )
    before = memberships(scene, name)
    yield name
    assert memberships(scene, name) == before
    scene.sql(f"DROP OWNED BY {name} CASCADE; DROP ROLE {name}")


@pytest.fixture
def person(scene: Scene, acting: tuple[Scene, str]) -> Iterator[str]:
    """Somebody with a table, whom the login has made."""
    _other, login = acting
    name = f"{scene.database}_bob"
    scene.sql(
        f"SET ROLE {login}; CREATE ROLE {name} LOGIN PASSWORD 'Pa55word!'; RESET ROLE; "
        f"CREATE TABLE shop.bobs (id int); ALTER TABLE shop.bobs OWNER TO {name}; GRANT USAGE ON SCHEMA shop TO {name}"
    )
    yield name
    scene.sql(f"DROP OWNED BY {name} CASCADE; DROP ROLE {name}")


def test_what_an_owner_will_create(scene: Scene, acting: tuple[Scene, str], account: str, owner: str) -> None:
    other, _login = acting
    scene.user(name=account)
    grants = [
        {"on": "FUTURE TABLES IN SCHEMA apps", "privileges": ["SELECT"], "owner": owner},
        {"on": "FUTURE SEQUENCES", "privileges": ["USAGE"], "owner": owner},
    ]
    converge(partial(other.user, name=account, grants=grants))
    scene.sql(f"SET ROLE {owner}; CREATE TABLE apps.later (id int)")
    assert scene.sql(f"SELECT has_table_privilege('{account}', 'apps.later', 'SELECT')") == [("t",)]
    scene.sql("DROP TABLE apps.later")
    converge(partial(other.user, name=account, grants=grants[1:]))
    converge(partial(other.user, name=account, grants=[]))


def test_what_an_owner_has(scene: Scene, acting: tuple[Scene, str], account: str, owner: str) -> None:
    other, _login = acting
    scene.user(name=account)
    grants = [
        {"on": "SCHEMA apps", "privileges": ["USAGE"]},
        {"on": "apps.orders", "privileges": ["SELECT", "INSERT (note)"], "grant_option": True},
        {"on": "ALL SEQUENCES IN SCHEMA apps", "privileges": ["ALL"]},
    ]
    converge(partial(other.user, name=account, grants=grants))
    narrowed = [grants[0], {"on": "apps.orders", "privileges": ["SELECT (id)"]}]
    converge(partial(other.user, name=account, grants=narrowed))
    scene.sql(f"SET ROLE {account}; SELECT id FROM apps.orders")
    converge(partial(other.user, name=account, grants=[]))


@BY_THE_MASTER
def test_what_the_login_has_itself_is_granted_by_itself(scene: Scene, account: str, owner: str) -> None:
    """Also in the same transaction: a grant by the owner's rights would be another one."""
    scene.sql(
        f"GRANT USAGE ON SCHEMA apps TO {MASTER}; SET ROLE {owner}; "
        f"GRANT SELECT ON apps.orders TO {MASTER} WITH GRANT OPTION"
    )
    grants = [{"on": "apps.orders", "privileges": ["SELECT", "INSERT"]}, {"on": "shop.orders", "privileges": ["ALL"]}]
    converge(partial(scene.user, name=account, grants=grants))
    granted = scene.sql(
        "SELECT privilege_type, grantor::regrole FROM pg_class, aclexplode(relacl) "
        f"WHERE oid = 'apps.orders'::regclass AND grantee = '{account}'::regrole ORDER BY 1"
    )
    assert granted == [("INSERT", owner), ("SELECT", MASTER)]
    converge(partial(scene.user, name=account, grants=[]))


def test_what_somebody_else_has_granted(scene: Scene, acting: tuple[Scene, str], account: str, person: str) -> None:
    """On what is its own, and on what it has a grant option for."""
    other, _login = acting
    scene.user(name=account)
    scene.sql(
        f"GRANT SELECT ON shop.orders TO {person} WITH GRANT OPTION; SET ROLE {person}; "
        f"GRANT SELECT ON shop.bobs, shop.orders TO {account}"
    )
    assert_settled(partial(other.user, name=account))
    converge(partial(other.user, name=account, grants=[]))
    assert scene.sql(f"SELECT has_table_privilege('{account}', 'shop.orders', 'SELECT')") == [("f",)]


@pytest.mark.parametrize("nested", [False, True])
def test_nobody_in_rds_iam_is_joined(
    scene: Scene, acting: tuple[Scene, str], account: str, person: str, nested: bool
) -> None:
    other, login = acting
    if login != MASTER and scene.major >= 16:
        return  # who administers an account in rds_iam is in it as well, and logs in with a token only
    scene.user(name=account)
    team = scene.role("team")
    scene.sql(f"GRANT rds_iam TO {team}; GRANT {team} TO {person}" if nested else f"GRANT rds_iam TO {person}")
    scene.sql(f"SET ROLE {person}; GRANT SELECT ON shop.bobs TO {account}")
    refused(other, f"from {person}, .*; let {person} revoke it", name=account, grants=[])
    on = {"on": "shop.bobs", "privileges": ["INSERT"]}
    refused(other, f"that belongs to {person}", name=account, purge_grants=False, grants=[on])
    future = {"on": "FUTURE TABLES", "privileges": ["SELECT"], "owner": person}
    refused(other, "may not set default privileges", name=account, purge_grants=False, grants=[future])
    refused(other, f"has SELECT on TABLE shop.bobs .*from {person}", name=account, state="absent")


@BY_THE_MASTER
def test_a_membership_that_the_login_gave_itself_stays(scene: Scene, account: str, owner: str) -> None:
    """The fixture compares the login's memberships."""
    if scene.major < 16:
        return  # a member may SET ROLE
    scene.sql(f"GRANT {owner} TO {MASTER} WITH INHERIT FALSE, SET FALSE", master=True)
    before = memberships(scene, owner)
    converge(partial(scene.user, name=account, grants=[{"on": "apps.orders", "privileges": ["SELECT"]}]))
    assert memberships(scene, owner) == before
    scene.sql(f"REVOKE {owner} FROM {MASTER}", master=True)


def test_what_the_server_does_not_let_the_login_do(scene: Scene, account: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """On RDS its master may do what the sandbox's may not since 16: it is asked. A failure leaves no membership."""
    assert KNOWN_BY in queries._ROLES
    monkeypatch.setattr(queries, "_ROLES", queries._ROLES.replace(KNOWN_BY, "true"))
    stranger = scene.role("stranger", master=False)
    scene.sql(f"CREATE TABLE shop.strange (id int); ALTER TABLE shop.strange OWNER TO {stranger}")
    scene.user(name=account)
    scene.sql(
        f"GRANT USAGE ON SCHEMA shop TO {stranger}; SET ROLE {stranger}; GRANT SELECT ON shop.strange TO {account}"
    )
    options: tuple[dict[str, Any], ...] = (
        {"grants": [{"on": "shop.strange", "privileges": ["INSERT"]}], "purge_grants": False},
        {"grants": [{"on": "FUTURE TABLES", "privileges": ["SELECT"], "owner": stranger}], "purge_grants": False},
        {"grants": []},
    )
    for option in options:
        if scene.major >= 16:
            refused(scene, f"permission denied to grant role .{stranger}..*ADMIN OPTION", name=account, **option)
        else:
            converge(partial(scene.user, name=account, **option))
        assert memberships(scene, stranger) == []
    scene.sql("DROP TABLE shop.strange")


@pytest.mark.parametrize("schema", [True, False])
def test_default_privileges_of_who_is_not_administered(scene: Scene, account: str, schema: bool) -> None:
    """The server refuses that itself."""
    owner = scene.role("stranger", master=False)
    on = "FUTURE TABLES IN SCHEMA shop" if schema else "FUTURE TABLES"
    options = {"name": account, "grants": [{"on": on, "privileges": ["SELECT"], "owner": owner}]}
    if scene.major >= 16:
        refused(scene, r"permission denied to change default privileges .error 42501.\. Log in as", **options)
    else:
        converge(partial(scene.user, **options))


@BY_THE_MASTER
def test_nobody_else_sees_the_membership(scene: Scene, account: str, owner: str) -> None:
    seen: set[str] = set()
    stop = threading.Event()

    def look() -> None:
        with closing(open_connection(scene)) as connection, connection.cursor() as cursor:
            connection.autocommit = True
            while not stop.is_set():
                cursor.execute(f"SELECT to_jsonb(m)::text FROM pg_auth_members m WHERE roleid = '{owner}'::regrole")
                seen.add(str(cursor.fetchall()))

    looking = threading.Thread(target=look)
    looking.start()
    try:
        for _number in range(3):
            converge(partial(scene.user, name=account, grants=[{"on": "apps.orders", "privileges": ["SELECT"]}]))
            converge(partial(scene.user, name=account, grants=[]))
    finally:
        stop.set()
        looking.join()
    assert len(seen) == 1


@BY_THE_MASTER
def test_several_owners_in_several_databases(scene: Scene, account: str, owner: str, person: str) -> None:
    grants = [
        {"on": "apps.orders", "privileges": ["SELECT"]},
        {"on": "shop.bobs", "privileges": ["SELECT"]},
        {"on": "SCHEMA public", "privileges": ["USAGE"], "database": scene.cluster},
    ]
    task = partial(scene.user, login_db=scene.cluster, name=account)
    everywhere = partial(task, grants=[{"database": scene.database, **item} for item in grants])
    converge(everywhere)
    converge(partial(task, grants=[]))
    converge(everywhere)
    converge(partial(task, state="absent"))

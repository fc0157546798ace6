# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every kind of object that PostgreSQL has privileges on: check, apply, check, apply, drift by hand, repair."""

from __future__ import annotations

import threading
from functools import partial

import pytest

from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import MissingObject, Refused, UnknownPrivilege
from tests.integration.postgresql.grant_cases import CASES
from tests.integration.postgresql.scene import Scene, open_connection
from tests.integration.tasks import assert_settled, converge


@pytest.mark.parametrize("case", CASES)
def test_each_kind_of_object(scene: Scene, account: str, case: str) -> None:
    grant, taken, added = CASES[case]
    task = partial(scene.user, name=account, grants=[grant])
    converge(task)
    for drift in (taken, added):
        scene.sql(drift.format(account=account), master=True)
        repaired = converge(task)
        assert len(repaired["statements"]) <= 2, "only what drifted is put right"
    assert_settled(partial(scene.user, name=account, grants=repaired["account"]["grants"]))
    converge(partial(scene.user, name=account, grants=[]))
    converge(partial(scene.user, name=account, state="absent"))


def test_only_what_is_missing_in_the_schema_is_granted(scene: Scene, account: str) -> None:
    task = partial(scene.user, name=account, grants=[{"on": "ALL TABLES IN SCHEMA shop", "privileges": ["SELECT"]}])
    converge(task)
    scene.sql("CREATE TABLE shop.added (id int)", master=True)
    try:
        assert converge(task)["statements"] == [f'GRANT SELECT ON TABLE "shop"."added" TO "{account}"']
    finally:
        scene.sql("DROP TABLE shop.added", master=True)


def test_types_without_privileges_of_their_own(scene: Scene, account: str) -> None:
    scene.sql("CREATE TYPE shop.span AS RANGE (subtype = int)", master=True)
    try:
        with pytest.raises(MissingObject, match=r"TYPE shop\._mood has no privileges of its own; grant shop\.mood's"):
            scene.user(name=account, grants=[{"on": "TYPE shop._mood", "privileges": ["USAGE"]}])
        multirange = partial(
            scene.user, name=account, grants=[{"on": "TYPE shop.span_multirange", "privileges": ["USAGE"]}]
        )
        if scene.major < 17:
            converge(multirange)
            return
        with pytest.raises(MissingObject, match=r"TYPE shop\.span_multirange has no privileges of its own"):
            multirange()
    finally:
        scene.sql("DROP TYPE shop.span CASCADE")


def test_a_parameter_that_nobody_has_defined(scene: Scene, account: str) -> None:
    task = partial(scene.user, name=account, grants=[{"on": "PARAMETER my_app.Tenant", "privileges": ["SET"]}])
    with pytest.raises(Refused, match=r"SET on PARAMETER my_app\.tenant: that belongs to rdsadmin"):
        task()
    scene.sql("GRANT SET ON PARAMETER my_app.tenant TO postgres WITH GRANT OPTION")
    try:
        converge(task)
        converge(partial(scene.user, name=account, grants=[]))
    finally:
        scene.sql("REVOKE ALL ON PARAMETER my_app.tenant FROM postgres CASCADE")


def test_maintain_came_with_17(scene: Scene, account: str) -> None:
    task = partial(scene.user, name=account, grants=[{"on": "shop.orders", "privileges": ["MAINTAIN"]}])
    if scene.major >= 17:
        converge(task)
    else:
        with pytest.raises(UnknownPrivilege, match="MAINTAIN came with PostgreSQL 17"):
            task()


def test_grants_in_several_databases(scene: Scene, account: str) -> None:
    grants = [
        {"on": "shop.orders", "privileges": ["SELECT"]},
        {"on": "SCHEMA public", "privileges": ["USAGE"], "database": scene.cluster},
        {"on": "DATABASE", "privileges": ["CONNECT"], "database": scene.cluster},
    ]
    converge(partial(scene.user, name=account, grants=grants))
    elsewhere = partial(scene.user, login_db=scene.cluster, name=account)
    # whichever database the login is in, exactness covers all of them
    assert converge(partial(elsewhere, grants=[]))["changed"]
    converge(partial(elsewhere, state="absent"))


@pytest.mark.parametrize(
    "closed",
    [
        "ALTER DATABASE {0} CONNECTION LIMIT 0",
        "ALTER DATABASE {0} ALLOW_CONNECTIONS false",
        # what an interrupted DROP DATABASE leaves
        "UPDATE pg_database SET datconnlimit = -2 WHERE datname = '{0}'",
    ],
)
def test_a_database_that_takes_no_connections(scene: Scene, account: str, closed: str) -> None:
    """It is in nobody's way but of what has to be done in it."""
    other = f"{scene.database}_closed"
    scene.sql(f"CREATE DATABASE {other}", master=True)
    try:
        grants = [{"on": "SCHEMA public", "privileges": ["CREATE"], "database": other}]
        scene.user(name=account, grants=grants)
        scene.sql(closed.format(other))
        converge(partial(scene.user, name=account, grants=[{"on": "shop.orders", "privileges": ["SELECT"]}]))
        for check in (True, False):
            with pytest.raises(Refused, match=f"may not connect to database {other}"):
                scene.user(check=check, name=account, grants=grants)
            with pytest.raises(Refused, match=f"has privileges in {other}, to which the login may not connect"):
                scene.user(check=check, name=account, state="absent")
    finally:
        scene.sql(f"DROP DATABASE {other} WITH (FORCE)")
    converge(partial(scene.user, name=account, state="absent"))


def test_a_reader_that_keeps_a_privilege_never_lacks_it(scene: Scene, account: str) -> None:
    """SELECT on a column stays while everything about it changes; another session asks for it all the time."""
    option = [{"on": "shop.orders", "privileges": ["ALL"], "grant_option": True}]
    steps = [
        option,
        *([{"on": "shop.orders", "privileges": names}] for names in (["SELECT"], ["SELECT (id)"], ["ALL"])),
    ]
    scene.user(name=account, grants=steps[-1])
    held: list[bool] = []
    stop = threading.Event()

    def read() -> None:
        with open_connection(scene) as connection, connection.cursor() as cursor:
            while not stop.is_set():
                cursor.execute("SELECT has_column_privilege(%s, 'shop.orders', 'id', 'SELECT')", (account,))
                held.extend(row[0] for row in cursor.fetchall())
                connection.rollback()

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for grants in steps * 3:
            converge(partial(scene.user, name=account, grants=grants))
    finally:
        stop.set()
        reader.join()
    assert len(held) > 100
    assert all(held)

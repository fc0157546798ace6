# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The server is asked beforehand: check mode refuses what the run would be refused, in the same words, and a run over
several databases refuses it before anything is changed."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import psycopg2
import pytest

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.connection.session import (
    PostgreSQLSession,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._plan import Step
from tests.integration.administration import Administration
from tests.integration.meanwhile import Meanwhile
from tests.integration.postgresql.drop_scene import MASTER, Sql, exists, master_of
from tests.integration.tasks import TaskFailed, Tasks, converge, examples, refused_alike
from tests.sandbox.clients import State


@pytest.fixture
def closed(sql: Sql, account: str) -> Iterator[str]:
    """A table of the master's, in a schema that the master may not use."""
    sql(
        f"CREATE SCHEMA closed; GRANT CREATE, USAGE ON SCHEMA closed TO {MASTER}; SET ROLE {MASTER}; "
        f"CREATE TABLE closed.{account} (id int); RESET ROLE; REVOKE ALL ON SCHEMA closed FROM {MASTER}"
    )
    yield f"closed.{account}"
    sql("DROP SCHEMA closed CASCADE")


def test_a_schema_that_the_login_may_not_use(
    tasks: Tasks, admin: Administration, cluster: str, account: str, closed: str
):
    grants = [{"privileges": ["SELECT"], "on": f"TABLE {closed}", "database": cluster}]
    text = refused_alike(lambda **mode: tasks.user(cluster=cluster, name=account, grants=grants, **mode))
    assert "permission denied for schema closed" in text
    assert not exists(admin, cluster, account)


def test_the_second_database_refuses_before_the_first_is_changed(
    tasks: Tasks, admin: Administration, cluster: str, databases: list[str], account: str, sql: Sql
):
    second = databases[1]
    admin.sql(
        cluster,
        f"CREATE SCHEMA closed; GRANT CREATE, USAGE ON SCHEMA closed TO {MASTER}; SET ROLE {MASTER}; "
        f"CREATE TABLE closed.parts (id int); RESET ROLE; REVOKE ALL ON SCHEMA closed FROM {MASTER}",
        second,
    )
    grants = [
        {"privileges": ["CONNECT"], "on": f"DATABASE {cluster}"},
        {"privileges": ["SELECT"], "on": "TABLE closed.parts", "database": second},
    ]
    refused_alike(lambda **mode: tasks.user(cluster=cluster, name=account, grants=grants, **mode))
    assert not exists(admin, cluster, account)


def test_what_is_left_of_an_account_is_named_before_it_is_locked(
    tasks: Tasks, cluster: str, account: str, sql: Sql, closed: str
):
    tasks.user(cluster=cluster, name=account)
    sql(f"GRANT SELECT ON {closed} TO {account}")
    text = refused_alike(lambda **mode: tasks.user(cluster=cluster, name=account, state="absent", **mode))
    assert "closed" in text
    assert sql(f"SELECT rolcanlogin FROM pg_roles WHERE rolname = '{account}'") == [("t",)]


def test_a_locked_account_is_not_dropped_in_check_mode(tasks: Tasks, admin: Administration, cluster: str, account: str):
    """Of that plan, the rehearsal executes nothing but DROP ROLE."""
    tasks.user(cluster=cluster, name=account, locked=True)
    assert tasks.user(cluster=cluster, name=account, state="absent", check=True)["changed"]
    assert exists(admin, cluster, account)


@contextlib.contextmanager
def holding(connect: Callable[[], Any], statement: str) -> Iterator[None]:
    with contextlib.closing(connect()) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        yield


@contextlib.contextmanager
def reading(connect: Callable[[], Any], table: str) -> Iterator[list[float]]:
    """How long each read of the table takes meanwhile."""
    seconds: list[float] = []
    with contextlib.closing(connect()) as connection, connection.cursor() as cursor:

        def read() -> None:
            began = time.monotonic()
            cursor.execute(f"SELECT count(*) FROM {table}")
            connection.rollback()
            seconds.append(time.monotonic() - began)

        with Meanwhile(read, pause=0.01) as reader:
            yield seconds
    assert reader.refusals == []


@pytest.mark.direct("connections of tests are what holds the locks")
def test_readers_of_a_table_that_changes_owner_wait_less_than_a_second(
    tasks: Tasks,
    state: State,
    cluster: str,
    account: str,
    new_owner: str,
    sql: Sql,
    monkeypatch: pytest.MonkeyPatch,
):
    """And the task waits for lock_timeout once, though it has locked the account by then."""
    waits: list[str] = []
    execute = PostgreSQLSession.execute

    def count(session: PostgreSQLSession, step: Step) -> None:
        waits.extend(item.text for item in step.statements if item.text.startswith("REASSIGN OWNED"))
        execute(session, step)

    tasks.user(cluster=cluster, name=account)
    sql(f"CREATE TABLE public.busy_{account} (id int); ALTER TABLE public.busy_{account} OWNER TO {account}")
    sql(f"GRANT SELECT ON public.busy_{account} TO {MASTER}")
    drop = {"name": account, "state": "absent", "owned_objects": "reassign", "reassign_owned_to": new_owner}
    connect = master_of(state, cluster)
    with holding(connect, f"SELECT FROM public.busy_{account}"), reading(connect, f"public.busy_{account}") as seconds:
        planned = tasks.user(cluster=cluster, **drop, check=True)
        assert max(seconds) < 0.3
        monkeypatch.setattr(PostgreSQLSession, "execute", count)
        with pytest.raises(TaskFailed, match=rf"busy_{account} is locked by {MASTER} \(pid \d+, ") as failure:
            tasks.user(cluster=cluster, **drop, lock_timeout=3)
        assert max(seconds) < 1
    assert f"busy_{account} is locked by {MASTER}" in str(planned["warnings"])
    assert waits == [failure.value.result["statement"]]
    converge(lambda **mode: tasks.user(cluster=cluster, **drop, **mode))


@pytest.mark.direct("no connections are kept")
def test_five_connections_are_enough_for_any_number_of_databases(
    tasks: Tasks, admin: Administration, cluster: str, account: str, sql: Sql, monkeypatch: pytest.MonkeyPatch
):
    """With up to 110 databases, a quarter of AURORA_IAM_EXAMPLES, and all but twenty of the server's slots taken."""
    names = [f"many_{number}" for number in range(min(110, examples() // 4))]
    for name in names:
        sql(f"CREATE DATABASE {name} OWNER {MASTER}")
    grants = [{"privileges": ["USAGE"], "on": "SCHEMA public", "database": name} for name in names]
    free = int(sql("SELECT current_setting('max_connections')::int - count(*) FROM pg_stat_activity")[0][0])
    with contextlib.ExitStack() as taken:
        for _number in range(free - 20):
            taken.enter_context(contextlib.closing(admin.superuser(cluster)))
        most = count_connections(monkeypatch)
        converge(lambda **mode: tasks.user(cluster=cluster, name=account, grants=grants, **mode))
        tasks.facts(cluster=cluster)
        converge(lambda **mode: tasks.user(cluster=cluster, name=account, state="absent", **mode))
        monkeypatch.undo()
    for name in names:
        sql(f"DROP DATABASE {name} WITH (FORCE)")
    assert 3 < max(most) <= 5


def count_connections(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many the tasks hold, each time that another is made. The server needs a moment to end one that is closed, so
    that it would know more."""
    made: list[Any] = []
    most: list[int] = []
    really_connect = psycopg2.connect

    def connect(**options: Any) -> Any:
        made.append(really_connect(**options))
        most.append(sum(not connection.closed and connection.info.user == MASTER for connection in made))
        return made[-1]

    monkeypatch.setattr(psycopg2, "connect", connect)
    return most


@contextlib.contextmanager
def coming_and_going(connect: Callable[[], Any], table: str) -> Iterator[None]:
    """A table that is made and dropped all the time."""
    stop = threading.Event()

    def change() -> None:
        with contextlib.closing(connect()) as connection, connection.cursor() as cursor:
            connection.autocommit = True
            while not stop.is_set():
                for statement in (f"CREATE TABLE IF NOT EXISTS {table} (id int)", f"DROP TABLE IF EXISTS {table}"):
                    with contextlib.suppress(psycopg2.errors.InternalError_):  # tuple concurrently updated
                        cursor.execute(statement)
                    stop.wait(0.2)

    thread = threading.Thread(target=change)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def test_a_prepared_transaction_that_nobody_can_name(tasks: Tasks, cluster: str, account: str, sql: Sql):
    gone = {"cluster": cluster, "name": account, "state": "absent", "owned_objects": "drop"}
    tasks.user(cluster=cluster, name=account)
    sql(f"GRANT CREATE ON DATABASE {cluster} TO {account}")
    sql(f"SET ROLE {account}; BEGIN; CREATE SCHEMA {account}; PREPARE TRANSACTION '{account}'")
    try:
        warnings = str(tasks.user(**gone, check=True)["warnings"])
    finally:
        sql(f"ROLLBACK PREPARED '{account}'")
    assert "is not known: a session or a prepared transaction has locked what it changes. The run waits" in warnings
    converge(lambda **mode: tasks.user(**gone, **mode))


@contextlib.contextmanager
def disturbing(sql: Sql, method: str, before: str, after: str) -> Iterator[None]:
    """While a session does this for the first time, somebody changes something else. It is taken back before the next
    plan is made."""
    with pytest.MonkeyPatch.context() as patches:
        undisturbed = getattr(PostgreSQLSession, method)

        def disturbed(session: PostgreSQLSession, *arguments: Any, **options: Any) -> Any:
            patches.undo()
            sql(f"SET ROLE {MASTER}; {before}")
            try:
                return undisturbed(session, *arguments, **options)
            finally:
                sql(f"SET ROLE {MASTER}; {after}")

        patches.setattr(PostgreSQLSession, method, disturbed)
        yield


@pytest.mark.direct("is the same over the Data API")
@pytest.mark.parametrize("check", [True, False])
def test_what_changes_for_a_moment(cluster: str, account: str, state: State, sql: Sql, check: bool):
    """So that a new plan says the same as the one that failed."""
    task = partial(Tasks(state).user, cluster=cluster, name=account)  # something is committed in check mode as well
    there, gone = "CREATE TABLE moment.t (id int)", "DROP TABLE moment.t"
    sql(f"SET ROLE {MASTER}; CREATE SCHEMA moment; {there}")
    grants = [
        {"privileges": ["SELECT"], "on": f"{kind} TABLES IN SCHEMA moment", "database": cluster}
        for kind in ("ALL", "FUTURE")
    ]
    with disturbing(sql, "rehearse" if check else "execute", gone, there):
        assert task(grants=grants, check=check)["changed"]
    task(grants=grants)
    sql(gone)
    with disturbing(sql, "rehearse", there, gone):
        assert task(state="absent", check=check)["changed"]
    task(state="absent")
    sql("DROP SCHEMA moment")


@pytest.mark.direct("is the same over the Data API")
def test_tables_come_and_go_meanwhile(admin: Administration, cluster: str, account: str, state: State, sql: Sql):
    tasks = Tasks(state)  # something is committed all the time
    sql(f"CREATE SCHEMA busy AUTHORIZATION {MASTER}")
    grants = [
        {"privileges": ["SELECT"], "on": "ALL TABLES IN SCHEMA busy", "database": cluster},
        {"privileges": ["SELECT"], "on": "FUTURE TABLES IN SCHEMA busy", "database": cluster},
    ]
    kinds: list[dict[str, Any]] = [
        {"grants": grants, "comment": "first"},
        {"comment": "second"},
        {"grants": []},
        {"grants": grants[1:], "purge_grants": False},
        {"grants": grants, "comment": "fifth"},
        {"state": "absent"},
    ]
    with coming_and_going(master_of(state, cluster), "busy.now_and_then"):
        for _number in range(examples() // 10):
            for options in kinds:
                tasks.user(cluster=cluster, name=account, check=True, **options)
                tasks.user(cluster=cluster, name=account, **options)
    sql("DROP SCHEMA busy CASCADE")
    assert not exists(admin, cluster, account)

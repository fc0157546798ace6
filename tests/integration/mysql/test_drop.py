# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The drop of accounts on MySQL: their sessions, their code, and what keeps them from being dropped."""

from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import Callable, Iterator
from typing import Any

import pymysql
import pytest

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.connection.session import MySQLSession
from tests.integration.administration import Administration
from tests.integration.cluster_scene import eventually
from tests.integration.master import master_options
from tests.integration.meanwhile import Meanwhile
from tests.integration.tasks import TaskFailed, converge, refused_alike
from tests.sandbox.clients import State, connect_statement, create_principal

pytestmark = pytest.mark.mysql
IAM = "IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS'"
Connect = Callable[..., Any]
Rows = list[tuple[str, ...]]


@pytest.fixture
def connect(state: State, cluster: str, account: str) -> Iterator[Connect]:
    """Opens sessions of the account, by token."""
    described = state["clusters"][cluster]
    principal = create_principal(state, account.replace("_", "-"), connect_statement(state, cluster, account))
    opened: list[Any] = []

    def open_session(**options: Any) -> Any:
        token = principal.token(state, described["host"], described["port"], account)
        where = {"host": described["host"], "port": described["port"], "user": account, "password": token}
        opened.append(pymysql.connect(**where, ssl={"ca": state["ca_cert"]}, autocommit=True, **options))
        return opened[-1]

    yield open_session
    for connection in opened:
        with contextlib.suppress(pymysql.Error):
            connection.close()


@pytest.fixture
def sql(admin: Administration, cluster: str) -> Callable[..., Rows]:
    return lambda statement, database=None: admin.sql(cluster, statement, database)


def is_open(session: Any) -> bool:
    try:
        session.query("DO 1")
    except pymysql.Error:
        return False
    return True


def is_there(sql: Callable[..., Rows], account: str) -> bool:
    return bool(sql(f"SELECT 1 FROM mysql.user WHERE User = '{account}'"))


# Sessions


def test_a_drop_ends_sessions(tasks, connect, drop, sql, cluster, account):
    tasks.user(cluster=cluster, name=account)
    sessions = [connect(), connect()]
    gone = converge(drop)
    assert gone["statements"][0] == f"ALTER USER `{account}`@`%` ACCOUNT LOCK"
    assert [text.split()[0] for text in gone["statements"][1:3]] == ["KILL"] * 2
    assert gone["statements"][3:] == [f"DROP USER `{account}`@`%`"]
    assert not any(map(is_open, sessions))


def test_locking_ends_sessions_and_unlocking_lets_in_again(tasks, connect, cluster, account):
    tasks.user(cluster=cluster, name=account)
    session = connect()
    converge(lambda **mode: tasks.user(cluster=cluster, name=account, locked=True, **mode))
    assert not is_open(session)
    with pytest.raises(pymysql.err.OperationalError, match="locked"):
        connect()
    converge(lambda **mode: tasks.user(cluster=cluster, name=account, locked=False, **mode))
    assert is_open(connect())


@pytest.fixture
def without_rds_kill(admin: Administration, cluster: str) -> Iterator[None]:
    """As on a server that is not RDS's."""
    admin.sql(cluster, "DROP PROCEDURE mysql.rds_kill")
    yield
    admin.sql(
        cluster,
        "CREATE PROCEDURE mysql.rds_kill(IN thread BIGINT UNSIGNED) SQL SECURITY DEFINER KILL CONNECTION thread",
    )


def test_where_there_is_no_rds_kill_sessions_are_killed(tasks, connect, without_rds_kill, cluster, account):
    tasks.user(cluster=cluster, name=account)
    session = connect()
    locked = converge(lambda **mode: tasks.user(cluster=cluster, name=account, locked=True, **mode))
    assert [text.split()[0] for text in locked["statements"]] == ["ALTER", "KILL"]
    assert not is_open(session)


MAY_KILL, MAY_CALL = "CONNECTION_ADMIN ON *.*", "EXECUTE ON PROCEDURE mysql.rds_kill"


@pytest.mark.direct("is about the privileges of a login")
@pytest.mark.parametrize(
    ("privileges", "statement"),
    [
        ([MAY_KILL], "KILL"),
        ([MAY_CALL], "CALL mysql.rds_kill"),
        (["EXECUTE ON mysql.*"], "CALL mysql.rds_kill"),
        ([MAY_KILL, MAY_CALL], "KILL"),
    ],
    ids=["may kill", "may call", "may call all", "both"],
)
def test_sessions_end_as_the_login_may_end_them(tasks, connect, clerk, cluster, account, privileges, statement):
    tasks.user(cluster=cluster, name=account)
    session, login = connect(), clerk("PROCESS ON *.*", *privileges)
    locked = converge(lambda **mode: tasks.user(**login, name=account, locked=True, **mode))
    assert [text.partition(" ")[0] for text in locked["statements"]] == ["ALTER", statement.partition(" ")[0]]
    assert locked["statements"][1].startswith(statement)
    assert not is_open(session)


@pytest.mark.direct("is about the privileges of a login")
@pytest.mark.parametrize("options", [{"state": "absent"}, {"locked": True}], ids=["drop", "lock"])
def test_a_login_that_cannot_end_sessions_is_refused_before_the_lock(
    tasks, connect, clerk, sql, cluster, account, options
):
    tasks.user(cluster=cluster, name=account)
    session, login = connect(), clerk("PROCESS ON *.*", "SELECT ON *.*", "SHOW_ROUTINE ON *.*")
    said = refused_alike(lambda **mode: tasks.user(**login, name=account, **options, **mode))
    assert (
        "may not end the sessions of others; grant it CONNECTION_ADMIN or EXECUTE on PROCEDURE mysql.rds_kill" in said
    )
    assert is_open(session)
    assert sql(f"SELECT account_locked FROM mysql.user WHERE User = '{account}'") == [("N",)]


@pytest.mark.direct("is about the privileges of a login")
def test_a_session_that_is_opened_before_the_lock_and_cannot_be_ended_is_told(
    tasks, connect, clerk, sql, cluster, account, monkeypatch
):
    """Without such a session, the login need not be able to end one."""
    tasks.user(cluster=cluster, name=account)
    login, opened, run = clerk("PROCESS ON *.*"), [], MySQLSession.run

    def lock(**mode):
        return tasks.user(**login, name=account, locked=True, **mode)

    def runs(by, step):
        if not opened:
            opened.append(connect())
        run(by, step)

    monkeypatch.setattr(MySQLSession, "run", runs)
    told = (
        rf"{account}@% on .* is locked, but session \d+ of it was opened since this task looked, and the login may not "
        "end it. Grant the login CONNECTION_ADMIN, or close the session."
    )
    with pytest.raises(TaskFailed, match=told) as failure:
        lock()
    assert failure.value.result["statements_executed"] == [f"ALTER USER `{account}`@`%` ACCOUNT LOCK"]
    assert is_open(opened[0])
    opened[0].close()
    eventually(lambda: not sql(f"SELECT 1 FROM information_schema.PROCESSLIST WHERE USER = '{account}'"))
    assert not lock()["changed"]
    tasks.user(cluster=cluster, name=account, locked=False)
    converge(lock)


def test_sessions_are_left_alone_when_told(tasks, connect, drop, cluster, account):
    tasks.user(cluster=cluster, name=account)
    session = connect()
    converge(lambda **mode: tasks.user(cluster=cluster, name=account, locked=True, terminate_sessions=False, **mode))
    assert is_open(session)
    drop(terminate_sessions=False)
    assert is_open(session)


def test_sessions_that_a_locked_account_still_has_are_ended(tasks, connect, cluster, account):
    tasks.user(cluster=cluster, name=account)
    session = connect()
    tasks.user(cluster=cluster, name=account, locked=True, terminate_sessions=False)
    converge(lambda **mode: tasks.user(cluster=cluster, name=account, locked=True, **mode))
    assert not is_open(session)


def test_unlisted_accounts_lose_their_sessions(tasks, connect, sql, cluster, account):
    there = sql("SELECT User, Host FROM mysql.user WHERE plugin = 'AWSAuthenticationPlugin'")
    tasks.user(cluster=cluster, name=account)
    session = connect()
    rest = [{"name": name, "host": host} for name, host in there]
    assert tasks.users(cluster=cluster, users=rest, unlisted="lock")["changed"]
    assert not is_open(session)


def test_only_the_sessions_of_the_host_asked_for_end(tasks, connect, drop, sql, cluster, account):
    sql(f"CREATE USER {account} {IAM}, {account}@127.0.0.5 {IAM}, {account}@'127.0.0.%' {IAM}")
    near, middle, far = connect(bind_address="127.0.0.5"), connect(bind_address="127.0.0.6"), connect()
    hosts = [session_host(session) for session in (near, middle, far)]
    assert hosts[:2] == [f"{account}@127.0.0.5", f"{account}@127.0.0.%"]
    converge(lambda **mode: drop(host="127.0.0.5", **mode))
    assert [is_open(session) for session in (near, middle, far)] == [False, True, True]
    converge(lambda **mode: drop(host="127.0.0.%", **mode))
    assert is_open(far) == (hosts[2] == f"{account}@%")
    assert is_there(sql, account)


def session_host(session: Any) -> str:
    with session.cursor() as cursor:
        cursor.execute("SELECT CURRENT_USER()")
        return str(cursor.fetchone()[0])


def test_nobody_gets_in_while_a_client_tries_in_a_loop(tasks, connect, drop, state, sql, cluster, account):
    """And the master user logs in all the time."""
    tasks.user(cluster=cluster, name=account)
    sessions: list[Any] = []
    with (
        Meanwhile(lambda: sessions.append(connect()), pause=0.02) as dropped,
        Meanwhile(lambda: as_master(state, cluster).close(), pause=0.02) as administrator,
    ):
        drop()
        admitted, logins = len(sessions), administrator.times
        time.sleep(0.5)
    assert not any(map(is_open, sessions))
    assert len(sessions) == admitted
    assert dropped.refusals
    assert administrator.refusals == []
    assert administrator.times > logins
    assert not is_there(sql, account)


def as_master(state: State, cluster: str) -> Any:
    login = master_options(state, cluster)
    names = {"host": "login_host", "port": "login_port", "user": "login_user", "password": "login_password"}
    return pymysql.connect(**{name: login[option] for name, option in names.items()}, ssl={"ca": state["ca_cert"]})


@pytest.mark.parametrize("options", [{"state": "absent"}, {"locked": True}, {"comment": "no"}])
def test_who_is_never_dropped_locked_or_changed(tasks, sql, state, cluster, account, options):
    sql(f"CREATE USER {account} IDENTIFIED BY 'Pa55word!'")
    refusals = {
        account: "is not (an )?IAM-authenticated",
        state["clusters"][cluster]["master"]: "is the login of this task, which the collection never modifies",
        "rdsadmin": "is reserved by the server or by RDS",
        "AWS_LAMBDA_ACCESS": "is reserved by the server or by RDS",
        "mysql.sys": "is reserved by the server or by RDS",
    }
    for name, says in refusals.items():
        for check, convert in itertools.product((True, False), (False,) if name == account else (True, False)):
            with pytest.raises(TaskFailed, match=says):
                tasks.user(cluster=cluster, name=name, check=check, convert=convert, **options)
    assert is_there(sql, account)


def test_the_same_name_elsewhere_is_pointed_out(drop, sql, account):
    sql(f"CREATE USER {account}@'10.%' {IAM}, {account.upper()} {IAM}")
    gone = drop()
    assert not gone["changed"]
    (warning,) = [str(text) for text in gone["warnings"] if f"{account}@% does not" in str(text)]
    assert f"{account}@10.%" in warning
    assert f"{account.upper()}@%" in warning


@pytest.mark.direct("is compared with a connection")
@pytest.mark.timed
def test_a_thousand_leave_within_three_times_what_the_server_needs(tasks, sql, cluster, account):
    """Best of three: other tests may run at the same time."""
    names = [f"{account}_{number}" for number in range(1000)]
    create = "; ".join(
        "CREATE USER " + ", ".join(f"{name} {IAM}" for name in names[start : start + 500]) for start in (0, 500)
    )
    ratios = []
    for _attempt in range(3):
        sql(create)
        raw = elapsed(lambda: sql("; ".join(f"DROP USER {name}" for name in names)))
        sql(create)
        absent = [{"name": name, "state": "absent"} for name in names]
        ratios.append(elapsed(lambda users=absent: tasks.users(cluster=cluster, users=users)) / raw)
        if ratios[-1] <= 3:
            return
    raise AssertionError(f"times as long as DROP USER: {ratios}")


def elapsed(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start

# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A session that breaks while a task is at work: the work is finished in the same task, and the result is the truth."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.integration.administration import Administration
from tests.integration.modules.interruptions import eventually, happening, kill_sessions, rows
from tests.integration.tasks import PROMISED, Result, TaskFailed, Tasks, assert_settled
from tests.sandbox.clients import State

pytestmark = pytest.mark.direct("is about connections")

GRANTS = {
    "orders": [{"privileges": ["SELECT"], "on": "orders.*"}],
    "ledger": [{"privileges": ["CONNECT"], "on": "DATABASE", "database": "ledger"}],
}
Task = Callable[..., Result]


@pytest.fixture
def names(tasks: Tasks, cluster: str, account: str) -> Iterator[list[str]]:
    """Accounts that a task may make; afterwards they are gone."""
    made = [f"{account}_{number:03d}" for number in range(1000)]
    yield made
    tasks.users(cluster=cluster, users=[{"name": name, "state": "absent"} for name in made])


def task_for(tasks: Tasks, cluster: str, names: list[str]) -> Task:
    users = [{"name": name, "grants": GRANTS[cluster], "comment": f"for {name}"} for name in names]
    return lambda **mode: tasks.users(cluster=cluster, users=users, **mode)


def assert_as_promised(result: Result, planned: Result) -> None:
    assert {key: result[key] for key in PROMISED} == {key: planned[key] for key in PROMISED}
    assert (result["created"], result["accounts"]) == (planned["created"], planned["accounts"])


@pytest.mark.parametrize("stage", ["observe", "resolve", "plan"])
@pytest.mark.parametrize("check", [True, False])
def test_a_killed_session(
    tasks: Tasks,
    admin: Administration,
    monkeypatch: pytest.MonkeyPatch,
    cluster: str,
    names: list[str],
    stage: str,
    check: bool,
):
    task = task_for(tasks, cluster, names[:3])
    planned = task(check=True)
    times = happening(monkeypatch, cluster, stage, lambda: kill_sessions(admin, cluster))
    assert_as_promised(task(check=check), planned)
    assert len(times) >= (1 if check and stage != "observe" else 2)
    if not check:
        assert_settled(task)


def test_a_killed_session_in_the_middle_of_a_thousand_accounts(
    tasks: Tasks, admin: Administration, state: State, cluster: str, names: list[str], monkeypatch: pytest.MonkeyPatch
):
    task = task_for(tasks, cluster, names)
    planned = task(check=True)
    times = happening(monkeypatch, cluster, "plan")
    watcher = admin.superuser(cluster)
    killed: list[object] = []
    killer = threading.Thread(target=KILLERS[cluster], args=(watcher, names[0][:-3], killed))
    killer.start()
    try:
        result = task()
    finally:
        killer.join()
        watcher.close()
    assert killed, "the task was done before it could be interrupted"
    assert len(times) == 3, "a plan, another after the interruption, and an empty one afterwards"
    assert result["created"] == planned["created"]
    assert len(result["created"]) == len(names)
    assert (result["changed"], result["diff"]) == (True, planned["diff"])
    assert result["statements"] == planned["statements"]
    assert_settled(task)


def kill_mysql(watcher: Any, prefix: str, killed: list[object]) -> None:
    """When some of the accounts are there and not all of what the plan does to them."""
    commented = f"SELECT COUNT(*) FROM mysql.user WHERE User LIKE '{prefix}%' AND User_attributes IS NOT NULL"
    eventually(lambda: rows(watcher, commented)[0][0] > 100, pause=0.002)
    for (number,) in rows(watcher, "SELECT id FROM performance_schema.processlist WHERE user = 'admin'"):
        rows(watcher, f"KILL CONNECTION {number}")
        killed.append(number)


def kill_postgresql(watcher: Any, prefix: str, killed: list[object]) -> None:
    """While its transaction is open and has made something, which others cannot see: it holds locks."""
    writing = "SELECT pid FROM pg_stat_activity WHERE application_name = 'dbops.aurora_iam' AND backend_xid IS NOT NULL"
    eventually(lambda: bool(rows(watcher, writing)), pause=0.002)
    time.sleep(0.02)
    killed += rows(watcher, f"SELECT pg_terminate_backend(pid) FROM ({writing}) AS busy")


KILLERS = {"orders": kill_mysql, "ledger": kill_postgresql}


def test_after_the_fourth_session_it_says_how_far_it_got(
    tasks: Tasks, admin: Administration, monkeypatch: pytest.MonkeyPatch, cluster: str, names: list[str]
):
    task = task_for(tasks, cluster, names[:3])
    with monkeypatch.context() as patches:
        times = happening(patches, cluster, "plan", *[lambda: kill_sessions(admin, cluster)] * 9)
        with pytest.raises(TaskFailed, match=r"4 sessions broke in this task: 0 statements were") as failure:
            task()
    assert len(times) == 4
    assert failure.value.result["statements_executed"] == []
    assert task()["changed"]


def test_a_server_that_is_read_only_for_a_moment(
    tasks: Tasks, admin: Administration, monkeypatch: pytest.MonkeyPatch, cluster: str, names: list[str]
):
    """MySQL's 1290 and PostgreSQL's 25006, in a session that began when it was not."""
    on, off = {
        "orders": ("SET GLOBAL super_read_only = ON", "SET GLOBAL super_read_only = OFF; SET GLOBAL read_only = OFF"),
        "ledger": (
            "ALTER SYSTEM SET default_transaction_read_only = on; SELECT pg_reload_conf()",
            "SET transaction_read_only = off; ALTER SYSTEM RESET default_transaction_read_only; "
            "SELECT pg_reload_conf()",
        ),
    }[cluster]
    task = task_for(tasks, cluster, names[:3])
    planned = task(check=True)
    healed = threading.Timer(1.5, admin.sql, (cluster, off))

    def reaches_new_sessions(value: str) -> bool:
        """A reload reaches the sessions that are there before it reaches a new one."""
        return admin.sql(cluster, "SHOW default_transaction_read_only") == [(value,)]

    def begin() -> None:
        admin.sql(cluster, on)
        if cluster == "orders":  # a new session is refused until it is over
            healed.start()
        else:
            eventually(lambda: reaches_new_sessions("on"))

    def end() -> None:
        if cluster == "ledger":
            admin.sql(cluster, off)
            eventually(lambda: reaches_new_sessions("off"))

    times = happening(monkeypatch, cluster, "plan", begin, end)
    try:
        assert_as_promised(task(), planned)
    finally:
        healed.cancel()
        admin.sql(cluster, off)
    assert len(times) == 3, "a plan, another after the interruption, and an empty one afterwards"


def test_a_commit_whose_answer_was_lost(tasks: Tasks, admin: Administration, state: State, account: str):
    """PostgreSQL waits for a standby after it has committed; the session that is killed then never hears of it."""
    watcher = admin.superuser("ledger")
    admin.sql("ledger", "ALTER ROLE postgres SET synchronous_commit = on")
    rows(watcher, "ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
    rows(watcher, "SELECT pg_reload_conf()")

    def kill() -> None:
        waiting = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
        eventually(lambda: bool(rows(watcher, waiting)), pause=0.01)
        rows(watcher, "ALTER SYSTEM RESET synchronous_standby_names")
        rows(watcher, f"SELECT pg_terminate_backend(pid) FROM ({waiting}) AS hanging")
        rows(watcher, "SELECT pg_reload_conf()")

    task = task_for(tasks, "ledger", [account])
    planned = task(check=True)
    killer = threading.Thread(target=kill)
    killer.start()
    try:
        assert_as_promised(task(), planned)
    finally:
        killer.join()
        rows(watcher, "ALTER SYSTEM RESET synchronous_standby_names")
        rows(watcher, "SELECT pg_reload_conf()")
        watcher.close()
        admin.sql("ledger", "ALTER ROLE postgres RESET synchronous_commit")
    assert_settled(task)
    tasks.user(cluster="ledger", name=account, state="absent")

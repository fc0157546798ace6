# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sessions of accounts that are dropped or locked, and that do not end."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from typing import Any

import psycopg2
import pytest

from tests.integration.administration import Administration
from tests.integration.modules.interruptions import rows
from tests.integration.postgresql.drop_scene import exists, jane_of
from tests.integration.tasks import Result, TaskFailed, Tasks, assert_settled, converge
from tests.sandbox.clients import State

pytestmark = pytest.mark.usefixtures("alone")

WAYS = {"absent": {"state": "absent"}, "locked": {"locked": True}}


@pytest.fixture
def session(tasks: Tasks, state: State, cluster: str, account: str) -> Iterator[Any]:
    """Of the account, and idle."""
    tasks.user(cluster=cluster, name=account)
    opened = jane_of(state, cluster, account)()
    opened.autocommit = True
    yield opened
    opened.close()


@contextlib.contextmanager
def stopped(session: Any) -> Iterator[int]:
    """The server's process for the session does not run, as when its disk does not answer."""
    pid = session.get_backend_pid()
    os.kill(pid, signal.SIGSTOP)
    try:
        yield pid
    finally:
        os.kill(pid, signal.SIGCONT)


def locked(admin: Administration, cluster: str, account: str) -> bool:
    return admin.sql(cluster, f"SELECT rolcanlogin FROM pg_roles WHERE rolname = '{account}'") == [("f",)]


@pytest.mark.parametrize("way", WAYS)
def test_a_session_that_does_not_end_fails_the_task(
    tasks: Tasks, admin: Administration, cluster: str, account: str, session: Any, way: str
):
    with stopped(session) as pid:
        with pytest.raises(TaskFailed, match="stay locked") as failure:
            tasks.user(cluster=cluster, name=account, **WAYS[way])
        (named,) = failure.value.result["sessions"]
        assert f"{account} (pid {pid}, client {named['client']}, state idle)" in str(failure.value)
        assert locked(admin, cluster, account)
        assert tasks.user(cluster=cluster, name=account, check=True)["account"]["locked"]
    # The process that goes on ends its session at once, so that there may be nothing left for a lock to do
    tasks.user(cluster=cluster, name=account, **WAYS[way])
    assert_settled(lambda **mode: tasks.user(cluster=cluster, name=account, **WAYS[way], **mode))
    with pytest.raises(psycopg2.Error):
        rows(session, "SELECT 1")


def test_an_unlisted_account_is_locked_until_its_session_has_ended(
    tasks: Tasks, admin: Administration, cluster: str, account: str, session: Any
):
    def lock() -> Result:
        return tasks.users(cluster=cluster, users=[], unlisted="lock")

    with stopped(session) as pid:
        for _run in range(2):
            with pytest.raises(TaskFailed, match=rf"{account} \(pid {pid}, "):
                lock()
        assert locked(admin, cluster, account)
    lock()
    with pytest.raises(psycopg2.Error):
        rows(session, "SELECT 1")


@pytest.mark.parametrize("way", WAYS)
def test_sessions_may_be_left_alone(
    tasks: Tasks, admin: Administration, cluster: str, account: str, session: Any, way: str
):
    with stopped(session):
        converge(
            lambda **mode: tasks.user(cluster=cluster, name=account, **WAYS[way], terminate_sessions=False, **mode)
        )
        assert exists(admin, cluster, account) is (way == "locked")
    assert rows(session, "SELECT 1") == [(1,)]

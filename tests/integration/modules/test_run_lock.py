# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lock that keeps runs apart: who may hold a task up with it, on connections and over the Data API."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.registry import engine_for
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import Refused
from ansible_collections.dbops.aurora_iam.plugins.module_utils._login import Credentials
from tests.integration.administration import Administration
from tests.integration.modules.run_lock_scene import KEY, PASSWORD, SERVERS, Server, execute
from tests.sandbox.clients import State

pytestmark = pytest.mark.direct("chooses its way itself")


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest, state: State, admin: Administration) -> Server:
    return Server(request.param, state, admin, **SERVERS[request.param])  # type: ignore[arg-type]


@pytest.fixture(params=[False, True], ids=["connection", "data_api"])
def over_data_api(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def scratch(server: Server, account: str) -> Iterator[str]:
    """The name of an account, which is gone afterwards, as are those that begin with it."""
    yield account
    for name in (account, f"{account}_2"):
        server.sql(server.drop, name)


@pytest.fixture
def tenant(server: Server, scratch: str) -> Iterator[Any]:
    server.sql(server.tenant, scratch)
    with closing(server.connect(scratch)) as connection:
        yield connection


def test_an_account_that_administers_nobody_does_not_hold_a_task_up(
    server: Server, over_data_api: bool, tenant: Any, scratch: str
) -> None:
    number = execute(tenant, server.who)[0]
    for index, lock in enumerate(server.locks):
        execute(tenant, lock)
        began = time.monotonic()
        user = {"name": f"{scratch}_2", "connection_limit": index + 1}
        warnings = server.task([user], over_data_api=over_data_api, lock_timeout=10)
        assert time.monotonic() - began < 8
        (warning,) = (text for text in warnings if "lock" in text)
        assert f"ession {number} of {scratch}" in warning
        assert "cannot administer accounts" in warning
        assert server.end.format(number=number) in warning
        execute(tenant, server.release)
    assert not [text for text in server.task([user], over_data_api=over_data_api) if "lock" in text]


@pytest.mark.parametrize("server", ["ledger", "archive"], indirect=True)
def test_a_prepared_transaction_does_not_hold_a_task_up(
    server: Server, over_data_api: bool, tenant: Any, scratch: str
) -> None:
    """It has no session, and outlives a restart of the server."""
    execute(tenant, f"BEGIN; SELECT pg_advisory_xact_lock({KEY}); PREPARE TRANSACTION 'it''s {scratch}'")
    end = f"ROLLBACK PREPARED 'it''s {scratch}'"
    try:
        (warning,) = server.task([{"name": f"{scratch}_2"}], over_data_api=over_data_api)
    finally:
        execute(tenant, end)
    assert f"Prepared transaction it's {scratch} of {scratch} holds the lock" in warning
    assert warning.endswith(end)


@pytest.mark.parametrize("server", ["orders"], indirect=True)
def test_a_login_that_may_not_see_the_holder(server: Server, tenant: Any, scratch: str) -> None:
    """It waits, and says which privilege tells it whose session it is."""
    helper = f"{scratch}_2"
    server.sql(f"{server.administrators[0]}; GRANT SELECT ON mysql.* TO {{account}}", helper)
    execute(tenant, server.locks[0])
    login = replace(server.login(lock_timeout=1), credentials=lambda: Credentials(helper, PASSWORD))
    with closing(engine_for(login.endpoint.engine).open(login)) as session:
        number = execute(tenant, server.who)[0]
        with pytest.raises(Refused, match=rf"session {number} \(to see its account, grant {helper}@% PROCESS ON"):
            session.lock()
        server.sql("GRANT PROCESS ON *.* TO {account}", helper)
    with closing(engine_for(login.endpoint.engine).open(login)) as session:
        assert f"Session {number} of {scratch}@% from" in session.lock()[0]


def test_an_account_whose_role_is_gone_does_not_hold_a_task_up(
    server: Server, over_data_api: bool, tenant: Any, scratch: str
) -> None:
    """Its session stays."""
    execute(tenant, server.locks[0])
    server.sql(server.drop, scratch)
    (warning,) = server.task([{"name": f"{scratch}_2"}], over_data_api=over_data_api)
    assert "cannot administer accounts" in warning


@pytest.mark.parametrize("how", ["absent", "locked", "unlisted"])
def test_an_account_that_the_task_removes_does_not_hold_it_up(
    server: Server, over_data_api: bool, scratch: str, how: str
) -> None:
    """Not even one that administers accounts."""
    server.sql(server.administrators[0], scratch)
    with closing(server.connect(scratch)) as connection:
        execute(connection, server.locks[0])
        server.sql(server.convert, scratch)
        users = {"absent": [{"name": scratch, "state": "absent"}], "locked": [{"name": scratch, "locked": True}]}
        warnings = server.task(
            users.get(how, [{"name": f"{scratch}_2"}]),
            "lock" if how == "unlisted" else "keep",
            over_data_api=over_data_api,
        )
        (warning,) = (text for text in warnings if "holds the lock" in text)
        assert "is an account that this task drops or locks" in warning


def test_a_session_of_an_administrator_is_named_with_how_to_end_it(
    server: Server, over_data_api: bool, scratch: str
) -> None:
    for administrator in server.administrators:
        server.sql(administrator, scratch)
        with closing(server.connect(scratch)) as connection:
            number = execute(connection, server.who)[0]
            execute(connection, server.locks[0])
            with pytest.raises(Refused) as refusal:
                server.task([{"name": f"{scratch}_2"}], over_data_api=over_data_api, lock_timeout=1)
            message = refusal.value.message
            assert message.startswith("Another run of dbops.aurora_iam, or a session left open")
            assert "for more than 1 s" in message
            assert f"session {number} of {scratch}" in message
            assert " from 127.0.0.1" in message or " from localhost" in message
            end = server.end.format(number=number)
            assert end in message
            with closing(server.open()) as master:
                master.query(end)
            server.task([{"name": f"{scratch}_2"}], over_data_api=over_data_api)
        server.sql(server.drop, scratch)


def test_runs_still_exclude_each_other(server: Server, over_data_api: bool, tenant: Any) -> None:
    """Also when the lock becomes free while a run goes on without it."""
    for other_way in (False, True):
        execute(tenant, server.locks[-1])
        with closing(server.open(over_data_api=over_data_api)) as first:
            assert first.lock()
            another = rf"Another run.* of {first.login.endpoint.master_user}\b"
            for release in (False, True):
                if release:
                    execute(tenant, server.release)
                second = server.open(over_data_api=other_way, lock_timeout=1)
                with closing(second), pytest.raises(Refused, match=another):
                    second.lock()
        with closing(server.open(over_data_api=other_way, lock_timeout=1)) as second:
            assert not second.lock()


def test_a_run_that_waits_goes_on_when_the_other_ends(server: Server, tenant: Any) -> None:
    execute(tenant, server.locks[0])
    with closing(server.open()) as first, closing(server.open(lock_timeout=20)) as second:
        first.lock()
        timer = threading.Timer(0.3, first.close)
        timer.start()
        began = time.monotonic()
        assert second.lock()
        assert 0.2 < time.monotonic() - began < 10
        timer.join()


def test_never_two_runs_at_once_while_a_tenant_takes_and_releases_the_lock(server: Server, tenant: Any) -> None:
    inside: list[int] = []
    overlaps: list[list[int]] = []
    failures: list[Exception] = []
    done = threading.Event()

    def meddle() -> None:
        try:
            while not done.is_set():
                execute(tenant, server.locks[0])
                time.sleep(0.01)
                execute(tenant, server.release)
        except Exception as error:
            failures.append(error)

    def run(number: int) -> None:
        try:
            for _round in range(4):
                with closing(server.open(lock_timeout=60)) as session:
                    session.lock()
                    inside.append(number)
                    time.sleep(0.01)
                    overlaps.append(list(inside))
                    inside.remove(number)
        except Exception as error:
            failures.append(error)

    threads: list[threading.Thread] = [threading.Thread(target=run, args=(number,)) for number in range(4)]
    meddler = threading.Thread(target=meddle)
    for thread in (meddler, *threads):
        thread.start()
    for thread in threads:
        thread.join(60)
    done.set()
    meddler.join(10)
    assert not failures
    assert len(overlaps) == 16
    assert [seen for seen in overlaps if len(seen) != 1] == []

# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The limits of the RDS Data API: sizes, time, transactions, and the locks and warnings that a session has."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from ansible_collections.dbops.aurora_iam.plugins.module_utils import _transport
from ansible_collections.dbops.aurora_iam.plugins.module_utils._account_module import converge
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.base import Session
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.plan.acting import Acting
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.registry import engine_for
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import (
    CloudError,
    ConnectionLost,
    Refused,
    StatementFailed,
    VerificationFailed,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._login import Login
from ansible_collections.dbops.aurora_iam.plugins.module_utils._params import account_requests
from ansible_collections.dbops.aurora_iam.plugins.module_utils._plan import Statement, Step
from tests.integration.administration import Administration
from tests.integration.aws.data_api_scene import calls, faults, limits
from tests.integration.master import master_login_by
from tests.integration.tasks import TaskFailed, Tasks
from tests.sandbox.clients import State, aws_client

pytestmark = pytest.mark.direct("chooses its way itself")

CLUSTERS = ["orders", "ledger", "archive"]


def login_to(state: State, cluster: str, over_data_api: bool = True, lock_timeout: int = 1) -> Login:
    return master_login_by(state, cluster, over_data_api, lock_timeout)


def open_session(login: Login) -> Session:
    return engine_for(login.endpoint.engine).open(login)


@pytest.fixture(params=CLUSTERS)
def cluster(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def session(state: State, cluster: str) -> Iterator[Session]:
    opened = open_session(login_to(state, cluster))
    yield opened
    opened.close()


@pytest.fixture
def create(cluster: str, account: str, admin: Administration) -> Iterator[Step]:
    """Makes the account, which is gone afterwards."""
    yield Step((Statement(f"CREATE {'USER' if cluster == 'orders' else 'ROLE'} {account}"),))
    admin.sql(cluster, f"DROP {'USER' if cluster == 'orders' else 'ROLE'} IF EXISTS {account}")


def exists(admin: Administration, cluster: str, account: str) -> bool:
    table = "mysql.user WHERE User" if cluster == "orders" else "pg_roles WHERE rolname"
    return bool(admin.sql(cluster, f"SELECT 1 FROM {table} = '{account}'"))


BIG = {
    "orders": "SELECT c.TABLE_NAME, c.COLUMN_NAME, c.ORDINAL_POSITION, NULL, REPEAT('é', %s), n.n FROM "
    "information_schema.COLUMNS c, (SELECT 1 AS n UNION ALL SELECT 2) n WHERE c.TABLE_SCHEMA = %s",
    "ledger": "SELECT p.oid::bigint, p.proname::text, NULL, p.proname = 'now', repeat('é', %s::int) FROM pg_proc p "
    "WHERE pronamespace = %s::regnamespace",
}
BIG["archive"] = BIG["ledger"]
SCHEMA = {"orders": "information_schema", "ledger": "pg_catalog", "archive": "pg_catalog"}


def test_a_result_of_more_than_1_mib_comes_in_pages(state: State, cluster: str, session: Session) -> None:
    """The same rows as on a connection."""
    direct = open_session(login_to(state, cluster, over_data_api=False))
    try:
        expected = direct.query(BIG[cluster], (700, SCHEMA[cluster]))
    finally:
        direct.close()
    assert sum(len(str(row).encode()) for row in expected) > 2 << 20
    with faults(state):
        found = session.query(BIG[cluster], (700, SCHEMA[cluster]))
        assert calls(state)["ExecuteStatement"] > 5
    assert sorted(found, key=str) == sorted(expected, key=str)


def test_a_row_of_more_than_64_kb(cluster: str, session: Session) -> None:
    with pytest.raises(StatementFailed, match=r"larger than the 64 KB that the Data API carries; use another login_me"):
        session.query("SELECT REPEAT('x', 70000)")
    assert session.query("SELECT 1") == [(1,)]


def test_a_statement_that_is_too_long(session: Session) -> None:
    with pytest.raises(CloudError, match=r"statements of up to 65536 characters.*name fewer accounts"):
        session.run(Step((Statement(f"SELECT '{'x' * 70000}'"),)))


def test_only_one_run_at_a_time_whichever_way_it_takes(state: State, cluster: str, session: Session) -> None:
    for over_data_api in (True, False):
        other = open_session(login_to(state, cluster, over_data_api))
        try:
            session.lock()
            with pytest.raises(Refused, match=r"Another run of .* for more than 1 s"):
                other.lock()
            session.close()
            other.lock()
            with pytest.raises(Refused, match=r"Another run of .* for more than 1 s"):
                open_session(login_to(state, cluster)).lock()
        finally:
            other.close()


def test_a_transaction_that_is_kept_does_not_expire(
    state: State, cluster: str, session: Session, create: Step, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_transport, "_STALE", 0.2)
    with limits(state, idle_seconds=3):
        session.lock()
        for _round in range(8):
            time.sleep(0.5)
            session.query("SELECT 1")
        other = open_session(login_to(state, cluster))
        with pytest.raises(Refused, match="Another run"):
            other.lock()
        other.close()
        session.run(create)


def test_a_transaction_that_has_expired(state: State, admin: Administration, session: Session, create: Step) -> None:
    """With the lock, nothing is written that another run does not know of; on PostgreSQL the guard tells."""
    session.lock()
    session.query("SELECT 1")
    with limits(state, idle_seconds=0.2):
        time.sleep(0.5)
        with pytest.raises(ConnectionLost, match=r"was lost \(Transaction .* is not found\); .*run the task again"):
            session.run(create)
    account = create.statements[0].text.split()[-1]
    assert not exists(admin, session.login.endpoint.title.split()[-1], account)


def test_a_statement_that_takes_longer_than_a_call_goes_on(
    state: State, admin: Administration, cluster: str, account: str
) -> None:
    slow = {"orders": "DO SLEEP(2)"}.get(cluster, "SELECT pg_sleep(2)::text")
    session = open_session(login_to(state, cluster))
    with limits(state, call_seconds=0.5):
        with pytest.raises(ConnectionLost, match=r"took longer than 45 s and may still be running"):
            session.run(Step((Statement(slow),)))
        asked = {"orders": "SELECT 1 FROM information_schema.PROCESSLIST WHERE INFO LIKE 'DO SLEEP%'"}.get(
            cluster,
            "SELECT 1 FROM pg_stat_activity "
            "WHERE query LIKE '%pg_sleep%' AND state = 'active' AND pid <> pg_backend_pid()",
        )
        assert admin.sql(cluster, asked)
    session.close()


def test_a_failure_keeps_what_the_engine_keeps(
    admin: Administration, cluster: str, account: str, session: Session, create: Step
) -> None:
    """MySQL has committed the statements before, and says so; PostgreSQL nothing."""
    wrong = Statement(f"GRANT nobody_at_all TO {account}")
    with pytest.raises(StatementFailed, match=r"nobody_at_all") as failure:
        session.run(Step((*create.statements, wrong)))
    assert failure.value.statement == wrong.text
    assert exists(admin, cluster, account) is (cluster == "orders")
    kept = [create.statements[0].text] if cluster == "orders" else []
    assert list(failure.value.done) == kept


@pytest.mark.parametrize("cluster", ["orders"])
def test_a_lock_on_an_object_is_waited_for_no_longer_than_asked(
    admin: Administration, state: State, session: Session, create: Step
) -> None:
    other = open_session(login_to(state, "orders", over_data_api=False))
    try:
        other.query("FLUSH TABLES WITH READ LOCK")
        with pytest.raises(StatementFailed, match=r"1205.*Another session holds a lock"):
            session.run(create)
    finally:
        other.close()


def test_reading_does_not_keep_others_from_writing(
    admin: Administration, cluster: str, session: Session, create: Step
) -> None:
    """A session without autocommit that has read MySQL's grant tables would."""
    session.lock()
    session.query("SELECT COUNT(*) FROM mysql.user" if cluster == "orders" else "SELECT count(*) FROM pg_roles")
    done = threading.Thread(target=admin.sql, args=(cluster, create.statements[0].text), daemon=True)
    done.start()
    done.join(10)
    assert not done.is_alive()


@pytest.mark.parametrize("cluster", ["ledger", "archive"])
def test_what_the_server_only_warns_of_is_found_afterwards(
    state: State, admin: Administration, cluster: str, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No notices come over the Data API: here the server answers GRANT with the warning 01007 and does nothing."""
    admin.sql(cluster, f"CREATE TABLE public.{account} (id int); GRANT SELECT ON public.{account} TO postgres", cluster)
    monkeypatch.setattr(Acting, "to_grant", lambda *_arguments: "")
    grants = [{"privileges": ["SELECT"], "on": f"TABLE public.{account}"}]
    requests = account_requests({"users": [{"name": account, "grants": grants}], "unlisted": "keep", "confirm": False})
    login = replace(login_to(state, cluster), database=cluster)
    words = rf"^account {account} \(users\[0\]\): .* yet {account} is not as planned"
    with pytest.raises(VerificationFailed, match=words) as failure:
        converge(engine_for("aurora-postgresql"), login, requests, "keep", write=True)
    assert "SELECT" in failure.value.details["planned"]
    assert "SELECT" not in failure.value.details["found"]
    admin.sql(cluster, f"DROP TABLE public.{account}; DROP ROLE {account}", cluster)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("default_collation_for_utf8mb4", "utf8mb4_general_ci"),
        ("sql_mode", "PAD_CHAR_TO_FULL_LENGTH"),
        ("sql_select_limit", 5),
    ],
)
def test_settings_with_which_mysql_would_not_say_all(
    admin: Administration, tasks: Tasks, name: str, value: object
) -> None:
    usual = admin.sql("orders", f"SELECT @@GLOBAL.{name}")[0][0]
    admin.sql("orders", f"SET GLOBAL {name} = {value}")
    try:
        with pytest.raises(TaskFailed, match=rf"has .*{name}.*take it out"):
            tasks.user(cluster="orders", name="jane", login_method="data_api")
    finally:
        admin.sql("orders", f"SET GLOBAL {name} = {usual if usual.isdigit() else repr(usual)}")


REFUSED: dict[str, Callable[[str], dict[str, object]]] = {
    "Multistatements aren't supported": lambda _account: {"sql": "SELECT 1; SELECT 2"},
    "Schema parameter isn't supported": lambda _account: {"sql": "SELECT 1", "schema": "public"},
    "allowed response size limit": lambda _account: {"sql": "SELECT repeat('x', 60000) FROM generate_series(1, 20)"},
    "Packet for query is too large": lambda _account: {"sql": "SELECT repeat('x', 70000)"},
    "unsupported data type oid": lambda _account: {"sql": "SELECT 1::oid"},
    "unsupported data type void": lambda _account: {"sql": "SELECT pg_sleep(0)"},
    "Transaction .* is not found": lambda _account: {"sql": "SELECT 1", "transactionId": "nowhere"},
    "less than or equal to 65536": lambda _account: {"sql": f"SELECT '{'x' * 65536}'"},
    "size limit of 4 MiB": lambda _account: {
        "sql": "SELECT :x",
        "parameters": [{"name": "x", "value": {"stringValue": "x" * (4 << 20)}}],
    },
}


@pytest.mark.parametrize("words", REFUSED)
def test_the_sandbox_refuses_what_aws_refuses(state: State, words: str) -> None:
    described = state["clusters"]["ledger"]
    client = aws_client(state, "rds-data")
    with pytest.raises(client.exceptions.ClientError, match=words):
        client.execute_statement(
            resourceArn=described["arn"], secretArn=described["secret_arn"], **REFUSED[words]("ledger")
        )

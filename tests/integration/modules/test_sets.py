# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sets of accounts: unlisted ones, wrong ones, interrupted ones, and runs at the same time."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import uuid
from typing import Any

import psycopg2
import pymysql
import pytest

from tests.integration.administration import Administration
from tests.integration.meanwhile import Meanwhile
from tests.integration.tasks import Result, TaskFailed, Tasks, assert_settled, converge
from tests.sandbox.clients import CHECKOUT, Principal, State, connect_statement, create_principal

READ = {
    "orders": {"privileges": ["SELECT"], "on": "orders.*"},
    "ledger": {"privileges": ["CONNECT"], "on": "DATABASE", "database": "ledger"},
}


@pytest.fixture
def names() -> list[str]:
    stem = f"set_{uuid.uuid4().hex[:8]}"
    return [f"{stem}_{number}" for number in range(4)]


def plain(accounts: list[str]) -> list[str]:
    return [account.partition("@")[0] for account in accounts]


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize("unlisted", ["lock", "drop"])
def test_unlisted_accounts(tasks: Tasks, admin: Administration, cluster: str, names: list[str], unlisted: str):
    kept, stray, human = names[:3]
    tasks.users(cluster=cluster, users=[{"name": kept, "grants": [READ[cluster]]}, {"name": stray}])
    admin.sql(cluster, password_account(cluster, human))

    def task(**mode: Any) -> Result:
        return tasks.users(cluster=cluster, users=[{"name": kept}], unlisted=unlisted, **mode)

    result = converge(task)
    assert plain(result["unlisted"]) == [stray]
    assert plain(result["altered" if unlisted == "lock" else "dropped"]) == [stray]
    assert plain(result["unchanged"]) == [kept]
    assert [account["name"] for account in result["accounts"]] == [kept]
    remains = tasks.user(cluster=cluster, name=human, convert=True, check=True)
    assert not remains["account"]["locked"]
    admin.sql(cluster, f"DROP USER {human}")


@pytest.mark.usefixtures("alone")
def test_unlisted_accounts_are_named_in_every_mode(tasks: Tasks, admin: Administration, cluster: str, names: list[str]):
    kept, stray, human = names[:3]
    tasks.users(cluster=cluster, users=[{"name": kept}, {"name": stray}])
    admin.sql(cluster, password_account(cluster, human))
    for unlisted in ("keep", "lock", "lock", "drop"):
        for check in (True, False):
            result = tasks.users(cluster=cluster, users=[{"name": kept}], unlisted=unlisted, check=check)
            assert plain(result["unlisted"]) == [stray]
    assert tasks.users(cluster=cluster, users=[{"name": kept}])["unlisted"] == []
    admin.sql(cluster, f"DROP USER {human}")


def password_account(cluster: str, name: str) -> str:
    if cluster == "orders":
        return f"CREATE USER {name} IDENTIFIED BY 'Pa55word!'"
    return f"SET ROLE postgres; CREATE ROLE {name} LOGIN PASSWORD 'Pa55word!'"


@pytest.mark.usefixtures("alone")
def test_an_empty_set_drops_everybody_only_when_confirmed(tasks: Tasks, cluster: str, names: list[str]):
    tasks.users(cluster=cluster, users=[{"name": name} for name in names])
    with pytest.raises(TaskFailed, match="set confirm: true"):
        tasks.users(cluster=cluster, users=[], unlisted="drop")
    dropped = converge(lambda **mode: tasks.users(cluster=cluster, users=[], unlisted="drop", confirm=True, **mode))
    assert plain(dropped["dropped"]) == plain(dropped["unlisted"]) == names


@pytest.mark.parametrize(
    "wrong",
    [
        {"grants": [{"privileges": ["SELEKT"], "on": "DATABASE"}]},
        {"roles": ["no_such_role"]},
        {"name": "rdsadmin"},
        {"connection_limit": -5},
        {"grants": "all of them"},
        {"nonsense": 1},
    ],
)
def test_one_wrong_account_stops_the_whole_set(tasks: Tasks, cluster: str, names: list[str], wrong: dict[str, Any]):
    users = [{"name": names[0]}, {"name": names[1], **wrong}]
    with pytest.raises(TaskFailed, match=r"users\[1\]"):
        tasks.users(cluster=cluster, users=users)
    created = tasks.users(cluster=cluster, users=users[:1], check=True)["created"]
    assert plain(created) == names[:1], "the first account was made although the second is wrong"


def test_an_account_listed_twice(tasks: Tasks, cluster: str, names: list[str]):
    with pytest.raises(TaskFailed, match=r"\(users\[2\]\): .* is already users\[0\]"):
        tasks.users(cluster=cluster, users=[{"name": names[0]}, {"name": names[1]}, {"name": names[0]}])


def test_names_that_differ_only_in_case(tasks: Tasks, cluster: str, names: list[str]):
    result = tasks.users(cluster=cluster, users=[{"name": names[0]}, {"name": names[0].upper()}])
    assert any("differ only in case" in str(warning) for warning in result["warnings"])
    assert len(result["created"]) == 2


def test_order_case_synonyms_and_duplicates_do_not_matter(tasks: Tasks, names: list[str]):
    tasks.users(
        cluster="ledger",
        users=[{"name": names[0], "grants": [{"privileges": ["TEMP", "CONNECT"], "on": "DATABASE"}]}],
    )
    again = [
        {"privileges": ["connect"], "on": "database"},
        {"privileges": ["Temporary", "temp", "CONNECT"], "on": "DATABASE", "database": "ledger"},
    ]
    assert_settled(lambda **mode: tasks.users(cluster="ledger", users=[{"name": names[0], "grants": again}], **mode))


def run_apart(state: State, cluster: str, users: list[dict[str, Any]]) -> subprocess.Popen[str]:
    """aurora_iam_users in a program of its own, so that several run at the same time."""
    code = (
        "import json, sys; from tests.integration.tasks import Tasks; from tests.sandbox.clients import read_state; "
        "print(json.dumps(Tasks(read_state()).users(**json.load(sys.stdin))))"
    )
    program = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=CHECKOUT,
        env={**os.environ, "PYTHONPATH": f"{CHECKOUT}:{CHECKOUT / '.cache/collections'}"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert program.stdin is not None
    json.dump({"cluster": cluster, "users": users}, program.stdin)
    program.stdin.close()
    program.stdin = None
    return program


@pytest.mark.direct("its runs are processes of their own, which connect")
def test_runs_at_the_same_time_wait_for_each_other(state: State, tasks: Tasks, cluster: str, names: list[str]):
    """Four runs over the same accounts in different orders: no deadlock, no "tuple concurrently updated"."""
    users = [{"name": f"{name}_{number}", "grants": [READ[cluster]]} for name in names for number in range(10)]
    programs = [run_apart(state, cluster, users[turn:] + users[:turn]) for turn in (0, 10, 20, 30)]
    printed = [program.communicate(timeout=120)[0] for program in programs]
    assert [program.returncode for program in programs] == [0, 0, 0, 0], printed
    assert sum(json.loads(text.splitlines()[-1])["changed"] for text in printed) == 1
    assert_settled(lambda **mode: tasks.users(cluster=cluster, users=users, **mode))


SCENES = {
    "orders": "CREATE TABLE IF NOT EXISTS orders.watched (a INT, b INT)",
    "ledger": "SET ROLE postgres; CREATE TABLE IF NOT EXISTS public.watched (a INT, b INT)",
}


def test_a_reader_never_loses_what_it_keeps(
    tasks: Tasks, state: State, admin: Administration, cluster: str, names: list[str]
):
    """Between sets of grants that have SELECT in common, in various forms, it is held all along."""
    admin.sql(cluster, SCENES[cluster], cluster)
    table = {"orders": "orders.watched", "ledger": "TABLE public.watched"}[cluster]
    stay = {"orders": [], "ledger": [READ["ledger"]]}[cluster]
    sides = [
        [*stay, {"privileges": ["SELECT", "INSERT"], "on": table}],
        [*stay, {"privileges": ["SELECT", "UPDATE", "DELETE"], "on": table, "grant_option": True}],
        [*stay, {"privileges": ["SELECT", "UPDATE (a)"], "on": table}],
    ]
    tasks.user(cluster=cluster, name=names[0], grants=sides[0])
    principal = create_principal(state, names[0].replace("_", "-"), connect_statement(state, cluster, names[0]))
    statement = {"orders": "SELECT a FROM orders.watched", "ledger": "SELECT a FROM public.watched"}[cluster]
    # Signed once: boto3 reads the environment, which a task in this process may be changing meanwhile
    token = token_of(state, cluster, names[0], principal)

    def read() -> None:
        with contextlib.closing(connect(state, cluster, names[0], token)) as connection, connection.cursor() as cursor:
            for _again in range(20):
                cursor.execute(statement)

    with Meanwhile(read) as reader:
        for turn in range(1, 13):
            assert tasks.user(cluster=cluster, name=names[0], grants=sides[turn % 3])["changed"]
    assert reader.refusals == []
    assert reader.times > 5


def token_of(state: State, cluster: str, user: str, principal: Principal) -> str:
    described = state["clusters"][cluster]
    return principal.token(state, described["host"], described["port"], user)


def connect(state: State, cluster: str, user: str, token: str) -> Any:
    described = state["clusters"][cluster]
    common = {"host": described["host"], "port": described["port"], "user": user}
    if cluster == "orders":
        return pymysql.connect(**common, password=token, ssl={"ca": state["ca_cert"]}, autocommit=True)
    connection = psycopg2.connect(
        **common, password=token, dbname=cluster, sslmode="verify-full", sslrootcert=state["ca_cert"]
    )
    connection.autocommit = True
    return connection

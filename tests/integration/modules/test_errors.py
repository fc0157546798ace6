# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whom and what a failed task is about: in its message, and as data."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.administration import Administration
from tests.integration.tasks import Result, TaskFailed, Tasks

SOUND = {
    "orders": {"privileges": ["SELECT"], "on": "orders.*"},
    "ledger": {"privileges": ["CONNECT"], "on": "DATABASE"},
}


@pytest.fixture
def names() -> list[str]:
    stem = f"wrong_{uuid.uuid4().hex[:8]}"
    return [f"{stem}_{number}" for number in range(6)]


def failure(tasks: Tasks, cluster: str, *users: dict[str, Any], check: bool = False) -> Result:
    with pytest.raises(TaskFailed) as failed:
        tasks.users(cluster=cluster, users=list(users), check=check)
    return failed.value.result


def places(result: Result) -> list[tuple[str, str]]:
    return [(error["account"], error["element"]) for error in result["errors"]]


def test_the_message_says_account_place_and_element(tasks: Tasks, cluster: str, names: list[str]):
    product = {"orders": "MySQL", "ledger": "PostgreSQL"}[cluster]
    wrong = {"name": names[1], "grants": [SOUND[cluster], {**SOUND[cluster], "privileges": ["EXECUT"]}]}
    result = failure(tasks, cluster, {"name": names[0]}, wrong, check=True)
    sentence = f"EXECUT is not a privilege of {product}. Did you mean EXECUTE?"
    assert result["msg"] == f"account {names[1]} (users[1]), grants[1]: {sentence}"
    assert result["errors"] == [{"account": names[1], "element": "grants[1]", "message": sentence}]


def test_a_single_account_has_no_place(tasks: Tasks, cluster: str, account: str):
    with pytest.raises(TaskFailed) as failed:
        tasks.user(cluster=cluster, name=account, roles=["nobody_at_all"])
    assert failed.value.result["msg"].startswith(f"account {account}, roles[0]: role nobody_at_all does not exist on ")
    assert places(failed.value.result) == [(account, "roles[0]")]


def test_all_that_cannot_be_read_is_told_at_once(tasks: Tasks, cluster: str, names: list[str]):
    users = [
        {"name": names[0], "connection_limit": -7},
        {"name": names[1]},
        {"name": names[2], "grants": [{**SOUND[cluster], "privileges": []}, {"on": SOUND[cluster]["on"]}]},
    ]
    result = failure(tasks, cluster, *users)
    assert places(result) == [(names[0], "connection_limit"), (names[2], "grants[0]"), (names[2], "grants[1]")]
    assert all(error["message"] in result["msg"] for error in result["errors"])


def test_all_that_does_not_exist_is_told_at_once(tasks: Tasks, cluster: str, names: list[str]):
    users = [
        {"name": names[0], "roles": ["nobody_1"]},
        {"name": names[1], "grants": [SOUND[cluster]]},
        {"name": names[2], "roles": ["nobody_2", "nobody_3"]},
    ]
    result = failure(tasks, cluster, *users)
    assert places(result) == [(names[0], "roles[0]"), (names[2], "roles[0]"), (names[2], "roles[1]")]


@pytest.fixture
def closed(admin: Administration, names: list[str]) -> Iterator[str]:
    """On PostgreSQL, a table of the master's, in a schema that the master may not use."""
    schema = f"closed_{names[0]}"
    admin.sql(
        "ledger",
        f"CREATE SCHEMA {schema}; GRANT CREATE, USAGE ON SCHEMA {schema} TO postgres; SET ROLE postgres; "
        f"CREATE TABLE {schema}.parts (id int); RESET ROLE; REVOKE ALL ON SCHEMA {schema} FROM postgres",
        "ledger",
    )
    yield f"{schema}.parts"
    admin.sql("ledger", f"DROP SCHEMA {schema} CASCADE", "ledger")


@pytest.mark.parametrize("check", [True, False])
def test_what_postgresql_refuses_names_accounts_and_elements(tasks: Tasks, names: list[str], closed: str, check: bool):
    wrong = {"privileges": ["SELECT"], "on": f"TABLE {closed}"}
    users = [{"name": names[0]}, *({"name": name, "grants": [SOUND["ledger"], wrong]} for name in names[1:])]
    result = failure(tasks, "ledger", *users, check=check)
    assert places(result) == [(name, "grants[1]") for name in names[1:]]
    three = ", ".join(f"{names[number]} (users[{number}])" for number in (1, 2, 3))
    assert result["msg"].startswith(f"accounts {three} and 2 more, grants[1]: cluster ledger refused a statement: ")
    assert "permission denied for schema" in result["msg"]
    assert result["code"] == "42501"


@pytest.mark.direct("the Data API waits longer")
def test_what_mysql_refuses_names_accounts_and_elements(tasks: Tasks, admin: Administration, names: list[str]):
    """A lock that somebody else holds."""
    tasks.users(cluster="orders", users=[{"name": name} for name in names])
    other = {"privileges": ["PROCESS"], "on": "*.*"}
    users = [
        {"name": names[0]},
        {"name": names[1], "grants": [SOUND["orders"]]},
        {"name": names[2], "grants": [other, SOUND["orders"]]},
    ]
    holder = admin.superuser("orders")
    with holder, holder.cursor() as cursor:
        cursor.execute("FLUSH TABLES WITH READ LOCK")
        with pytest.raises(TaskFailed) as failed:
            tasks.users(cluster="orders", users=users, lock_timeout=1)
        cursor.execute("UNLOCK TABLES")
    result = failed.value.result
    assert places(result) == [(names[1], "grants[0]"), (names[2], "grants[1]")]
    about = f"accounts {names[1]} (users[1], grants[0]), {names[2]} (users[2], grants[1]): cluster orders refused"
    assert result["msg"].startswith(about)
    tasks.users(cluster="orders", users=[{"name": name, "state": "absent"} for name in names])

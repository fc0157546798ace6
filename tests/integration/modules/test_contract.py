# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The life of an account, the same on every engine: check, apply, check, apply, drift by hand, repair."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from tests.integration.administration import Administration
from tests.integration.tasks import Result, TaskFailed, Tasks, assert_settled, converge
from tests.sandbox.clients import State, connect_statement, create_principal, login

Grants = list[dict[str, Any]]


@dataclass(frozen=True)
class Cluster:
    """A cluster, and how its engine says the same things."""

    name: str
    read: Grants
    """a first set of grants"""
    write: Grants
    """a larger one, which contains the first"""
    drift: str
    """SQL that takes something away from {account} and adds something else"""
    password_account: str
    """SQL that makes {account} with a password and a privilege"""

    def __str__(self) -> str:
        return self.name


def mysql(name: str) -> Cluster:
    return Cluster(
        name,
        read=[{"privileges": ["select", "Show View"], "on": f"{name}.*"}],
        write=[{"privileges": ["SELECT", "SHOW VIEW", "INSERT", "INSERT"], "on": f"`{name}`.*", "grant_option": True}],
        drift=f"REVOKE SELECT ON {name}.* FROM {{account}}; GRANT DELETE ON {name}.* TO {{account}}; "
        "ALTER USER {account} REQUIRE NONE COMMENT 'drifted'",
        password_account=f"CREATE USER {{account}} IDENTIFIED BY 'Pa55word!'; GRANT SELECT, SHOW VIEW ON {name}.* "
        "TO {account}",
    )


def postgresql(name: str) -> Cluster:
    return Cluster(
        name,
        read=[{"privileges": ["connect", "TEMP"], "on": "database", "database": name}],
        write=[
            {
                "privileges": ["TEMPORARY", "CONNECT", "CREATE", "CREATE"],
                "on": "DATABASE",
                "database": name,
                "grant_option": True,
            }
        ],
        drift=f"SET ROLE postgres; REVOKE CONNECT ON DATABASE {name} FROM {{account}} CASCADE; "
        f"GRANT CREATE ON DATABASE {name} TO {{account}}; RESET ROLE; "
        "COMMENT ON ROLE {account} IS 'drifted'",
        password_account=f"SET ROLE postgres; CREATE ROLE {{account}} LOGIN PASSWORD 'Pa55word!'; "
        f"GRANT CONNECT, TEMP ON DATABASE {name} TO {{account}}",
    )


CLUSTERS = [mysql("orders"), mysql("warehouse"), postgresql("ledger"), postgresql("archive")]


@pytest.fixture(params=CLUSTERS, ids=str)
def cluster(request: pytest.FixtureRequest) -> Cluster:
    chosen: Cluster = request.param
    return chosen


Task = Callable[..., Result]


@pytest.fixture
def user(tasks: Tasks, cluster: Cluster, account: str) -> Task:
    """aurora_iam_user for one account of one cluster."""

    def task(**options: Any) -> Result:
        return tasks.user(cluster=cluster.name, name=account, **options)

    return task


def test_the_life_of_an_account(user: Task, admin: Administration, cluster: Cluster, account: str):
    created = converge(lambda **mode: user(grants=cluster.read, comment="for Jane", connection_limit=5, **mode))
    assert created["account"]["name"] == account
    assert created["account"]["comment"] == "for Jane"
    assert created["account"]["connection_limit"] == 5
    assert created["diff"]["before"] == ""
    assert account in created["diff"]["after"]

    widened = converge(lambda **mode: user(grants=cluster.write, **mode))
    assert widened["account"]["comment"] == "for Jane"

    narrowed = converge(lambda **mode: user(grants=cluster.read, **mode))
    assert narrowed["account"] == created["account"]

    admin.sql(cluster.name, cluster.drift.format(account=account))
    repaired = converge(lambda **mode: user(grants=cluster.read, comment="for Jane", **mode))
    assert repaired["account"] == created["account"]

    dropped = converge(lambda **mode: user(state="absent", **mode))
    assert dropped["account"] == {}
    assert dropped["diff"]["after"] == ""


def test_what_is_returned_is_what_would_make_it(user: Task, cluster: Cluster):
    made = user(grants=cluster.write, locked=True, connection_limit=3, comment='it\'s "quoted" \\ and 50 %')
    described = {key: value for key, value in made["account"].items() if key not in ("name", "connect_arn")}
    assert_settled(lambda **mode: user(**described, **mode))


def test_an_undeclared_option_is_untouched(user: Task, cluster: Cluster):
    made = user(grants=cluster.write, locked=True, connection_limit=3, comment="kept")
    assert_settled(user)
    assert user()["account"] == made["account"]


def test_no_grants_means_none(user: Task, cluster: Cluster):
    user(grants=cluster.write)
    assert converge(lambda **mode: user(grants=[], **mode))["account"]["grants"] == []


def test_only_adding_keeps_what_is_there(user: Task, cluster: Cluster):
    made = user(grants=cluster.write)
    assert_settled(lambda **mode: user(grants=cluster.read, purge_grants=False, **mode))
    assert user()["account"] == made["account"]


def test_lock_and_unlock(user: Task):
    user()
    assert converge(lambda **mode: user(locked=True, **mode))["account"]["locked"] is True
    assert converge(lambda **mode: user(locked=False, **mode))["account"]["locked"] is False


def test_limit_and_comment_are_cleared(user: Task):
    user(connection_limit=2, comment="x")
    cleared = converge(lambda **mode: user(connection_limit=-1, comment="", **mode))
    assert (cleared["account"]["connection_limit"], cleared["account"]["comment"]) == (-1, "")


def test_the_holder_of_the_policy_logs_in(user: Task, state: State, cluster: Cluster, account: str):
    arn = user(grants=cluster.read)["connect_arn"]
    statement = connect_statement(state, cluster.name, account)
    assert arn == statement["Resource"]
    principal = create_principal(state, account.replace("_", "-"), statement)
    assert login(state, cluster.name, account, principal).partition("@")[0] == account


def test_a_password_account_is_converted_only_when_told(
    user: Task, admin: Administration, cluster: Cluster, account: str
):
    admin.sql(cluster.name, cluster.password_account.format(account=account))
    with pytest.raises(TaskFailed, match="is not IAM-authenticated; set convert: true"):
        user(grants=cluster.read)
    converted = converge(lambda **mode: user(convert=True, **mode))
    assert converted["diff"]["before"].startswith("- authentication: password")
    assert_settled(lambda **mode: user(grants=cluster.read, **mode))


@pytest.mark.parametrize("check", [True, False])
def test_an_unknown_privilege_stops_everything(user: Task, cluster: Cluster, account: str, tasks: Tasks, check: bool):
    wrong = [*cluster.read, {**cluster.read[0], "privileges": ["SELEKT"]}]
    with pytest.raises(TaskFailed, match="SELEKT"):
        user(grants=wrong, check=check)
    assert tasks.user(cluster=cluster.name, name=account, check=True)["changed"]


def test_dropping_what_is_not_there_changes_nothing(user: Task):
    assert_settled(lambda **mode: user(state="absent", **mode))


def test_the_login_itself_is_left_alone(tasks: Tasks, state: State, cluster: Cluster):
    master = state["clusters"][cluster.name]["master"]
    for options in ({"state": "absent"}, {"convert": True}, {"locked": True, "convert": True}):
        with pytest.raises(TaskFailed, match=master):
            tasks.user(cluster=cluster.name, name=master, **options)


def test_a_set_in_one_task(tasks: Tasks, cluster: Cluster, account: str):
    names = [f"{account}_{number}" for number in range(5)]

    def task(**mode: Any) -> Result:
        users = [{"name": name, "grants": cluster.read} for name in names]
        return tasks.users(cluster=cluster.name, users=users, **mode)

    made = converge(task)
    assert [item["name"] for item in made["accounts"]] == names
    assert [name.partition("@")[0] for name in made["created"]] == names
    assert [name.partition("@")[0] for name in task()["unchanged"]] == names

    def drop(**mode: Any) -> Result:
        return tasks.users(cluster=cluster.name, users=[{"name": name, "state": "absent"} for name in names], **mode)

    assert [name.partition("@")[0] for name in converge(drop)["dropped"]] == names

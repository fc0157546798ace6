# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Accounts over the RDS Data API: the same life as on a connection, and every way in which AWS can refuse."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws import data_api
from tests.integration.administration import Administration
from tests.integration.aws.data_api_scene import calls, faults, limits
from tests.integration.tasks import PROMISED, Result, TaskFailed, Tasks, assert_settled, converge
from tests.sandbox.clients import State, aws_client, connect_statement, create_principal, login

pytestmark = pytest.mark.direct("chooses its way itself")

CLUSTERS = ["orders", "ledger", "archive"]
RTT = 0.020
TIMES_THE_ROUND_TRIPS = 2.0
GRANTS: dict[str, list[dict[str, Any]]] = {
    "orders": [{"privileges": ["SELECT", "INSERT"], "on": "orders.*"}],
    "ledger": [{"privileges": ["CREATE", "TEMPORARY"], "on": "DATABASE", "database": "ledger"}],
    "archive": [{"privileges": ["CREATE"], "on": "DATABASE", "database": "archive"}],
}


@pytest.fixture
def over(tasks: Tasks) -> Callable[..., Result]:
    """Runs a task over the Data API."""
    return lambda **options: tasks.user(login_method="data_api", **options)


@pytest.fixture
def secret(state: State, account: str) -> Iterator[Callable[[str], str]]:
    """Makes a secret of a text; the ARN is returned."""
    client = aws_client(state, "secretsmanager")
    made: list[str] = []

    def make(text: str) -> str:
        arn: str = client.create_secret(Name=f"{account}-{len(made)}", SecretString=text)["ARN"]
        made.append(arn)
        return arn

    yield make
    for arn in made:
        client.delete_secret(SecretId=arn, ForceDeleteWithoutRecovery=True)


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_the_life_of_an_account_is_the_same_on_both_ways(
    tasks: Tasks, state: State, admin: Administration, cluster: str, account: str
) -> None:
    """Created, granted, logged in to, changed, repaired and dropped; every result of the one way is the other's."""
    principal = create_principal(state, account.replace("_", "-"), connect_statement(state, cluster, account))

    def live(method: str) -> list[Result]:
        def task(**options: Any) -> Result:
            return tasks.user(cluster=cluster, name=account, login_method=method, **options)

        results = [converge(lambda check=False: task(check=check, comment='Jane\'s: a 100% \\ "test" :x'))]
        results.append(converge(lambda check=False: task(check=check, grants=GRANTS[cluster])))
        assert login(state, cluster, account, principal).startswith(account)
        results.append(converge(lambda check=False: task(check=check, grants=[], connection_limit=3, comment="")))
        results.append(converge(lambda check=False: task(check=check, state="absent")))
        return [{key: result[key] for key in (*PROMISED, "account")} for result in results]

    assert live("secret") == live("data_api")


def test_drift_is_found_and_repaired(over: Callable[..., Result], admin: Administration, account: str) -> None:
    over(cluster="orders", name=account, grants=GRANTS["orders"])
    admin.sql("orders", f"REVOKE INSERT ON orders.* FROM {account}; ALTER USER {account} REQUIRE NONE")
    assert over(cluster="orders", name=account, grants=GRANTS["orders"])["changed"]
    assert_settled(lambda check: over(cluster="orders", name=account, grants=GRANTS["orders"], check=check))
    over(cluster="orders", name=account, state="absent")


def test_sessions_end_when_an_account_is_dropped(
    over: Callable[..., Result], state: State, admin: Administration, account: str
) -> None:
    from tests.integration.mysql.scene import connection

    over(cluster="orders", name=account)
    session = connection(state, "orders", account)
    over(cluster="orders", name=account, state="absent")
    with pytest.raises(Exception, match=r"2006|2013|4031|1927|closed"):
        session.cursor().execute("SELECT 1")


@pytest.mark.parametrize("cluster", ["orders", "ledger"])
def test_no_driver_is_needed(
    over: Callable[..., Result], cluster: str, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.connection import (
        connect as mysql_connect,
    )
    from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.connection import (
        connect as postgresql_connect,
    )

    monkeypatch.setattr(mysql_connect, "pymysql", None)
    monkeypatch.setattr(postgresql_connect, "psycopg2", None)
    assert over(cluster=cluster, name=account)["changed"]
    assert over(cluster=cluster, name=account, state="absent")["changed"]


class TestRefusals:
    def test_the_data_api_is_off(self, over: Callable[..., Result]) -> None:
        with pytest.raises(
            TaskFailed, match=r"The Data API is off on cluster catalogue \(.*\); turn it on with: aws rds enab"
        ):
            over(cluster="catalogue", name="jane")

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            ({"login_host": "127.0.0.1", "engine": "aurora-mysql"}, "reaches clusters only; set cluster"),
            ({"cluster": "orders", "login_host": "127.0.0.1"}, "leave out login_host, and name another user by"),
            ({"cluster": "orders", "login_user": "joe", "login_password": "x"}, "leave out login_user, login_password"),
        ],
    )
    def test_options_about_a_connection(self, over: Callable[..., Result], options: dict[str, Any], words: str) -> None:
        with pytest.raises(TaskFailed, match=words):
            over(name="jane", **options)

    @pytest.mark.parametrize("cluster", CLUSTERS)
    def test_the_secret(
        self, over: Callable[..., Result], state: State, secret: Callable[[str], str], cluster: str
    ) -> None:
        arn = state["clusters"][cluster]["secret_arn"]
        missing = arn.rpartition(":")[0] + ":nowhere-AbCdEf"
        with pytest.raises(TaskFailed, match=r"The Data API cannot read the secret .*nowhere.*check login_secret"):
            over(cluster=cluster, name="jane", login_secret=missing)
        with pytest.raises(TaskFailed, match=r"is not one that the Data API can use.*JSON with username and password"):
            over(cluster=cluster, name="jane", login_secret=secret("plain text"))
        value = json.dumps({"username": "jane", "password": "not-it-5ecret"})
        with pytest.raises(TaskFailed, match=r"secret") as failure:
            over(cluster=cluster, name="jane", login_secret=secret(value))
        assert "not-it-5ecret" not in json.dumps(failure.value.result)
        assert "\n" not in str(failure.value)

    @pytest.mark.parametrize(
        ("allowed", "words"),
        [
            ([], "AWS denied rds-data:(ExecuteStatement|BeginTransaction) on cluster ledger: User: .* Allow rds-data"),
            (
                ["rds-data:*"],
                "AWS denied secretsmanager:GetSecretValue on arn:.*, which rds-data:.*: User: .* Allow secretsm",
            ),
        ],
    )
    @pytest.mark.parametrize("cluster", ["ledger"])
    def test_the_caller_lacks_a_permission(
        self, over: Callable[..., Result], state: State, cluster: str, account: str, allowed: list[str], words: str
    ) -> None:
        actions = ["rds:DescribeDBClusters", *allowed]
        statement = {"Effect": "Allow", "Action": actions, "Resource": "*"}
        principal = create_principal(state, account.replace("_", "-"), statement)
        keys = {"access_key": principal.access_key, "secret_key": principal.secret_key}
        with pytest.raises(TaskFailed, match=words):
            over(cluster=cluster, name=account, **keys)

    def test_a_paused_instance_that_does_not_resume(
        self, over: Callable[..., Result], state: State, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(data_api, "_PATIENCE", 0.5)
        with (
            faults(state, resuming(count=50)),
            pytest.raises(TaskFailed, match=r"cluster orders is paused and has not resumed within 0 s; run the task"),
        ):
            over(cluster="orders", name="jane")

    @pytest.mark.parametrize(
        ("code", "status", "words"),
        [
            ("DatabaseUnavailableException", 504, "cannot reach the writer of cluster orders"),
            ("DatabaseNotFoundException", 404, "cluster orders has no DB instance; add a writer"),
            ("InvalidResourceStateException", 400, "cluster orders cannot be used now"),
            ("InternalServerErrorException", 500, r"was lost \(rds-data:ExecuteStatement failed: .*InternalSer"),
        ],
    )
    def test_what_aws_answers_otherwise(
        self, over: Callable[..., Result], state: State, code: str, status: int, words: str
    ) -> None:
        fault = {"action": "ExecuteStatement", "kind": "error", "count": 50, "code": code, "status": status}
        with faults(state, fault), pytest.raises(TaskFailed, match=words):
            over(cluster="orders", name="jane")

    @pytest.mark.parametrize("cluster", CLUSTERS)
    def test_a_name_that_the_server_refuses(self, over: Callable[..., Result], cluster: str, account: str) -> None:
        """The database's own words, with the statement."""
        over(cluster=cluster, name=account)
        with pytest.raises(TaskFailed, match=r"nobody_at_all"):
            over(cluster=cluster, name=account, roles=["nobody_at_all"])
        over(cluster=cluster, name=account, state="absent")


def resuming(count: int) -> dict[str, Any]:
    code = "DatabaseResumingException"
    return {"action": "ExecuteStatement", "kind": "error", "count": count, "code": code, "status": 400}


class TestWhatPasses:
    @pytest.mark.parametrize("cluster", CLUSTERS)
    def test_throttling_of_the_next_five_calls(
        self, over: Callable[..., Result], state: State, cluster: str, account: str
    ) -> None:
        with faults(state, {"action": "ExecuteStatement", "kind": "throttle", "count": 5}):
            assert over(cluster=cluster, name=account)["changed"]
        with faults(state, {"action": "BeginTransaction", "kind": "throttle", "count": 5}):
            assert over(cluster=cluster, name=account, state="absent")["changed"]

    @pytest.mark.parametrize("cluster", CLUSTERS)
    def test_an_instance_that_resumes(
        self, over: Callable[..., Result], state: State, cluster: str, account: str
    ) -> None:
        with faults(state, resuming(count=3)):
            assert over(cluster=cluster, name=account, check=True)["changed"]
            assert calls(state)["ExecuteStatement"] > 3

    @pytest.mark.parametrize("cluster", CLUSTERS)
    def test_one_question_to_aws_about_the_cluster(
        self, over: Callable[..., Result], state: State, cluster: str, account: str
    ) -> None:
        """And no more calls than statements, but for a few that begin and end transactions."""
        with faults(state):
            over(cluster=cluster, name=account)
            made = calls(state)
        over(cluster=cluster, name=account, state="absent")
        assert made["DescribeDBClusters"] == 1
        assert "GetSecretValue" not in made, "the Data API reads it itself"
        assert sum(made.values()) - made["ExecuteStatement"] <= 7


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_a_catalogue_that_does_not_fit_into_an_answer(
    tasks: Tasks, state: State, admin: Administration, cluster: str, account: str
) -> None:
    """With limits so narrow that hundreds of accounts are many pages."""
    names = [f"{account}_{number:03}" for number in range(300)]
    users = [{"name": name, "comment": f"number {number}"} for number, name in enumerate(names)]
    options = {"cluster": cluster, "users": users}
    tasks.users(login_method="secret", **options)
    direct = tasks.users(login_method="secret", check=True, unlisted="lock", **options)
    with faults(state):
        tasks.users(login_method="data_api", check=True, unlisted="lock", **options)
        whole = calls(state)
    with limits(state, response_bytes=4096), faults(state):
        paged = tasks.users(login_method="data_api", check=True, unlisted="lock", **options)
        made = calls(state)
    assert made["ExecuteStatement"] > whole["ExecuteStatement"] + 10, "nothing came in pages"
    assert paged["diff"] == direct["diff"]
    assert paged["accounts"] == direct["accounts"]
    tasks.users(login_method="data_api", cluster=cluster, users=[{"name": name, "state": "absent"} for name in names])


@pytest.mark.timed
@pytest.mark.parametrize("cluster", ["orders", "ledger"])
def test_a_hundred_accounts_from_far_away(tasks: Tasks, state: State, cluster: str, account: str) -> None:
    """Within twice the number of statements times the round trip, everything included; the best of several rounds."""
    users = [{"name": f"{account}_{number:02}", "comment": f"number {number}"} for number in range(100)]
    gone = [{"name": user["name"], "state": "absent"} for user in users]
    options = {"cluster": cluster, "login_method": "data_api"}
    ratios = []
    for _round in range(5):
        far = {"action": "*", "kind": "delay", "seconds": RTT, "count": 100000}
        with faults(state, far):
            began = time.monotonic()
            result = tasks.users(users=users, **options)
            seconds = time.monotonic() - began
            made = calls(state)
        tasks.users(users=gone, **options)
        ratios.append(seconds / (len(result["statements"]) * RTT))
        print(f"{cluster}: {seconds:.2f} s, {len(result['statements'])} statements, {made}, ratio {ratios[-1]:.2f}")
        if ratios[-1] <= TIMES_THE_ROUND_TRIPS:
            break
    assert len(result["statements"]) >= 100
    assert min(ratios) <= TIMES_THE_ROUND_TRIPS

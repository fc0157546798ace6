# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a task goes: by instance, by proxy, and where it must not go."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.integration.administration import Administration
from tests.integration.aws.proxies import require_proxy
from tests.integration.hook import Hook
from tests.integration.tasks import Result, TaskFailed, Tasks, converge
from tests.sandbox.clients import (
    LoginRefused,
    State,
    aws_client,
    connect_statement,
    create_principal,
    login,
)

pytestmark = pytest.mark.direct("is about endpoints that are dialled")

READ = {
    "billing": [{"privileges": ["SELECT"], "on": "billing.*"}],
    "invoices": [{"privileges": ["CONNECT", "CREATE"], "on": "DATABASE", "database": "invoices"}],
    "orders-proxy": [{"privileges": ["SELECT"], "on": "orders.*"}],
    "ledger-proxy": [{"privileges": ["CONNECT", "CREATE"], "on": "DATABASE", "database": "ledger"}],
}
PROXIES = ("orders-proxy", "ledger-proxy")
RESOURCE = {"billing": "db-", "invoices": "db-", **dict.fromkeys(PROXIES, "prx-")}
DRIFT = {
    "billing": "REVOKE SELECT ON billing.* FROM {account}",
    "invoices": "SET ROLE postgres; REVOKE CREATE ON DATABASE invoices FROM {account}",
    "orders-proxy": "REVOKE SELECT ON orders.* FROM {account}",
    "ledger-proxy": "SET ROLE postgres; REVOKE CREATE ON DATABASE ledger FROM {account}",
}
DESCRIBES = {place: "DescribeDBProxies" if place in PROXIES else "DescribeDBInstances" for place in READ}


@dataclass(frozen=True)
class Place:
    """An instance or a proxy, and the server that is behind it."""

    name: str
    tasks: Tasks

    @property
    def option(self) -> dict[str, str]:
        return {"proxy" if self.name in PROXIES else "instance": self.name}

    @property
    def server(self) -> str:
        return self.name.removesuffix("-proxy")

    def user(self, **options: Any) -> Result:
        return self.tasks.user(**self.option, **options)


@pytest.fixture(params=READ)
def place(request: pytest.FixtureRequest, state: State, tasks: Tasks) -> Place:
    if request.param in PROXIES:
        require_proxy(state, request.param)
    return Place(request.param, tasks)


def test_the_life_of_an_account(place: Place, state: State, admin: Administration, account: str):
    """Created, granted, logged in with a token, drifted, repaired, dropped."""

    def user(**options: Any) -> Result:
        return place.user(name=account, **options)

    created = converge(lambda **mode: user(grants=READ[place.name], **mode))
    statement = connect_statement(state, place.name, account)
    assert created["connect_arn"] == statement["Resource"]
    assert f"dbuser:{RESOURCE[place.name]}" in created["connect_arn"]

    holder = create_principal(state, account.replace("_", "-"), statement)
    assert login(state, place.name, account, holder).partition("@")[0] == account

    admin.sql(place.server, DRIFT[place.name].format(account=account))
    repaired = converge(lambda **mode: user(grants=READ[place.name], **mode))
    assert repaired["account"] == created["account"]

    assert converge(lambda **mode: user(state="absent", **mode))["account"] == {}
    with pytest.raises(LoginRefused):
        login(state, place.name, account, holder)


@pytest.mark.parametrize("proxy", PROXIES)
def test_a_policy_for_the_cluster_does_not_open_the_proxy(
    proxy: str, tasks: Tasks, state: State, hook: Hook, account: str
):
    require_proxy(state, proxy)
    cluster = proxy.removesuffix("-proxy")
    tasks.user(cluster=cluster, name=account)
    direct = create_principal(state, account.replace("_", "-"), connect_statement(state, cluster, account))
    assert login(state, cluster, account, direct).startswith(account)
    with pytest.raises(LoginRefused):
        login(state, proxy, account, direct)
    # The account is in use all the same, and a remedy names the cluster
    about = {"gather_subset": ["authorization", "findings"], "names": [f"{account}*"], "proxy": proxy}
    tasks.user(cluster=cluster, name=f"{account}_alone")
    facts = tasks.facts(**about)
    assert {each["subject"].partition("@")[0] for each in of_accounts(facts)} == {f"{account}_alone"}
    assert not any(account in each["accounts"] for each in facts["authorization"] if "jane" in each["principal"])
    hook.fail("DescribeDBProxyTargets", kind="error", code="AccessDenied", status=403)
    denied = tasks.facts(**about)
    assert of_accounts(denied) == []
    assert "rds:DescribeDBProxyTargets" in next(each["why"] for each in denied["unseen"] if "author" in each["what"])
    tasks.users(cluster=cluster, users=[{"name": name, "state": "absent"} for name in (account, f"{account}_alone")])


def of_accounts(facts: Result) -> list[Result]:
    return [each for each in facts["findings"] if each["code"] == "account_orphan"]


def test_the_collection_s_own_token_is_signed_for_the_place(place: Place, admin: Administration, account: str):
    """An administrator without a password: what it may read is enough to find that there is nothing to drop."""
    administrator = f"{account}_dba"
    place.user(name=administrator)
    grant = (
        f"GRANT SELECT, CREATE USER, PROCESS, SHOW_ROUTINE ON *.* TO {administrator}"
        if place.name in ("billing", "orders-proxy")
        else f"ALTER ROLE {administrator} CREATEROLE; GRANT CONNECT ON DATABASE {place.server} TO {administrator}"
    )
    admin.sql(place.server, grant)
    done = place.user(name=account, state="absent", login_method="iam", login_user=administrator)
    assert not done["changed"]
    place.user(name=administrator, state="absent")


def test_a_set_in_one_task(place: Place, account: str):
    users = [{"name": f"{account}_{number}", "grants": READ[place.name]} for number in range(3)]
    made = converge(lambda **mode: place.tasks.users(users=users, **place.option, **mode))
    assert all(RESOURCE[place.name] in each["connect_arn"] for each in made["accounts"])
    gone = [{"name": each["name"], "state": "absent"} for each in users]
    converge(lambda **mode: place.tasks.users(users=gone, **place.option, **mode))


def test_each_place_is_described_once(place: Place, hook: Hook, account: str):
    hook.forget()
    place.user(name=account, state="absent")
    calls = hook.calls()
    assert calls.pop("GetSecretValue") >= 1
    assert calls == {DESCRIBES[place.name]: 1}


@pytest.mark.parametrize("check", [True, False])
def test_iam_authentication_of_the_instance_is_off(tasks: Tasks, state: State, account: str, check: bool):
    tasks.cluster(instance="invoices", iam_auth="disabled", confirm=True)
    try:
        with pytest.raises(TaskFailed, match=r"IAM authentication is off on instance invoices.*aurora_iam_cluster"):
            tasks.user(instance="invoices", name=account, check=check)
    finally:
        tasks.cluster(instance="invoices", iam_auth="enabled")


@pytest.mark.parametrize(
    ("status", "step"),
    [
        ("creating", "run the task when it is available"),
        ("stopped", "start it, then run the task"),
        ("deleting", "take it out of the inventory"),
    ],
)
@pytest.mark.parametrize("check", [True, False])
def test_what_cannot_be_reached(tasks: Tasks, hook: Hook, status: str, step: str, check: bool):
    with hook.held(payroll=status, billing=status):
        for option in ({"cluster": "payroll"}, {"instance": "billing"}):
            ((kind, name),) = option.items()
            with pytest.raises(TaskFailed) as failure:
                tasks.user(name="jane", check=check, **option)
            assert str(failure.value) == (
                f"The {kind} {name} is {status}, so there is no database to log in to; {step}."
            )
    assert "GetSecretValue" not in hook.calls()


@pytest.fixture
def world(state: State, account: str) -> Iterator[str]:
    """The name of a global database of two clusters, ``…-primary`` and ``…-secondary``, which have no instance."""
    rds, world = aws_client(state, "rds"), account.replace("_", "-")
    rds.create_global_cluster(GlobalClusterIdentifier=world, Engine="aurora-mysql")
    names = (f"{world}-primary", f"{world}-secondary")
    for name in names:
        rds.create_db_cluster(
            DBClusterIdentifier=name,
            Engine="aurora-mysql",
            GlobalClusterIdentifier=world,
            MasterUsername="admin",
            MasterUserPassword="longEnough1",
        )
    rds.describe_db_clusters()  # a cluster is no longer shown as creating when it was looked at once
    yield world
    # The global database stays: moto takes no member from one that is kept in another region, and all are
    for name in names:
        rds.delete_db_cluster(DBClusterIdentifier=name, SkipFinalSnapshot=True)


def test_a_secondary_of_a_global_database(tasks: Tasks, state: State, world: str):
    primary = state["clusters"]["orders"]["arn"].replace("orders", f"{world}-primary")
    with pytest.raises(
        TaskFailed, match=f"^The cluster {world}-primary has no DB instance, so there is no database to"
    ):
        tasks.user(cluster=f"{world}-primary", name="jane")
    with pytest.raises(TaskFailed) as failure:
        tasks.user(cluster=f"{world}-secondary", name="jane")
    assert str(failure.value) == (
        f"The cluster {world}-secondary is a secondary of a global database, whose writer is {primary}; run the task "
        f"for cluster {world}-primary in region {state['region']}."
    )


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            {"instance": "ledger-1"},
            "ledger-1 is a member of cluster ledger, .*; set cluster: ledger instead of instance",
        ),
        ({"instance": "nowhere"}, "There is no instance nowhere in this region and account; check instance, region"),
        ({"proxy": "nowhere"}, "There is no proxy nowhere in this region and account; check proxy, region"),
        ({"cluster": "orders", "proxy": "orders-proxy"}, "Both cluster and proxy are set; .*, so leave one out"),
    ],
)
def test_refusals(tasks: Tasks, options: dict[str, str], sentence: str):
    with pytest.raises(TaskFailed, match=sentence):
        tasks.user(name="jane", **options)


@pytest.mark.parametrize(
    ("option", "action"), [("proxy", "rds:DescribeDBProxies"), ("instance", "rds:DescribeDBInstances")]
)
def test_a_missing_permission_is_named(tasks: Tasks, hook: Hook, option: str, action: str):
    hook.fail(action.partition(":")[2], kind="error", code="AccessDenied", status=403)
    with pytest.raises(TaskFailed) as failure:
        tasks.user(name="jane", **{option: "billing"})
    assert str(failure.value) == (
        f"AWS denied {action} on {option} billing to arn:aws:iam::123456789012:user/operator: The sandbox was told to "
        f"fail this call. Allow {action} on {option} billing to the principal."
    )


class SomebodyElse(http.server.BaseHTTPRequestHandler):
    """Answers as a login page of a network does."""

    def do_POST(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<html><p>Please log in to the network.</html>")

    def log_message(self, *_words: object) -> None:  # type: ignore[override]
        return


def test_what_answers_is_not_aws(tasks: Tasks, account: str):
    with http.server.HTTPServer(("127.0.0.1", 0), SomebodyElse) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        elsewhere = f"http://127.0.0.1:{server.server_port}"
        with pytest.raises(TaskFailed, match=r"DescribeDBClusters on cluster orders was answered by .* not AWS; check"):
            tasks.user(cluster="orders", name=account, endpoint_url=elsewhere)
        server.shutdown()

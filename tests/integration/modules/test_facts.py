# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What facts gather, with what rights, and at what cost."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.base import Session
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.connection.session import MySQLSession
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.connection.session import (
    PostgreSQLSession,
)
from tests.benchmarks.playbook import PROGRAMS, environment
from tests.integration.administration import Administration
from tests.integration.tasks import TaskFailed, Tasks
from tests.sandbox.clients import CHECKOUT, State, ask_hook, connect_statement, create_principal

MYSQL, POSTGRESQL = ["orders", "warehouse"], ["ledger", "archive"]


@pytest.fixture(params=[*MYSQL, *POSTGRESQL])
def cluster(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def made(tasks: Tasks, cluster: str, account: str) -> Iterator[str]:
    tasks.user(cluster=cluster, name=account, comment="hers")
    yield account
    tasks.user(cluster=cluster, name=account, state="absent")


def by_host(state: State, cluster: str, user: str, password: str) -> dict[str, Any]:
    """Options with which AWS is never asked."""
    described = state["clusters"][cluster]
    return {
        "engine": described["engine"],
        "login_host": described["host"],
        "login_port": described["port"],
        "login_user": user,
        "login_password": password,
    }


EVERYTHING = {"cluster", "accounts", "other_accounts", "roles", "public", "authorization", "findings", "unseen"}


def test_everything(tasks: Tasks, state: State, cluster: str, made: str) -> None:
    facts = tasks.facts(cluster=cluster)
    assert set(facts) == EVERYTHING
    assert facts["unseen"] == []
    described = facts["cluster"]
    assert described["resource_id"] == state["clusters"][cluster]["resource_id"]
    assert described["iam_auth"] is True
    assert described["members"][0] == f"{cluster}-1"
    (account,) = (item for item in facts["accounts"] if item["name"] == made)
    assert account["connect_arn"] == connect_statement(state, cluster, made)["Resource"]
    assert (account["comment"], account["sessions"], account["authentication"]) == ("hers", 0, "iam")
    assert facts["other_accounts"] == []
    assert tasks.run("aurora_iam_facts", cluster=cluster, check=True)["ansible_facts"]["aurora_iam"] == facts


@pytest.mark.parametrize(
    ("wanted", "keys"),
    [
        (["min"], {"cluster"}),
        (["!all"], {"cluster"}),
        (["!all", "!min"], set()),
        (["!all", "accounts"], {"cluster", "accounts", "other_accounts"}),
        (["!min", "!all", "grants"], {"accounts", "other_accounts"}),
        (["roles", "!min"], {"roles"}),
        (["all", "!findings", "!authorization"], {"cluster", "accounts", "other_accounts", "roles", "public"}),
        (["findings"], {"cluster", "findings"}),
        (["public", "!all", "!min"], {"public"}),
    ],
)
def test_subsets(tasks: Tasks, wanted: list[str], keys: set[str]) -> None:
    assert set(tasks.facts(cluster="orders", gather_subset=wanted)) == keys | {"unseen"}


def test_an_unknown_subset(tasks: Tasks) -> None:
    with pytest.raises(TaskFailed, match="there is no subset account; there are all, min, accounts"):
        tasks.facts(cluster="orders", gather_subset=["account"])


@pytest.fixture
def secret_policies(state: State) -> Iterator[None]:
    """Whoever asks for policies is denied."""
    fault = {"action": "GetAccountAuthorizationDetails", "kind": "error", "code": "AccessDenied", "status": 403}
    ask_hook(state, "POST", "faults", [{**fault, "count": 9}])
    yield
    ask_hook(state, "DELETE", "faults")


def test_a_subset_that_is_not_asked_for_never_fails(tasks: Tasks, secret_policies: None) -> None:
    """The cluster without its database, the accounts without IAM."""
    facts = tasks.facts(cluster="orders", gather_subset=["min"], login_password="wrong", login_port=1)
    assert facts["cluster"]["identifier"] == "orders"
    assert tasks.facts(cluster="orders", gather_subset=["accounts"])["unseen"] == []


def test_policies_that_may_not_be_read(tasks: Tasks, secret_policies: None) -> None:
    facts = tasks.facts(cluster="orders")
    assert facts["authorization"] == []
    (unseen,) = facts["unseen"]
    assert unseen["what"] == "authorization"
    assert "AWS denied iam:GetAccountAuthorizationDetails" in unseen["why"]


def test_names(tasks: Tasks, state: State, cluster: str, made: str) -> None:
    def shown(*names: str) -> list[str]:
        facts = tasks.facts(cluster=cluster, gather_subset=["accounts", "grants"], names=list(names))
        return [item["name"] for item in facts["accounts"]]

    assert shown(f"{made[:-1]}?", "nobody") == [made]
    assert shown(made.upper()) == []
    others = tasks.facts(cluster=cluster, gather_subset=["accounts"], names=["admin", "postgres"], passwords=True)
    (master,) = others["other_accounts"]
    assert (master["authentication"], master["untouchable"]) == ("password", True)


def test_sessions_are_counted(tasks: Tasks, cluster: str) -> None:
    facts = tasks.facts(cluster=cluster, gather_subset=["accounts"], names=["admin", "postgres"], passwords=True)
    assert facts["other_accounts"][0]["sessions"] >= 1


def test_without_aws(
    tasks: Tasks, state: State, admin: Administration, cluster: str, made: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a login that may only read, and no AWS at all."""
    monkeypatch.setitem(tasks.connection, "endpoint_url", "http://127.0.0.1:1")
    reader = f"{made}_r"
    if cluster in MYSQL:
        admin.sql(cluster, f"CREATE USER {reader} IDENTIFIED BY 'Pa55word!'; GRANT SELECT ON mysql.* TO {reader}")
    else:
        admin.sql(cluster, f"CREATE ROLE {reader} LOGIN PASSWORD 'Pa55word!'")
    try:
        facts = tasks.facts(**by_host(state, cluster, reader, "Pa55word!"), names=[f"{made}*"])
    finally:
        admin.sql(cluster, f"DROP {'USER' if cluster in MYSQL else 'ROLE'} {reader}")
    assert set(facts) == EVERYTHING
    assert [item["name"] for item in facts["accounts"]] == [made]
    assert facts["accounts"][0]["connect_arn"] == ""
    assert facts["cluster"]["resource_id"] == facts["cluster"]["arn"] == ""
    assert facts["authorization"] == []
    unseen = {item["what"]: item["why"] for item in facts["unseen"]}
    assert "set cluster or instance" in unseen["authorization"]
    if cluster in MYSQL:
        assert set(unseen) == {"authorization", "owns", "sessions", "used"}
        assert "GRANT PROCESS" in unseen["sessions"]
        assert facts["accounts"][0]["sessions"] is None
    else:
        assert set(unseen) == {"authorization"}


def test_accounts_that_may_not_be_read(tasks: Tasks, state: State, admin: Administration, account: str) -> None:
    admin.sql("orders", f"CREATE USER {account} IDENTIFIED BY 'Pa55word!'")
    try:
        facts = tasks.facts(**by_host(state, "orders", account, "Pa55word!"))
    finally:
        admin.sql("orders", f"DROP USER {account}")
    assert facts["accounts"] == facts["roles"] == []
    (unseen,) = (item for item in facts["unseen"] if item["what"] == "accounts")
    assert "GRANT SELECT ON mysql.* to the login" in unseen["why"]


def test_a_database_that_may_not_be_entered(tasks: Tasks, state: State, admin: Administration, account: str) -> None:
    admin.sql("ledger", f"CREATE DATABASE {account}")
    admin.sql("ledger", f"REVOKE CONNECT ON DATABASE {account} FROM PUBLIC; CREATE ROLE {account}_i LOGIN")
    admin.sql("ledger", f"GRANT rds_iam TO {account}_i; CREATE ROLE {account}_r LOGIN PASSWORD 'Pa55word!'")
    admin.sql("ledger", f"CREATE TABLE t (); ALTER TABLE t OWNER TO {account}_i", account)
    try:
        facts = tasks.facts(**by_host(state, "ledger", f"{account}_r", "Pa55word!"), names=[f"{account}*"])
        assert facts["accounts"][0]["owns"] == {account: {"count": 1, "objects": []}}
        (unseen,) = (item["why"] for item in facts["unseen"] if item["what"] == "grants")
        assert f"database {account}" in unseen
    finally:
        admin.sql("ledger", f"DROP DATABASE {account}")
        admin.sql("ledger", f"DROP ROLE {account}_i, {account}_r")


def test_simulation(tasks: Tasks, state: State, made: str, cluster: str) -> None:
    principal = made.replace("_", "-")
    create_principal(state, principal, connect_statement(state, cluster, made))
    for simulate in (False, True):
        facts = tasks.facts(cluster=cluster, gather_subset=["authorization"], names=[made], simulate=simulate)
        (entry,) = (item for item in facts["authorization"] if item["principal"].endswith(f"/{principal}"))
        assert (entry["outcome"], entry["accounts"], entry["advisory"]) == ("allowed", [made], simulate)


def calls(state: State) -> int:
    """Calls of AWS since the last time."""
    counted: dict[str, int] = ask_hook(state, "GET", "calls")
    ask_hook(state, "DELETE", "faults")
    return sum(counted.values())


def test_the_cost_does_not_grow_with_accounts(
    tasks: Tasks, state: State, admin: Administration, cluster: str, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    for kind in (MySQLSession, PostgreSQLSession):
        monkeypatch.setattr(kind, "query", counting(kind.query, asked))

    def cost() -> tuple[int, int]:
        asked.clear()
        calls(state)
        tasks.facts(cluster=cluster)
        return len(asked), calls(state)

    mysql = cluster in MYSQL
    names = [f"{account}_{number}" for number in range(60)]
    made = [{"name": name, "grants": [{"on": "*.*", "privileges": ["PROCESS"]}] if mysql else []} for name in names]
    tasks.users(cluster=cluster, users=made[:1])
    one = cost()
    tasks.users(cluster=cluster, users=made)
    assert cost() == one
    assert one[0] <= 16
    tasks.users(cluster=cluster, users=[{"name": name, "state": "absent"} for name in names])


def counting(query: Any, asked: list[str]) -> Any:
    def counted(session: Session, sql: str, *arguments: Any, **named: Any) -> Any:
        asked.append(sql)
        return query(session, sql, *arguments, **named)

    return counted


PLAY = """
- hosts: localhost
  gather_facts: false
  tasks:
    - dbops.aurora_iam.aurora_iam_facts:
        cluster: "{{ item }}"
        gather_subset: [accounts, grants]
        names: [NAME]
      loop: [orders, ledger]
      register: gathered
    - ansible.builtin.assert:
        that:
          - gathered.results | map(attribute='ansible_facts.aurora_iam.cluster.identifier') == ['orders', 'ledger']
          - ansible_facts.aurora_iam.cluster.identifier == 'ledger'
          - gathered.results[0].ansible_facts.aurora_iam.accounts[0].name == 'NAME'
    - dbops.aurora_iam.aurora_iam_users:
        cluster: "{{ item.item }}"
        users: "{{ item.ansible_facts.aurora_iam.accounts }}"
      loop: "{{ gathered.results }}"
      register: fed_back
    - ansible.builtin.assert:
        that: fed_back is not changed
"""


@pytest.mark.direct("starts Ansible itself")
def test_many_clusters_in_one_play(tasks: Tasks, state: State, account: str, tmp_path: Path) -> None:
    """As a playbook: facts of several clusters, and their accounts fed back as they are."""
    for cluster in ("orders", "ledger"):
        tasks.user(cluster=cluster, name=account)
    play = tmp_path / "play.yml"
    play.write_text(PLAY.replace("NAME", account))
    ran = subprocess.run(
        [str(PROGRAMS / "ansible-playbook"), str(play)],
        cwd=CHECKOUT,
        env={**os.environ, **environment(state), "ANSIBLE_STDOUT_CALLBACK": "default"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    for cluster in ("orders", "ledger"):
        tasks.user(cluster=cluster, name=account, state="absent")

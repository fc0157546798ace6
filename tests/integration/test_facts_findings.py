# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings about real servers and real policies: each is there when its cause is, and gone when its remedy has run."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.integration.conftest import Administration
from tests.integration.tasks import Result, Tasks
from tests.sandbox.clients import State, aws_client, connect_statement, create_principal, login

MYSQL, POSTGRESQL = ["orders", "warehouse"], ["ledger", "archive"]
IAM = "IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS'"

Found = Callable[..., dict[str, dict[str, Any]]]


@pytest.fixture
def found(tasks: Tasks) -> Found:
    """Findings of a cluster about accounts and policies whose names begin so, by code."""

    def gather(cluster: str, prefix: str) -> dict[str, dict[str, Any]]:
        facts = tasks.facts(cluster=cluster, gather_subset=["findings"], names=[f"{prefix}*"])
        about = (prefix, prefix.replace("_", "-"))
        ours = [
            item for item in facts["findings"] if item["kind"] == "cluster" or any(n in item["message"] for n in about)
        ]
        return {item["code"]: item for item in ours}

    return gather


def run(tasks: Tasks, remedy: dict[str, Any]) -> Result:
    (module,) = (key for key in remedy if key != "name")
    return tasks.run(module.rpartition(".")[2], **remedy[module])


@contextlib.contextmanager
def policy(state: State, name: str, *statements: dict[str, Any]) -> Iterator[Any]:
    user = name.replace("_", "-")
    principal = create_principal(state, user, *statements)
    try:
        yield principal
    finally:
        iam = aws_client(state, "iam")
        iam.delete_access_key(UserName=user, AccessKeyId=principal.access_key)
        iam.delete_user_policy(UserName=user, PolicyName="connect")
        iam.delete_user(UserName=user)


MYSQL_ACCOUNTS = {
    # SQL that makes {account}; whether the remedy puts it right
    "tls_not_required": (f"CREATE USER {{account}} {IAM}", True),
    "auth_string": ("CREATE USER {account} IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDX' REQUIRE SSL", True),
    "host_unreachable": (f"CREATE USER {{account}}@localhost {IAM} REQUIRE SSL", False),
    "powerful": (f"CREATE USER {{account}} {IAM}; GRANT CREATE USER ON *.* TO {{account}}", False),
    "password_convertible": ("CREATE USER {account} IDENTIFIED BY 'Pa55word!'", True),
    "account_orphan": (f"CREATE USER {{account}} {IAM} REQUIRE SSL", True),
    "never_used": (f"CREATE USER {{account}} {IAM} REQUIRE SSL", True),
    "case_twins": (f"CREATE USER {{account}} {IAM}, {{account}}X {IAM}, {{account}}x {IAM}", False),
}


@pytest.mark.parametrize("code", MYSQL_ACCOUNTS)
@pytest.mark.parametrize("cluster", MYSQL)
def test_mysql_accounts(
    tasks: Tasks, admin: Administration, found: Found, account: str, cluster: str, code: str
) -> None:
    sql, remedied = MYSQL_ACCOUNTS[code]
    assert code not in found(cluster, account)
    admin.sql(cluster, sql.format(account=account))
    finding = found(cluster, account)[code]
    assert (finding["remedy"] is not None) == remedied
    if remedied:
        assert run(tasks, finding["remedy"])["changed"]
        assert code not in found(cluster, account)
    for user, host in admin.sql(cluster, f"SELECT User, Host FROM mysql.user WHERE User LIKE '{account}%'"):
        admin.sql(cluster, f"DROP USER `{user}`@`{host}`")


IN = "SET ROLE postgres; CREATE ROLE {account} LOGIN; "
POSTGRESQL_ACCOUNTS = {
    # SQL that makes {account}; what is left of it afterwards; whether the remedy puts it right
    "iam_by_group": (
        IN + "CREATE ROLE {account}_g; GRANT {account}_g TO {account}; GRANT rds_iam TO {account}_g",
        False,
    ),
    "kerberos_too": ("CREATE ROLE {account} LOGIN; GRANT rds_iam, rds_ad TO {account}", True),
    "powerful": ("CREATE ROLE {account} LOGIN; GRANT rds_iam, rds_superuser TO {account}", False),
    "password_convertible": (IN, True),
    "account_orphan": (IN + "GRANT rds_iam TO {account}", True),
    "case_twins": (
        IN + 'CREATE ROLE "{account}X" LOGIN; CREATE ROLE {account}x LOGIN; GRANT rds_iam TO {account}x, "{account}X"',
        False,
    ),
    "half_dropped": (
        IN + "ALTER ROLE {account} NOLOGIN; COMMENT ON ROLE {account} IS '[dbops.aurora_iam: leaving]'",
        True,
    ),
}


@pytest.mark.parametrize("code", POSTGRESQL_ACCOUNTS)
@pytest.mark.parametrize("cluster", POSTGRESQL)
def test_postgresql_accounts(
    tasks: Tasks, admin: Administration, found: Found, account: str, cluster: str, code: str
) -> None:
    sql, remedied = POSTGRESQL_ACCOUNTS[code]
    assert code not in found(cluster, account)
    if not admin.sql(cluster, "SELECT 1 FROM pg_roles WHERE rolname = 'rds_ad'"):
        admin.sql(cluster, "CREATE ROLE rds_ad")
    admin.sql(cluster, sql.format(account=account))
    try:
        finding = found(cluster, account)[code]
        assert (finding["remedy"] is not None) == remedied
        if remedied and code != "kerberos_too":
            assert run(tasks, finding["remedy"])["changed"]
            assert code not in found(cluster, account)
    finally:
        for (role,) in admin.sql(cluster, f"SELECT rolname FROM pg_roles WHERE rolname LIKE '{account}%'"):
            admin.sql(cluster, f'DROP ROLE "{role}"')


def test_a_master_in_rds_iam(admin: Administration, tasks: Tasks, account: str) -> None:
    """On PostgreSQL 18 the sandbox lets its master in all the same, so that this can be looked at."""
    cluster = "ledger"

    def found() -> list[str]:
        findings = tasks.facts(cluster=cluster, gather_subset=["findings"])["findings"]
        return [finding["message"] for finding in findings if finding["code"] == "administrator_lockout"]

    assert found() == []
    admin.sql(cluster, f"CREATE ROLE {account} LOGIN; GRANT rds_iam TO {account}; GRANT {account} TO postgres")
    try:
        (message,) = found()
        assert f"(postgres → {account} → rds_iam)" in message
    finally:
        admin.sql(cluster, f"DROP ROLE {account}")


@pytest.mark.parametrize("cluster", ["orders", "ledger"])
def test_policies(tasks: Tasks, state: State, found: Found, account: str, cluster: str) -> None:
    right = connect_statement(state, cluster, account)
    arn: str = right["Resource"]
    resource_id = state["clusters"][cluster]["resource_id"]
    tasks.user(cluster=cluster, name=account)
    cases: dict[str, dict[str, Any]] = {
        "policy_any_account": {"Resource": f"{arn.rsplit(':', 1)[0]}:*/*"},
        "policy_case": {"Resource": f"{arn.rsplit('/', 1)[0]}/{account.upper()}"},
        "policy_condition_ineffective": {"Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}},
        "policy_dangling": {"Resource": f"{arn}_gone"},
        "policy_everything": {"Action": "*", "Resource": "*"},
        "policy_identifier": {"Resource": arn.replace(resource_id, cluster)},
        "policy_name_too_long": {"Resource": f"{arn}{'x' * 70}"},
        "policy_other_cluster": {"Resource": arn.replace(resource_id, "cluster-ABCDEFGHIJKL")},
        "policy_wrong_arn": {"Resource": arn.replace("eu-central-1", "eu-west-1")},
    }
    silent = {"account_orphan", "never_used"}
    with policy(state, account, right):
        assert set(found(cluster, account)) <= silent - {"account_orphan"}
    for code, change in cases.items():
        with policy(state, account, {**right, **change}):
            assert set(found(cluster, account)) - silent == {code}
    tasks.user(cluster=cluster, name=account, state="absent")


def test_somebody_logs_in(tasks: Tasks, state: State, found: Found, account: str) -> None:
    tasks.user(cluster="orders", name=account)
    with policy(state, account, connect_statement(state, "orders", account)) as principal:
        assert set(found("orders", account)) == {"never_used"}
        login(state, "orders", account, principal)
        assert found("orders", account) == {}
    tasks.user(cluster="orders", name=account, state="absent")


@pytest.mark.parametrize("cluster", ["catalogue", "payroll"])
def test_iam_authentication_is_off(
    tasks: Tasks, state: State, admin: Administration, found: Found, account: str, cluster: str
) -> None:
    rds = aws_client(state, "rds")

    def switch(on: bool, now: bool = True) -> None:
        rds.modify_db_cluster(DBClusterIdentifier=cluster, EnableIAMDatabaseAuthentication=on, ApplyImmediately=now)

    def described() -> dict[str, Any]:
        answer: dict[str, Any] = rds.describe_db_clusters(DBClusterIdentifier=cluster)["DBClusters"][0]
        return answer

    assert found(cluster, account) == {}
    switch(True, now=False)
    pending = found(cluster, account)["iam_auth_pending"]
    assert pending["remedy"]["dbops.aurora_iam.aurora_iam_cluster"] == {
        "cluster": cluster,
        "iam_auth": "enabled",
        "apply_immediately": True,
    }
    switch(True)
    wait(described, True)
    tasks.user(cluster=cluster, name=account)
    switch(False)
    wait(described, False)
    finding = found(cluster, account)["iam_auth_off"]
    assert finding["remedy"]["dbops.aurora_iam.aurora_iam_cluster"] == {"cluster": cluster, "iam_auth": "enabled"}
    admin.sql(cluster, f"DROP {'ROLE' if cluster == 'payroll' else 'USER'} {account}")
    assert found(cluster, account) == {}


def wait(described: Callable[[], dict[str, Any]], enabled: bool) -> None:
    for _turn in range(100):
        cluster = described()
        if cluster["Status"] == "available" and cluster["IAMDatabaseAuthenticationEnabled"] == enabled:
            return
    raise AssertionError(cluster)

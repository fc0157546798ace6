# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings about real servers and real policies: each is there when its cause is, and gone when its remedy has run."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ansible_collections.dbops.aurora_iam.plugins.module_utils._findings import accounts as account_findings
from ansible_collections.dbops.aurora_iam.plugins.module_utils._findings.ineffective import REASONS
from tests.integration.administration import Administration
from tests.integration.tasks import Result, Tasks
from tests.sandbox.clients import (
    LoginRefused,
    State,
    aws_client,
    connect_statement,
    create_principal,
    login,
)

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


MYSQL_ACCOUNTS: dict[str, tuple[str, bool]] = {
    # SQL that makes {account}; whether there is a remedy
    "tls_not_required": (f"CREATE USER {{account}} {IAM}", True),
    "auth_string": ("CREATE USER {account} IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDX' REQUIRE SSL", True),
    "failed_logins": (
        f"CREATE USER {{account}} {IAM} REQUIRE SSL FAILED_LOGIN_ATTEMPTS 2 PASSWORD_LOCK_TIME UNBOUNDED",
        True,
    ),
    "host_unreachable": (f"CREATE USER {{account}}@localhost {IAM} REQUIRE SSL", False),
    "foreign_grants": (
        f"CREATE USER {{account}} {IAM}, {{account}}@'10.%' {IAM}; GRANT SELECT ON mysql.time_zone TO {{account}}",
        False,
    ),
    "powerful": (f"CREATE USER {{account}} {IAM}; GRANT CREATE USER ON *.* TO {{account}}", False),
    "password_convertible": ("CREATE USER {account} IDENTIFIED BY 'Pa55word!'", True),
    "account_orphan": (f"CREATE USER {{account}} {IAM} REQUIRE SSL", False),
    "never_used": (f"CREATE USER {{account}} {IAM} REQUIRE SSL", True),
    "case_twins": (f"CREATE USER {{account}} {IAM}, {{account}}X {IAM}, {{account}}x {IAM}", False),
}
MADE = "SET ROLE postgres; CREATE ROLE {account} LOGIN; "
POSTGRESQL_ACCOUNTS: dict[str, tuple[str, bool]] = {
    "iam_by_group": (
        MADE + "CREATE ROLE {account}_g; GRANT {account}_g TO {account}; GRANT rds_iam TO {account}_g",
        False,
    ),
    "kerberos_too": (MADE + "GRANT rds_iam TO {account}; RESET ROLE; GRANT rds_ad TO {account}", True),
    "powerful": ("CREATE ROLE {account} LOGIN; GRANT rds_iam, rds_superuser TO {account}", False),
    "password_convertible": (MADE, True),
    "account_orphan": (MADE + "GRANT rds_iam TO {account}", False),
    "case_twins": (
        MADE
        + 'CREATE ROLE "{account}X" LOGIN; CREATE ROLE {account}x LOGIN; GRANT rds_iam TO {account}x, "{account}X"',
        False,
    ),
}


@pytest.fixture
def long_uptime(monkeypatch: pytest.MonkeyPatch) -> None:
    """The servers of the sandbox are young; let a second be the month after which an unused account is found."""
    monkeypatch.setattr(account_findings, "_LONG", 1)


@pytest.mark.usefixtures("long_uptime")
@pytest.mark.parametrize("cluster", [*MYSQL, *POSTGRESQL])
def test_accounts(tasks: Tasks, admin: Administration, state: State, account: str, cluster: str) -> None:
    """One account for each finding."""
    mysql = cluster in MYSQL
    cases = MYSQL_ACCOUNTS if mysql else POSTGRESQL_ACCOUNTS
    names = {code: f"{account}{number}" for number, code in enumerate(cases)}

    def found() -> dict[str, dict[str, Any]]:
        facts = tasks.facts(cluster=cluster, gather_subset=["findings"], names=[f"{account}*"])
        return {
            code: item
            for item in facts["findings"]
            for code, name in names.items()
            if item["code"] == code and item["subject"].partition("@")[0] in (name, name + "x")
        }

    try:
        assert found() == {}
        for code, (sql, _remedied) in cases.items():
            admin.sql(cluster, sql.format(account=names[code]))
        there = found()
        assert {code: item["remedy"] is not None for code, item in there.items()} == {
            code: remedied for code, (_sql, remedied) in cases.items()
        }
        if not mysql:
            # The superuser granted it, which from 16 on is not for the master to revoke
            assert there.pop("kerberos_too")["remedy"]["dbops.aurora_iam.aurora_iam_user"]["roles"] == []
            admin.sql(cluster, f"REVOKE rds_ad FROM {names['kerberos_too']}")
        # An account is converted only if somebody may connect as it
        with policy(state, f"{account}-convert", connect_statement(state, cluster, names["password_convertible"])):
            for item in there.values():
                assert item["remedy"] is None or run(tasks, item["remedy"])["changed"]
        assert set(found()) == {code for code, (_sql, remedied) in cases.items() if not remedied}
    finally:
        remove(admin, cluster, account, mysql)


def remove(admin: Administration, cluster: str, prefix: str, mysql: bool) -> None:
    if mysql:
        for user, host in admin.sql(cluster, f"SELECT User, Host FROM mysql.user WHERE User LIKE '{prefix}%'"):
            admin.sql(cluster, f"DROP USER `{user}`@`{host}`")
        return
    for (role,) in admin.sql(cluster, f"SELECT rolname FROM pg_roles WHERE rolname LIKE '{prefix}%'"):
        admin.sql(cluster, f'DROP ROLE "{role}"')


def test_a_master_in_rds_iam(admin: Administration, tasks: Tasks, state: State, account: str) -> None:
    """It may be there on purpose. On PostgreSQL 18 the sandbox's master logs in all the same, so that one can look."""
    cluster = "ledger"

    def found() -> dict[str, str]:
        findings = tasks.facts(cluster=cluster, gather_subset=["findings"])["findings"]
        return {each["code"]: each["message"] for each in findings if each["code"].startswith("administrator_")}

    assert found() == {}
    admin.sql(cluster, f"CREATE ROLE {account} LOGIN; GRANT rds_iam TO {account}; GRANT {account} TO postgres")
    try:
        (message,) = found().values()
        assert f"(through postgres → {account} → rds_iam)" in message
        assert "revoke" not in message.lower()
        create_principal(state, f"{account}-dba", connect_statement(state, cluster, "postgres"))
        assert list(found()) == ["administrator_by_iam"]
    finally:
        admin.sql(cluster, f"DROP ROLE {account}")
        aws_client(state, "iam").delete_user_policy(UserName=f"{account}-dba", PolicyName="connect")


def test_an_administrator_in_rds_iam_by_the_admin_option(admin: Administration, tasks: Tasks, account: str) -> None:
    """What the server does since 16 where an administrator creates a role that becomes IAM-authenticated."""
    boss = f"{account}_boss"
    admin.sql(
        "ledger", f"CREATE ROLE {boss} LOGIN CREATEROLE; CREATE ROLE {account}_x LOGIN; GRANT rds_iam TO {account}_x"
    )

    def found() -> list[str]:
        findings = tasks.facts(cluster="ledger", gather_subset=["findings"])["findings"]
        return [item["message"] for item in findings if item["code"] == "administrator_lockout"]

    try:
        assert found() == []
        admin.sql("ledger", f"GRANT {account}_x TO {boss} WITH ADMIN TRUE, INHERIT FALSE, SET FALSE")
        (message,) = found()
        assert f"{boss} (CREATEROLE)" in message
        assert f"({boss} → {account}_x → rds_iam)" in message
        admin.sql("ledger", f"GRANT rds_iam TO {boss}")
        assert found() == []
    finally:
        admin.sql("ledger", f"DROP ROLE {boss}; DROP ROLE {account}_x")


def mistakes(state: State, cluster: str, account: str, arn: str) -> dict[str, dict[str, Any]]:
    """By finding, or by reason: what of the right statement is different."""
    described = state["clusters"][cluster]
    resource_id = described["resource_id"]
    return {
        "any_account": {"Resource": f"{arn.rsplit(':', 1)[0]}:*/*"},
        "any_account_but": {"Resource": [], "NotResource": f"{arn}_gone"},
        "condition_ineffective": {"Condition": {"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}}},
        "dangling": {"Resource": f"{arn}_gone"},
        "everything": {"Action": "*", "Resource": "*"},
        "other_cluster": {"Resource": arn.replace(resource_id, "cluster-ABCDEFGHIJKL")},
        "action": {"Action": "rds:Connect"},
        "service": {"Resource": described["arn"]},
        "region": {"Resource": arn.replace("eu-central-1", "eu-west-1")},
        "resource_type": {"Resource": arn.replace(":dbuser:", ":db:")},
        "separator": {"Resource": f"{arn.rsplit('/', 1)[0]}:{account}"},
        "identifier": {"Resource": arn.replace(resource_id, cluster)},
        "resource_id_case": {"Resource": arn.replace(resource_id, resource_id.lower())},
        "resource_id_prefix": {"Resource": arn.replace(resource_id, resource_id.partition("-")[2])},
        "resource_id_kind": {"Resource": arn.replace("cluster-", "db-")},
        "account_left_out": {"Resource": arn.rsplit("/", 1)[0]},
        "account_case": {"Resource": f"{arn.rsplit('/', 1)[0]}/{account.upper()}"},
        "account_too_long": {"Resource": f"{arn}{'x' * 70}"},
        "variable": {"Resource": arn.replace(account, "${aws:SourceVpc}")},
        "tag": {"Resource": arn.replace(account, "${aws:PrincipalTag/db_user}")},
        "network_condition": {"Condition": {"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}},
        "date_over": {"Condition": {"DateLessThan": {"aws:CurrentTime": "2026-01-01T00:00:00Z"}}},
        "condition": {"Condition": {"StringEquals": {"aws:PrincipalTag/team": "shop"}}},
    }


@pytest.mark.parametrize("cluster", ["orders", "ledger"])
def test_policies(tasks: Tasks, state: State, account: str, cluster: str) -> None:
    """One IAM user for each finding, and one whose policy is right: about that, nothing is found. Whom a policy lets
    connect, as the findings have it, the server lets log in, and nobody else."""
    right = connect_statement(state, cluster, account)
    arn: str = right["Resource"]
    changes = mistakes(state, cluster, account, arn)
    users = {code: f"{account}-{code}".replace("_", "-") for code in changes}
    allowing = {"any_account", "any_account_but", "condition_ineffective", "everything"}

    def found() -> dict[str, set[str]]:
        facts = tasks.facts(cluster=cluster, gather_subset=["findings"])
        subjects = {
            user: {f["reason"] or f["code"] for f in facts["findings"] if f" {user}," in f["subject"]}
            for user in users.values()
        }
        return {user: found for user, found in subjects.items() if found}

    def expected(*without: str) -> dict[str, set[str]]:
        named = {"dangling": "account_missing", "any_account_but": "policy_any_account"}
        return {
            user: {named.get(code, code if code in REASONS else f"policy_{code}")}
            for code, user in users.items()
            if code not in without
        }

    tasks.user(cluster=cluster, name=account)
    with contextlib.ExitStack() as policies:
        principals = {}
        for code, change in changes.items():
            statement = {key: value for key, value in {**right, **change}.items() if value}
            principals[code] = policies.enter_context(policy(state, users[code], statement))
        assert found() == expected("other_cluster")
        assert {
            code for code, principal in principals.items() if lets_in(state, cluster, account, principal)
        } == allowing
        with policy(state, f"{account}-right", right):
            assert found() == expected("other_cluster")
    assert found() == {}
    with policy(state, users["other_cluster"], {**right, **changes["other_cluster"]}):
        # Nobody may connect as the account here, so that it may wait for somebody elsewhere
        assert found() == {users["other_cluster"]: {"policy_other_cluster"}}
    tasks.user(cluster=cluster, name=account, state="absent")


def lets_in(state: State, cluster: str, user: str, principal: Any) -> bool:
    try:
        login(state, cluster, user, principal)
    except LoginRefused:
        return False
    return True


@pytest.mark.usefixtures("long_uptime")
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
    for _turn in range(300):
        cluster = described()
        if cluster["Status"] == "available" and cluster["IAMDatabaseAuthenticationEnabled"] == enabled:
            return
        time.sleep(0.1)
    raise AssertionError(cluster)

# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A password is taken away only where somebody can log in without it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.integration.administration import Administration
from tests.integration.hook import Hook
from tests.integration.tasks import Result, TaskFailed, Tasks, converge, refused_alike
from tests.sandbox.clients import LIBRARIES, State, attempt, aws_client, connect_statement, create_principal, login

pytestmark = pytest.mark.direct("is about IAM")

SECRET = "What nobody 1 knows"
CREATE = {
    "orders": f"CREATE USER {{name}} IDENTIFIED BY '{SECRET}'",
    "ledger": f"CREATE ROLE {{name}} LOGIN PASSWORD '{SECRET}'; "
    "GRANT {name} TO postgres WITH ADMIN TRUE, INHERIT FALSE, SET FALSE",
}


@pytest.fixture
def service(admin: Administration, cluster: str, account: str) -> str:
    """An account with a password, as which no principal may connect but the sandbox's administrator."""
    admin.sql(cluster, CREATE[cluster].format(name=account))
    return account


@pytest.fixture
def convert(tasks: Tasks, cluster: str, service: str):
    def run(*, check: bool = False, **options: object) -> Result:
        named = {"cluster": cluster, "name": service, "convert": True, "convert_unchecked": False}
        return tasks.user(check=check, **{**named, **options})

    return run


def logs_in_by_password(state: State, cluster: str, name: str) -> bool:
    described = state["clusters"][cluster]
    return LIBRARIES[described["engine"]](attempt(state, cluster, name, SECRET)).partition("@")[0] == name


def test_nobody_may_connect(state: State, cluster: str, service: str, convert):
    message = refused_alike(convert)
    arn = connect_statement(state, cluster, service)["Resource"]
    assert f"account {service}" in message
    assert "no IAM principal may connect as" in message
    assert f"Allow rds-db:connect on {arn} first, or set convert_unchecked: true" in message
    assert logs_in_by_password(state, cluster, service)
    converge(lambda **mode: convert(convert_unchecked=True, **mode))


def test_somebody_may_connect(state: State, hook: Hook, cluster: str, service: str, convert):
    principal = create_principal(state, service.replace("_", "-"), connect_statement(state, cluster, service))
    converge(convert)
    assert login(state, cluster, service, principal).partition("@")[0] == service
    hook.forget()
    convert()
    assert "GetAccountAuthorizationDetails" not in hook.calls()


def test_an_account_that_is_locked_is_not_meant_to_log_in(convert):
    converge(lambda **mode: convert(locked=True, **mode))


@pytest.fixture
def behind_proxy(state: State, cluster: str, service: str) -> Iterator[str]:
    """A proxy in front of the cluster, with the password of the account. Somebody may connect as the account."""
    create_principal(state, f"{service}-2", connect_statement(state, cluster, service))
    rds, secrets, ec2 = (aws_client(state, each) for each in ("rds", "secretsmanager", "ec2"))
    value = json.dumps({"username": service, "password": SECRET})
    arn = secrets.create_secret(Name=f"behind-{service}", SecretString=value)["ARN"]
    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    name = f"before-{service.replace('_', '-')}"
    rds.create_db_proxy(
        DBProxyName=name,
        EngineFamily="MYSQL" if cluster == "orders" else "POSTGRESQL",
        Auth=[{"AuthScheme": "SECRETS", "SecretArn": arn, "IAMAuth": "REQUIRED"}],
        RoleArn="arn:aws:iam::123456789012:role/proxy",
        VpcSubnetIds=[subnet],
    )
    rds.register_db_proxy_targets(DBProxyName=name, DBClusterIdentifiers=[cluster])
    yield name
    rds.delete_db_proxy(DBProxyName=name)


def test_a_proxy_logs_in_with_the_password(state: State, cluster: str, service: str, behind_proxy: str, convert):
    message = refused_alike(convert)
    assert f"proxy {behind_proxy} logs in as {service}" in message
    assert "Let the proxy log in otherwise first, or set convert_unchecked: true" in message
    assert logs_in_by_password(state, cluster, service)
    converge(lambda **mode: convert(convert_unchecked=True, **mode))


@pytest.mark.parametrize("action", ["GetAccountAuthorizationDetails", "DescribeDBProxies", "DescribeDBProxyTargets"])
def test_what_cannot_be_told_is_refused(state: State, hook: Hook, cluster: str, service: str, convert, action: str):
    create_principal(state, f"{service}-3", connect_statement(state, cluster, service))
    hook.fail(action, kind="error", code="AccessDenied", status=403, message="not authorized", count=10)
    message = refused_alike(convert)
    assert "cannot be told" in message
    assert f":{action}" in message
    assert logs_in_by_password(state, cluster, service)


def test_mistakes_of_several_accounts_are_told_at_once(tasks: Tasks, admin: Administration, cluster: str, service: str):
    other = f"{service}_2"
    admin.sql(cluster, CREATE[cluster].format(name=other))
    users = [{"name": name, "convert": True, "convert_unchecked": False} for name in (service, other)]
    with pytest.raises(TaskFailed) as failure:
        tasks.users(cluster=cluster, users=users)
    assert [error["element"] for error in failure.value.result["errors"]] == ["convert", "convert"]
    assert f"{other}" in str(failure.value)

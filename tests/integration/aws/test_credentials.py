# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each way to log in, with each way to be somebody in AWS, directly and through a tunnel."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.integration.administration import Administration
from tests.integration.administrators import (
    change_password,
    password_administrator,
    put_secret,
)
from tests.integration.tasks import Result, TaskFailed, Tasks, converge
from tests.integration.tunnel import tunnel
from tests.sandbox.clients import Principal, State, aws_client, connect_statement, create_principal, login

pytestmark = pytest.mark.direct("is about logging in on a connection")

NO_KEYS: dict[str, Any] = {"access_key": None, "secret_key": None}
GRANTS = {
    "orders": [{"privileges": ["SELECT"], "on": "orders.*"}],
    "ledger": [{"privileges": ["CONNECT"], "on": "DATABASE", "database": "ledger"}],
}
DESCRIBE = {"Effect": "Allow", "Action": "rds:DescribeDBClusters", "Resource": "*"}


def whole_life(tasks: Tasks, state: State, cluster: str, account: str, **options: Any) -> list[Result]:
    """Create, grant, log in with a token as the account, lock, drop."""

    def user(**changes: Any) -> Result:
        return converge(lambda **mode: tasks.user(cluster=cluster, name=account, **changes, **options, **mode))

    results = [user(comment="for Jane"), user(grants=GRANTS[cluster])]
    principal = create_principal(state, uuid.uuid4().hex, connect_statement(state, cluster, account))
    assert login(state, cluster, account, principal).partition("@")[0] == account
    return [*results, user(locked=True), user(state="absent")]


def test_an_iam_administrator_does_what_the_master_does(
    tasks: Tasks, state: State, cluster: str, account: str, iam_administrator: str
):
    principal = create_principal(
        state, uuid.uuid4().hex, DESCRIBE, connect_statement(state, cluster, iam_administrator)
    )
    keys = {"access_key": principal.access_key, "secret_key": principal.secret_key}
    as_iam = whole_life(tasks, state, cluster, account, login_user=iam_administrator, login_method="iam", **keys)
    as_master = whole_life(tasks, state, cluster, account)
    for key in ("account", "connect_arn", "statements", "diff"):
        assert [without_names(result[key]) for result in as_iam] == [without_names(result[key]) for result in as_master]


def without_names(value: object) -> str:
    """MySQL's thread numbers differ from login to login."""
    return re.sub(r"\d+", "N", json.dumps(value))


def test_auto_takes_a_token_where_the_secret_is_somebody_else_s(tasks: Tasks, cluster: str, iam_administrator: str):
    assert tasks.user(cluster=cluster, name="jane", check=True, login_user=iam_administrator)["changed"]


def test_a_token_is_made_anew_for_every_connection_and_signed_for_the_real_endpoint(
    tasks: Tasks, state: State, cluster: str, account: str, iam_administrator: str, monkeypatch: pytest.MonkeyPatch
):
    """Through a tunnel at another port: the verifier refuses what is not signed for the endpoint itself."""
    signed: list[dict[str, Any]] = []
    original = boto3.Session.client
    port = state["clusters"][cluster]["port"]

    def client(session: Any, *arguments: Any, **named: Any) -> Any:
        made = original(session, *arguments, **named)
        if arguments[:1] == ("rds",) or named.get("service_name") == "rds":
            sign = made.generate_db_auth_token
            made.generate_db_auth_token = lambda **asked: signed.append(asked) or sign(**asked)
        return made

    monkeypatch.setattr(boto3.Session, "client", client)
    options: dict[str, Any] = {"login_user": iam_administrator, "login_method": "iam", "login_host": "127.0.0.1"}
    if cluster == "ledger":
        options["login_db"] = "ledger"  # the lock is taken in another one, so that there are two connections
    with tunnel(("127.0.0.1", port)) as opened:
        made = tasks.user(cluster=cluster, name=account, login_port=opened.port, **options)
    assert made["changed"]
    assert opened.connections == len(signed) == (2 if cluster == "ledger" else 1)
    assert all(asked == {"DBHostname": "localhost", "Port": port, "DBUsername": iam_administrator} for asked in signed)


def session_of_a_role(state: State, cluster: str, user: str) -> tuple[str, dict[str, str]]:
    """A role that may connect as the user, and temporary credentials for it."""
    iam, name = aws_client(state, "iam"), f"dba-{uuid.uuid4().hex[:8]}"
    trust = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    role = iam.create_role(
        RoleName=name, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    )["Role"]
    policy = {"Version": "2012-10-17", "Statement": [DESCRIBE, connect_statement(state, cluster, user)]}
    iam.put_role_policy(RoleName=name, PolicyName="connect", PolicyDocument=json.dumps(policy))
    answer = aws_client(state, "sts").assume_role(RoleArn=role["Arn"], RoleSessionName="ansible")
    return role["Arn"], answer["Credentials"]


def test_the_session_of_an_assumed_role(tasks: Tasks, state: State, cluster: str, account: str, iam_administrator: str):
    _arn, credentials = session_of_a_role(state, cluster, iam_administrator)
    options = {
        "access_key": credentials["AccessKeyId"],
        "secret_key": credentials["SecretAccessKey"],
        "session_token": credentials["SessionToken"],
    }
    assert tasks.user(cluster=cluster, name=account, login_user=iam_administrator, **options)["changed"]
    with pytest.raises(TaskFailed, match="The security token included in the request is invalid"):
        tasks.user(cluster=cluster, name=account, login_user=iam_administrator, **{**options, "session_token": None})


@pytest.fixture
def aws_config(state: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, str]], None]:
    """AWS's shared files, with these profiles and nothing else."""

    def write(profiles: dict[str, str]) -> None:
        config = "".join(f"[profile {name}]\nregion = {state['region']}\n{text}\n" for name, text in profiles.items())
        (tmp_path / "config").write_text(config)
        monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
        monkeypatch.setenv("AWS_ENDPOINT_URL", state["endpoint_url"])

    return write


def keys_of(principal: Principal) -> str:
    return f"aws_access_key_id = {principal.access_key}\naws_secret_access_key = {principal.secret_key}\n"


def test_a_profile(
    tasks: Tasks,
    state: State,
    cluster: str,
    account: str,
    iam_administrator: str,
    aws_config: Callable[[dict[str, str]], None],
):
    """Its region too; and the endpoint_url from the environment where the task has none."""
    aws_config(
        {
            "dba": keys_of(
                create_principal(state, uuid.uuid4().hex, connect_statement(state, cluster, iam_administrator))
            )
        }
    )
    options = {**NO_KEYS, "profile": "dba", "region": None, "endpoint_url": None}
    assert tasks.user(cluster=cluster, name=account, login_user=iam_administrator, **options)["changed"]


def test_a_profile_that_assumes_a_role(
    tasks: Tasks,
    state: State,
    cluster: str,
    account: str,
    iam_administrator: str,
    aws_config: Callable[[dict[str, str]], None],
):
    arn, _credentials = session_of_a_role(state, cluster, iam_administrator)
    nobody = create_principal(state, uuid.uuid4().hex)
    aws_config({"base": keys_of(nobody), "dba": f"role_arn = {arn}\nsource_profile = base\n"})
    options = {**NO_KEYS, "profile": "dba"}
    assert tasks.user(cluster=cluster, name=account, login_user=iam_administrator, **options)["changed"]
    signed = rf"refused the IAM token of {iam_administrator}.* signed for {iam_administrator} at localhost:\d+ in "
    with pytest.raises(TaskFailed, match=signed):
        tasks.user(
            cluster=cluster, name=account, login_user=iam_administrator, login_method="iam", **NO_KEYS, profile="base"
        )


def test_a_named_secret(tasks: Tasks, state: State, admin: Administration, cluster: str):
    """By name and by ARN, and with the other keys that Secrets Manager's own rotation writes."""
    with password_administrator(admin, state, cluster) as (user, password):
        name = f"dba/{uuid.uuid4().hex}"
        value = {"username": user, "password": password, "engine": "x", "host": "elsewhere", "port": 1}
        arn = put_secret(state, name, value)
        for secret in (name, arn):
            assert tasks.user(cluster=cluster, name="jane", check=True, login_secret=secret)["changed"]


def test_a_secret_that_is_rotated_between_being_read_and_being_used(
    tasks: Tasks, state: State, admin: Administration, cluster: str, account: str
):
    """It is read once more, and only once: the tunnel rotates it when the task connects with what it has read."""
    name, port = f"dba/{uuid.uuid4().hex}", state["clusters"][cluster]["port"]
    options = {
        "cluster": cluster,
        "name": account,
        "login_secret": name,
        "login_host": "127.0.0.1",
        "login_db": "postgres",
    }
    with password_administrator(admin, state, cluster) as (user, password):
        put_secret(state, name, {"username": user, "password": password})

        def rotate(_number: int) -> None:
            fresh = uuid.uuid4().hex
            change_password(admin, cluster, user, fresh)
            put_secret(state, name, {"username": user, "password": fresh})

        with tunnel(("127.0.0.1", port), lambda number: number or rotate(number)) as opened:
            assert tasks.user(**options, login_port=opened.port)["changed"]
            assert opened.connections == 2
        with (
            tunnel(("127.0.0.1", port), rotate) as opened,
            pytest.raises(TaskFailed, match=rf"(refused the password of|wrong credentials for) {user}"),
        ):
            tasks.user(**options, login_port=opened.port)
        assert opened.connections == 2


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("S3cret that is no JSON", "is not a database secret"),
        ('"S3cret"', "is not a database secret"),
        ({"username": "admin"}, "is not a database secret"),
        ({"username": "admin", "password": None}, "is not a database secret"),
        ({"username": "admin", "password": ["S3cret"]}, "is not a database secret"),
    ],
)
def test_a_secret_that_is_none_of_a_database(tasks: Tasks, state: State, value: object, reason: str):
    name = f"odd/{uuid.uuid4().hex}"
    put_secret(state, name, value)
    with pytest.raises(TaskFailed, match=f"The secret {name} {reason}") as failure:
        tasks.user(cluster="orders", name="jane", login_secret=name)
    assert "S3cret" not in json.dumps(failure.value.result)


def test_a_secret_that_does_not_exist(tasks: Tasks):
    with pytest.raises(TaskFailed, match="There is no secret no/such; check login_secret"):
        tasks.user(cluster="orders", name="jane", login_secret="no/such")

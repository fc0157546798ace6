# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nobody asks the AWS endpoint without a live key of the sandbox, in whatever way it is tried."""

from __future__ import annotations

import io
import json
import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.sandbox.aws.identities import find_credential
from tests.sandbox.aws.signed_requests import CLOCK_SKEW, RequestRefused, check_signature, password
from tests.sandbox.servers.clusters import REGION

from .endpoint import Endpoint

CALLS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "rds, reading": ("rds", lambda client: client.describe_db_clusters()),
    "rds, changing": ("rds", lambda client: client.delete_db_cluster(DBClusterIdentifier="orders")),
    "secrets": ("secretsmanager", lambda client: client.list_secrets()),
    "iam": ("iam", lambda client: client.create_user(UserName="mallory")),
    "sts": ("sts", lambda client: client.get_caller_identity()),
    "data api": (
        "rds-data",
        lambda client: client.execute_statement(resourceArn="arn:aws:rds", secretArn="arn:aws:secret", sql="SELECT 1"),
    ),
}
REFUSED = (
    "InvalidClientTokenId|UnrecognizedClientException|SignatureDoesNotMatch|InvalidSignatureException"
    "|MissingAuthenticationToken"
)
HOOKS = [
    ("GET", "_sandbox/calls"),
    ("GET", "_sandbox/requests"),
    ("GET", "_sandbox/auth-log"),
    ("POST", "_sandbox/faults"),
    ("DELETE", "_sandbox/faults"),
    ("POST", "_sandbox/status"),
    ("POST", "_sandbox/fleet"),
    ("POST", "_sandbox/data-api"),
    ("DELETE", "_sandbox/data-api"),
    ("GET", "moto-api/data.json"),
    ("POST", "moto-api/reset"),
    ("POST", "moto-api/reset-auth"),
    ("GET", ""),
]


def client(endpoint: Endpoint, service: str, key: str, secret: str, token: str | None = None, **config: Any) -> Any:
    once = Config(retries={"total_max_attempts": 1}, **config)
    session: Any = boto3.Session(key, secret, token, region_name=REGION)
    return session.client(service, endpoint_url=endpoint.url, config=once)


@pytest.mark.parametrize("call", CALLS)
def test_a_call_needs_a_live_key_and_its_signature(endpoint: Endpoint, call: str) -> None:
    service, ask = CALLS[call]
    for key, secret, token, config in (
        (endpoint.key, "not-its-secret", None, {}),
        ("AKIAUNKNOWNACCESSKEY", endpoint.secret, None, {}),
        (endpoint.key, endpoint.secret, "a-token-it-does-not-have", {}),
        (endpoint.key, endpoint.secret, None, {"signature_version": UNSIGNED}),
    ):
        with pytest.raises(ClientError, match=REFUSED):
            ask(client(endpoint, service, key, secret, token, **config))


def test_a_key_that_is_switched_off(endpoint: Endpoint) -> None:
    iam = endpoint.client("iam")
    iam.create_user(UserName="sleeper")
    key = iam.create_access_key(UserName="sleeper")["AccessKey"]
    asks = client(endpoint, "sts", key["AccessKeyId"], key["SecretAccessKey"])
    assert asks.get_caller_identity()["Arn"].endswith(":user/sleeper")
    iam.update_access_key(UserName="sleeper", AccessKeyId=key["AccessKeyId"], Status="Inactive")
    with pytest.raises(ClientError, match="InvalidClientTokenId"):
        asks.get_caller_identity()


def test_a_role_signs_with_its_session_token(endpoint: Endpoint) -> None:
    trust = {"Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]}
    role = endpoint.client("iam").create_role(RoleName="signer", AssumeRolePolicyDocument=json.dumps(trust))["Role"]
    given = endpoint.client("sts").assume_role(RoleArn=role["Arn"], RoleSessionName="session")["Credentials"]
    keys = (given["AccessKeyId"], given["SecretAccessKey"])
    assert client(endpoint, "sts", *keys, given["SessionToken"]).get_caller_identity()
    for token in (None, "another"):
        with pytest.raises(ClientError, match="InvalidClientTokenId"):
            client(endpoint, "sts", *keys, token).get_caller_identity()


@pytest.mark.parametrize(("method", "path"), HOOKS)
def test_neither_the_hook_nor_moto_answers_strangers(endpoint: Endpoint, method: str, path: str) -> None:
    for header in ({}, {"Authorization": password(endpoint.key, "not-its-secret")}, {"Authorization": "Basic %%"}):
        body = b"[]" if method == "POST" else None
        request = urllib.request.Request(f"{endpoint.url}/{path}", body, header, method=method)
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=5)
        assert refused.value.code == 403


def test_a_request_is_good_for_a_quarter_of_an_hour_and_as_it_was_signed(endpoint: Endpoint) -> None:
    sent: dict[str, Any] = {}
    rds = endpoint.client("rds")
    rds.meta.events.register("before-send.rds", lambda request, **_: sent.update(vars(request)))
    rds.describe_db_clusters()
    headers = {
        name.upper().replace("-", "_"): value.decode() if isinstance(value, bytes) else value
        for name, value in sent["headers"].items()
    }

    def seen(body: bytes) -> dict[str, Any]:
        return {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": "/",
            "wsgi.input": io.BytesIO(body),
            "CONTENT_LENGTH": str(len(body)),
            "CONTENT_TYPE": headers["CONTENT_TYPE"],
            "HTTP_HOST": endpoint.url.removeprefix("http://"),
            **{f"HTTP_{name}": value for name, value in headers.items()},
        }

    text, now = sent["body"], datetime.now(UTC)
    body = text if isinstance(text, bytes) else str(text).encode()
    check_signature(seen(body), find_credential, now)
    for later in (CLOCK_SKEW + timedelta(seconds=2), -CLOCK_SKEW - timedelta(seconds=2)):
        with pytest.raises(RequestRefused, match="Signature expired"):
            check_signature(seen(body), find_credential, now + later)
    with pytest.raises(RequestRefused, match="does not match"):
        check_signature(seen(body.replace(b"DescribeDBClusters", b"DescribeDBInstances")), find_credential, now)

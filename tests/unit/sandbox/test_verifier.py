# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every reason for which a login is refused, with tokens made by boto3."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.sandbox.login.auth_log import AuthErrorLog
from tests.sandbox.login.gate import gate
from tests.sandbox.login.token import LoginToken
from tests.sandbox.login.verifier import Credential, Login, Principal, RefusedError, Verifier, connect_arn
from tests.sandbox.login.verifier_socket import VerifierSocket
from tests.sandbox.servers.clusters import CLUSTERS, TWIN_REGION

from .scenes import KEY, PORT, SECRET, policy, running, sign, statement

ORDERS = running(next(spec for spec in CLUSTERS if spec.identifier == "orders"))
LEDGER = running(next(spec for spec in CLUSTERS if spec.identifier == "ledger"), port=PORT + 1)
MAY_CONNECT = policy(statement("Allow", connect_arn(ORDERS.resource_id, "joe")))
JOE = Credential(SECRET, Principal("arn:aws:iam::123456789012:user/joe", (MAY_CONNECT,)))
SESSION = "session/token+with=signs" + "x" * 1200


def verifier(credential: Credential | None = JOE) -> Verifier:
    clusters = {cluster.spec.identifier: cluster for cluster in (ORDERS, LEDGER)}
    return Verifier(clusters, lambda key: credential if key == KEY else None)


def with_policies(*policies: str, **ceilings: str) -> Credential:
    return replace(JOE, principal=replace(JOE.principal, policies=policies, ceilings=ceilings))


def signed_at(token: str) -> datetime:
    return LoginToken.parse(token).signed_at


def check(
    token: str,
    credential: Credential | None = JOE,
    *,
    cluster: str = "orders",
    user: str = "joe",
    uses_tls: bool = True,
    age: timedelta = timedelta(0),
) -> None:
    try:
        now = signed_at(token) + age
    except ValueError:
        now = signed_at(sign("joe"))
    verifier(credential).check(Login(cluster, user, token, uses_tls), now)


def refusal(token: str, credential: Credential | None = JOE, **circumstances: object) -> tuple[str, int, str]:
    with pytest.raises(RefusedError) as caught:
        check(token, credential, **circumstances)  # type: ignore[arg-type]
    refused = caught.value
    assert token not in refused.reason or not token
    assert refused.reason.endswith(".")
    assert "\n" not in refused.reason
    return refused.error, refused.status, refused.reason


def test_a_token_for_the_proxy_needs_a_policy_that_names_the_proxy() -> None:
    proxy = ORDERS.proxy
    assert proxy is not None
    token = sign("joe", host=proxy.host, port=proxy.port)
    check(token, with_policies(policy(statement("Allow", connect_arn(proxy.resource_id, "joe")))))
    error, _status, reason = refusal(token, with_policies(MAY_CONNECT))
    assert error == "NotAuthorized"
    assert proxy.resource_id in reason


@pytest.mark.parametrize("host", ["localhost", "127.0.0.2"])
def test_a_good_token_is_let_in_at_the_writer_and_at_the_reader(host: str) -> None:
    check(sign("joe", host=host))


@pytest.mark.parametrize("age", [timedelta(seconds=900), timedelta(minutes=-5)])
def test_a_token_lives_900_seconds_and_a_clock_may_be_five_minutes_wrong(age: timedelta) -> None:
    check(sign("joe"), age=age)


@pytest.mark.parametrize("user", ["Joe", "o'hara", "zoë", "a b", "x/y+z=1&w", "%41"])
def test_names_with_special_characters(user: str) -> None:
    check(sign(user), with_policies(policy(statement("Allow", connect_arn(ORDERS.resource_id, user)))), user=user)


def test_an_expired_token() -> None:
    error, status, reason = refusal(sign("joe"), age=timedelta(seconds=901))
    assert (error, status) == ("ExpiredToken", 400)
    assert "901 s old" in reason


def test_a_token_from_the_future() -> None:
    error, _status, reason = refusal(sign("joe"), age=timedelta(seconds=-301))
    assert error == "InvalidToken"
    assert "future" in reason


def test_a_wrong_secret() -> None:
    error, status, reason = refusal(sign("joe", secret="another-secret"))
    assert (error, status) == ("InvalidToken", 400)
    assert "signature" in reason


@pytest.mark.parametrize("name", ["DBUser=joe", "Action=connect", "X-Amz-Date=2"])
def test_a_token_that_was_altered_after_signing(name: str) -> None:
    token = sign("joe").replace("&X-Amz-Algorithm", "&Extra=1&X-Amz-Algorithm")
    assert name in token
    assert "signature" in refusal(token)[2]


@pytest.mark.parametrize(("host", "port"), [("127.0.0.1", PORT), ("localhost", PORT + 1), ("db.example.com", PORT)])
def test_a_token_for_another_endpoint(host: str, port: int) -> None:
    error, _status, reason = refusal(sign("joe", host=host, port=port))
    assert error == "InvalidToken"
    assert f"{host}:{port}, which is no endpoint of cluster orders" in reason


def test_another_users_token() -> None:
    error, _status, reason = refusal(sign("ann"))
    assert error == "InvalidToken"
    assert "for user 'ann', the login is as 'joe'" in reason


def test_the_wrong_case() -> None:
    everyone = with_policies(policy(statement("Allow", "*")))
    assert "case differs" in refusal(sign("joe"), everyone, user="Joe")[2]
    assert refusal(sign("JOE"), user="JOE")[0] == "NotAuthorized"


def test_no_policy() -> None:
    error, status, reason = refusal(sign("joe"), with_policies())
    assert (error, status) == ("NotAuthorized", 403)
    assert f"not allowed to {JOE.principal.arn} by its identity policies" in reason
    assert connect_arn(ORDERS.resource_id, "joe") in reason


def test_a_policy_for_another_cluster() -> None:
    foreign = policy(statement("Allow", connect_arn(ORDERS.resource_id, "joe").replace("ABC", "ABD")))
    assert refusal(sign("joe"), with_policies(foreign))[0] == "NotAuthorized"


def test_an_explicit_deny() -> None:
    denying = with_policies(MAY_CONNECT, policy(statement("Deny", "*")))
    error, status, reason = refusal(sign("joe"), denying)
    assert (error, status) == ("NotAuthorized", 403)
    assert "explicitly denied" in reason


def test_a_ceiling_has_to_allow_as_well() -> None:
    nothing, everything = policy(), policy(statement("Allow", "*"))
    assert "by its session policy" in refusal(sign("joe"), with_policies(MAY_CONNECT, **{"session policy": nothing}))[2]
    assert refusal(sign("joe"), with_policies(nothing, **{"session policy": everything}))[0] == "NotAuthorized"
    check(sign("joe"), with_policies(MAY_CONNECT, **{"session policy": everything}))


def test_a_token_without_tls() -> None:
    error, _status, reason = refusal(sign("joe"), uses_tls=False)
    assert error == "InvalidToken"
    assert "does not use TLS" in reason


def test_an_access_key_that_does_not_exist_or_sleeps() -> None:
    assert "No access key" in refusal(sign("joe"), None)[2]
    assert "not active" in refusal(sign("joe"), replace(JOE, active=False))[2]


def test_another_region() -> None:
    assert "region is 'us-east-1'" in refusal(sign("joe", region="us-east-1"))[2]


def test_a_twin_in_the_other_region_has_policies_of_its_own() -> None:
    token = sign("joe", region=TWIN_REGION)
    assert f"{TWIN_REGION}:123456789012:dbuser:{ORDERS.twin.resource_id}/joe is not allowed" in refusal(token)[2]
    twins = with_policies(policy(statement("Allow", connect_arn(ORDERS.twin.resource_id, "joe", TWIN_REGION))))
    check(token, twins)
    assert "is not allowed" in refusal(sign("joe"), twins)[2]


def test_a_cluster_that_does_not_exist() -> None:
    assert "no cluster 'nowhere'" in refusal(sign("joe"), cluster="nowhere")[2]


def test_temporary_credentials() -> None:
    token = sign("joe", session_token=SESSION)
    assert len(token) > 1500
    temporary = replace(JOE, session_token=SESSION, expires=signed_at(token) + timedelta(seconds=60))
    check(token, temporary)
    assert refusal(token, temporary, age=timedelta(seconds=60))[0] == "ExpiredToken"
    assert "session token" in refusal(token, JOE)[2]
    assert "session token" in refusal(sign("joe"), temporary)[2]
    assert "session token" in refusal(token.replace("with", "With"), temporary)[2]


@pytest.mark.parametrize(
    ("change", "part"),
    [
        (("X-Amz-Expires=900", "X-Amz-Expires=9000"), "lifetime"),
        (("%2Frds-db%2F", "%2Frds%2F"), "service"),
        (("Action=connect", "Action=delete"), "Action"),
        (("SignedHeaders=host", "SignedHeaders=date"), "signed headers"),
        (("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA1"), "algorithm"),
        (("aws4_request", "aws5_request"), "terminator"),
        (("X-Amz-Date=2", "X-Amz-Date=1"), "date"),
        (("&DBUser=joe", ""), "lacks DBUser"),
        (("&DBUser=joe", "&DBUser=joe&DBUser=joe"), "twice"),
        (("&DBUser=joe", "&DBUser=%ff"), "UTF-8"),
        (("/?Action", "/x?Action"), "form"),
        (("/?Action", "/?Action#"), "lacks Action"),
        (("X-Amz-Date=2", "X-Amz-Date=x"), "X-Amz-Date"),
    ],
)
def test_a_token_that_is_not_the_one_request_it_may_be(change: tuple[str, str], part: str) -> None:
    token = sign("joe")
    assert change[0] in token
    assert part in refusal(token.replace(*change))[2]


@pytest.mark.parametrize("password", ["", "hunter2", "\0", "localhost:1/?", "https://localhost:33061/?Action=connect"])
def test_a_password_is_no_token(password: str) -> None:
    assert "not an authentication token" in refusal(password)[2]


@pytest.fixture
def door(tmp_path: Path) -> Iterator[tuple[Path, AuthErrorLog]]:
    log = AuthErrorLog(tmp_path / "iam-db-auth-error.log")
    path = tmp_path / "verifier"
    with VerifierSocket(path, gate(verifier(), log)) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield path, log
        server.shutdown()
        thread.join()


def ask(path: Path, *fields: bytes, cut: int | None = None) -> bytes:
    question = b"".join(struct.pack(">I", len(field)) + field for field in fields)[:cut]
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        client.sendall(question)
        client.shutdown(socket.SHUT_WR)
        return client.recv(16)


def test_the_socket_lets_in_and_logs_what_it_refuses(door: tuple[Path, AuthErrorLog]) -> None:
    path, log = door
    token = sign("joe").encode()
    assert ask(path, b"orders", b"joe", b"1", token) == b"1"
    assert log.entries() == []
    assert ask(path, b"orders", b"joe", b"0", token) == b"0"
    assert ask(path, b"orders", b"ann", b"1", token) == b"0"
    tls, other = log.entries()
    assert {**tls, "time": ""} == {
        "time": "",
        "cluster": "orders",
        "user": "joe",
        "error": "InvalidToken",
        "status": 400,
        "reason": "The connection does not use TLS, so the token was not even read.",
    }
    assert (other["user"], other["error"]) == ("ann", "InvalidToken")
    assert LoginToken.parse(token.decode()).parameters["X-Amz-Signature"] not in json.dumps(log.entries())


@pytest.mark.parametrize("cut", [0, 3, 9, -1])
def test_the_socket_refuses_a_question_that_is_cut_short(door: tuple[Path, AuthErrorLog], cut: int) -> None:
    assert ask(door[0], b"orders", b"joe", b"1", sign("joe").encode(), cut=cut) == b"0"


def test_a_failure_of_the_verifier_itself_refuses(tmp_path: Path) -> None:
    log = AuthErrorLog(tmp_path / "log")
    assert gate(verifier(with_policies("this is not JSON")), log)(Login("orders", "joe", sign("joe"), True)) is False
    (entry,) = log.entries()
    assert (entry["error"], entry["status"]) == ("InternalError", 500)

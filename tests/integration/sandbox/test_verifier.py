# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sandbox lets in who Aurora would let in, and nobody else; and it says why."""

from __future__ import annotations

import datetime
import json
import uuid
from dataclasses import replace

import botocore.auth
import pytest

from tests.integration.tasks import Tasks
from tests.sandbox.clients import (
    LIBRARIES,
    LoginRefused,
    Principal,
    State,
    ask_hook,
    attempt,
    connect_statement,
    create_principal,
    login,
)

pytestmark = pytest.mark.direct("is about the sandbox")

CLUSTERS = ["orders", "ledger", "archive", "warehouse"]
ACCOUNT = "verified_jane"


@pytest.fixture(scope="module", autouse=True)
def accounts(tasks: Tasks) -> None:
    """The account, and its twin in upper case, which shows that a token for the one is no token for the other."""
    for cluster in CLUSTERS:
        for name in (ACCOUNT, ACCOUNT.title(), "verified_john"):
            tasks.user(cluster=cluster, name=name)


@pytest.fixture(scope="module")
def jane(state: State) -> Principal:
    return create_principal(
        state, principal_name(), *(connect_statement(state, cluster, ACCOUNT) for cluster in CLUSTERS)
    )


def principal_name() -> str:
    return f"verified-{uuid.uuid4().hex}"


def last_refusal(state: State) -> dict[str, object]:
    entry: dict[str, object] = ask_hook(state, "GET", "auth-log")[-1]
    return entry


def refused(state: State, cluster: str, user: str, token: str, error: str, reason: str, *, tls: bool = True) -> None:
    described = state["clusters"][cluster]
    with pytest.raises(LoginRefused):
        LIBRARIES[described["engine"]](attempt(state, cluster, user, token, tls=tls))
    refusal = last_refusal(state)
    assert (refusal["cluster"], refusal["user"], refusal["error"]) == (cluster, user, error)
    assert reason in str(refusal["reason"])
    assert token not in json.dumps(refusal)


def token_for(state: State, cluster: str, principal: Principal, user: str = ACCOUNT) -> str:
    described = state["clusters"][cluster]
    return principal.token(state, described["host"], described["port"], user)


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_who_may_is_let_in(state: State, cluster: str, jane: Principal):
    assert login(state, cluster, ACCOUNT, jane).partition("@")[0] == ACCOUNT


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_an_expired_token(state: State, cluster: str, jane: Principal, monkeypatch: pytest.MonkeyPatch):
    past = datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=901)
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda remove_tzinfo=True: past.replace(tzinfo=None))
    token = token_for(state, cluster, jane)
    monkeypatch.undo()
    refused(state, cluster, ACCOUNT, token, "ExpiredToken", "old, and tokens live 900 s")


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_a_wrong_secret(state: State, cluster: str, jane: Principal):
    token = token_for(state, cluster, replace(jane, secret_key="x" * 40))
    refused(state, cluster, ACCOUNT, token, "InvalidToken", "signature")


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_an_access_key_that_does_not_exist(state: State, cluster: str):
    token = token_for(state, cluster, Principal("AKIAIOSFODNN7EXAMPLE", "x" * 40))
    refused(state, cluster, ACCOUNT, token, "InvalidToken", "access key")


@pytest.mark.parametrize(("cluster", "other"), [("orders", "warehouse"), ("ledger", "archive")])
def test_a_token_for_another_host(state: State, cluster: str, other: str, jane: Principal):
    refused(state, cluster, ACCOUNT, token_for(state, other, jane), "InvalidToken", "host")


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_another_users_token(state: State, cluster: str, jane: Principal):
    refused(state, cluster, "verified_john", token_for(state, cluster, jane), "InvalidToken", ACCOUNT)


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_the_name_in_another_case(state: State, cluster: str, jane: Principal):
    token = token_for(state, cluster, jane, ACCOUNT.title())
    refused(state, cluster, ACCOUNT.title(), token, "NotAuthorized", "rds-db:connect")


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_no_policy(state: State, cluster: str):
    stranger = create_principal(state, principal_name())
    refused(state, cluster, ACCOUNT, token_for(state, cluster, stranger), "NotAuthorized", "rds-db:connect")


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_an_explicit_deny(state: State, cluster: str):
    denied = create_principal(
        state,
        principal_name(),
        connect_statement(state, cluster, ACCOUNT),
        connect_statement(state, cluster, "*", effect="Deny"),
    )
    refused(state, cluster, ACCOUNT, token_for(state, cluster, denied), "NotAuthorized", "denied")


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_a_token_without_tls(state: State, cluster: str, jane: Principal):
    """The servers themselves refuse it: MySQL by the account's REQUIRE SSL, PostgreSQL by its host-based rules."""
    described = state["clusters"][cluster]
    token = token_for(state, cluster, jane)
    with pytest.raises(LoginRefused, match=r"1045|no encryption|rejects|cleartext|1043|3159"):
        LIBRARIES[described["engine"]](attempt(state, cluster, ACCOUNT, token, tls=False))

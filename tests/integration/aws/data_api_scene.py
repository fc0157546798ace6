# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Data API for tests that work below the modules: a transport to a cluster, as the master or another user."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.data_api import DataApi
from ansible_collections.dbops.aurora_iam.plugins.module_utils._login import Endpoint
from tests.integration.tasks import over_data_api
from tests.sandbox.clients import State, ask_hook, aws_client


def transport(state: State, cluster: str, secret: str = "") -> DataApi:
    """``secret``: the master's if left out."""
    described = state["clusters"][cluster]
    endpoint = Endpoint(
        f"cluster {cluster}", described["engine"], described["host"], described["port"], arn=described["arn"]
    )
    clients: dict[str, Any] = {}

    def client(service: str) -> Any:
        if service not in clients:
            clients[service] = aws_client(state, service)
        return clients[service]

    return DataApi(client, endpoint, secret or described["secret_arn"])


def transport_if_asked(state: State, cluster: str) -> DataApi | None:
    """With ``--data-api``."""
    return transport(state, cluster) if over_data_api() else None


@contextlib.contextmanager
def limits(state: State, **values: float) -> Iterator[None]:
    """The sandbox's Data API with these limits (tests.sandbox.aws.data_api_transactions.Limits)."""
    ask_hook(state, "POST", "data-api", values)
    try:
        yield
    finally:
        ask_hook(state, "DELETE", "data-api")


@contextlib.contextmanager
def faults(state: State, *documents: dict[str, Any]) -> Iterator[None]:
    """The sandbox's API with these faults (tests.sandbox.aws.faults.Fault), and its counts from zero."""
    ask_hook(state, "DELETE", "faults")
    ask_hook(state, "POST", "faults", list(documents))
    try:
        yield
    finally:
        ask_hook(state, "DELETE", "faults")


def calls(state: State) -> dict[str, int]:
    """How many calls of each action there were since ``faults`` began."""
    counted: dict[str, int] = ask_hook(state, "GET", "calls")
    return counted

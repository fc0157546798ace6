# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Data API for tests that work below the modules: a transport to a cluster, as the master or another user."""

from __future__ import annotations

import contextlib
import json
import urllib.request
from collections.abc import Iterator
from typing import Any

from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.data_api import DataApi
from ansible_collections.dbops.aurora_iam.plugins.module_utils._login import Endpoint
from tests.integration.tasks import over_data_api
from tests.sandbox.clients import State, aws_client
from tests.sandbox.faults import LIMITS_PATH, PREFIX


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


def _hook(state: State, method: str, path: str, document: Any = None) -> Any:
    body = None if document is None else json.dumps(document).encode()
    with urllib.request.urlopen(urllib.request.Request(state["endpoint_url"] + path, body, method=method)) as answer:
        return json.load(answer)


@contextlib.contextmanager
def limits(state: State, **values: float) -> Iterator[None]:
    """The sandbox's Data API with these limits (tests.sandbox.data_api_transactions.Limits)."""
    _hook(state, "POST", LIMITS_PATH, values)
    try:
        yield
    finally:
        _hook(state, "DELETE", LIMITS_PATH)


@contextlib.contextmanager
def faults(state: State, *documents: dict[str, Any]) -> Iterator[None]:
    """The sandbox's API with these faults (tests.sandbox.faults.Fault), and its counts from zero."""
    _hook(state, "DELETE", f"{PREFIX}faults")
    _hook(state, "POST", f"{PREFIX}faults", list(documents))
    try:
        yield
    finally:
        _hook(state, "DELETE", f"{PREFIX}faults")


def calls(state: State) -> dict[str, int]:
    """How many calls of each action there were since ``faults`` began."""
    counted: dict[str, int] = _hook(state, "GET", f"{PREFIX}calls")
    return counted

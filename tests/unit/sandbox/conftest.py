# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The AWS endpoint of the sandbox, running in this process with clusters whose servers do not run."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.sandbox.aws.api import serve
from tests.sandbox.aws.rds_api import install
from tests.sandbox.servers.clusters import RunningCluster

from .endpoint import Endpoint
from .scenes import RUNNING, STANDALONE, TRANSITION


@pytest.fixture(scope="session")
def endpoint() -> Iterator[Endpoint]:
    switched: list[tuple[str, bool]] = []

    def switch(cluster: RunningCluster, enabled: bool) -> None:
        if api.broken:
            raise OSError("the server does not answer")
        switched.append((cluster.spec.identifier, enabled))

    backend = install([*RUNNING.values(), *STANDALONE.values()], switch, TRANSITION)
    server = serve(0, lambda: [{"reason": "because"}], backend.hooks())
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    api = Endpoint(f"http://127.0.0.1:{server.server_port}", switched)
    yield api
    backend.close()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def rds(endpoint: Endpoint) -> Any:
    """With no faults and nothing switched so far."""
    endpoint.hook("DELETE", "faults")
    endpoint.switched.clear()
    return endpoint.client("rds")

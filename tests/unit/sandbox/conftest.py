# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The AWS endpoint of the sandbox, running in this process with clusters whose servers do not run."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Any

import boto3
import pytest
from botocore.config import Config

from tests.sandbox.aws.api import serve
from tests.sandbox.aws.identities import create_operator
from tests.sandbox.aws.rds_api import install
from tests.sandbox.aws.signed_requests import password
from tests.sandbox.servers.clusters import REGION, RunningCluster

from .scenes import RUNNING, STANDALONE, TRANSITION


class Endpoint:
    """The running API, a boto3 client for each service, and what was switched on the servers."""

    def __init__(self, url: str, switched: list[tuple[str, bool]]) -> None:
        self.url = url
        self.switched = switched
        self.broken = False
        key = create_operator("operator")
        self.key, self.secret = key.access_key_id, key.secret_access_key
        self._session: Any = boto3.Session(key.access_key_id, key.secret_access_key, region_name=REGION)

    def client(self, service: str) -> Any:
        once = Config(retries={"total_max_attempts": 1})
        return self._session.client(service, endpoint_url=self.url, config=once)

    def hook(self, method: str, name: str, document: Any = None, expected: int = 200) -> Any:
        body = None if document is None else json.dumps(document).encode()
        connection = HTTPConnection(self.url.removeprefix("http://"), timeout=5)
        headers = {"Authorization": password(self.key, self.secret)}
        connection.request(method, f"/_sandbox/{name}", body, headers)
        response = connection.getresponse()
        answer = json.load(response)
        connection.close()
        assert response.status == expected
        return answer


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

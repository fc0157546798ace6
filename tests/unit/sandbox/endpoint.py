# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The AWS endpoint of the sandbox as a test sees it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from http.client import HTTPConnection
from typing import Any

import boto3
from botocore.config import Config

from tests.sandbox.aws.identities import create_operator
from tests.sandbox.aws.signed_requests import password
from tests.sandbox.servers.clusters import REGION


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


def cluster(rds: Any, identifier: str) -> dict[str, Any]:
    (found,) = rds.describe_db_clusters(DBClusterIdentifier=identifier)["DBClusters"]
    return dict(found)


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 15
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)

# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clusters, credentials and tokens for the tests of the sandbox itself."""

from __future__ import annotations

import json
from typing import Any

import boto3

from tests.sandbox.servers.clusters import (
    CLUSTERS,
    INSTANCES,
    REGION,
    ClusterSpec,
    ProxySpec,
    RunningCluster,
    ServerSpec,
)

PORT = 33061
KEY, SECRET = "AKIASANDBOXTESTKEY01", "not-a-real-secret/key+of=moto"
RESOURCE_ID = "cluster-ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def running(spec: ClusterSpec, port: int = PORT, resource_id: str = RESOURCE_ID) -> RunningCluster:
    """The cluster as if its servers ran: the writer on localhost, the reader and the proxy, if any, elsewhere."""
    hosts = ["localhost", *(["127.0.0.2"] if spec.has_reader else [])]
    servers = tuple(
        ServerSpec(spec.identifier, f"{spec.identifier}-{number}", number == 1, spec.family, host, port, "/nonexistent")
        for number, host in enumerate(hosts, start=1)
    )
    proxy = ProxySpec(spec.proxy, "prx-0123456789abcdef0", "127.1.2.3", 3306) if spec.proxy else None
    return RunningCluster(spec, resource_id, "a-master-password", servers, proxy)


RUNNING = {
    spec.identifier: running(spec, PORT + number, f"cluster-{number:026d}") for number, spec in enumerate(CLUSTERS)
}
STANDALONE = {
    spec.identifier: running(spec, PORT + 100 + number, f"db-{number:026d}") for number, spec in enumerate(INSTANCES)
}
TRANSITION = 0.6
"""Seconds that a cluster takes to switch IAM authentication."""


def sign(
    user: str,
    *,
    host: str = "localhost",
    port: int = PORT,
    region: str = REGION,
    key: str = KEY,
    secret: str = SECRET,
    session_token: str | None = None,
) -> str:
    """A token as users make it: boto3's own, signed at the time it is now."""
    client = boto3.client(
        "rds",
        region_name=region,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        aws_session_token=session_token,
    )
    return str(client.generate_db_auth_token(host, port, user, region))


def policy(*statements: dict[str, Any], version: str = "2012-10-17") -> str:
    return json.dumps({"Version": version, "Statement": list(statements)})


def statement(effect: str, resource: str, action: str = "rds-db:connect", **more: Any) -> dict[str, Any]:
    return {"Effect": effect, "Action": action, "Resource": resource, **more}

# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""FailoverDBCluster as boto3 sees it, with servers that do not run."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.rds.models import rds_backends

from tests.sandbox.aws.rds_failover import STALE_TAG
from tests.sandbox.servers.clusters import ACCOUNT_ID, REGION, RunningCluster
from tests.sandbox.servers.failover import with_changed_roles, with_exchanged_addresses

from .endpoint import Endpoint, cluster, until
from .scenes import RUNNING


@pytest.fixture
def rds(endpoint: Endpoint) -> Iterator[Any]:
    backend = rds_backends[ACCOUNT_ID][REGION]
    yield endpoint.client("rds")
    backend.fail_over = None
    backend.clusters["orders"].become(RUNNING["orders"])


def members(found: dict[str, Any]) -> list[tuple[str, bool]]:
    return [(member["DBInstanceIdentifier"], member["IsClusterWriter"]) for member in found["DBClusterMembers"]]


def test_the_stages_of_a_failover(rds: Any) -> None:
    asked: list[float] = []
    second = threading.Event()

    def fail_over(running: RunningCluster, stale: float, _ended: threading.Event) -> Iterator[RunningCluster]:
        asked.append(stale)
        yield with_changed_roles(running)
        second.wait(5)
        yield with_exchanged_addresses(with_changed_roles(running))

    rds_backends[ACCOUNT_ID][REGION].fail_over = fail_over
    arn = cluster(rds, "orders")["DBClusterArn"]
    rds.add_tags_to_resource(ResourceName=arn, Tags=[{"Key": STALE_TAG, "Value": "2.5"}])
    assert rds.failover_db_cluster(DBClusterIdentifier="orders")["DBCluster"]["Status"] == "failing-over"
    until(lambda: members(cluster(rds, "orders")) == [("orders-1", False), ("orders-2", True)])
    with pytest.raises(ClientError, match="is failing-over, not available"):
        rds.failover_db_cluster(DBClusterIdentifier="orders")
    second.set()
    until(lambda: bool(cluster(rds, "orders")["Status"] == "available"))
    found = cluster(rds, "orders")
    assert (found["Endpoint"], found["ReaderEndpoint"]) == ("localhost", "127.0.0.2")
    instances = rds.describe_db_instances(Filters=[{"Name": "db-cluster-id", "Values": ["orders"]}])["DBInstances"]
    assert [each["Endpoint"]["Address"] for each in instances] == ["127.0.0.2", "localhost"]
    assert asked == [2.5]
    rds.remove_tags_from_resource(ResourceName=arn, TagKeys=[STALE_TAG])


@pytest.mark.parametrize(
    ("identifier", "target", "reason"),
    [
        ("warehouse", None, "has no reader"),
        ("orders", "orders-1", "has no reader orders-1"),
        ("orders", "orders-9", "has no reader orders-9"),
    ],
)
def test_there_must_be_a_reader(rds: Any, identifier: str, target: str | None, reason: str) -> None:
    rds_backends[ACCOUNT_ID][REGION].fail_over = lambda running, _stale, _ended: iter([replace(running)])
    more = {"TargetDBInstanceIdentifier": target} if target else {}
    with pytest.raises(ClientError, match=reason):
        rds.failover_db_cluster(DBClusterIdentifier=identifier, **more)

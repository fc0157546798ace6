# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""FailoverDBCluster of the RDS API: what it refuses, and what DescribeDBClusters says meanwhile.

https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_FailoverDBCluster.html
"""

from __future__ import annotations

import contextlib
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from typing import Any

from moto.rds.exceptions import InvalidDBClusterStateFault

from tests.sandbox.aws.rds_clusters import SandboxCluster
from tests.sandbox.servers.clusters import RunningCluster

STALE_TAG = "sandbox:stale-endpoint-seconds"
"""A tag of a cluster: for how long after a failover the cluster's own name leads to the old writer. 0 if there is none.
"""

FailOver = Callable[[RunningCluster, float, threading.Event], Iterator[RunningCluster]]
"""Does it to the servers and yields the cluster after each stage. The seconds are the tag's, the event ends it."""


def begin_failover(
    cluster: Any,
    target: str | None,
    fail_over: FailOver | None,
    guard: contextlib.AbstractContextManager[Any],
    ended: threading.Event,
) -> None:
    """Returns when it has begun. Raises InvalidDBClusterStateFault."""
    identifier = cluster.db_cluster_identifier
    if not isinstance(cluster, SandboxCluster) or fail_over is None:
        raise InvalidDBClusterStateFault(f"No servers stand for DB cluster {identifier}.")
    readers = [server.instance for server in cluster.running.servers if not server.is_writer]
    if cluster.status != "available":
        raise InvalidDBClusterStateFault(f"DB cluster {identifier} is {cluster.status}, not available.")
    if not readers or target not in (None, *readers):
        raise InvalidDBClusterStateFault(f"DB cluster {identifier} has no reader {target or ''} to fail over to.")
    stale = next((float(tag["Value"]) for tag in cluster.tags if tag["Key"] == STALE_TAG), 0.0)
    cluster.status = "failing-over"

    def run() -> None:
        try:
            for running in fail_over(cluster.running, stale, ended):
                with guard:
                    cluster.become(running)
        except Exception:
            # The status stays: what the servers are now is in their logs.
            print(f"The failover of {identifier} stopped half-way.", file=sys.stderr)
            traceback.print_exc(file=sys.stderr)
            return
        with guard:
            cluster.status = "available"

    threading.Thread(target=run, daemon=True).start()

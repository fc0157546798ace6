# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What FailoverDBCluster does to the servers of a cluster with a reader, in the two stages that clients notice.

1. The writer ends its sessions and takes no more changes; the reader becomes the writer. The cluster's own name
   (``localhost``) still leads to the old one, as a name does that DNS has in a cache.
2. Both restart with exchanged addresses: from now on the cluster's own name leads to the new writer.

https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Concepts.AuroraHighAvailability.html
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from tests.sandbox.layout import Layout
from tests.sandbox.servers import mysql_failover, postgresql_failover
from tests.sandbox.servers.clusters import RunningCluster


def fail_over(
    cluster: RunningCluster, layout: Layout, stale: float, ended: threading.Event
) -> Iterator[RunningCluster]:
    """Yields the cluster after each stage.

    stale  seconds between the two
    ended  set when there is no time left for the second
    Raises SandboxError.
    """
    engine = mysql_failover if cluster.spec.family == "mysql" else postgresql_failover
    promoted = with_changed_roles(cluster)
    engine.hand_over(cluster, promoted, layout)
    _record(promoted, layout.clusters_json)
    yield promoted
    if ended.wait(stale):
        return
    moved = with_exchanged_addresses(promoted)
    engine.move(promoted, moved, layout)
    _record(moved, layout.clusters_json)
    yield moved


def with_changed_roles(cluster: RunningCluster) -> RunningCluster:
    servers = (replace(server, is_writer=not server.is_writer) for server in cluster.servers)
    return replace(cluster, servers=tuple(servers))


def with_exchanged_addresses(cluster: RunningCluster) -> RunningCluster:
    first, second = cluster.servers
    return replace(cluster, servers=(replace(first, host=second.host), replace(second, host=first.host)))


def _record(cluster: RunningCluster, path: Path) -> None:
    """For programs that rebuild the servers from what is written there."""
    documents = json.loads(path.read_text())
    changed = [
        cluster.to_json() if document["spec"]["identifier"] == cluster.spec.identifier else document
        for document in documents
    ]
    draft = path.with_suffix(".draft")
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(changed, indent=1))
    draft.replace(path)

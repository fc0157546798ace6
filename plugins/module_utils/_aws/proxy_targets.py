# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Find the database behind an RDS Proxy.

https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeDBProxyTargets.html
"""

from __future__ import annotations

from typing import Any

from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.calls import Clients, call
from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.endpoint import (
    cluster_endpoint,
    instance_endpoint,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._login import Endpoint

_CLUSTER, _INSTANCE = "TRACKED_CLUSTER", "RDS_INSTANCE"


def targets(clients: Clients, proxy: str) -> list[dict[str, Any]]:
    """Of the proxy of that name. Raises CloudError."""
    title = f"proxy {proxy}"
    answer = call(clients, "describe_db_proxy_targets", "rds:DescribeDBProxyTargets", title, DBProxyName=proxy)
    found: list[dict[str, Any]] = answer["Targets"]
    return found


def databases_behind(clients: Clients, proxy: str) -> list[Endpoint]:
    """The cluster or instance that the proxy is for; none where it has no target. Raises CloudError."""
    by_type: dict[str, list[str]] = {}
    for target in targets(clients, proxy):
        # Members of a cluster are targets of their own, and name the cluster
        tracked = target.get("TrackedClusterId")
        kind, name = (_CLUSTER, tracked) if tracked else (target.get("Type", ""), target.get("RdsResourceId", ""))
        by_type.setdefault(kind, []).append(name)
    if by_type.get(_CLUSTER):
        return [cluster_endpoint(clients, by_type[_CLUSTER][0])]
    return [instance_endpoint(clients, name) for name in by_type.get(_INSTANCE, [])[:1] if name]

# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Clusters that have no writer of their own, because they follow another cluster: whose accounts theirs are.

https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-global-database.html
"""

from __future__ import annotations

from typing import Any

from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.calls import Clients, listed
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import CloudError


def require_no_replica(clients: Clients, cluster: dict[str, Any]) -> None:
    """Refuse a secondary of a global database and the replica of another cluster, naming the writer. Raises CloudError.

    ``cluster`` is what DescribeDBClusters says of it. The global database is only asked for where no instance is a
    writer: a secondary has readers only, or no instance at all.
    """
    title = f"cluster {cluster['DBClusterIdentifier']}"
    source = cluster.get("ReplicationSourceIdentifier")
    if source:
        raise CloudError(
            f"The {title} is a replica and gets its accounts from {source}; run the task for {_end(source)}."
        )
    members = cluster.get("DBClusterMembers", [])
    is_global = bool(cluster.get("GlobalClusterIdentifier") or cluster.get("GlobalWriteForwardingStatus"))
    if any(member["IsClusterWriter"] for member in members) or not (members or is_global):
        return
    writer = _writer(clients, title, cluster["DBClusterArn"])
    if not writer:
        raise CloudError(f"The {title} has no writer at the moment; run the task again when it has one.")
    if writer != cluster["DBClusterArn"]:
        raise CloudError(
            f"The {title} is a secondary of a global database, whose writer is {writer}; run the task for cluster "
            f"{_end(writer)} in region {writer.split(':')[3]}."
        )


def _writer(clients: Clients, title: str, arn: str) -> str:
    """The ARN of the writing cluster of the global database that this cluster belongs to; empty where it is in none.

    https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeGlobalClusters.html
    """
    found = listed(clients, "describe_global_clusters", "rds:DescribeGlobalClusters", title, "GlobalClusters")
    for database in found:
        members = database.get("GlobalClusterMembers", [])
        if arn in {name for member in members for name in (member["DBClusterArn"], *member.get("Readers", []))}:
            return next((member["DBClusterArn"] for member in members if member["IsWriter"]), "")
    return ""


def _end(arn: str) -> str:
    """The identifier in an ARN; a name without an ARN is one."""
    return arn.rpartition(":")[2]

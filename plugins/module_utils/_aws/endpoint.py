# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Find a cluster or an instance through the RDS API.

https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeDBClusters.html
"""

from __future__ import annotations

from typing import Any

from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.calls import Clients, call
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import CloudError
from ansible_collections.dbops.aurora_iam.plugins.module_utils._login import Endpoint

# States in which no server answers or the endpoint is not there yet. In all others (available, backing-up,
# modifying, update-iam-db-auth …) the database can be reached.
# https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/accessing-monitoring.html
_UNREACHABLE = frozenset(
    {
        "cloning-failed",
        "creating",
        "deleting",
        "inaccessible-encryption-credentials",
        "inaccessible-encryption-credentials-recoverable",
        "migration-failed",
        "starting",
        "stopped",
        "stopping",
    }
)

_NOT_FOUND = "There is no {title} in this region and account; check {option}, region and profile."


def cluster_endpoint(clients: Clients, identifier: str) -> Endpoint:
    """The writer of an Aurora or Multi-AZ cluster. Raises CloudError."""
    title = f"cluster {identifier}"
    answer = call(
        clients("rds"),
        "describe_db_clusters",
        "rds:DescribeDBClusters",
        title,
        missing={"DBClusterNotFoundFault": _NOT_FOUND.format(title=title, option="cluster")},
        DBClusterIdentifier=identifier,
    )
    cluster: dict[str, Any] = answer["DBClusters"][0]
    _require_reachable(title, cluster["Status"])
    return Endpoint(
        title=title,
        engine=cluster["Engine"],
        host=cluster["Endpoint"],
        port=cluster["Port"],
        resource_id=cluster["DbClusterResourceId"],
        arn=cluster["DBClusterArn"],
        iam_auth=cluster.get("IAMDatabaseAuthenticationEnabled", False),
        master_user=cluster.get("MasterUsername", ""),
        secret=cluster.get("MasterUserSecret", {}).get("SecretArn", ""),
        database=cluster.get("DatabaseName", ""),
        writer=_writer(cluster),
        follows=True,
    )


def _writer(cluster: dict[str, Any]) -> str:
    members = cluster.get("DBClusterMembers", [])
    return next((f"instance {member['DBInstanceIdentifier']}" for member in members if member["IsClusterWriter"]), "")


def instance_endpoint(clients: Clients, identifier: str) -> Endpoint:
    """An RDS instance that is not a cluster's member: those have their accounts from the cluster. Raises CloudError."""
    title = f"instance {identifier}"
    answer = call(
        clients("rds"),
        "describe_db_instances",
        "rds:DescribeDBInstances",
        title,
        missing={"DBInstanceNotFound": _NOT_FOUND.format(title=title, option="instance")},
        DBInstanceIdentifier=identifier,
    )
    instance: dict[str, Any] = answer["DBInstances"][0]
    if instance.get("DBClusterIdentifier"):
        raise CloudError(
            f"{identifier} is a member of cluster {instance['DBClusterIdentifier']}, whose accounts are the cluster's; "
            f"set cluster: {instance['DBClusterIdentifier']} instead of instance."
        )
    _require_reachable(title, instance["DBInstanceStatus"])
    return Endpoint(
        title=title,
        engine=instance["Engine"],
        host=instance["Endpoint"]["Address"],
        port=instance["Endpoint"]["Port"],
        resource_id=instance["DbiResourceId"],
        arn=instance["DBInstanceArn"],
        iam_auth=instance.get("IAMDatabaseAuthenticationEnabled", False),
        master_user=instance.get("MasterUsername", ""),
        secret=instance.get("MasterUserSecret", {}).get("SecretArn", ""),
        database=instance.get("DBName", ""),
    )


def _require_reachable(title: str, status: str) -> None:
    if status in _UNREACHABLE:
        raise CloudError(
            f"The {title} is {status}, so there is no database to log in to; run the task when it is available."
        )

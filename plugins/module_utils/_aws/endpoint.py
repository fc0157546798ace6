# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Find a cluster, an instance or a proxy through the RDS API.

https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeDBClusters.html
"""

from __future__ import annotations

from typing import Any, NamedTuple

from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.calls import Clients, call
from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.global_database import require_no_replica
from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.statuses import no_address, require_reachable
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import CloudError
from ansible_collections.dbops.aurora_iam.plugins.module_utils._login import Endpoint


class _Kind(NamedTuple):
    """How the RDS API describes what an option names.

    parameter  of the operation, for the name
    key        what the operation lists its answers under
    missing    the code of the error for a name that there is not
    """

    option: str
    operation: str
    action: str
    parameter: str
    key: str
    missing: str


_CLUSTER = _Kind(
    "cluster",
    "describe_db_clusters",
    "rds:DescribeDBClusters",
    "DBClusterIdentifier",
    "DBClusters",
    "DBClusterNotFoundFault",
)
_INSTANCE = _Kind(
    "instance",
    "describe_db_instances",
    "rds:DescribeDBInstances",
    "DBInstanceIdentifier",
    "DBInstances",
    "DBInstanceNotFound",
)
_PROXY = _Kind(
    "proxy", "describe_db_proxies", "rds:DescribeDBProxies", "DBProxyName", "DBProxies", "DBProxyNotFoundFault"
)

_NOT_LIMITLESS = ("not-in-use", "disabled")
_IAM_AUTH = "IAMDatabaseAuthenticationEnabled"

_FAMILIES = {"MYSQL": ("mysql", 3306), "POSTGRESQL": ("postgres", 5432)}
"""A proxy's engine family → the word for an engine of it, and the port that all its proxies listen on.

https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/rds-proxy.html#rds-proxy.limitations
"""


def _describe(clients: Clients, kind: _Kind, name: str) -> dict[str, Any]:
    """Raises CloudError."""
    title = f"{kind.option} {name}"
    missing = f"There is no {title} in this region and account; check {kind.option}, region and profile."
    found = call(clients, kind.operation, kind.action, title, missing={kind.missing: missing}, **{kind.parameter: name})
    described: list[dict[str, Any]] = found.get(kind.key, [])
    if not described:
        raise CloudError(missing)
    return described[0]


def describe_cluster(clients: Clients, identifier: str) -> dict[str, Any]:
    """What the RDS API says of a cluster. Raises CloudError."""
    return _describe(clients, _CLUSTER, identifier)


def describe_instance(clients: Clients, identifier: str) -> dict[str, Any]:
    """What the RDS API says of an instance. Raises CloudError, also for one that is a cluster's member."""
    instance = _describe(clients, _INSTANCE, identifier)
    if instance.get("DBClusterIdentifier"):
        raise CloudError(
            f"{identifier} is a member of cluster {instance['DBClusterIdentifier']}, whose accounts are the cluster's; "
            f"set cluster: {instance['DBClusterIdentifier']} instead of instance."
        )
    return instance


def cluster_endpoint(clients: Clients, identifier: str) -> Endpoint:
    """The writer of an Aurora or Multi-AZ cluster. Raises CloudError."""
    title = f"cluster {identifier}"
    cluster = describe_cluster(clients, identifier)
    require_reachable(title, cluster["Status"])
    require_no_replica(clients, cluster)
    _require_server(title, cluster)
    return Endpoint(
        title=title,
        host=_address(title, cluster["Status"], cluster.get("Endpoint")),
        port=cluster["Port"],
        resource_id=cluster["DbClusterResourceId"],
        arn=cluster["DBClusterArn"],
        database=cluster.get("DatabaseName", ""),
        identifier=cluster["DBClusterIdentifier"],
        status=cluster["Status"],
        members=tuple(member["DBInstanceIdentifier"] for member in cluster.get("DBClusterMembers", ())),
        writer=_writer(cluster),
        follows=True,
        **_common(cluster),
    )


def _require_server(title: str, cluster: dict[str, Any]) -> None:
    """Raises CloudError for a cluster that has no instance, and for one whose instances are not its members.

    https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/limitless.html
    """
    limitless = cluster.get("LimitlessDatabase", {}).get("Status", _NOT_LIMITLESS[0]) not in _NOT_LIMITLESS
    if limitless or cluster.get("ClusterScalabilityType") == "limitless":
        raise CloudError(
            f"The {title} is an Aurora PostgreSQL Limitless Database, whose accounts this collection does not manage; "
            "manage them with SQL in its database postgres_limitless."
        )
    if not cluster.get("DBClusterMembers") and cluster.get("EngineMode") != "serverless":
        raise CloudError(f"The {title} has no DB instance, so there is no database to log in to; add one to it.")


def _address(title: str, status: str, found: Any) -> Any:
    """Raises CloudError where AWS has none, as for what could not be created."""
    if not found:
        raise no_address(title, status)
    return found


def _writer(cluster: dict[str, Any]) -> str:
    members = cluster.get("DBClusterMembers", [])
    return next((f"instance {member['DBInstanceIdentifier']}" for member in members if member["IsClusterWriter"]), "")


def instance_endpoint(clients: Clients, identifier: str) -> Endpoint:
    """An RDS instance that is not a cluster's member: those have their accounts from the cluster. Raises CloudError."""
    title = f"instance {identifier}"
    instance = describe_instance(clients, identifier)
    require_reachable(title, instance["DBInstanceStatus"])
    if instance.get("ReadReplicaSourceDBInstanceIdentifier"):
        source = instance["ReadReplicaSourceDBInstanceIdentifier"]
        raise CloudError(
            f"The {title} is a read replica and gets its accounts from {source}; run the task for that instance."
        )
    address = _address(title, instance["DBInstanceStatus"], instance.get("Endpoint", {}).get("Address"))
    return Endpoint(
        title=title,
        host=address,
        port=instance["Endpoint"]["Port"],
        resource_id=instance["DbiResourceId"],
        arn=instance["DBInstanceArn"],
        database=instance.get("DBName", ""),
        identifier=instance["DBInstanceIdentifier"],
        status=instance["DBInstanceStatus"],
        **_common(instance),
    )


def _common(described: dict[str, Any]) -> dict[str, Any]:
    """What the descriptions of clusters and instances have in common."""
    return {
        "engine": described["Engine"],
        "version": described.get("EngineVersion", ""),
        "iam_auth": described.get(_IAM_AUTH, False),
        "pending_iam_auth": described.get("PendingModifiedValues", {}).get(_IAM_AUTH),
        "master_user": described.get("MasterUsername", ""),
        "secret": described.get("MasterUserSecret", {}).get("SecretArn", ""),
    }


def proxy_endpoint(clients: Clients, name: str) -> Endpoint:
    """An RDS Proxy. Whether IAM authentication is on behind it is not known. Raises CloudError.

    Its resource ID is the last part of its ARN, and the secret is the one that it logs in to the database with, if
    it has exactly one and lets clients log in with it.
    https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/rds-proxy-iam-setup.html
    """
    title = f"proxy {name}"
    proxy = _describe(clients, _PROXY, name)
    require_reachable(title, proxy["Status"])
    if proxy["EngineFamily"] not in _FAMILIES:
        raise CloudError(
            f"The {title} is for {proxy['EngineFamily']}, which this collection does not know; it works through "
            f"proxies for {' and '.join(sorted(_FAMILIES))}."
        )
    engine, port = _FAMILIES[proxy["EngineFamily"]]
    by_password = [each["SecretArn"] for each in proxy.get("Auth", []) if each.get("IAMAuth") != "REQUIRED"]
    return Endpoint(
        title=title,
        engine=engine,
        host=_address(title, proxy["Status"], proxy.get("Endpoint")),
        port=port,
        resource_id=proxy["DBProxyArn"].rpartition(":")[2],
        arn=proxy["DBProxyArn"],
        secret=by_password[0] if len(by_password) == 1 else "",
    )

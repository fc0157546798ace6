# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""IAM authentication of a cluster or an instance: what the RDS API says of it, and the one call that switches it.

https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/UsingWithRDS.IAMDBAuth.Enabling.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.calls import Clients, call, listed
from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.endpoint import describe_cluster, describe_instance
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import CloudError

_PENDING_FLAG = "IAMDatabaseAuthenticationEnabled"

_REFUSES_NOW = frozenset({"InvalidDBClusterStateFault", "InvalidDBInstanceState"})
"""RDS's codes for a state in which nothing can be modified."""


@dataclass(frozen=True)
class MemberInstance:
    """A DB instance of a cluster."""

    identifier: str
    instance_class: str
    status: str


@dataclass(frozen=True)
class IamAuth:
    """IAM authentication of a cluster or an instance at one moment.

    kind           ``cluster`` or ``instance``
    enabled        whether it is on now
    pending        what it will be after the maintenance window, or when a change that is being made is over; None
                   when nothing is pending
    other_pending  what else waits for the maintenance window, in the RDS API's words
    members        of a cluster; an instance has none
    """

    kind: str
    identifier: str
    arn: str
    resource_id: str
    engine: str
    engine_version: str
    status: str
    enabled: bool
    pending: bool | None = None
    other_pending: tuple[str, ...] = ()
    members: tuple[MemberInstance, ...] = ()

    @property
    def title(self) -> str:
        return f"{self.kind} {self.identifier}"


def read_iam_auth(clients: Clients, kind: str, identifier: str) -> IamAuth:
    """Read the state: two calls for a cluster (and one for each further 100 members), one for an instance.

    Raises CloudError, also for an instance that is a cluster's member.
    """
    if kind == "cluster":
        return _of_cluster(describe_cluster(clients, identifier), _members(clients, identifier))
    return _of_instance(describe_instance(clients, identifier))


def switch_iam_auth(clients: Clients, state: IamAuth, enabled: bool, immediately: bool) -> bool:
    """Ask RDS to switch, and to change nothing else. False when its state does not allow it now. Raises CloudError."""
    name = "DBCluster" if state.kind == "cluster" else "DBInstance"
    arguments: dict[str, Any] = {f"{name}Identifier": state.identifier}
    try:
        call(
            clients,
            "modify_db_cluster" if state.kind == "cluster" else "modify_db_instance",
            f"rds:Modify{name}",
            state.title,
            EnableIAMDatabaseAuthentication=enabled,
            ApplyImmediately=immediately,
            **arguments,
        )
    except CloudError as error:
        if error.details.get("code") in _REFUSES_NOW:
            return False
        raise
    return True


def _members(clients: Clients, cluster: str) -> tuple[MemberInstance, ...]:
    found = listed(
        clients,
        "describe_db_instances",
        "rds:DescribeDBInstances",
        f"cluster {cluster}",
        "DBInstances",
        Filters=[{"Name": "db-cluster-id", "Values": [cluster]}],
    )
    return tuple(
        MemberInstance(each["DBInstanceIdentifier"], each["DBInstanceClass"], each["DBInstanceStatus"])
        for each in found
    )


def _of_cluster(cluster: dict[str, Any], members: tuple[MemberInstance, ...]) -> IamAuth:
    return IamAuth(
        kind="cluster",
        identifier=cluster["DBClusterIdentifier"],
        arn=cluster["DBClusterArn"],
        resource_id=cluster["DbClusterResourceId"],
        status=cluster["Status"],
        members=members,
        **_flag(cluster),
    )


def _of_instance(instance: dict[str, Any]) -> IamAuth:
    return IamAuth(
        kind="instance",
        identifier=instance["DBInstanceIdentifier"],
        arn=instance["DBInstanceArn"],
        resource_id=instance["DbiResourceId"],
        status=instance["DBInstanceStatus"],
        **_flag(instance),
    )


def _flag(described: dict[str, Any]) -> dict[str, Any]:
    """What the descriptions of clusters and instances have in common."""
    enabled = described.get(_PENDING_FLAG, False)
    pending: dict[str, Any] = described.get("PendingModifiedValues") or {}
    wanted = pending.get(_PENDING_FLAG)
    return {
        "engine": described["Engine"],
        "engine_version": described["EngineVersion"],
        "enabled": enabled,
        "pending": None if wanted == enabled else wanted,
        "other_pending": tuple(sorted(set(pending) - {_PENDING_FLAG})),
    }

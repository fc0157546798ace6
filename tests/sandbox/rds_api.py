# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The RDS API of the sandbox: moto's, where ModifyDBCluster switches IAM authentication on real servers.

https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/UsingWithRDS.IAMDBAuth.Enabling.html
"""

from __future__ import annotations

import sys
import threading
import traceback
from collections.abc import Callable, Iterable
from typing import Any

from moto.core.responses import ActionResult, PaginatedResult
from moto.core.utils import get_pagination_model
from moto.rds import urls
from moto.rds.exceptions import InvalidDBClusterStateFault, InvalidParameterCombination, RDSClientError
from moto.rds.models import DBCluster, DBInstance, RDSBackend, rds_backends
from moto.rds.responses import RDSResponse

from tests.sandbox.clusters import ACCOUNT_ID, REGION, RunningCluster
from tests.sandbox.rds_clusters import SandboxCluster, SandboxInstance

SwitchIamAuth = Callable[[RunningCluster, bool], None]
"""Switches IAM authentication on every server of a cluster; called in a thread of its own."""


class SandboxBackend(RDSBackend):
    def __init__(self, switch: SwitchIamAuth, transition_seconds: float) -> None:
        super().__init__(REGION, ACCOUNT_ID)
        self._switch = switch
        self._transition_seconds = transition_seconds
        # moto takes a cluster out of its dictionary while it modifies it, and requests come in threads.
        self._guard = threading.RLock()
        self._closing = threading.Event()
        self._transitions: list[threading.Thread] = []

    def register(self, running: RunningCluster) -> SandboxCluster:
        # Abstract by its annotations only: what it lacks is CloudFormation's, and moto itself does the same.
        make_instance: Any = SandboxInstance
        cluster = SandboxCluster(self, running)
        self.clusters[cluster.db_cluster_identifier] = cluster
        for server in running.servers:
            self.databases[server.instance] = make_instance(self, cluster, server)
        return cluster

    def close(self) -> None:
        """Lets a switch that is being made come to its end, and begins no other."""
        self._closing.set()
        for transition in self._transitions:
            transition.join(timeout=5)

    def describe_db_clusters(self, db_cluster_identifier: str | None = None, filters: Any = None) -> list[DBCluster]:
        with self._guard:
            found: list[DBCluster] = super().describe_db_clusters(db_cluster_identifier, filters)
            return found

    @staticmethod
    def _filter_resources(resources: Any, filters: Any, resource_class: Any) -> Any:
        """As moto's, with the filters of a sandbox cluster."""
        wanted = SandboxCluster if resource_class is DBCluster else resource_class
        return RDSBackend._filter_resources(resources, filters, wanted)

    def modify_db_cluster(self, kwargs: dict[str, Any]) -> DBCluster:
        with self._guard:
            (cluster,) = self.describe_db_clusters(kwargs["db_cluster_identifier"])
            if cluster.status != "available":
                identifier = cluster.db_cluster_identifier
                raise InvalidDBClusterStateFault(f"DB cluster {identifier} is {cluster.status}, not available.")
            if not isinstance(cluster, SandboxCluster):
                return super().modify_db_cluster(kwargs)
            wanted = kwargs.pop("enable_iam_database_authentication", None)
            immediately = bool(kwargs.pop("apply_immediately", False))
            super().modify_db_cluster(
                {**kwargs, "db_cluster_identifier": cluster.db_cluster_identifier, "apply_immediately": immediately}
            )
            if wanted is not None:
                cluster.pending_iam_auth = None if wanted == cluster.iam_auth else wanted
            if immediately and cluster.pending_iam_auth is not None:
                self._begin(cluster, cluster.pending_iam_auth)
            return cluster

    def modify_db_instance(self, db_instance_identifier: str, db_kwargs: dict[str, Any]) -> DBInstance:
        (instance,) = self.describe_db_instances(db_instance_identifier)
        if isinstance(instance, SandboxInstance) and "enable_iam_database_authentication" in db_kwargs:
            raise InvalidParameterCombination(
                f"IAM database authentication of {db_instance_identifier} is set by ModifyDBCluster on its DB cluster."
            )
        return super().modify_db_instance(db_instance_identifier, db_kwargs)

    def failover_db_cluster(
        self, db_cluster_identifier: str, target_db_instance_identifier: str | None = None
    ) -> DBCluster:
        self.describe_db_clusters(db_cluster_identifier)
        target = target_db_instance_identifier or "another instance"
        raise InvalidDBClusterStateFault(f"The sandbox cannot fail over {db_cluster_identifier} to {target}.")

    def sandbox_clusters(self) -> list[SandboxCluster]:
        with self._guard:
            return [cluster for cluster in self.clusters.values() if isinstance(cluster, SandboxCluster)]

    def set_http_endpoint(self, arn: str, enabled: bool) -> dict[str, Any]:
        cluster = next((found for found in self.sandbox_clusters() if found.db_cluster_arn == arn), None)
        if cluster is None:
            raise ResourceNotFoundFault(arn)
        cluster.data_api = enabled
        return {"ResourceArn": arn, "HttpEndpointEnabled": enabled}

    def _begin(self, cluster: SandboxCluster, enabled: bool) -> None:
        _show(cluster, "update-iam-db-auth", "configuring-iam-database-auth")
        transition = threading.Thread(target=self._transit, args=(cluster, enabled), daemon=True)
        self._transitions = [*(thread for thread in self._transitions if thread.is_alive()), transition]
        transition.start()

    def _transit(self, cluster: SandboxCluster, enabled: bool) -> None:
        if self._closing.wait(self._transition_seconds):
            return
        try:
            self._switch(cluster.running, enabled)
        except Exception:
            # As on AWS, a change that failed leaves the cluster as it was; the reason is in the control plane's log.
            print(f"IAM authentication of {cluster.db_cluster_identifier} could not be switched.", file=sys.stderr)
            traceback.print_exc(file=sys.stderr)
            enabled = cluster.iam_database_authentication_enabled
        with self._guard:
            cluster.iam_auth = enabled
            cluster.pending_iam_auth = None
            _show(cluster, "available", "available")


def _show(cluster: SandboxCluster, cluster_status: str, instance_status: str) -> None:
    cluster.status = cluster_status
    for member in cluster.members:
        member.status = instance_status


class ResourceNotFoundFault(RDSClientError):
    def __init__(self, arn: str) -> None:
        super().__init__("ResourceNotFoundFault", f"The specified resource {arn} doesn't exist.")


class SandboxResponse(RDSResponse):
    @property
    def sandbox(self) -> SandboxBackend:
        backend: Any = self.backend
        found: SandboxBackend = backend
        return found

    def enable_http_endpoint(self) -> ActionResult:
        return ActionResult(self.sandbox.set_http_endpoint(self.params["ResourceArn"], True))

    def disable_http_endpoint(self) -> ActionResult:
        return ActionResult(self.sandbox.set_http_endpoint(self.params["ResourceArn"], False))

    def describe_db_clusters(self) -> ActionResult:
        """As moto's, but in pages."""
        result = super().describe_db_clusters()
        return PaginatedResult(result.result)


def install(clusters: Iterable[RunningCluster], switch: SwitchIamAuth, transition_seconds: float) -> SandboxBackend:
    """Puts the sandbox's RDS in the place of moto's, with these clusters in it."""
    backend = SandboxBackend(switch, transition_seconds)
    rds_backends[ACCOUNT_ID][REGION] = backend
    # What a page's marker is made of; moto names it for the actions that it pages itself.
    get_pagination_model("rds")["DescribeDBClusters"]["unique_attribute"] = "resource_id"
    urls.url_paths = dict.fromkeys(urls.url_paths, SandboxResponse.dispatch)
    for running in clusters:
        backend.register(running)
    return backend

# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The RDS API of the sandbox: moto's, where ModifyDBCluster and ModifyDBInstance switch IAM authentication on real
servers.

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

from tests.sandbox.aws.faults import Hooks
from tests.sandbox.aws.rds_clusters import SandboxCluster, SandboxInstance
from tests.sandbox.aws.rds_failover import FailOver, begin_failover
from tests.sandbox.aws.rds_instances import SandboxStandalone
from tests.sandbox.aws.rds_proxy import SandboxProxy
from tests.sandbox.aws.rds_states import IamAuthTarget
from tests.sandbox.servers.clusters import ACCOUNT_ID, REGION, TWIN_REGION, RunningCluster
from tests.sandbox.servers.fleet import FLEET, fleet_of

SwitchIamAuth = Callable[[RunningCluster, bool], None]
"""Switches IAM authentication on every server of a cluster, or on an instance; called in a thread of its own."""


class SandboxBackend(RDSBackend):
    def __init__(self, switch: SwitchIamAuth, transition_seconds: float, region: str = REGION) -> None:
        super().__init__(region, ACCOUNT_ID)
        self._switch = switch
        self._transition_seconds = transition_seconds
        # moto takes a cluster out of its dictionary while it modifies it, and requests come in threads.
        self._guard = threading.RLock()
        self._closing = threading.Event()
        self._transitions: list[threading.Thread] = []
        self._failing: set[str] = set()
        self.fail_over: FailOver | None = None

    def register(self, running: RunningCluster) -> None:
        # Abstract by their annotations only: what they lack is CloudFormation's, and moto itself does the same.
        make_instance: Any = SandboxInstance
        make_standalone: Any = SandboxStandalone
        if running.spec.standalone:
            self.databases[running.spec.identifier] = make_standalone(self, running)
            return
        cluster = SandboxCluster(self, running)
        self.clusters[cluster.db_cluster_identifier] = cluster
        for server in running.servers:
            self.databases[server.instance] = make_instance(self, cluster, server)
        if running.proxy is not None:
            self.db_proxies[running.proxy.name] = SandboxProxy(self, cluster)

    def hooks(self) -> Hooks:
        return {"status": self.hold_status, "failing-switch": self.fail_switch, "fleet": self.describe_fleet}

    def hold_status(self, held: dict[str, str | None]) -> None:
        """Show these clusters and instances in a state, or (None) in their own again. Raises ValueError."""
        for identifier, status in held.items():
            found: Any = self.clusters.get(identifier) or self.databases.get(identifier)
            if found is None:
                raise ValueError(f"there is no cluster or instance {identifier}")
            found.held_status = status

    def fail_switch(self, identifier: str) -> None:
        """Let the next switch of IAM authentication on this cluster or instance fail."""
        self._failing.add(identifier)

    def describe_fleet(self, number: int) -> None:
        """Describe this many clusters, ``fleet-001`` and so on, instead of those of an earlier call; the servers of the
        clusters that have IAM authentication stand for them in turn. Raises ValueError where there are none."""
        fleet = fleet_of(number, [cluster.running for cluster in self._own() if cluster.iam_auth])
        with self._guard:
            for identifier in [name for name in (*self.clusters, *self.databases) if name.startswith(FLEET)]:
                self.clusters.pop(identifier, None)
                self.databases.pop(identifier, None)
            for running in fleet:
                self.register(running)

    def _own(self) -> list[SandboxCluster]:
        found = self.clusters.values()
        return [
            each
            for each in found
            if isinstance(each, SandboxCluster) and not each.db_cluster_identifier.startswith(FLEET)
        ]

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
            self._change_iam_auth(cluster, wanted, immediately)
            return cluster

    def modify_db_instance(self, db_instance_identifier: str, db_kwargs: dict[str, Any]) -> DBInstance:
        (instance,) = self.describe_db_instances(db_instance_identifier)
        if isinstance(instance, SandboxInstance) and "enable_iam_database_authentication" in db_kwargs:
            raise InvalidParameterCombination(
                f"IAM database authentication of {db_instance_identifier} is set by ModifyDBCluster on its DB cluster."
            )
        if not isinstance(instance, SandboxStandalone):
            return super().modify_db_instance(db_instance_identifier, db_kwargs)
        with self._guard:
            if instance.status != "available":
                # https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBInstance.html#API_ModifyDBInstance_Errors
                message = f"Database instance {db_instance_identifier} is {instance.status}, not available."
                raise RDSClientError("InvalidDBInstanceState", message)
            kwargs = dict(db_kwargs)
            wanted = kwargs.pop("enable_iam_database_authentication", None)
            immediately = bool(kwargs.pop("apply_immediately", False))
            super().modify_db_instance(db_instance_identifier, {**kwargs, "apply_immediately": immediately})
            self._change_iam_auth(instance, wanted, immediately)
            return instance

    def stop_db_cluster(self, cluster_identifier: str) -> DBCluster:
        return self._pass_through(cluster_identifier, "available", "stopping", "stopped")

    def start_db_cluster(self, cluster_identifier: str) -> DBCluster:
        return self._pass_through(cluster_identifier, "stopped", "starting", "available")

    def failover_db_cluster(
        self, db_cluster_identifier: str, target_db_instance_identifier: str | None = None
    ) -> DBCluster:
        with self._guard:
            (cluster,) = self.describe_db_clusters(db_cluster_identifier)
            begin_failover(cluster, target_db_instance_identifier, self.fail_over, self._guard, self._closing)
            return cluster

    def sandbox_clusters(self) -> list[SandboxCluster]:
        with self._guard:
            return [cluster for cluster in self.clusters.values() if isinstance(cluster, SandboxCluster)]

    def set_http_endpoint(self, arn: str, enabled: bool) -> dict[str, Any]:
        cluster = next((found for found in self.sandbox_clusters() if found.db_cluster_arn == arn), None)
        if cluster is None:
            raise ResourceNotFoundFault(arn)
        cluster.data_api = enabled
        return {"ResourceArn": arn, "HttpEndpointEnabled": enabled}

    def _pass_through(self, identifier: str, before: str, meanwhile: str, after: str) -> DBCluster:
        """The servers keep running: only what the API says of the cluster changes."""
        with self._guard:
            (cluster,) = self.describe_db_clusters(identifier)
            if cluster.status != before:
                message = f"DbCluster {identifier} is in {cluster.status} state but expected it to be one of {before}."
                raise InvalidDBClusterStateFault(message)
            cluster.status = meanwhile
            self._later(lambda: setattr(cluster, "status", after))
            return cluster

    def _change_iam_auth(self, target: IamAuthTarget, wanted: bool | None, immediately: bool) -> None:
        if wanted is not None:
            target.pending_iam_auth = None if wanted == target.iam_auth else wanted
        enabled = target.pending_iam_auth
        if immediately and enabled is not None:
            target.show(changing=True)
            self._later(lambda: self._transit(target, enabled))

    def _later(self, change: Callable[[], None]) -> None:
        """Make the change when the time that it takes on AWS has passed, unless the sandbox goes down before."""

        def wait_and_change() -> None:
            if not self._closing.wait(self._transition_seconds):
                change()

        transition = threading.Thread(target=wait_and_change, daemon=True)
        self._transitions = [*(thread for thread in self._transitions if thread.is_alive()), transition]
        transition.start()

    def _transit(self, target: IamAuthTarget, enabled: bool) -> None:
        identifier = target.running.spec.identifier
        try:
            if identifier in self._failing:
                self._failing.remove(identifier)
                raise RuntimeError("The sandbox was told to let this switch fail.")
            self._switch(target.running, enabled)
        except Exception:
            # As on AWS, a change that failed leaves the cluster as it was; the reason is in the control plane's log.
            print(f"IAM authentication of {identifier} could not be switched.", file=sys.stderr)
            traceback.print_exc(file=sys.stderr)
            enabled = target.iam_auth
        with self._guard:
            target.iam_auth = enabled
            target.pending_iam_auth = None
            target.show(changing=False)


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
    """Puts the sandbox's RDS in the place of moto's, with these clusters in it, and their twins in the other region."""
    backend = SandboxBackend(switch, transition_seconds)
    twins = SandboxBackend(switch, transition_seconds, TWIN_REGION)
    rds_backends[ACCOUNT_ID].update({REGION: backend, TWIN_REGION: twins})
    # What a page's marker is made of; moto names it for the actions that it pages itself.
    get_pagination_model("rds")["DescribeDBClusters"]["unique_attribute"] = "resource_id"
    urls.url_paths = dict.fromkeys(urls.url_paths, SandboxResponse.dispatch)
    for running in clusters:
        backend.register(running)
        if not running.spec.standalone:
            twins.register(running.twin)
    return backend

# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""moto's RDS objects, made to describe the servers that really run.

moto 5.2 invents endpoints, gives every instance the same resource id and every managed secret the same password.
"""

from __future__ import annotations

import json
from typing import ClassVar

from moto.rds.models import DBCluster, DBInstance, DBInstanceClustered, MasterUserSecret, RDSBackend
from moto.rds.utils import FilterDef

from tests.sandbox.aws.rds_states import HeldStatus, PendingIamAuth
from tests.sandbox.servers.clusters import RunningCluster, ServerSpec

INSTANCE_CLASS = "db.r6g.large"


class SandboxSecret(MasterUserSecret):
    """The managed secret of the master user of a cluster or an instance, with the password that the server knows."""

    def __init__(self, resource: DBCluster | DBInstance, password: str) -> None:
        self._password = password
        super().__init__(resource, None)
        self._status = "active"

    def _generate_secret_string(self) -> str:
        return json.dumps({"username": self.resource.master_username, "password": self._password})


class SandboxCluster(HeldStatus, PendingIamAuth, DBCluster):
    SUPPORTED_FILTERS: ClassVar[dict[str, FilterDef]] = {
        **DBCluster.SUPPORTED_FILTERS,
        "db-cluster-resource-id": FilterDef(["db_cluster_resource_id"], "DB Cluster Resource Ids"),
    }

    def __init__(self, backend: RDSBackend, running: RunningCluster) -> None:
        spec = running.spec
        super().__init__(
            backend,
            spec.identifier,
            spec.engine,
            engine_version=spec.engine_version,
            master_username=spec.master_username,
            master_user_password=running.master_password,
            database_name=spec.database,
            port=running.writer.port,
            storage_encrypted=True,
            enable_iam_database_authentication=spec.iam_auth,
        )
        self.running = running
        self._name = running.writer.host
        self.db_cluster_resource_id = running.resource_id
        self.manage_master_user_password = True
        self.master_user_secret = SandboxSecret(self, running.master_password)
        self.data_api = spec.data_api
        self.status = "available"

    def become(self, running: RunningCluster) -> None:
        """The same cluster, with other roles or addresses of its servers."""
        self.running = running
        servers = {server.instance: server for server in running.servers}
        for member in self.members:
            member.move(servers[member.db_instance_identifier])

    @property
    def endpoint(self) -> str:
        """The cluster's own name: the same all the time, to whichever server it leads."""
        return self._name

    @property
    def http_endpoint_enabled(self) -> bool:
        return self.data_api

    @property
    def reader_endpoint(self) -> str:
        """Like AWS's, it reaches the writer where there is no reader."""
        others = [server.host for server in self.running.servers if server.host != self._name]
        return others[0] if others else self.endpoint

    def show(self, changing: bool) -> None:
        self.status = "update-iam-db-auth" if changing else "available"
        for member in self.members:
            member.status = "configuring-iam-database-auth" if changing else "available"


class SandboxInstance(HeldStatus, DBInstanceClustered):
    def __init__(self, backend: RDSBackend, cluster: SandboxCluster, server: ServerSpec) -> None:
        self._server = server
        self._cluster = cluster
        super().__init__(
            cluster.db_cluster_identifier,
            backend=backend,
            db_instance_identifier=server.instance,
            db_instance_class=INSTANCE_CLASS,
            engine=cluster.engine,
            port=server.port,
        )
        # Stable over restarts, unique, and of the shape that AWS gives: db- and 26 characters.
        unique = f"{server.instance.upper().replace('-', '')}{cluster.running.resource_id.removeprefix('cluster-')}"
        self.dbi_resource_id = f"db-{unique[:26]}"
        self.is_cluster_writer = server.is_writer

    def move(self, server: ServerSpec) -> None:
        self._server = server
        self.is_cluster_writer = server.is_writer

    @property
    def address(self) -> str:
        return self._server.host

    @property
    def iam_database_authentication_enabled(self) -> bool:
        """Aurora sets it for the cluster; every instance shows it."""
        enabled: bool = self._cluster.iam_database_authentication_enabled
        return enabled

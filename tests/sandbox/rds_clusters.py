# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""moto's RDS objects, made to describe the servers that really run.

moto 5.2 invents endpoints, gives every instance the same resource id and every managed secret the same password.
"""

from __future__ import annotations

import json
from typing import Any, ClassVar

from moto.rds.models import DBCluster, DBInstanceClustered, MasterUserSecret, RDSBackend
from moto.rds.utils import FilterDef

from tests.sandbox.clusters import RunningCluster, ServerSpec

INSTANCE_CLASS = "db.r6g.large"


class SandboxSecret(MasterUserSecret):
    """The managed secret of a cluster's master user, with the password that the server knows."""

    def __init__(self, cluster: SandboxCluster, password: str) -> None:
        self._password = password
        super().__init__(cluster, None)
        self._status = "active"

    def _generate_secret_string(self) -> str:
        return json.dumps({"username": self.resource.master_username, "password": self._password})


class SandboxCluster(DBCluster):
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
        self.db_cluster_resource_id = running.resource_id
        self.manage_master_user_password = True
        self.master_user_secret = SandboxSecret(self, running.master_password)
        self.pending_iam_auth: bool | None = None
        self.data_api = spec.data_api
        self.status = "available"

    @property
    def endpoint(self) -> str:
        return self.running.writer.host

    @property
    def http_endpoint_enabled(self) -> bool:
        return self.data_api

    @property
    def reader_endpoint(self) -> str:
        """Like AWS's, it reaches the writer where there is no reader."""
        readers = [server.host for server in self.running.servers if not server.is_writer]
        return readers[0] if readers else self.endpoint

    @property
    def pending_modified_values(self) -> dict[str, Any] | None:
        if self.pending_iam_auth is None:
            return None
        return {"IAMDatabaseAuthenticationEnabled": self.pending_iam_auth}


class SandboxInstance(DBInstanceClustered):
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

    @property
    def address(self) -> str:
        return self._server.host

    @property
    def iam_database_authentication_enabled(self) -> bool:
        """Aurora sets it for the cluster; every instance shows it."""
        enabled: bool = self._cluster.iam_database_authentication_enabled
        return enabled

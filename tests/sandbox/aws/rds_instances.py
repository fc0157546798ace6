# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""DB instances of RDS that are no cluster's members, as moto's RDS API shows them."""

from __future__ import annotations

from moto.rds.models import DBInstance, RDSBackend

from tests.sandbox.aws.rds_clusters import INSTANCE_CLASS, SandboxSecret
from tests.sandbox.aws.rds_states import HeldStatus, PendingIamAuth
from tests.sandbox.servers.clusters import RunningCluster

_SECURITY_GROUP = "sg-0123456789abcdef0"
"""Named, because moto would make a whole VPC otherwise."""


class SandboxStandalone(HeldStatus, PendingIamAuth, DBInstance):
    """https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.Enabling.html"""

    def __init__(self, backend: RDSBackend, running: RunningCluster) -> None:
        spec = running.spec
        super().__init__(
            backend,
            spec.identifier,
            INSTANCE_CLASS,
            spec.engine,
            engine_version=spec.engine_version,
            port=running.writer.port,
            db_name=spec.database,
            master_username=spec.master_username,
            master_user_password=running.master_password,
            storage_encrypted=True,
            vpc_security_group_ids=[_SECURITY_GROUP],
        )
        self.running = running
        self.dbi_resource_id = running.resource_id
        self.iam_auth = spec.iam_auth
        self.manage_master_user_password = True
        self.master_user_secret = SandboxSecret(self, running.master_password)

    @property
    def address(self) -> str:
        return self.running.writer.host

    @property
    def iam_database_authentication_enabled(self) -> bool:
        return self.iam_auth

    def show(self, changing: bool) -> None:
        self.status = "configuring-iam-database-auth" if changing else "available"

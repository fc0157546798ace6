# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the local Aurora consists of: its clusters, and the servers that stand for their instances.

Everything here is plain and JSON-able, because two processes share it: the command that starts the
sandbox, and the control plane that answers as AWS and switches IAM authentication on and off.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

REGION = "eu-central-1"
ACCOUNT_ID = "123456789012"


@dataclass(frozen=True)
class ClusterSpec:
    """A cluster as it is declared. ``engine`` and ``engine_version`` are what the RDS API reports."""

    identifier: str
    engine: str
    engine_version: str
    family: str
    """Which server stands for it: ``mysql``, ``postgresql-18`` or ``postgresql-15``."""
    master_username: str
    database: str
    """The database (schema, on MySQL) that exists from the start."""
    iam_auth: bool = True
    has_reader: bool = False
    partial_revokes: bool = True
    """MySQL only. Aurora MySQL 3 has it ON and does not let users change it."""
    data_api: bool = True


CLUSTERS: tuple[ClusterSpec, ...] = (
    ClusterSpec("orders", "aurora-mysql", "8.0.mysql_aurora.3.10.0", "mysql", "admin", "orders", has_reader=True),
    ClusterSpec(
        "catalogue",
        "aurora-mysql",
        "8.0.mysql_aurora.3.10.0",
        "mysql",
        "admin",
        "catalogue",
        iam_auth=False,
        data_api=False,
    ),
    ClusterSpec(
        "warehouse", "aurora-mysql", "8.0.mysql_aurora.3.10.0", "mysql", "admin", "warehouse", partial_revokes=False
    ),
    ClusterSpec("ledger", "aurora-postgresql", "18.3", "postgresql-18", "postgres", "ledger", has_reader=True),
    ClusterSpec("payroll", "aurora-postgresql", "18.3", "postgresql-18", "postgres", "payroll", iam_auth=False),
    ClusterSpec("archive", "aurora-postgresql", "15.10", "postgresql-15", "postgres", "archive"),
)


@dataclass(frozen=True)
class ServerSpec:
    """One running database server: an instance of a cluster."""

    cluster: str
    instance: str
    """The DB instance identifier, such as ``orders-1``."""
    is_writer: bool
    family: str
    host: str
    """The name clients dial and the certificate covers: ``localhost`` for writers, ``127.0.0.2`` for readers."""
    port: int
    """A cluster's writer and reader listen on the same port of different addresses, as on RDS."""
    folder: str
    """Everything this server writes: its files, its log, its private socket."""
    options: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class RunningCluster:
    """A cluster with its servers and the master's password, as the control plane registers it with RDS."""

    spec: ClusterSpec
    resource_id: str
    """``cluster-`` and 26 capital letters and digits: the part of the rds-db ARN that IAM policies name."""
    master_password: str
    servers: tuple[ServerSpec, ...]

    @property
    def writer(self) -> ServerSpec:
        return next(server for server in self.servers if server.is_writer)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> RunningCluster:
        return cls(
            spec=ClusterSpec(**document["spec"]),
            resource_id=document["resource_id"],
            master_password=document["master_password"],
            servers=tuple(ServerSpec(**server) for server in document["servers"]),
        )

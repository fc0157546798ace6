# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the local Aurora consists of: its clusters, its standalone instances, and the servers that stand for them.

Everything here is plain and JSON-able, because two processes share it: the command that starts the
sandbox, and the control plane that answers as AWS and switches IAM authentication on and off.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any

REGION = "eu-central-1"
TWIN_REGION = "sa-east-1"
"""A second region, where each cluster has a twin: the same identifier and servers, and another resource ID."""
ACCOUNT_ID = "123456789012"
PROXY_PORTS = {"mysql": 3306, "postgresql": 5432}
"""Where an RDS Proxy listens, whatever the port of its target; DescribeDBProxies names none."""


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
    standalone: bool = False
    """A DB instance of RDS that is no cluster's member; its identifier is the instance's."""
    proxy: str = ""
    """The name of the RDS Proxy in front of it; empty where there is none."""

    data_api: bool = True


CLUSTERS: tuple[ClusterSpec, ...] = (
    ClusterSpec(
        "orders",
        "aurora-mysql",
        "8.0.mysql_aurora.3.10.0",
        "mysql",
        "admin",
        "orders",
        has_reader=True,
        proxy="orders-proxy",
    ),
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
    ClusterSpec(
        "ledger",
        "aurora-postgresql",
        "18.3",
        "postgresql-18",
        "postgres",
        "ledger",
        has_reader=True,
        proxy="ledger-proxy",
    ),
    ClusterSpec("payroll", "aurora-postgresql", "18.3", "postgresql-18", "postgres", "payroll", iam_auth=False),
    ClusterSpec("archive", "aurora-postgresql", "15.10", "postgresql-15", "postgres", "archive"),
)
INSTANCES: tuple[ClusterSpec, ...] = (
    ClusterSpec("billing", "mysql", "8.4.7", "mysql", "admin", "billing", partial_revokes=False, standalone=True),
    ClusterSpec("invoices", "postgres", "18.3", "postgresql-18", "postgres", "invoices", standalone=True),
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

    @property
    def address(self) -> str:
        """The address that ``host`` stands for."""
        return "127.0.0.1" if self.host == "localhost" else self.host

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class ProxySpec:
    """An RDS Proxy: what it is called, and where it listens."""

    name: str
    resource_id: str
    """``prx-`` and 17 hexadecimal digits."""
    host: str
    port: int


@dataclass(frozen=True)
class RunningCluster:
    """A cluster, or a standalone instance, with its servers and the master's password, as RDS registers it."""

    spec: ClusterSpec
    resource_id: str
    """``cluster-``, or ``db-``, and 26 capital letters and digits: the part of the rds-db ARN that IAM policies
    name."""
    master_password: str
    servers: tuple[ServerSpec, ...]
    proxy: ProxySpec | None = None

    @property
    def writer(self) -> ServerSpec:
        return next(server for server in self.servers if server.is_writer)

    def resource_at(self, host: str, port: int) -> str | None:
        """The resource ID that a policy has to name for logins at this endpoint; None where it is none of ours."""
        if self.proxy is not None and (host, port) == (self.proxy.host, self.proxy.port):
            return self.proxy.resource_id
        return self.resource_id if (host, port) in {(each.host, each.port) for each in self.servers} else None

    @property
    def twin(self) -> RunningCluster:
        """The cluster of the same identifier in TWIN_REGION."""
        prefix, _dash, rest = self.resource_id.partition("-")
        return replace(self, resource_id=f"{prefix}-{rest[::-1]}", proxy=None)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> RunningCluster:
        return cls(
            spec=ClusterSpec(**document["spec"]),
            resource_id=document["resource_id"],
            master_password=document["master_password"],
            servers=tuple(ServerSpec(**server) for server in document["servers"]),
            proxy=ProxySpec(**document["proxy"]) if document["proxy"] else None,
        )

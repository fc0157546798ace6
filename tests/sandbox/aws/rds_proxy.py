# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An RDS Proxy: how the RDS API describes it, and what listens where it says.

The one for MySQL passes bytes on and terminates no TLS, so that clients see the certificate of the server behind it.
https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/rds-proxy.html
"""

from __future__ import annotations

import socket
import socketserver
import threading

from moto.rds.models import DBProxy, DBProxyTarget, DBProxyTargetGroup, RDSBackend

from tests.sandbox.aws.rds_clusters import SandboxCluster
from tests.sandbox.layout import Layout
from tests.sandbox.servers.clusters import ACCOUNT_ID, RunningCluster, ServerSpec
from tests.sandbox.servers.postgresql_proxy import PostgreSQLProxy

_CHUNK = 64 * 1024


class SandboxProxy(DBProxy):
    def __init__(self, backend: RDSBackend, cluster: SandboxCluster) -> None:
        # moto's makes a VPC with its subnets, and another name for the endpoint
        super(DBProxy, self).__init__(backend)
        spec = cluster.running.proxy
        if spec is None:
            raise ValueError(f"There is no proxy in front of {cluster.db_cluster_identifier}.")
        self.db_proxy_name = spec.name
        self.engine_family = cluster.running.writer.family.partition("-")[0].upper()
        self.endpoint = spec.host
        self.unique_id = spec.resource_id
        self.status = "available"
        secret = {"AuthScheme": "SECRETS", "SecretArn": cluster.master_user_secret.secret_arn, "IAMAuth": "DISABLED"}
        self.auth = [secret]
        self.role_arn = f"arn:aws:iam::{ACCOUNT_ID}:role/{spec.name}"
        self.require_tls = True
        self.created_date = self.updated_date = self.created
        group = DBProxyTargetGroup(backend, "default", spec.name)
        identifier = cluster.db_cluster_identifier
        group.targets.append(DBProxyTarget(backend, identifier, cluster.endpoint, "TRACKED_CLUSTER"))
        self.proxy_target_groups = {"default": group}


def proxy_for(cluster: RunningCluster, layout: Layout) -> socketserver.BaseServer | None:
    """What listens where the cluster's proxy is; None where it has none."""
    if cluster.proxy is None:
        return None
    address, writer = (cluster.proxy.host, cluster.proxy.port), cluster.writer
    if writer.family == "mysql":
        return Forwarder(address, writer)
    return PostgreSQLProxy(address, writer, layout)


class Forwarder(socketserver.ThreadingTCPServer):
    """Passes on what comes to ``address`` to the server, and back."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], server: ServerSpec) -> None:
        self.target = ("127.0.0.1" if server.is_writer else server.host, server.port)
        super().__init__(address, _Connection)


class _Connection(socketserver.BaseRequestHandler):
    server: Forwarder

    def handle(self) -> None:
        client: socket.socket = self.request
        try:
            database = socket.create_connection(self.server.target, timeout=10)
        except OSError:
            return  # The client sees its connection close.
        with database:
            database.settimeout(None)
            answers = threading.Thread(target=_pass_on, args=(database, client), daemon=True)
            answers.start()
            _pass_on(client, database)
            answers.join()


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    """Until the source ends; then the sink is told so."""
    try:
        while chunk := source.recv(_CHUNK):
            sink.sendall(chunk)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        for end in (source, sink):
            _close(end)


def _close(end: socket.socket) -> None:
    try:
        end.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # It is closed already.

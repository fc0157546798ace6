# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every database server of the sandbox can do, and which class stands for which family."""

from __future__ import annotations

from typing import Protocol

from tests.sandbox.layout import Layout
from tests.sandbox.servers.clusters import RunningCluster, ServerSpec
from tests.sandbox.servers.mysql import MySQLServer
from tests.sandbox.servers.postgresql import PostgreSQLServer


class Server(Protocol):
    """A database server, known from plain values only, so that any program can rebuild it."""

    def start(self) -> None:
        """Make its files if there are none, launch it, and return when it accepts connections."""

    def set_iam_auth(self, enabled: bool) -> None:
        """Switch IAM authentication while the server runs, as ModifyDBCluster does."""

    def execute(self, sql: str, database: str | None = None) -> list[tuple[str, ...]]:
        """Run SQL as the superuser, over the private socket."""


def server_for(cluster: RunningCluster, server: ServerSpec, layout: Layout) -> Server:
    if server.family == "mysql":
        return MySQLServer(cluster, server, layout)
    return PostgreSQLServer(cluster, server, layout)

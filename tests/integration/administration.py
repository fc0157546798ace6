# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The servers' superuser, behind the collection's back."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import Any

import psycopg2
import pymysql

from tests.sandbox.clients import State
from tests.sandbox.layout import Layout, of_checkout
from tests.sandbox.servers.clusters import RunningCluster
from tests.sandbox.servers.server import Server, server_for

WRITTEN = (
    "SELECT VARIABLE_NAME, VARIABLE_VALUE FROM performance_schema.global_status "
    "WHERE REGEXP_LIKE(VARIABLE_NAME, '^Com_(alter|call|create|delete|drop|grant|insert|kill|rename|replace|revoke|"
    "truncate|update)') ORDER BY 1"
)
LAST_COMMIT = "SELECT xid::text, timestamp::text FROM pg_last_committed_xact()"


class Administration:
    """Sets scenes and looks at results behind the collection's back, as the servers' superuser."""

    def __init__(self, state: State) -> None:
        layout = of_checkout()
        running = running_clusters(layout)
        self._servers: dict[str, Server] = {
            cluster.spec.identifier: server_for(cluster, cluster.writer, layout) for cluster in running
        }
        self._writers = {cluster.spec.identifier: cluster.writer for cluster in running}
        self._sockets = layout.sockets
        self._connections: dict[str, Any] = {}

    def sql(self, cluster: str, statement: str, database: str | None = None) -> list[tuple[str, ...]]:
        return self._servers[cluster].execute(statement, database)

    def superuser(self, cluster: str) -> Any:
        """A connection of the driver's, over the private socket: for what is asked often."""
        writer = self._writers[cluster]
        if writer.family == "mysql":
            socket = str(self._sockets / f"{writer.instance}.sock")
            return pymysql.connect(unix_socket=socket, user="rdsadmin", autocommit=True, ssl_disabled=True)
        folder = str(self._sockets / writer.instance)
        connection = psycopg2.connect(host=folder, port=writer.port, user="rdsadmin", dbname="postgres")
        connection.autocommit = True
        return connection

    def _ask(self, cluster: str, statement: str) -> list[tuple[Any, ...]]:
        """As ``sql``, without starting a program; with a new connection where the server was restarted."""
        for old in (self._connections.pop(cluster, None), None):
            try:
                connection = old or self.superuser(cluster)
                with connection.cursor() as cursor:
                    cursor.execute(statement)
                    rows = list(cursor.fetchall()) if cursor.description else []
            except (pymysql.Error, psycopg2.Error):
                if old is None:
                    raise
            else:
                self._connections[cluster] = connection
                return rows
        raise AssertionError("not reached")

    @contextlib.contextmanager
    def writes_nothing(self, cluster: str) -> Iterator[None]:
        """On MySQL, no statement was sent that writes, by any session. On PostgreSQL, where check mode executes and
        rolls back, nothing was committed in any database."""
        if cluster not in self._servers:
            yield
            return
        mysql = self._writers[cluster].family == "mysql"
        before = self._ask(cluster, WRITTEN if mysql else LAST_COMMIT)
        yield
        after = self._ask(cluster, WRITTEN if mysql else LAST_COMMIT)
        assert after == before, "something was written in check mode"

    @property
    def clusters(self) -> list[str]:
        return sorted(self._servers)

    def drop_accounts(self) -> None:
        """Those that tests have left behind, with names that the fixture ``account`` gave them, in any case."""
        for cluster in self.clusters:
            if self._writers[cluster].family == "mysql":
                name = "CONVERT(User USING utf8mb4) COLLATE utf8mb4_general_ci"
                left = self.sql(cluster, f"SELECT User, Host FROM mysql.user WHERE {name} LIKE 'jane\\_%'")
                self.drop_users(cluster, left)
            else:
                left = self.sql(cluster, "SELECT rolname FROM pg_roles WHERE rolname ILIKE 'jane\\_%'")
                databases = self.sql(cluster, "SELECT datname FROM pg_database WHERE datallowconn")
                self.drop_roles(cluster, left, [database for (database,) in databases])

    def drop_users(self, cluster: str, users: list[tuple[str, ...]]) -> None:
        """All in one statement, as is ``drop_roles``: there may be hundreds."""
        if users:
            self.sql(cluster, "DROP USER " + ", ".join(f"'{user}'@'{host}'" for user, host in users))

    def drop_roles(self, cluster: str, roles: list[tuple[str, ...]], databases: list[str]) -> None:
        names = ", ".join(f'"{name}"' for (name,) in roles)
        if names:
            for database in databases:
                self.sql(cluster, f"DROP OWNED BY {names} CASCADE", database)
            self.sql(cluster, f"DROP ROLE {names}")


def running_clusters(layout: Layout) -> list[RunningCluster]:
    return [RunningCluster.from_json(document) for document in json.loads(layout.clusters_json.read_text())]


def drop_iam_accounts(admin: Administration, cluster: str) -> None:
    if cluster == "orders":
        users = admin.sql(cluster, "SELECT User, Host FROM mysql.user WHERE plugin = 'AWSAuthenticationPlugin'")
        admin.drop_users(cluster, users)
        return
    members = "SELECT rolname FROM pg_roles WHERE pg_has_role(oid, 'rds_iam', 'USAGE') AND NOT rolsuper"
    roles = admin.sql(cluster, f"{members} AND rolname <> 'rds_iam'")
    admin.drop_roles(cluster, roles, [cluster, "postgres"])

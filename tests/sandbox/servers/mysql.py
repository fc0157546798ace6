# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""MySQL set up as Aurora MySQL 3 sets it up: a master without SUPER, whose privileges come through a role.

Where it differs from Aurora:

- A reader is a replica with ``super_read_only``; Aurora's is one with ``innodb_read_only``.
- ``mysql.*`` is kept from being written by a partial revoke. The cluster that has ``partial_revokes=OFF``, for tests,
  cannot have that: there the master may write to it.
"""

from __future__ import annotations

import os
import shutil
import signal
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pymysql
from pymysql.constants import CLIENT
from pymysql.converters import encoders

from tests.sandbox.layout import PRIVATE
from tests.sandbox.servers.files import ServerFiles
from tests.sandbox.servers.plugin_build import LIBRARY, plugin_folder
from tests.sandbox.servers.programs import SandboxError, run, run_as, running, start, wait_until
from tests.sandbox.servers.templates import template

SUPERUSER = "rdsadmin"
PLUGIN = "AWSAuthenticationPlugin"
_SETTINGS = {
    "mysqlx": "OFF",
    "secure-file-priv": "",
    # The machine has a limited number of asynchronous requests (fs.aio-max-nr), and each server reserves thousands
    "innodb-use-native-aio": "OFF",
    "innodb-buffer-pool-size": "64M",
    "innodb-redo-log-capacity": "32M",
    "innodb-flush-log-at-trx-commit": "0",
    "innodb-doublewrite": "OFF",
    "sync-binlog": "0",
    "gtid-mode": "ON",
    "enforce-gtid-consistency": "ON",
    "table-open-cache": "400",
    "max-connections": "100",
    "activate-all-roles-on-login": "OFF",
    # Or else a connection from 127.0.0.1 counts as one from localhost, where the superuser is
    "skip-name-resolve": "ON",
    "plugin-load-add": "auth_socket.so",
}
_STATIC = (
    "SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, RELOAD, PROCESS, REFERENCES, INDEX, ALTER, SHOW DATABASES, "
    "CREATE TEMPORARY TABLES, LOCK TABLES, EXECUTE, REPLICATION SLAVE, REPLICATION CLIENT, CREATE VIEW, SHOW VIEW, "
    "CREATE ROUTINE, ALTER ROUTINE, CREATE USER, EVENT, TRIGGER, CREATE ROLE, DROP ROLE"
)
_DYNAMIC = (
    "ALLOW_NONEXISTENT_DEFINER, APPLICATION_PASSWORD_ADMIN, CONNECTION_ADMIN, FLUSH_OPTIMIZER_COSTS, "
    "FLUSH_PRIVILEGES, FLUSH_STATUS, FLUSH_TABLES, FLUSH_USER_RESOURCES, OPTIMIZE_LOCAL_TABLE, ROLE_ADMIN, "
    "SET_ANY_DEFINER, SHOW_ROUTINE, XA_RECOVER_ADMIN"
)
_WRITES = (
    "INSERT, UPDATE, DELETE, CREATE, DROP, ALTER, INDEX, REFERENCES, CREATE ROUTINE, ALTER ROUTINE, TRIGGER, EVENT"
)
_SERVICE_ROLES = tuple(
    f"AWS_{service}_ACCESS" for service in ("BEDROCK", "COMPREHEND", "LAMBDA", "LOAD_S3", "SAGEMAKER", "SELECT_S3")
)


@dataclass(frozen=True)
class MySQLServer(ServerFiles):
    """One MySQL server: a cluster's writer, or its replica."""

    @property
    def _socket(self) -> Path:
        return self.layout.sockets / f"{self.server.instance}.sock"

    def start(self) -> None:
        if not self._files.exists():
            Path(self.server.folder).mkdir(PRIVATE)
            shutil.copytree(template(self.layout, "mysql", self._initialise), self._files)
            (self._files / "auto.cnf").unlink(missing_ok=True)  # the server's UUID, which a replica may not share
            self._copy_tls(self.layout.ca_cert)
            run_as(self.layout.root).give(Path(self.server.folder))
        environment = {
            "AURORA_SANDBOX_CLUSTER": self.cluster.spec.identifier,
            "AURORA_SANDBOX_VERIFIER": str(self.layout.verifier_socket),
        }
        start(self._command(*self._network()), self._files, self._log, environment)
        wait_until(self._is_ready, 30, f"MySQL {self.server.instance}", self._log)
        if self.server.is_writer:
            self._make_aurora()
        else:
            self.follow()

    def stop(self) -> None:
        """Nothing is lost, since everything is written and nothing can follow. SHUTDOWN would take ten seconds."""
        pid = int((self._files / "pid").read_text())
        self.execute("SET GLOBAL super_read_only = ON; FLUSH ENGINE LOGS")
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: pid not in running(self.layout.run), 30, f"The end of {self.server.instance}", self._log)
        # Until its parent has taken note of its end, its number is in use, and the next server would believe its lock
        self._socket.with_name(f"{self._socket.name}.lock").unlink(missing_ok=True)

    def set_iam_auth(self, enabled: bool) -> None:
        loaded = bool(self.execute(f"SELECT 1 FROM information_schema.PLUGINS WHERE PLUGIN_NAME = '{PLUGIN}'"))
        if loaded == enabled:
            return
        statement = f"INSTALL PLUGIN {PLUGIN} SONAME '{LIBRARY}'" if enabled else f"UNINSTALL PLUGIN {PLUGIN}"
        # A plugin is a matter of each server: not written to the binary log, and allowed on a replica.
        reader = not self.server.is_writer
        if reader:
            statement = f"SET GLOBAL super_read_only = OFF; {statement}; SET GLOBAL super_read_only = ON"
        self.execute(f"SET sql_log_bin = 0; {statement}")

    def execute(self, sql: str, database: str | None = None) -> list[tuple[str, ...]]:
        return self._query(SUPERUSER, sql, database)

    def _query(self, user: str, sql: str, database: str | None = None) -> list[tuple[str, ...]]:
        """The rows of all statements, as ``mysql --batch`` prints them. To start it takes 100 times as long."""
        as_text: dict[Any, Any] = {**encoders}
        try:
            connection = pymysql.connect(
                unix_socket=str(self._socket),
                user=user,
                database=database,
                ssl_disabled=True,
                autocommit=None,
                conv=as_text,
                client_flag=CLIENT.MULTI_STATEMENTS,
            )
            with closing(connection), connection.cursor() as cursor:
                cursor.execute(sql)
                rows = list(cursor.fetchall())
                while cursor.nextset():
                    rows += cursor.fetchall()
        except pymysql.Error as error:
            raise SandboxError(f"{self.server.instance} refused it: {error}") from None
        return [tuple(map(_printed, row)) for row in rows]

    def _is_ready(self) -> bool:
        for user in (SUPERUSER, "root"):
            try:
                return self._query(user, "SELECT 1") == [("1",)]
            except SandboxError:
                continue
        return False

    def _command(self, *arguments: str) -> list[str]:
        software = self._software()
        return [
            *run_as(self.layout.root).words,
            str(software.programs / "mysqld"),
            "--no-defaults",
            f"--basedir={software.prefix}",
            f"--lc-messages-dir={software.prefix / 'share' / 'mysql'}",
            f"--plugin-dir={plugin_folder(self.layout.cache, software.prefix)}",
            *(f"--{name}={value}" for name, value in _SETTINGS.items()),
            *arguments,
        ]

    def _network(self) -> list[str]:
        spec, server = self.cluster.spec, self.server
        number = 1 + [each.instance for each in self.cluster.servers].index(server.instance)
        return [
            f"--datadir={self._files}",
            f"--socket={self._socket}",
            f"--pid-file={self._files / 'pid'}",
            f"--bind-address={server.address}",
            f"--port={server.port}",
            f"--server-id={number}",
            f"--partial-revokes={'ON' if spec.partial_revokes else 'OFF'}",
            f"--ssl-ca={self._files / 'ca.pem'}",
            f"--ssl-cert={self._files / 'server.pem'}",
            f"--ssl-key={self._files / 'server.key'}",
            *([] if spec.has_reader else ["--disable-log-bin"]),
            *([] if server.is_writer else ["--super-read-only=ON", "--skip-replica-start"]),
        ]

    def _initialise(self, folder: Path) -> None:
        run(self._command("--initialize-insecure", f"--datadir={folder}"), folder)
        for generated in folder.glob("*.pem"):
            generated.unlink()

    def _make_aurora(self) -> None:
        """https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/AuroraMySQL.Compare-80-v3.html"""
        spec = self.cluster.spec
        try:
            self.execute("SELECT 1")
            return
        except SandboxError:
            # https://dev.mysql.com/doc/refman/8.4/en/socket-pluggable-authentication.html
            user = run_as(self.layout.root).administrators[0]
            self._query(
                "root",
                f"RENAME USER root@localhost TO {SUPERUSER}@localhost; "
                f"ALTER USER {SUPERUSER}@localhost IDENTIFIED WITH auth_socket AS '{user}'",
            )
        accounts = _accounts(spec.master_username, self.cluster.master_password)
        privileges = _master_privileges(spec.partial_revokes)
        self.execute(f"CREATE DATABASE {spec.database}; {accounts}{privileges}{_PROCEDURES}")

    def follow(self) -> None:
        """https://dev.mysql.com/doc/refman/9.0/en/replication-gtids-auto-positioning.html"""
        writer = self.cluster.writer
        # Before it has anything of the writer, the superuser has another name.
        user = SUPERUSER if self._answers("SELECT 1") else "root"
        self._query(
            user,
            f"STOP REPLICA; CHANGE REPLICATION SOURCE TO SOURCE_HOST = '{writer.address}', "
            f"SOURCE_PORT = {writer.port}, SOURCE_USER = 'rdsrepladmin', "
            f"SOURCE_PASSWORD = '{self.cluster.master_password}', "
            "SOURCE_SSL = 1, SOURCE_AUTO_POSITION = 1, SOURCE_CONNECT_RETRY = 1; START REPLICA",
        )
        caught_up = "SELECT 1 FROM mysql.user WHERE User = 'admin'"
        wait_until(lambda: self._answers(caught_up), 30, f"The replica {self.server.instance}", self._log)

    def _answers(self, sql: str) -> bool:
        try:
            return bool(self.execute(sql))
        except SandboxError:
            return False


def _printed(value: str | bytes | None) -> str:
    """As ``mysql --batch`` prints it: https://dev.mysql.com/doc/refman/9.0/en/mysql-command-options.html"""
    if value is None:
        return "NULL"
    text = value.decode() if isinstance(value, bytes) else value
    return text.translate({0: "\\0", ord("\t"): "\\t", ord("\n"): "\\n", ord("\\"): "\\\\"})


def _accounts(master: str, password: str) -> str:
    roles = ", ".join((*_SERVICE_ROLES, "rds_superuser_role"))
    return (
        f"CREATE ROLE {roles}; CREATE USER {master} IDENTIFIED BY '{password}'; "
        f"GRANT {roles} TO {master} WITH ADMIN OPTION; SET DEFAULT ROLE rds_superuser_role TO {master}; "
        f"CREATE USER rdsrepladmin IDENTIFIED BY '{password}'; "
        "GRANT REPLICATION SLAVE, SYSTEM_USER ON *.* TO rdsrepladmin; "
    )


def _master_privileges(partial_revokes: bool) -> str:
    """All of the master's privileges come through the role."""
    role = "rds_superuser_role"
    granted = "".join(f"GRANT {words} ON *.* TO {role} WITH GRANT OPTION; " for words in (_STATIC, _DYNAMIC))
    return granted + (f"REVOKE {_WRITES} ON mysql.* FROM {role}; " if partial_revokes else "")


# https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/mysql-stored-proc-ending.html
_PROCEDURES = (
    "CREATE PROCEDURE mysql.rds_kill(IN thread BIGINT UNSIGNED) SQL SECURITY DEFINER KILL CONNECTION thread; "
    "CREATE PROCEDURE mysql.rds_kill_query(IN thread BIGINT UNSIGNED) SQL SECURITY DEFINER KILL QUERY thread; "
)

# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""PostgreSQL set up as RDS sets it up: the roles, a master that is no superuser, and host-based rules for tokens.

Where it differs from RDS:

- A token is checked by the ``ldap`` method, RDS uses ``pam``. What a refused client reads differs in that word.
- From PostgreSQL 16 on, a role can only be granted by who has ADMIN on it, and RDS exempts members of rds_superuser
  from that. Here the master has ADMIN on rds_iam instead, without INHERIT and SET. In host-based rules ``+rds_iam``
  matches that membership too, and also the one that a role's creator gets automatically. So the master has a rule of
  its own before those for tokens.
"""

from __future__ import annotations

import csv
import io
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.sandbox.layout import PRIVATE
from tests.sandbox.servers.clusters import ClusterSpec
from tests.sandbox.servers.files import ServerFiles
from tests.sandbox.servers.programs import SandboxError, run, run_as, start, wait_until
from tests.sandbox.servers.templates import template

SUPERUSER = "rdsadmin"
_CAST = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "shared_buffers": "'32MB'",
    "max_connections": "100",
    "max_prepared_transactions": "5",
    "max_wal_size": "'256MB'",
    # With these, tests see that nothing was committed: no vacuum commits meanwhile
    "track_commit_timestamp": "on",
    "autovacuum": "off",
    "wal_level": "replica",
    "hot_standby": "on",
    "password_encryption": "'scram-sha-256'",
    "ssl": "on",
    "ssl_cert_file": "'server.pem'",
    "ssl_key_file": "'server.key'",
}


@dataclass(frozen=True)
class PostgreSQLServer(ServerFiles):
    """One PostgreSQL server: a cluster's writer, or its streaming standby."""

    @property
    def _socket_folder(self) -> Path:
        return self.layout.sockets / self.server.instance

    @property
    def _version(self) -> int:
        return int(self.server.family.partition("-")[2])

    def _command(self, program: str, *arguments: str) -> list[str]:
        return [*run_as(self.layout.root).words, str(self._software().programs / program), *arguments]

    def start(self) -> None:
        if not self._files.exists():
            self._socket_folder.mkdir(PRIVATE)
            Path(self.server.folder).mkdir(PRIVATE)
            run_as(self.layout.root).give(self._socket_folder)
            run_as(self.layout.root).give(Path(self.server.folder))
            self._copy_template() if self.server.is_writer else self._copy_writer()
        start(self._command("postgres", "-D", str(self._files)), self._files, self._log)
        wait_until(self._is_ready, 30, f"PostgreSQL {self.server.instance}", self._log)
        if self.server.is_writer:
            self._make_aurora()

    def set_iam_auth(self, enabled: bool) -> None:
        self._write_rules(enabled)
        self.execute("SELECT pg_reload_conf()")

    def promote(self) -> None:
        """Make a standby a writer."""
        self.execute("SELECT pg_promote()")

    def stop(self) -> None:
        """In order, so that a standby gets everything."""
        run(self._command("pg_ctl", "stop", "-D", str(self._files), "-m", "fast"), self.layout.run)

    def follow(self) -> None:
        """Be the writer's standby from the next start on."""
        with (self._files / "postgresql.auto.conf").open("a") as settings:
            settings.write(f"primary_conninfo = '{self._source()}'\n")
        (self._files / "standby.signal").touch()
        run_as(self.layout.root).give(self._files)

    def listen(self) -> None:
        """Be at the server's address from the next start on."""
        with (self._files / "postgresql.conf").open("a") as settings:
            settings.write(f"listen_addresses = '{self.server.address}'\n")

    def execute(self, sql: str, database: str | None = None) -> list[tuple[str, ...]]:
        printed = run(
            [str(self._software().programs / "psql"), "-XqAt", "--csv", "-v", "ON_ERROR_STOP=1", "-f", "-"]
            + [
                "-h",
                str(self._socket_folder),
                "-p",
                str(self.server.port),
                "-U",
                SUPERUSER,
                "-d",
                database or "postgres",
            ],
            self.layout.run,
            stdin=sql,
        )
        return [tuple(row) for row in csv.reader(io.StringIO(printed))]

    def _is_ready(self) -> bool:
        try:
            return self.execute("SELECT 1") == [("1",)]
        except SandboxError:
            return False

    def _copy_template(self) -> None:
        shutil.copytree(template(self.layout, self.server.family, self._initialise), self._files)
        self._configure()

    def _initialise(self, folder: Path) -> None:
        arguments = ["-D", str(folder), "-U", SUPERUSER, "--auth=reject", "--encoding=UTF8", "--no-sync"]
        locale = "--locale=C.UTF-8" if self._version < 17 else "--locale-provider=builtin"
        builtin = [] if self._version < 17 else ["--builtin-locale=C.UTF-8", "--locale=C"]
        run(self._command("initdb", *arguments, locale, *builtin), folder)

    def _source(self) -> str:
        writer = self.cluster.writer
        return f"host={self.layout.sockets / writer.instance} port={writer.port} user={SUPERUSER}"

    def _copy_writer(self) -> None:
        arguments = [
            "-D",
            str(self._files),
            "--dbname",
            self._source(),
            "--wal-method=stream",
            "--checkpoint=fast",
            "--no-sync",
        ]
        run(self._command("pg_basebackup", *arguments, "--write-recovery-conf"), Path(self.server.folder))
        self._configure()

    def _configure(self) -> None:
        """The last setting of a name wins, so that a copied writer's are overridden."""
        settings = {
            **_CAST,
            "listen_addresses": f"'{self.server.address}'",
            "port": str(self.server.port),
            "unix_socket_directories": f"'{self._socket_folder}'",
            "unix_socket_permissions": "0700",
        }
        with (self._files / "postgresql.conf").open("a") as configuration:
            configuration.writelines(f"{name} = {value}\n" for name, value in settings.items())
        self._copy_tls()
        self._write_rules(False)
        run_as(self.layout.root).give(self._files)

    def _write_rules(self, iam_auth: bool) -> None:
        """https://www.postgresql.org/docs/current/auth-pg-hba-conf.html: the first line that matches decides."""
        spec = self.cluster.spec
        verifier = (
            f'ldap ldapserver=127.0.0.1 ldapport={self.server.options["ldap_port"]} ldapprefix="{spec.identifier}:"'
        )
        connection = "hostssl" if self._version >= 17 else "host"
        lines = [
            f"local all {SUPERUSER} peer map={SUPERUSER}",
            f"local replication {SUPERUSER} peer map={SUPERUSER}",
            f"host {SUPERUSER} all all reject",
            *([f"{connection} all {spec.master_username} all scram-sha-256"] if self._version >= 16 else []),
            f"hostssl all +rds_iam all {verifier if iam_auth else 'reject'}",
            "host all +rds_iam all reject",
            f"{connection} all all all scram-sha-256",
        ]
        users = [f'{SUPERUSER} "{user}" {SUPERUSER}' for user in run_as(self.layout.root).administrators]
        self._write_file("pg_ident.conf", users)
        self._write_file("pg_hba.conf", lines)

    def _write_file(self, name: str, lines: list[str]) -> None:
        """In one piece: the server may be reading it."""
        rules = self._files / name
        draft = rules.with_suffix(".draft")
        draft.write_text("\n".join(lines) + "\n")
        os.chown(draft, rules.stat().st_uid, rules.stat().st_gid)
        draft.chmod(0o600)
        draft.replace(rules)

    def _make_aurora(self) -> None:
        spec = self.cluster.spec
        if self.execute("SELECT 1 FROM pg_roles WHERE rolname = 'rds_superuser'"):
            return
        self.execute(_roles(spec, self.cluster.master_password, self._version))
        self.execute(f"CREATE DATABASE rdsadmin OWNER {SUPERUSER}")
        self.execute(f"CREATE DATABASE {spec.database} OWNER {spec.master_username}")
        self.execute(
            f"REVOKE ALL ON DATABASE rdsadmin FROM PUBLIC; ALTER DATABASE postgres OWNER TO {spec.master_username}"
        )


def _roles(spec: ClusterSpec, password: str, version: int) -> str:
    """https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Appendix.PostgreSQL.CommonDBATasks.Roles.html"""
    master = spec.master_username
    held = ["pg_monitor", "pg_signal_backend", "rds_password", "rds_replication"]
    held += ["pg_checkpoint", "pg_use_reserved_connections"] if version >= 16 else []
    statements = [
        *(f"CREATE ROLE {role} NOLOGIN" for role in ("rds_iam", "rds_ad", "rds_password", "rds_replication")),
        "CREATE ROLE rds_superuser NOLOGIN",
        f"GRANT {', '.join(held)} TO rds_superuser WITH ADMIN OPTION",
        f"CREATE ROLE {master} LOGIN CREATEDB CREATEROLE NOSUPERUSER PASSWORD '{password}'",
        f"GRANT rds_superuser TO {master}",
    ]
    if version >= 16:
        statements.append(f"GRANT rds_iam TO {master} WITH ADMIN TRUE, INHERIT FALSE, SET FALSE")
    return ";\n".join(statements)

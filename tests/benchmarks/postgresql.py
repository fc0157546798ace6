# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import psycopg2

from tests.benchmarks.playbook import Options, Task
from tests.benchmarks.subject import AFTER, BEFORE, TEAMS, Member, Subject, teams

COLLECTION = "community.postgresql."
TRANSACTION = 2000
"""Accounts: more do not fit into the server's lock table."""


class PostgreSQL(Subject):
    engine = "Aurora PostgreSQL"
    cluster = "ledger"

    def on(self, table: str) -> str:
        return f"TABLE bench.{table}"

    def connect(self, port: int) -> Any:
        connection = psycopg2.connect(
            host=self.host,
            port=port,
            user=self.user,
            password=self.password,
            dbname=self.database,
            sslmode="verify-full",
            sslrootcert=self.ca_cert,
        )
        connection.autocommit = True
        return connection

    def execute(self, connection: Any, statements: Sequence[str]) -> None:
        with connection.cursor() as cursor:
            for message in statements:
                cursor.execute(message)

    def created(self, accounts: Sequence[Member]) -> list[str]:
        return [
            _message(
                *(f'CREATE ROLE "{account.name}" LOGIN' for account in part),
                f"GRANT rds_iam TO {_names(account.name for account in part)}",
                *(
                    f"GRANT {privilege} ON bench.{table} TO {_names(names)}"
                    for one, names in teams(part)
                    for privilege, table in (("SELECT", one.read), (BEFORE, one.written))
                ),
            )
            for part in _parts(accounts)
        ]

    def changed(self, accounts: Sequence[Member]) -> list[str]:
        return [
            _message(
                *(
                    statement
                    for one, names in teams(part)
                    for statement in (
                        f"GRANT {AFTER} ON bench.{one.written} TO {_names(names)}",
                        f"REVOKE {BEFORE} ON bench.{one.written} FROM {_names(names)}",
                    )
                )
            )
            for part in _parts(accounts)
        ]

    def dropped(self, accounts: Sequence[Member]) -> list[str]:
        return [
            _message(
                *(
                    f"REVOKE ALL ON bench.{one.read}, bench.{one.written} FROM {_names(names)}"
                    for one, names in teams(part)
                ),
                f"DROP ROLE {_names(account.name for account in part)}",
            )
            for part in _parts(accounts)
        ]

    def _login(self, port: int) -> Options:
        return {
            "login_host": self.host,
            "login_port": port,
            "login_user": self.user,
            "login_password": self.password,
            "login_db": self.database,
            "ca_cert": self.ca_cert,
            "ssl_mode": "verify-full",
        }

    def _privilege(self, port: int, table: str, privilege: str, state: str) -> Options:
        return {
            **self._login(port),
            "roles": "{{ item.name }}",
            "type": "table",
            "schema": "bench",
            "objs": "{{ item." + table + " }}",
            "privs": privilege,
            "state": state,
        }

    def loops(self, port: int) -> dict[str, list[Task]]:
        def loop(name: str, module: str, options: Options) -> Task:
            return Task(name, COLLECTION + module, options, "members")

        login = self._login(port)
        create = [
            loop("create user", "postgresql_user", {**login, "name": "{{ item.name }}"}),
            loop(
                "create membership",
                "postgresql_membership",
                {**login, "groups": "rds_iam", "target_roles": "{{ item.name }}"},
            ),
            loop("create read", "postgresql_privs", self._privilege(port, "read", "SELECT", "present")),
            loop("create write", "postgresql_privs", self._privilege(port, "written", BEFORE, "present")),
        ]
        return {
            "create": create,
            "no change": [
                Task(task.name.replace("create", "again"), task.module, task.options, task.loop) for task in create
            ],
            "change": [
                loop("grant", "postgresql_privs", self._privilege(port, "written", AFTER, "present")),
                loop("revoke", "postgresql_privs", self._privilege(port, "written", BEFORE, "absent")),
            ],
            "drop": [
                loop("drop read", "postgresql_privs", self._privilege(port, "read", "ALL", "absent")),
                loop("drop write", "postgresql_privs", self._privilege(port, "written", "ALL", "absent")),
                loop("drop user", "postgresql_user", {**login, "name": "{{ item.name }}", "state": "absent"}),
            ],
        }

    def single(self, name: str, port: int) -> tuple[str, Options]:
        return COLLECTION + "postgresql_user", {**self._login(port), "name": name}

    def set_scene(self) -> None:
        self.clear()
        tables = [f"CREATE TABLE bench.{kind}_{team} (id int)" for team in range(TEAMS) for kind in ("team", "ledger")]
        connection = self.connect(self.port)
        self.execute(connection, ["CREATE SCHEMA bench", *tables])
        connection.close()

    def clear(self) -> None:
        connection = self.connect(self.port)
        with connection.cursor() as cursor:
            cursor.execute("DROP SCHEMA IF EXISTS bench CASCADE")
            cursor.execute(r"SELECT rolname FROM pg_roles WHERE rolname LIKE 'bench\_%' OR rolname LIKE 'floor\_%'")
            left = [row[0] for row in cursor.fetchall()]
            for start in range(0, len(left), TRANSACTION):
                cursor.execute(f"DROP ROLE {_names(left[start : start + TRANSACTION])}")
        connection.close()


def _parts(accounts: Sequence[Member]) -> Iterator[Sequence[Member]]:
    for start in range(0, len(accounts), TRANSACTION):
        yield accounts[start : start + TRANSACTION]


def _message(*statements: str) -> str:
    return ";\n".join(["BEGIN", *statements, "COMMIT"])


def _names(names: Iterator[str] | Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)

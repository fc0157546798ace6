# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ansible_collections
import pymysql
from pymysql.constants import CLIENT

from tests.benchmarks.playbook import Options, Task
from tests.benchmarks.subject import AFTER, BEFORE, TEAMS, Member, Subject, teams


def user_module() -> str:
    """ansible.mysql took over from community.mysql, and is in the ``ansible`` package of newer Pythons."""
    folders = [Path(folder) for folder in ansible_collections.__path__]
    newer = any((folder / "ansible/mysql/plugins/modules/mysql_user.py").exists() for folder in folders)
    return "ansible.mysql.mysql_user" if newer else "community.mysql.mysql_user"


class MySQL(Subject):
    engine = "Aurora MySQL"
    cluster = "orders"

    def on(self, table: str) -> str:
        return f"bench.{table}"

    def connect(self, port: int) -> Any:
        return pymysql.connect(
            host=self.host,
            port=port,
            user=self.user,
            password=self.password,
            ssl={"ca": self.ca_cert},
            client_flag=CLIENT.MULTI_STATEMENTS,
            autocommit=True,
        )

    def execute(self, connection: Any, statements: Sequence[str]) -> None:
        with connection.cursor() as cursor:
            cursor.execute(";\n".join(statements))
            while cursor.nextset():
                pass

    def created(self, accounts: Sequence[Member]) -> list[str]:
        users = ", ".join(f"`{a.name}`@`%` IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS'" for a in accounts)
        granted = [
            f"GRANT {privilege} ON bench.{table} TO {_names(names)}"
            for one, names in teams(accounts)
            for privilege, table in (("SELECT", one.read), (BEFORE, one.written))
        ]
        return [f"CREATE USER {users} REQUIRE SSL", *granted]

    def changed(self, accounts: Sequence[Member]) -> list[str]:
        return [
            statement
            for one, names in teams(accounts)
            for statement in (
                f"GRANT {AFTER} ON bench.{one.written} TO {_names(names)}",
                f"REVOKE {BEFORE} ON bench.{one.written} FROM {_names(names)}",
            )
        ]

    def dropped(self, accounts: Sequence[Member]) -> list[str]:
        return [f"DROP USER {_names([account.name for account in accounts])}"]

    def _login(self, port: int) -> Options:
        return {
            "login_host": self.host,
            "login_port": port,
            "login_user": self.user,
            "login_password": self.password,
            "ca_cert": self.ca_cert,
            "check_hostname": True,
            "column_case_sensitive": True,
        }

    def _present(self, port: int, second: str) -> Options:
        return {
            **self._login(port),
            "name": "{{ item.name }}",
            "host": "%",
            "plugin": "AWSAuthenticationPlugin",
            "plugin_auth_string": "RDS",
            "tls_requires": {"SSL": None},
            "priv": "bench.{{ item.read }}:SELECT/bench.{{ item.written }}:" + second,
        }

    def loops(self, port: int) -> dict[str, list[Task]]:
        module = user_module()
        absent = {**self._login(port), "name": "{{ item.name }}", "host": "%", "state": "absent"}
        return {
            "create": [Task("create", module, self._present(port, BEFORE), "members")],
            "no change": [Task("no change", module, self._present(port, BEFORE), "members")],
            "change": [Task("change", module, self._present(port, AFTER), "members")],
            "drop": [Task("drop", module, absent, "members")],
        }

    def single(self, name: str, port: int) -> tuple[str, Options]:
        options = self._present(port, BEFORE)
        del options["priv"]
        return user_module(), {**options, "name": name}

    def set_scene(self) -> None:
        self.clear()
        tables = [f"CREATE TABLE bench.{kind}_{team} (id int)" for team in range(TEAMS) for kind in ("team", "ledger")]
        with self.connect(self.port) as connection:
            self.execute(connection, ["CREATE DATABASE bench", *tables])

    def clear(self) -> None:
        with self.connect(self.port) as connection, connection.cursor() as cursor:
            cursor.execute(r"SELECT User FROM mysql.user WHERE User LIKE 'bench\_%' OR User LIKE 'floor\_%'")
            if left := [row[0] for row in cursor.fetchall()]:
                cursor.execute(f"DROP USER {_names(left)}")
            cursor.execute("DROP DATABASE IF EXISTS bench")


def _names(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`@`%`" for name in names)

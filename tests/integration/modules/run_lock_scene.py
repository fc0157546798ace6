# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers for the tests of the lock that keeps runs apart: accounts with passwords, and how they hold the lock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg2
import pymysql

from ansible_collections.dbops.aurora_iam.plugins.module_utils._account_module import converge
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.base import Session
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.registry import engine_for
from ansible_collections.dbops.aurora_iam.plugins.module_utils._login import Login
from ansible_collections.dbops.aurora_iam.plugins.module_utils._params import account_requests
from tests.integration.administration import Administration
from tests.integration.master import master_login_by
from tests.sandbox.clients import State

PASSWORD = "Pa55word!"


@dataclass(frozen=True)
class Server:
    """A cluster, and how its engine says the same things.

    tenant, administrator  SQL that makes {account} with PASSWORD
    locks                  SQL with which a session can hold the lock
    release                SQL that ends what ``locks`` did
    """

    cluster: str
    state: State
    admin: Administration
    tenant: str
    administrators: tuple[str, ...]
    locks: tuple[str, ...]
    release: str
    convert: str
    drop: str
    who: str
    end: str

    def __str__(self) -> str:
        return self.cluster

    @property
    def mysql(self) -> bool:
        return self.state["clusters"][self.cluster]["engine"] == "aurora-mysql"

    def login(self, over_data_api: bool = False, lock_timeout: int = 5) -> Login:
        return master_login_by(self.state, self.cluster, over_data_api, lock_timeout)

    def open(self, **options: Any) -> Session:
        login = self.login(**options)
        return engine_for(login.endpoint.engine).open(login)

    def connect(self, account: str) -> Any:
        """A session of the account's, by its password."""
        described = self.state["clusters"][self.cluster]
        where = {"host": described["host"], "port": described["port"], "user": account, "password": PASSWORD}
        if self.mysql:
            return pymysql.connect(**where, ssl={"ca": self.state["ca_cert"]}, autocommit=True)
        connection = psycopg2.connect(
            **where, dbname="postgres", sslmode="verify-full", sslrootcert=self.state["ca_cert"]
        )
        connection.autocommit = True
        return connection

    def sql(self, text: str, account: str) -> list[tuple[str, ...]]:
        return self.admin.sql(self.cluster, text.format(account=account))

    def task(self, users: list[dict[str, Any]], unlisted: str = "keep", **options: Any) -> tuple[str, ...]:
        """The task's warnings."""
        login = self.login(**options)
        requests = account_requests({"users": users, "unlisted": unlisted, "confirm": True})
        return converge(engine_for(login.endpoint.engine), login, requests, unlisted, write=True).warnings


def execute(connection: Any, text: str) -> Any:
    with connection.cursor() as cursor:
        for statement in text.split(";"):
            cursor.execute(statement)
        return cursor.fetchone() if cursor.description else None


KEY = 0x6175726F69616D
MYSQL = {
    "tenant": f"CREATE USER {{account}} IDENTIFIED BY '{PASSWORD}'",
    "administrators": (
        f"CREATE USER {{account}} IDENTIFIED BY '{PASSWORD}'; GRANT CREATE USER ON *.* TO {{account}}",
        f"CREATE USER {{account}} IDENTIFIED BY '{PASSWORD}'; CREATE ROLE {{account}}_r; "
        "GRANT rds_superuser_role TO {account}_r; GRANT {account}_r TO {account}",
    ),
    "locks": ("SELECT GET_LOCK('dbops.aurora_iam', 5)",),
    "release": "SELECT RELEASE_ALL_LOCKS()",
    "convert": "ALTER USER {account} IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS' REQUIRE SSL",
    "drop": "DROP USER IF EXISTS {account}; DROP ROLE IF EXISTS {account}_r",
    "who": "SELECT CONNECTION_ID()",
    "end": "KILL {number}",
}
POSTGRESQL = {
    "tenant": f"CREATE ROLE {{account}} LOGIN PASSWORD '{PASSWORD}'",
    "administrators": (
        f"SET ROLE postgres; CREATE ROLE {{account}} LOGIN CREATEROLE PASSWORD '{PASSWORD}'",
        f"CREATE ROLE {{account}} LOGIN PASSWORD '{PASSWORD}'; CREATE ROLE {{account}}_r; "
        "GRANT rds_superuser TO {account}_r; GRANT {account}_r TO {account}",
    ),
    "locks": (
        f"SELECT pg_advisory_lock({KEY})",
        f"SELECT pg_advisory_lock_shared({KEY})",
        f"BEGIN; SELECT pg_advisory_xact_lock({KEY})",
    ),
    "release": "ROLLBACK; SELECT pg_advisory_unlock_all()",
    "convert": "GRANT rds_iam TO {account}",
    "drop": "DROP ROLE IF EXISTS {account}; DROP ROLE IF EXISTS {account}_r",
    "who": "SELECT pg_backend_pid()",
    "end": "SELECT pg_terminate_backend({number})",
}
SERVERS = {"orders": MYSQL, "ledger": POSTGRESQL, "archive": POSTGRESQL}

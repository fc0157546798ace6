# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Accounts of both engines that are offboarded while something is wrong, each with a fault of its own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2
import pymysql
import yaml

from ansible_collections.dbops.aurora_iam.plugins.filter.connect_policy import policy_for
from tests.integration.administration import Administration
from tests.integration.command_line import PROGRAMS, settings
from tests.integration.hook import Hook
from tests.integration.modules.interruptions import eventually
from tests.sandbox.clients import (
    CHECKOUT,
    LoginRefused,
    State,
    aws_client,
    connect_statement,
    create_principal,
    described_endpoint,
    login,
)

CLUSTERS = ("orders", "ledger")
DENIED = {
    "list_denied": "ListUserPolicies",
    "get_denied": "GetUserPolicy",
    "put_denied": "PutUserPolicy",
    "delete_denied": "DeleteUserPolicy",
}
GONE, THROTTLED, OWNER, SESSION, KILLED = "principal_gone", "throttled", "owned_objects", "open_session", "killed"
ON_CLUSTERS = (SESSION, *DENIED, GONE, THROTTLED, OWNER, KILLED)
"""faults of accounts whose cluster can be reached; the session ends by itself some time"""
UNREACHABLE, UNAVAILABLE, TYPO = "unreachable", "unavailable", "typo"
ELSEWHERE = {
    UNREACHABLE: {"orders-away": "orders", "ledger-away": "ledger"},
    UNAVAILABLE: {"billing": "billing", "invoices": "invoices"},
}
"""faults of databases: the hosts that have them, and what these stand for"""
CREATE = {
    "mysql": "CREATE USER {name} IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS'",
    "postgresql": "CREATE ROLE {name} LOGIN IN ROLE rds_iam; "
    "GRANT {name} TO postgres WITH ADMIN TRUE, INHERIT FALSE, SET FALSE",
}
HASH = "LENGTH(AES_ENCRYPT('x', 'y', REPEAT('z', 16), 'pbkdf2_hmac', UUID(), '65535'))"
HASHES = 800
"""KILL waits until a sum of so many has been computed"""


def hosts_of(fault: str) -> dict[str, str]:
    """The hosts of the play, and what they stand for."""
    return ELSEWHERE.get(fault) or {cluster: cluster for cluster in CLUSTERS}


@dataclass
class Scene:
    """``mark``: what the name of every account begins with."""

    state: State
    admin: Administration
    hook: Hook
    folder: Path
    mark: str

    def name(self, fault: str) -> str:
        return f"{self.mark}_{fault}"

    def accounts(self, fault: str) -> list[str]:
        """What the IAM user of this fault may connect as: one account, or another one, too, that it keeps."""
        return [self.name(fault), *([self.name("keeps")] if fault == "put_denied" else [])]

    def make(self) -> None:
        statements = []
        for fault in (*ON_CLUSTERS, *ELSEWHERE):
            aws_client(self.state, "iam").create_user(UserName=self.name(fault))
            for database in hosts_of(fault).values():
                self._make_account(fault, database)
                statements.append(connect_statement(self.state, database, f"{self.mark}_*"))
        self._anybody = create_principal(self.state, f"{self.mark}_anybody", *statements)
        owner = self.name(OWNER)
        self.admin.sql("orders", f"CREATE DEFINER = {owner} VIEW orders.{owner} AS SELECT 1 AS one")
        self.admin.sql("ledger", f"CREATE SCHEMA {owner} AUTHORIZATION {owner}")
        self._delete_user(GONE)

    def _make_account(self, fault: str, database: str) -> None:
        """The account, and the policy as the role connect_policy writes it."""
        described = described_endpoint(self.state, database)
        family = described["family"].partition("-")[0]
        self.admin.sql(database, CREATE[family].format(name=self.name(fault)))
        document = json.dumps(policy_for(self.accounts(fault), described))
        policy = {"UserName": self.name(fault), "PolicyName": f"aurora-iam-{database}"}
        aws_client(self.state, "iam").put_user_policy(PolicyDocument=document, **policy)

    def _delete_user(self, fault: str) -> None:
        iam = aws_client(self.state, "iam")
        for policy in self.policies(fault):
            iam.delete_user_policy(UserName=self.name(fault), PolicyName=policy)
        iam.delete_user(UserName=self.name(fault))

    def policies(self, fault: str) -> list[str]:
        names: list[str] = aws_client(self.state, "iam").list_user_policies(UserName=self.name(fault))["PolicyNames"]
        return names

    def documents(self, fault: str) -> dict[str, list[str]]:
        """The accounts that each policy of the IAM user names."""
        iam, user = aws_client(self.state, "iam"), {"UserName": self.name(fault)}
        found = {name: iam.get_user_policy(PolicyName=name, **user) for name in self.policies(fault)}
        return {
            name: [arn.rpartition("/")[2] for arn in policy["PolicyDocument"]["Statement"][0]["Resource"]]
            for name, policy in found.items()
        }

    def logs_in(self, fault: str, database: str) -> bool:
        """Whether somebody gets in with a token who may connect as every account of the scene."""
        try:
            login(self.state, database, self.name(fault), self._anybody)
        except LoginRefused:
            return False
        return True

    @contextlib.contextmanager
    def busy_sessions(self) -> Iterator[None]:
        """A session of the account on each engine that does not end when it is told to. Afterwards they end."""
        mysql, postgresql = self._open(pymysql.connect, "orders"), self._open(psycopg2.connect, "ledger")
        busy = threading.Thread(target=_compute, args=(mysql,))
        busy.start()
        os.kill(postgresql.get_backend_pid(), signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(postgresql.get_backend_pid(), signal.SIGCONT)
            busy.join()

    def _open(self, connect: Callable[..., Any], cluster: str) -> Any:
        described, name = described_endpoint(self.state, cluster), self.name(SESSION)
        host, port, authority = described["host"], described["port"], self.state["ca_cert"]
        token = self._anybody.token(self.state, host, port, name)
        tls = {"ssl_ca": authority} if cluster == "orders" else {"sslrootcert": authority, "dbname": cluster}
        return connect(host=host, port=port, user=name, password=token, **tls)

    def inventory(self, *faults: str, reached: bool = False, **more: Any) -> Path:
        """The play's hosts, each with the names that are offboarded there. ``reached``: also those far away."""
        away = {"login_host": "127.0.0.1", "login_port": 1}
        named: dict[str, dict[str, Any]] = {}
        for fault in faults:
            for host, database in hosts_of(fault).items():
                kind = "instance" if fault == UNAVAILABLE else "cluster"
                values = named.setdefault(host, {f"aurora_iam_{kind}": database, "aurora_iam_offboard": []})
                values["aurora_iam_offboard"].append({"name": self.name(fault), **more.get(fault, {})})
                if fault == UNREACHABLE and not reached:
                    values["aurora_iam_login"] = away
        principals = [
            {"type": "user", "name": self.name(fault), "accounts": self.accounts(fault)}
            for fault in faults
            if fault != TYPO
        ]
        shared = {"aurora_iam_principals": principals, "aurora_iam_login": {"lock_timeout": 2}}
        path = self.folder / "inventory.yml"
        path.write_text(yaml.safe_dump({"aurora_iam": {"hosts": named, "vars": shared}}))
        return path

    def start(self, inventory: Path) -> subprocess.Popen[str]:
        """The playbook, in a process group of its own."""
        return subprocess.Popen(
            [str(PROGRAMS / "ansible-playbook"), "-i", str(inventory), "dbops.aurora_iam.offboard"],
            cwd=CHECKOUT,
            env={**settings(self.state), "ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, inventory: Path) -> tuple[int, str]:
        """The exit code and what it prints."""
        started = self.start(inventory)
        output, _errors = started.communicate()
        return started.returncode, output

    def kill_before_the_drop(self, fault: str) -> None:
        """Kill the playbook while it waits for IAM."""
        mine = {"UserName": self.name(fault)}
        self.hook.fail("ListUserPolicies", kind="delay", seconds=20, parameters=mine)
        started = self.start(self.inventory(fault))
        eventually(lambda: mine in self.hook.parameters("ListUserPolicies"))
        os.killpg(started.pid, signal.SIGKILL)
        started.communicate()


def _compute(connection: Any) -> None:
    with connection.cursor() as cursor, contextlib.suppress(pymysql.Error):
        cursor.execute(f"SELECT {' + '.join([HASH] * HASHES)}")

# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster or an instance whose IAM authentication a test switches; it is left as it was found."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.integration.administration import Administration
from tests.integration.hook import Hook
from tests.integration.tasks import Result, Tasks
from tests.sandbox.clients import State, aws_client


@dataclass(frozen=True)
class Target:
    """A cluster or an instance, and how it was found."""

    kind: str
    name: str
    mysql: bool
    enabled: bool
    tasks: Tasks
    hook: Hook
    rds: Any

    def run(self, wanted: str, **options: Any) -> Result:
        return self.tasks.cluster(iam_auth=wanted, **{self.kind: self.name, **options})

    def described(self) -> dict[str, Any]:
        if self.kind == "cluster":
            (found,) = self.rds.describe_db_clusters(DBClusterIdentifier=self.name)["DBClusters"]
        else:
            (found,) = self.rds.describe_db_instances(DBInstanceIdentifier=self.name)["DBInstances"]
        return dict(found)

    def modify(self, **changes: Any) -> None:
        if self.kind == "cluster":
            self.rds.modify_db_cluster(DBClusterIdentifier=self.name, **changes)
        else:
            self.rds.modify_db_instance(DBInstanceIdentifier=self.name, **changes)

    @property
    def action(self) -> str:
        return "ModifyDBCluster" if self.kind == "cluster" else "ModifyDBInstance"

    @property
    def title(self) -> str:
        return f"{self.kind} {self.name}"

    def is_settled(self) -> bool:
        found = self.described()
        return "available" in (found.get("Status"), found.get("DBInstanceStatus"))

    def restore(self) -> None:
        eventually(self.is_settled)
        self.modify(EnableIAMDatabaseAuthentication=self.enabled, ApplyImmediately=True)
        eventually(lambda: self.is_settled() and self.described()["IAMDatabaseAuthenticationEnabled"] == self.enabled)


def eventually(holds: Any, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it never came to be"
        time.sleep(0.1)


TARGETS = {"catalogue": ("cluster", True), "payroll": ("cluster", False)}
TARGETS |= {"billing": ("instance", True), "invoices": ("instance", False)}


def made(name: str, state: State, tasks: Tasks, hook: Hook) -> Iterator[Target]:
    kind, mysql = TARGETS[name]
    enabled = state[f"{kind}s"][name]["iam_auth"]
    target = Target(kind, name, mysql, enabled, tasks, hook, aws_client(state, "rds"))
    yield target
    target.restore()


def in_the_server(admin: Administration, target: Target) -> bool:
    if target.mysql:
        found = admin.sql(target.name, "SELECT 1 FROM information_schema.PLUGINS WHERE PLUGIN_NAME LIKE 'AWS%'")
        return bool(found)
    rules = admin.sql(target.name, "SELECT auth_method FROM pg_hba_file_rules WHERE user_name = '{+rds_iam}'")
    return ("ldap",) in rules

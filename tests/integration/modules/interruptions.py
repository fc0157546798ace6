# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes wrong while a task is at work: its session is killed, or its server is the writer no more."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.engine import MySQLEngine
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.engine import PostgreSQLEngine
from tests.integration.administration import Administration
from tests.sandbox.aws.rds_failover import STALE_TAG
from tests.sandbox.clients import State, aws_client

Event = Callable[[], object]
ENGINES: dict[str, type[Any]] = {"orders": MySQLEngine, "ledger": PostgreSQLEngine}

_SESSIONS = {
    "orders": "SELECT id FROM performance_schema.processlist WHERE user = 'admin'",
    "ledger": "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'dbops.aurora_iam'",
}


def kill_sessions(admin: Administration, cluster: str) -> None:
    """Those of the collection."""
    found = admin.sql(cluster, _SESSIONS[cluster])
    if cluster == "orders":
        for (number,) in found:
            admin.sql(cluster, f"KILL CONNECTION {number}")


def happening(monkeypatch: pytest.MonkeyPatch, cluster: str, stage: str, *events: Event | None) -> list[int]:
    """Lets one event happen each time that the engine comes to a stage: ``observe``, before it; ``plan``, between
    observing and applying. Returns a list that grows by an element each time."""
    engine = ENGINES[cluster]
    original = getattr(engine, stage)
    times: list[int] = []

    def staged(*arguments: Any, **named: Any) -> Any:
        times.append(len(times))
        if len(times) <= len(events) and (event := events[times[-1]]) is not None:
            event()
        return original(*arguments, **named)

    monkeypatch.setattr(engine, stage, staged)
    return times


def rows(connection: Any, statement: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall()) if cursor.description else []


def eventually(holds: Callable[[], bool], seconds: float = 60, pause: float = 0.1) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it never came to be"
        time.sleep(pause)


class Failover:
    """Fails a cluster over through the RDS API."""

    def __init__(self, state: State, cluster: str) -> None:
        self._rds = aws_client(state, "rds")
        self._cluster = cluster
        self._arn = state["clusters"][cluster]["arn"]

    def begin(self, stale: float) -> None:
        """Returns when the other server is the writer; the cluster's name leads there ``stale`` seconds later."""
        self._rds.add_tags_to_resource(ResourceName=self._arn, Tags=[{"Key": STALE_TAG, "Value": str(stale)}])
        before = self.writer()
        self._rds.failover_db_cluster(DBClusterIdentifier=self._cluster)
        eventually(lambda: self.writer() != before)

    def writer(self) -> str:
        members = self._described()["DBClusterMembers"]
        return next(str(member["DBInstanceIdentifier"]) for member in members if member["IsClusterWriter"])

    def wait(self) -> None:
        eventually(lambda: self._described()["Status"] == "available")

    def undo(self) -> None:
        """Whoever was the writer is it again."""
        self.wait()
        if self.writer() != f"{self._cluster}-1":
            self.begin(0)
            self.wait()
        self._rds.remove_tags_from_resource(ResourceName=self._arn, TagKeys=[STALE_TAG])

    def _described(self) -> dict[str, Any]:
        answer: dict[str, Any] = self._rds.describe_db_clusters(DBClusterIdentifier=self._cluster)["DBClusters"][0]
        return answer


@contextlib.contextmanager
def failing_over(state: State, cluster: str) -> Iterator[Failover]:
    failover = Failover(state, cluster)
    try:
        yield failover
    finally:
        failover.undo()

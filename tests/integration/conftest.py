# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sandbox, brought up once for all integration tests, and taken down again if it was not up before."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from collections.abc import Iterator

import pytest

from tests.integration.tasks import Tasks
from tests.sandbox.clients import CHECKOUT, State, read_state
from tests.sandbox.clusters import RunningCluster
from tests.sandbox.layout import Layout
from tests.sandbox.servers import Server, server_for


def _sandbox(command: str) -> None:
    subprocess.run([sys.executable, "-m", "tests.sandbox", command], cwd=CHECKOUT, check=True)


@pytest.fixture(scope="session")
def state() -> Iterator[State]:
    was_up = (
        subprocess.run(
            [sys.executable, "-m", "tests.sandbox", "status"], cwd=CHECKOUT, capture_output=True, check=False
        ).returncode
        == 0
    )
    if not was_up:
        _sandbox("up")
    yield read_state()
    if not was_up:
        _sandbox("down")


@pytest.fixture(scope="session")
def tasks(state: State) -> Tasks:
    return Tasks(state)


class Administration:
    """Sets scenes and looks at results behind the collection's back, as the servers' superuser."""

    def __init__(self, state: State) -> None:
        layout = Layout(CHECKOUT / ".sandbox")
        self._servers: dict[str, Server] = {
            cluster.spec.identifier: server_for(cluster, cluster.writer, layout) for cluster in running_clusters(layout)
        }

    def sql(self, cluster: str, statement: str, database: str | None = None) -> list[tuple[str, ...]]:
        return self._servers[cluster].execute(statement, database)

    @property
    def clusters(self) -> list[str]:
        return sorted(self._servers)


def running_clusters(layout: Layout) -> list[RunningCluster]:
    return [RunningCluster.from_json(document) for document in json.loads(layout.clusters_json.read_text())]


@pytest.fixture(scope="session")
def admin(state: State) -> Administration:
    return Administration(state)


@pytest.fixture
def account() -> str:
    """A name that no other test uses."""
    return f"jane_{uuid.uuid4().hex[:10]}"

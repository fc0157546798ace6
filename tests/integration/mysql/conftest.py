# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An account that is dropped, on each cluster of MySQL."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.integration.administration import Administration
from tests.integration.mysql.scene import CLUSTERS
from tests.integration.tasks import Result, Tasks
from tests.sandbox.clients import State


@pytest.fixture(params=CLUSTERS)
def cluster(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def drop(tasks: Tasks, cluster: str, account: str) -> Callable[..., Result]:
    return lambda **options: tasks.user(cluster=cluster, name=account, state="absent", **options)


Clerk = Callable[..., dict[str, Any]]


@pytest.fixture
def clerk(state: State, admin: Administration, cluster: str) -> Iterator[Clerk]:
    """An administrator with these privileges and what every task needs. Returns the options by which a task logs in."""
    name, described = f"clerk_{uuid.uuid4().hex[:8]}", state["clusters"][cluster]

    def with_privileges(*grants: str) -> dict[str, Any]:
        texts = ("CREATE USER ON *.*", "SELECT ON mysql.*", *grants)
        granted = "; ".join(f"GRANT {text} TO {name}" for text in texts)
        admin.sql(cluster, f"CREATE USER {name} IDENTIFIED BY 'Pa55word!'; {granted}")
        return {
            "engine": described["engine"],
            "login_host": described["host"],
            "login_port": described["port"],
            "login_user": name,
            "login_password": "Pa55word!",
        }

    yield with_privileges
    admin.sql(cluster, f"DROP USER IF EXISTS {name}")

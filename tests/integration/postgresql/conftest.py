# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Databases, and roles that own things in them."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator

import pytest

from tests.integration.administration import Administration
from tests.integration.postgresql.code import ACCOMPLICE, MALLORY
from tests.integration.postgresql.drop_scene import MASTER, OWNED, Sql
from tests.integration.postgresql.scene import CLUSTERS, Scene, made
from tests.integration.tasks import Result, Tasks
from tests.sandbox.clients import State


@pytest.fixture(params=CLUSTERS)
def cluster(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module", params=CLUSTERS)
def scene(request: pytest.FixtureRequest, state: State, admin: Administration) -> Iterator[Scene]:
    yield from made(request.param, state, admin)


@pytest.fixture
def databases(admin: Administration, cluster: str) -> Iterator[list[str]]:
    """The cluster's own, and two more."""
    more = [f"more_{number}_{uuid.uuid4().hex[:6]}" for number in range(2)]
    for name in more:
        admin.sql(cluster, f"CREATE DATABASE {name} OWNER {MASTER}")
    yield [cluster, *more]
    for name in more:
        admin.sql(cluster, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def owner(tasks: Tasks, admin: Administration, cluster: str, databases: list[str], account: str) -> str:
    """An account that owns something of every kind in three databases."""
    tasks.user(cluster=cluster, name=account, comment="Jane's own")
    for database in databases:
        admin.sql(cluster, f'SET ROLE {MASTER}; GRANT CREATE ON DATABASE {database} TO "{account}"')
        admin.sql(cluster, OWNED.format(account=account), database)
    return account


@pytest.fixture
def new_owner(admin: Administration, cluster: str) -> Iterator[str]:
    """A group role without any rights of its own."""
    name = f"new_owner_{uuid.uuid4().hex[:8]}"
    admin.sql(cluster, f"SET ROLE {MASTER}; CREATE ROLE {name} NOLOGIN")
    yield name
    for (database,) in admin.sql(cluster, "SELECT datname FROM pg_database WHERE datallowconn"):
        admin.sql(cluster, f"DROP OWNED BY {name} CASCADE", database)
    admin.sql(cluster, f"DROP ROLE {name}")


@pytest.fixture
def sql(admin: Administration, cluster: str) -> Iterator[Sql]:
    """Runs SQL as the superuser. Roles whose names begin with ``other`` are dropped afterwards."""
    yield lambda statement, database=cluster: admin.sql(cluster, statement, database)
    others = admin.sql(cluster, "SELECT rolname FROM pg_roles WHERE rolname LIKE 'other%'")
    for (name,) in others:
        admin.sql(cluster, f"DROP OWNED BY {name} CASCADE", cluster)
    for (name,) in others:
        admin.sql(cluster, f"DROP ROLE {name}")


@pytest.fixture
def accomplice(
    tasks: Tasks, admin: Administration, cluster: str, account: str, new_owner: str, sql: Sql
) -> Iterator[str]:
    """Somebody whose functions the account uses. The new owner has rights that neither has."""
    tasks.user(cluster=cluster, name=account)
    sql(f"CREATE ROLE other_secrets; GRANT other_secrets TO {new_owner}")
    sql(ACCOMPLICE.format(account=account))
    yield MALLORY
    admin.sql(cluster, "DROP SCHEMA IF EXISTS mine CASCADE; DROP SCHEMA mal CASCADE", cluster)


@pytest.fixture
def drop(tasks: Tasks, cluster: str, account: str, new_owner: str) -> Callable[..., Result]:
    how = {"state": "absent", "owned_objects": "reassign", "reassign_owned_to": new_owner}
    return lambda **options: tasks.user(cluster=cluster, name=account, **how, **options)

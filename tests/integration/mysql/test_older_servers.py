# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What depends on the server's version, on a server that presents itself as MySQL 8.0.28, the oldest one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from tests.integration.administration import Administration
from tests.integration.master import direct_options
from tests.integration.mysql.older_server import older_server
from tests.integration.tasks import Result, Tasks, converge, refused_alike
from tests.sandbox.clients import State
from tests.sandbox.layout import of_checkout

pytestmark = [pytest.mark.mysql, pytest.mark.direct("the server presents itself over a connection")]
CLUSTER = "warehouse"
PASSWORD = "Pa55word!"


@pytest.fixture
def sql(admin: Administration) -> Callable[[str], Any]:
    return lambda statement: admin.sql(CLUSTER, statement)


@pytest.fixture(params=["8.0.28"])
def oldest(request: pytest.FixtureRequest, state: State) -> Iterator[dict[str, Any]]:
    """How a task reaches it, as the master user."""
    described = state["clusters"][CLUSTER]
    with older_server((described["host"], described["port"]), request.param, of_checkout()) as server:
        yield {**direct_options(state, CLUSTER), "login_port": server.port}


@pytest.fixture
def clerk(sql, oldest: dict[str, Any], account: str) -> Callable[..., dict[str, Any]]:
    """How a task logs in as an administrator with these privileges and no others."""
    name = f"{account}_clerk"

    def with_privileges(*grants: str) -> dict[str, Any]:
        texts = ("CREATE USER ON *.*", "SELECT ON mysql.*", *grants)
        sql(f"CREATE USER {name} IDENTIFIED BY '{PASSWORD}'; " + "; ".join(f"GRANT {text} TO {name}" for text in texts))
        return {**oldest, "login_user": name, "login_password": PASSWORD}

    return with_privileges


@pytest.fixture
def orphan(sql, account: str) -> Iterator[str]:
    """An account that is not there, and is the definer of a view."""
    name = f"{account}_gone"
    sql(f"CREATE DATABASE `{account}`; CREATE DEFINER = {name} VIEW `{account}`.v AS SELECT 1")
    yield name
    sql(f"DROP DATABASE `{account}`")


def warnings(result: Result) -> list[str]:
    return [text if isinstance(text, str) else str(text["event"]["msg"]) for text in result.get("warnings", ())]


def test_a_whole_task(tasks: Tasks, sql, oldest, account: str):
    sql(f"CREATE DATABASE `{account}`; CREATE ROLE {account}_r")
    grants = [
        {"privileges": ["SELECT", "INSERT"], "on": f"`{account}`.*"},
        {"privileges": ["SET_USER_ID", "CONNECTION_ADMIN"], "on": "*.*"},
    ]
    user = partial(tasks.user, name=account, **oldest)
    try:
        made = converge(partial(user, grants=grants, roles=[f"{account}_r"], comment="x", connection_limit=3))
        assert any("SET_USER_ID" in text for text in made["statements"])
        facts = tasks.facts(names=[account], **oldest)
        assert facts["accounts"][0]["administrator_by"] == ["SET_USER_ID"]
        assert "SET_USER_ID" in str(facts["accounts"][0]["grants"])
        converge(partial(user, grants=[], roles=[]))
        converge(partial(user, locked=True))
        converge(partial(user, state="absent"))
    finally:
        sql(f"DROP DATABASE `{account}`; DROP ROLE {account}_r")


def test_privileges_of_newer_servers_are_not_known(tasks: Tasks, oldest, account: str):
    for name in ("ALLOW_NONEXISTENT_DEFINER", "SET_ANY_DEFINER"):
        task = partial(tasks.user, name=account, grants=[{"privileges": [name], "on": "*.*"}], **oldest)
        assert f"{name} is not a privilege that" in refused_alike(task)


SEES_ALL = ("SHOW_ROUTINE ON *.*", "TRIGGER ON *.*", "EVENT ON *.*")


def test_who_may_let_an_account_adopt_code(tasks: Tasks, clerk, orphan, account: str):
    login = clerk("PROCESS ON *.*", *SEES_ALL, "ALLOW_NONEXISTENT_DEFINER ON *.*")
    made = converge(partial(tasks.user, name=orphan, **login))
    words = f"{orphan}@% is new, but already the definer of view {account}.v"
    assert [text for text in warnings(made) if words in text]


@pytest.mark.parametrize("seen", [SEES_ALL, ()], ids=["seen", "unseen"])
def test_who_may_not_let_an_account_adopt_code(tasks: Tasks, clerk, orphan, account: str, seen: tuple[str, ...]):
    login = clerk("PROCESS ON *.*", *seen)
    said = refused_alike(partial(tasks.user, name=orphan, **login))
    assert f"{orphan}@% cannot be created, because it is the definer of" in said
    assert "SET_USER_ID before MySQL 8.2" in said


@pytest.mark.parametrize(
    ("oldest", "accepted"),
    [("10.1.0", True), ("5.7.44-log", False), ("8.0.36-MariaDB", False)],
    indirect=["oldest"],
)
def test_which_versions_are_accepted(tasks: Tasks, oldest, account: str, accepted: bool):
    task = partial(tasks.user, name=account, **oldest)
    if accepted:
        assert tasks.user(name=account, check=True, **oldest)["changed"]
    else:
        assert "this collection needs MySQL 8.0 or later" in refused_alike(task)

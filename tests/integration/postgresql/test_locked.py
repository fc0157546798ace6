# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Accounts that are locked, and group roles, which PostgreSQL does not tell from each other."""

from __future__ import annotations

from collections.abc import Callable

import psycopg2
import pytest

from tests.integration.administration import Administration
from tests.integration.postgresql.drop_scene import Sql, exists, jane_of
from tests.integration.tasks import Result, TaskFailed, Tasks, assert_settled, converge
from tests.sandbox.clients import State

pytestmark = pytest.mark.usefixtures("alone")

MARKER = "[dbops.aurora_iam: locked]"


@pytest.fixture
def unlisted(tasks: Tasks, cluster: str) -> Callable[..., Result]:
    return lambda what, **mode: tasks.users(cluster=cluster, users=[], unlisted=what, confirm=True, **mode)


def comment(admin: Administration, cluster: str, name: str) -> str:
    ((found,),) = admin.sql(cluster, f"SELECT '=' || coalesce(shobj_description('{name}'::regrole, 'pg_authid'), '')")
    return found[1:]


def listed(tasks: Tasks, cluster: str, name: str) -> dict[str, Result]:
    """Under which subsets facts have it."""
    facts = tasks.facts(cluster=cluster, gather_subset=["accounts", "roles"])
    return {subset: item for subset in ("accounts", "roles") for item in facts[subset] if item["name"] == name}


@pytest.mark.parametrize("what", ["lock", "drop"])
def test_a_group_role_that_has_lost_its_members(
    tasks: Tasks, admin: Administration, cluster: str, sql: Sql, unlisted: Callable[..., Result], what: str
):
    sql("SET ROLE postgres; CREATE ROLE other_team NOLOGIN; GRANT rds_iam TO other_team")
    assert_settled(lambda **mode: unlisted(what, **mode))
    assert exists(admin, cluster, "other_team")
    assert comment(admin, cluster, "other_team") == ""
    assert set(listed(tasks, cluster, "other_team")) == {"roles"}


def test_an_account_with_members_is_locked_and_dropped_as_unlisted(
    tasks: Tasks, admin: Administration, cluster: str, account: str, unlisted: Callable[..., Result], sql: Sql
):
    tasks.user(cluster=cluster, name=account, comment="Jane's own")
    sql(f"CREATE ROLE other_member; GRANT {account} TO other_member")
    locked = converge(lambda **mode: unlisted("lock", **mode))
    assert MARKER not in locked["diff"]["after"]
    assert comment(admin, cluster, account) == f"{MARKER}\nJane's own"
    facts = listed(tasks, cluster, account)
    assert set(facts) == {"accounts"}
    assert (facts["accounts"]["locked"], facts["accounts"]["comment"]) == (True, "Jane's own")
    converge(lambda **mode: unlisted("drop", **mode))
    assert not exists(admin, cluster, account)


def test_an_account_that_somebody_else_has_locked(
    tasks: Tasks, admin: Administration, cluster: str, account: str, unlisted: Callable[..., Result], sql: Sql
):
    """It looks like a group role, and is kept, until a task names it."""
    tasks.user(cluster=cluster, name=account, comment="Jane's own")
    sql(f'ALTER ROLE "{account}" NOLOGIN')
    assert_settled(lambda **mode: unlisted("drop", **mode))
    assert_settled(lambda **mode: tasks.user(cluster=cluster, name=account, **mode))
    assert set(listed(tasks, cluster, account)) == {"roles"}
    converge(lambda **mode: tasks.user(cluster=cluster, name=account, locked=True, **mode))
    assert set(listed(tasks, cluster, account)) == {"accounts"}
    assert_settled(lambda **mode: unlisted("lock", **mode))
    converge(lambda **mode: unlisted("drop", **mode))
    assert not exists(admin, cluster, account)


@pytest.mark.parametrize("by_hand", [True, False])
def test_a_locked_account_is_dropped_by_name(
    tasks: Tasks, admin: Administration, cluster: str, account: str, sql: Sql, by_hand: bool
):
    tasks.user(cluster=cluster, name=account, locked=not by_hand)
    sql(f'ALTER ROLE "{account}" NOLOGIN')
    sql(f"CREATE ROLE other_team NOLOGIN; GRANT rds_iam TO other_team; GRANT other_team TO {account}")
    converge(lambda **mode: tasks.user(cluster=cluster, name=account, state="absent", **mode))
    assert not exists(admin, cluster, account)


def test_a_group_role_is_not_dropped_by_name(tasks: Tasks, cluster: str, account: str, sql: Sql):
    sql(f"SET ROLE postgres; CREATE ROLE other_team NOLOGIN; GRANT rds_iam TO other_team; CREATE ROLE {account}")
    sql(f"GRANT other_team TO {account}")
    for name, why in ((account, "is in rds_iam through other_team"), ("other_team", f"has the members {account}")):
        for check in (True, False):
            with pytest.raises(TaskFailed, match=rf"{name} is a group role \(it cannot log in and {why}"):
                tasks.user(cluster=cluster, name=name, state="absent", check=check)


def test_the_marker_goes_with_the_lock(tasks: Tasks, state: State, admin: Administration, cluster: str, account: str):
    """The user's comment is managed as without it."""
    made = converge(lambda **mode: tasks.user(cluster=cluster, name=account, locked=True, comment="one", **mode))
    assert made["account"]["comment"] == "one"
    assert comment(admin, cluster, account) == f"{MARKER}\none"
    jane = jane_of(state, cluster, account)
    with pytest.raises(psycopg2.Error):
        jane()
    converge(lambda **mode: tasks.user(cluster=cluster, name=account, comment="two", **mode))
    assert comment(admin, cluster, account) == f"{MARKER}\ntwo"
    converge(lambda **mode: tasks.user(cluster=cluster, name=account, comment="", **mode))
    assert comment(admin, cluster, account) == MARKER
    converge(lambda **mode: tasks.user(cluster=cluster, name=account, comment="two", locked=False, **mode))
    assert comment(admin, cluster, account) == "two"
    jane().close()
    with pytest.raises(TaskFailed, match="leave that line out"):
        tasks.user(cluster=cluster, name=account, comment=f"{MARKER}\nmine")

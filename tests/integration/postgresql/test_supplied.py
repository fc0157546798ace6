# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects that an extension or a superuser has put beside those of the master."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog import queries
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import StatementFailed
from tests.integration.postgresql.scene import Scene, refused
from tests.integration.tasks import converge

NO_INSERT = "INSERT on TABLE stats.pg_stat_statements in database"
NO_RESET = "EXECUTE on FUNCTION stats.pg_stat_statements_reset("


@pytest.fixture(autouse=True)
def stats(scene: Scene) -> Iterator[None]:
    """Of the view everybody has SELECT, and of the function that resets it nobody has anything."""
    scene.sql(
        "CREATE SCHEMA stats AUTHORIZATION postgres; CREATE EXTENSION pg_stat_statements SCHEMA stats; "
        "SET ROLE postgres; CREATE TABLE stats.own (id int); "
        "CREATE FUNCTION stats.f() RETURNS int LANGUAGE sql AS 'SELECT 1'"
    )
    yield
    scene.sql("DROP SCHEMA stats CASCADE")


@pytest.fixture(params=[False, True], ids=["sandbox", "on_rds"])
def on_rds(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Taken for RDS, the server is asked more often."""
    taken: bool = request.param
    if taken:
        known_by = "EXISTS (SELECT FROM pg_settings WHERE name = 'rds.extensions')"
        assert known_by in queries._ROLES
        monkeypatch.setattr(queries, "_ROLES", queries._ROLES.replace(known_by, "true"))
    return taken


def left_out(result: dict[str, Any]) -> str:
    """The one warning about that."""
    found = [warning for warning in result["warnings"] if warning.startswith("ALL leaves out")]
    assert len(found) <= 1
    return "".join(found)


@pytest.mark.usefixtures("on_rds")
def test_all_leaves_out_what_the_login_cannot_grant(scene: Scene, account: str) -> None:
    tables = {"on": "ALL TABLES IN SCHEMA stats", "privileges": ["SELECT", "INSERT"]}
    functions = {"on": "ALL FUNCTIONS IN SCHEMA stats", "privileges": ["EXECUTE"]}
    task = partial(scene.user, name=account, grants=[tables, functions])
    for result in (converge(task), task(check=True), task()):
        text = left_out(result)
        assert NO_INSERT in text
        assert NO_RESET in text
        assert "SELECT on" not in text
        assert "stats.own" not in text
    assert scene.sql(
        f"SELECT has_table_privilege('{account}', 'stats.own', 'INSERT'), "
        f"has_function_privilege('{account}', 'stats.f()', 'EXECUTE')"
    ) == [("t", "t")]
    assert left_out(converge(partial(scene.user, name=account, grants=[]))) == ""


@pytest.mark.usefixtures("on_rds")
def test_what_the_login_can_grant_of_it_is_granted(scene: Scene, account: str) -> None:
    scene.sql("GRANT INSERT ON stats.pg_stat_statements TO postgres WITH GRANT OPTION")
    tables = {"on": "ALL TABLES IN SCHEMA stats", "privileges": ["INSERT", "DELETE"]}
    result = converge(partial(scene.user, name=account, grants=[tables]))
    assert "DELETE on TABLE stats.pg_stat_statements" in left_out(result)
    assert NO_INSERT not in left_out(result)
    assert scene.sql(f"SELECT has_table_privilege('{account}', 'stats.pg_stat_statements', 'INSERT')") == [("t",)]
    converge(partial(scene.user, name=account, grants=[]))


def test_what_an_account_has_of_it_stays(scene: Scene, account: str) -> None:
    scene.user(name=account)
    scene.sql(f"GRANT INSERT ON stats.pg_stat_statements TO {account}")
    tables = {"on": "ALL TABLES IN SCHEMA stats", "privileges": ["INSERT"]}
    assert NO_INSERT not in left_out(converge(partial(scene.user, name=account, grants=[tables])))
    assert scene.sql(f"SELECT has_table_privilege('{account}', 'stats.pg_stat_statements', 'INSERT')") == [("t",)]


def test_what_is_named_by_itself_is_refused(scene: Scene, account: str, on_rds: bool) -> None:
    by_name = {"on": "stats.pg_stat_statements", "privileges": ["INSERT"]}
    if not on_rds:
        refused(scene, "may not grant INSERT.*belongs to rdsadmin", name=account, grants=[by_name])
    elif not scene.login.transport:
        for check in (True, False):
            with pytest.raises(StatementFailed, match="only warned instead of doing it"):
                scene.user(check=check, name=account, grants=[by_name])

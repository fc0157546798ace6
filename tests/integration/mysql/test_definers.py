# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Code whose definer is dropped or locked on MySQL: named in the refusal, dropped, or still running."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.connection.data_api import (
    MySQLDataApiSession,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.connection.session import MySQLSession
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.drop.end_sessions import EndSessions
from tests.integration.administration import Administration
from tests.integration.modules.interruptions import eventually
from tests.integration.mysql.code import CODE, LISTS, TABLES, Schema
from tests.integration.mysql.scene import connection
from tests.integration.tasks import TaskFailed, converge

pytestmark = pytest.mark.mysql
IAM = "IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS'"


@pytest.fixture
def schema(admin: Administration, cluster: str, account: str) -> Iterator[Schema]:
    schema = Schema(admin, cluster, f"s-{account}")
    admin.sql(cluster, f"CREATE DATABASE `{schema.name}`")
    schema.sql(f"{TABLES}; CREATE USER {account} {IAM}, other_{account} {IAM}, reader_{account}")
    pattern = schema.name if schema.sql("SELECT @@partial_revokes") == [("1",)] else schema.name.replace("_", "\\_")
    schema.sql(f"GRANT ALL ON `{pattern}`.* TO {account}, other_{account}")
    yield schema
    admin.sql(cluster, f"DROP DATABASE `{schema.name}`")


@pytest.fixture
def code(schema: Schema, account: str) -> None:
    for statement in CODE:
        schema.sql(statement.format(definer=account))


def is_locked(schema: Schema, account: str) -> bool:
    return schema.sql(f"SELECT account_locked FROM mysql.user WHERE User = '{account}'") == [("Y",)]


@pytest.mark.usefixtures("code")
def test_code_is_dropped_when_told(drop, schema, account):
    converge(lambda **mode: drop(owned_objects="drop", **mode))
    assert [row[0] for text in LISTS.values() for row in schema.sql(text)] == ["t1"]
    assert not schema.has(account)


@pytest.mark.usefixtures("code")
@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("reassign_code", [True, False])
def test_code_is_never_given_another_definer(drop, schema, account, check, reassign_code):
    before = schema.snapshot()
    with pytest.raises(TaskFailed, match="MySQL cannot change the definer of existing code") as failure:
        drop(owned_objects="reassign", reassign_owned_to=f"other_{account}", reassign_code=reassign_code, check=check)
    assert "Lock the account instead (locked: true)" in str(failure.value)
    named = failure.value.result["in_the_way"][f"{account}@%"]
    expected = {"event": 2, "function": 1, "procedure": 1, "trigger": 2, "view": 2}
    for kind, number in expected.items():
        assert sum(text.startswith(f"it is the definer of {kind} {schema.name}.") for text in named) == number
    assert len(named) == sum(expected.values())
    assert schema.snapshot() == before
    assert not is_locked(schema, account)


def test_reassign_without_code_drops_the_account(drop, schema, account):
    converge(lambda **mode: drop(owned_objects="reassign", reassign_owned_to=f"other_{account}", **mode))
    assert not schema.has(account)


@pytest.mark.usefixtures("code")
@pytest.mark.parametrize("check", [True, False])
def test_code_in_the_way_is_named(drop, schema, account, check):
    schema.sql(f"GRANT {account} TO reader_{account}; GRANT PROXY ON {account} TO other_{account}")
    before = schema.snapshot()
    with pytest.raises(TaskFailed, match="cannot be dropped") as failure:
        drop(check=check)
    named = failure.value.result["in_the_way"][f"{account}@%"]
    for item in ("view", "procedure", "function", "trigger", "event"):
        assert any(f"it is the definer of {item} {schema.name}." in text for text in named)
    assert named[-2:] == [f"it is a role of reader_{account}@%", f"other_{account}@% may act as it (PROXY)"]
    assert schema.snapshot() == before
    assert not is_locked(schema, account)


def test_code_of_a_locked_definer_keeps_running(tasks, schema, cluster, account):
    """What the refusal advises: https://dev.mysql.com/doc/refman/8.4/en/stored-objects-security.html"""
    definer = f"CREATE DEFINER = {account} "
    schema.sql("INSERT INTO t VALUES (1, 'x')")
    for statement in (
        definer + "VIEW v AS SELECT b FROM t",
        definer + "FUNCTION f() RETURNS INT READS SQL DATA RETURN (SELECT COUNT(*) FROM t)",
        definer + "PROCEDURE p() INSERT INTO log VALUES ('procedure')",
        definer + "TRIGGER tr AFTER INSERT ON t FOR EACH ROW INSERT INTO log VALUES ('trigger')",
    ):
        schema.sql(statement)
    converge(lambda **mode: tasks.user(cluster=cluster, name=account, locked=True, **mode))
    assert is_locked(schema, account)
    schema.sql(definer + "EVENT e ON SCHEDULE AT CURRENT_TIMESTAMP DO INSERT INTO log VALUES ('event')")
    assert schema.sql("SELECT b, f() FROM v") == [("x", "1")]
    schema.sql("CALL p(); INSERT INTO t VALUES (2, 'y')")
    eventually(lambda: schema.sql("SELECT c FROM log ORDER BY c") == [("event",), ("procedure",), ("trigger",)])


@pytest.mark.parametrize("owned_objects", ["fail", "drop"])
def test_code_that_an_open_session_adds_is_not_left_without_its_definer(
    drop, schema, state, cluster, account, owned_objects, monkeypatch
):
    """After the task has looked, until the session is ended."""
    session = connection(state, cluster, account)
    added = [f"CREATE VIEW `{schema.name}`.v AS SELECT 1"]

    def adding(run):
        def runs(by, step):
            if isinstance(step, EndSessions) and added:
                session.cursor().execute(added.pop())
            run(by, step)

        return runs

    for kind in (MySQLSession, MySQLDataApiSession):
        monkeypatch.setattr(kind, "run", adding(kind.run))
    with pytest.raises(
        TaskFailed, match=rf"{account}@% on cluster {cluster} has become the definer of view"
    ) as failure:
        drop(owned_objects=owned_objects)
    assert failure.value.result["in_the_way"] == {f"{account}@%": [f"it is the definer of view {schema.name}.v"]}
    assert is_locked(schema, account)
    converge(lambda **mode: drop(owned_objects="drop", **mode))
    assert not any(schema.sql(text) for text in LISTS.values())

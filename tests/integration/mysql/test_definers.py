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
from tests.integration.tasks import Result, TaskFailed, converge, refused_alike

pytestmark = pytest.mark.mysql
NUMBERS = {"event": 2, "function": 1, "procedure": 1, "trigger": 2, "view": 2}
"""of the code whose definer is the account"""
IAM = "IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS'"


@pytest.fixture
def schema(admin: Administration, cluster: str, account: str) -> Iterator[Schema]:
    schema = Schema(admin, cluster, f"s-{account}")
    admin.sql(cluster, f"CREATE DATABASE `{schema.name}`")
    schema.sql(f"{TABLES}; CREATE USER {account} {IAM}, {account}_other {IAM}, {account}_reader")
    pattern = schema.name if schema.sql("SELECT @@partial_revokes") == [("1",)] else schema.name.replace("_", "\\_")
    schema.sql(f"GRANT ALL ON `{pattern}`.* TO {account}, {account}_other")
    yield schema
    admin.sql(cluster, f"DROP DATABASE `{schema.name}`")
    admin.sql(cluster, f"DROP USER IF EXISTS {account}, {account}_other, {account}_reader")


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
        drop(owned_objects="reassign", reassign_owned_to=f"{account}_other", reassign_code=reassign_code, check=check)
    assert "Lock the account instead (locked: true)" in str(failure.value)
    named = failure.value.result["in_the_way"][f"{account}@%"]
    for kind, number in NUMBERS.items():
        assert sum(text.startswith(f"it is the definer of {kind} {schema.name}.") for text in named) == number
    assert len(named) == sum(NUMBERS.values())
    assert schema.snapshot() == before
    assert not is_locked(schema, account)


def test_reassign_without_code_drops_the_account(drop, schema, account):
    converge(lambda **mode: drop(owned_objects="reassign", reassign_owned_to=f"{account}_other", **mode))
    assert not schema.has(account)


@pytest.mark.usefixtures("code")
@pytest.mark.parametrize("check", [True, False])
def test_code_in_the_way_is_named(drop, schema, account, check):
    schema.sql(f"GRANT {account} TO {account}_reader; GRANT PROXY ON {account} TO {account}_other")
    before = schema.snapshot()
    with pytest.raises(TaskFailed, match="cannot be dropped") as failure:
        drop(check=check)
    named = failure.value.result["in_the_way"][f"{account}@%"]
    for item in ("view", "procedure", "function", "trigger", "event"):
        assert any(f"it is the definer of {item} {schema.name}." in text for text in named)
    assert named[-2:] == [f"it is a role of {account}_reader@%", f"{account}_other@% may act as it (PROXY)"]
    with pytest.raises(TaskFailed, match=r"may act as it \(PROXY\)\. Revoke the proxy, or lock") as failure:
        drop(check=check, owned_objects="drop")
    assert failure.value.result["in_the_way"][f"{account}@%"] == named[-1:]
    assert schema.snapshot() == before
    assert not is_locked(schema, account)


def test_an_account_is_dropped_with_who_may_act_as_it(tasks, schema, cluster, account):
    schema.sql(f"GRANT PROXY ON {account} TO {account}_other")
    leavers = [{"name": name, "state": "absent"} for name in (account, f"{account}_other")]
    converge(lambda **mode: tasks.users(cluster=cluster, users=leavers, **mode))
    assert schema.sql(f"SELECT User FROM mysql.proxies_priv WHERE Proxied_user = '{account}'") == []


def test_code_of_a_locked_definer_keeps_running(tasks, schema, cluster, account):
    """What the refusal advises: https://dev.mysql.com/doc/refman/8.4/en/stored-objects-security.html"""
    definer = f"CREATE DEFINER = {account} "
    schema.sql("INSERT INTO t VALUES (1, 'x')")
    for statement in (
        definer + "VIEW v AS SELECT b FROM t",
        definer + "FUNCTION f() RETURNS INT READS SQL DATA RETURN (SELECT COUNT(*) FROM t)",
        definer + "PROCEDURE p() INSERT INTO log VALUES ('procedure')",
        definer + "TRIGGER tr AFTER INSERT ON t FOR EACH ROW INSERT INTO log VALUES ('trigger')",
        definer + "EVENT e ON SCHEDULE EVERY 1 SECOND DO INSERT INTO log VALUES ('event')",
    ):
        schema.sql(statement)
    converge(lambda **mode: tasks.user(cluster=cluster, name=account, locked=True, **mode))
    assert is_locked(schema, account)
    schema.sql("DELETE FROM log")
    assert schema.sql("SELECT b, f() FROM v") == [("x", "1")]
    schema.sql("CALL p(); INSERT INTO t VALUES (2, 'y')")
    ran = "SELECT DISTINCT c FROM log ORDER BY c"
    eventually(lambda: schema.sql(ran) == [("event",), ("procedure",), ("trigger",)])


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


# What the login does not see

SEES_ALL = ("SHOW_ROUTINE ON *.*", "TRIGGER ON *.*", "EVENT ON *.*")
UNSEEN = [
    ((), "SHOW_ROUTINE ON *.*, TRIGGER ON *.*, EVENT ON *.*"),
    (("EVENT ON *.*", "SELECT ON *.*"), "TRIGGER ON *.*"),
    (("TRIGGER ON *.*", "EXECUTE ON *.*"), "EVENT ON *.*"),
    (("TRIGGER ON *.*", "EVENT ON *.*"), "SHOW_ROUTINE ON *.*"),
]


@pytest.mark.direct("is about the privileges of a login")
@pytest.mark.usefixtures("code")
@pytest.mark.parametrize(("privileges", "missing"), UNSEEN, ids=["none", "no trigger", "no event", "no routine"])
@pytest.mark.parametrize("owned_objects", ["fail", "drop"])
def test_a_login_that_does_not_see_all_code_drops_nobody(
    tasks, clerk, schema, account, owned_objects, privileges, missing
):
    """The server would: with this privilege it only warns that code loses its definer."""
    login = clerk("PROCESS ON *.*", "ALLOW_NONEXISTENT_DEFINER ON *.*", *privileges)
    said = refused_alike(
        lambda **mode: tasks.user(**login, name=account, state="absent", owned_objects=owned_objects, **mode)
    )
    if privileges:
        assert owned_objects == "drop" or "it is the definer of" in said
    if owned_objects == "drop" or not privileges:
        assert f"Grant {login['login_user']}@% {missing}, or lock the account instead" in said
    assert schema.has(account)
    assert not is_locked(schema, account)


@pytest.mark.direct("is about the privileges of a login")
@pytest.mark.usefixtures("code")
def test_a_login_that_sees_all_code_names_it(tasks, clerk, account):
    login = clerk("PROCESS ON *.*", *SEES_ALL)
    with pytest.raises(TaskFailed) as failure:
        tasks.user(**login, name=account, state="absent")
    named = " ".join(failure.value.result["in_the_way"][f"{account}@%"])
    assert {kind: named.count(f"definer of {kind} ") for kind in NUMBERS} == NUMBERS


@pytest.mark.direct("is about the privileges of a login")
@pytest.mark.parametrize("cluster", ["orders"])
def test_a_database_that_is_hidden_by_a_partial_revoke_is_named(tasks, clerk, schema, account):
    login = clerk("PROCESS ON *.*", *SEES_ALL)
    name = login["login_user"]
    schema.sql(f"REVOKE EVENT ON `{schema.name}`.* FROM {name}; REVOKE TRIGGER ON mysql.* FROM {name}")
    said = refused_alike(lambda **mode: tasks.user(**login, name=account, state="absent", **mode))
    assert f"Grant {name}@% EVENT ON {schema.name}.*, or lock" in said
    (unseen,) = [item for item in tasks.facts(**login, gather_subset="accounts")["unseen"] if item["what"] == "owns"]
    assert f"EVENT ON {schema.name}.*" in unseen["why"]


@pytest.mark.direct("is about the privileges of a login")
@pytest.mark.usefixtures("code")
def test_a_login_that_may_not_drop_the_code_is_refused_before_the_lock(tasks, clerk, schema, account):
    login = clerk("PROCESS ON *.*", *SEES_ALL, f"DROP ON `{schema.name}`.v")
    name = login["login_user"]

    def drop(**mode: bool) -> Result:
        return tasks.user(**login, name=account, state="absent", owned_objects="drop", **mode)

    said = refused_alike(drop)
    assert f"Grant {name}@% ALTER ROUTINE ON FUNCTION" in said
    assert "DROP ON" in said.partition("ALTER ROUTINE ON PROCEDURE")[2]
    assert not is_locked(schema, account)
    pattern = schema.name if schema.sql("SELECT @@partial_revokes") == [("1",)] else schema.name.replace("_", "\\_")
    schema.sql(f"GRANT DROP, ALTER ROUTINE ON `{pattern}`.* TO {name}")
    converge(drop)
    assert not schema.has(account)


# Code whose definer does not exist


@pytest.fixture
def orphans(schema: Schema, account: str) -> str:
    """Code of every kind whose definer is an account that is not there."""
    ghost = f"ghost_{account[5:]}"
    for statement in CODE:
        if "INVOKER" not in statement:  # a view of another view, whose definer must exist
            schema.sql(statement.format(definer=f"{ghost}@'10.%'"))
    return ghost


def messages(result: Result) -> list[str]:
    found = result.get("warnings", ())
    return [warning if isinstance(warning, str) else str(warning["event"]["msg"]) for warning in found]


def test_an_account_that_adopts_code_is_warned_of(tasks, schema, cluster, account, orphans):
    users = [{"name": orphans, "host": "10.%"}, {"name": orphans}]
    made = converge(lambda **mode: tasks.users(cluster=cluster, users=users, **mode))
    (warning,) = [text for text in messages(made) if orphans in text and "definer" in text]
    assert warning.startswith(f"{orphans}@10.% is new, but already the definer of ")
    assert {kind: warning.count(f"{kind} {schema.name}.") for kind in NUMBERS} == {**NUMBERS, "view": 1}
    schema.sql(f"DROP USER {orphans}@'10.%', {orphans}")


@pytest.mark.direct("is about the privileges of a login")
def test_a_login_that_may_not_let_an_account_adopt_code_is_refused(tasks, clerk, schema, cluster, account, orphans):
    """The server would stop at all accounts of the statement (error 4006), when other statements have been executed."""
    users = [{"name": f"{account}_2"}, {"name": orphans, "host": "10.%"}]
    login = clerk("PROCESS ON *.*", *SEES_ALL)
    said = refused_alike(lambda **mode: tasks.users(**login, users=users, **mode))
    assert f"{orphans}@10.% cannot be created, because it is the definer of " in said
    assert f"view {schema.name}.v" in said
    assert f"grant {login['login_user']}@% ALLOW_NONEXISTENT_DEFINER (SET_USER_ID before MySQL 8.2)" in said
    assert not schema.has(f"{account}_2")


@pytest.mark.direct("is about the privileges of a login")
def test_what_a_login_neither_sees_nor_may_let_an_account_adopt_is_refused(
    tasks, clerk, schema, cluster, account, orphans
):
    """The server is asked, which tells of the first account of a statement only."""
    schema.sql("".join(f"CREATE DEFINER = {account}_{letter} VIEW {letter} AS SELECT 1; " for letter in "eg"))
    login = clerk("PROCESS ON *.*")
    users = [{"name": f"{account}_{letter}"} for letter in "abcdefghijk"]
    users.append({"name": orphans, "host": "10.%"})
    said = refused_alike(lambda **mode: tasks.users(**login, users=users, **mode))
    unseen = f"cannot be created, because it is the definer of code that {login['login_user']}@% cannot see"
    refused = {f"{account}_e@%", f"{account}_g@%", f"{orphans}@10.%"}
    assert {name for name in refused if f"{name} {unseen}" in said} == refused
    assert said.count(unseen) == len(refused)
    assert not schema.has(f"{account}_a")


@pytest.mark.direct("is about the privileges of a login")
def test_a_login_that_does_not_see_what_an_account_adopts_is_warned(tasks, clerk, schema, orphans):
    login = clerk("PROCESS ON *.*", "ALLOW_NONEXISTENT_DEFINER ON *.*", "SHOW_ROUTINE ON *.*")
    made = converge(lambda **mode: tasks.user(**login, name=orphans, **mode))
    assert messages(made)[-1] == (
        f"{login['login_user']}@% cannot see whether {orphans}@% is the definer of existing code, "
        f"which the server would execute with its privileges from now on. Grant {login['login_user']}@% "
        "TRIGGER ON *.*, EVENT ON *.* to have it named."
    )
    schema.sql(f"DROP USER {orphans}")

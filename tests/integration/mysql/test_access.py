# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an account may do when it logs in: of the task's own login, and of the accounts that the task is about."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pymysql
import pytest

from ansible_collections.dbops.aurora_iam.plugins.module_utils import _account_module as account_module
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.engine import MySQLEngine
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import AccountRequest, GrantRequest
from tests.integration.administration import Administration
from tests.integration.master import direct_options, master_login
from tests.integration.tasks import Result, TaskFailed, Tasks, converge
from tests.sandbox.clients import State

pytestmark = pytest.mark.direct("needs the cluster with patterns, which is not run then")
CLUSTER = "warehouse"
"""partial_revokes is OFF: databases of grants are patterns."""
PASSWORD = "s3cret-Pw"
IAM = "IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS'"


@pytest.fixture
def sql(admin: Administration) -> Iterator[Callable[[str], Any]]:
    admin.sql(CLUSTER, "CREATE DATABASE IF NOT EXISTS app_one; CREATE DATABASE IF NOT EXISTS app_two")
    admin.sql(CLUSTER, "CREATE TABLE IF NOT EXISTS app_one.t (id INT); CREATE TABLE IF NOT EXISTS app_two.t (id INT)")
    yield lambda statement: admin.sql(CLUSTER, statement)
    admin.sql(CLUSTER, "DROP DATABASE app_one; DROP DATABASE app_two")
    admin.drop_accounts()


@pytest.fixture
def dba(sql: Callable[[str], Any], account: str, state: State) -> tuple[str, dict[str, Any]]:
    """An administrator with few rights, and how a task logs in as it."""
    name = f"{account}_dba"
    sql(f"CREATE USER {name} IDENTIFIED BY '{PASSWORD}'; GRANT CREATE USER ON *.* TO {name}")
    sql(f"GRANT SELECT ON mysql.* TO {name}; GRANT SELECT, INSERT ON `app%`.* TO {name} WITH GRANT OPTION")
    return name, {**direct_options(state, CLUSTER), "login_user": name, "login_password": PASSWORD}


def refused(task: Callable[..., Result], message: str) -> None:
    for check in (True, False):
        with pytest.raises(TaskFailed, match=message) as caught:
            task(check=check)
        assert not caught.value.result.get("statements_executed")


def test_a_login_grants_what_its_most_specific_row_gives_it(tasks: Tasks, sql, dba, account: str):
    name, options = dba

    def task(database: str, **mode: Any) -> Result:
        grants = [{"privileges": ["SELECT"], "on": f"{database}.*"}]
        return tasks.user(name=account, grants=grants, **options, **mode)

    converge(lambda **mode: task("app_one", **mode))
    sql(f"DROP USER {account}; GRANT CREATE ON `app\\_one`.* TO {name}")
    refused(lambda **mode: task("app_one", **mode), r"may not grant SELECT on app_one\.\*")
    assert sql(f"SELECT 1 FROM mysql.user WHERE User = '{account}'") == []
    converge(lambda **mode: task("app_two", **mode))


def test_a_login_grants_what_another_host_of_its_name_gives_it(tasks: Tasks, sql, dba, account: str):
    name, options = dba
    sql(f"CREATE USER {name}@'127.%' IDENTIFIED BY '{PASSWORD}'; GRANT CREATE USER ON *.* TO {name}@'127.%'")
    grants = [{"privileges": ["SELECT"], "on": "app_one.*"}]

    def task(**mode: Any) -> Result:
        return tasks.user(name=account, grants=grants, **options, **mode)

    converge(task)
    sql(f"DROP USER {account}; GRANT CREATE ON `app%`.* TO {name}@'127.%'")
    refused(task, r"may not grant SELECT on app_one\.\*")


def user(tasks: Tasks, state: State, account: str, *grants: tuple[str, str], **options: Any) -> Callable[..., Result]:
    listed = [{"privileges": words.split(", "), "on": on} for words, on in grants]
    given = {"name": account, "grants": listed, **direct_options(state, CLUSTER), **options}
    return lambda **mode: tasks.user(**given, **mode)


def test_a_grant_that_would_hide_a_pattern_is_refused(tasks: Tasks, state: State, sql, account: str):
    wide = ("SELECT, INSERT", "`app%`.*")
    converge(user(tasks, state, account, wide))
    lost = r"would not have SELECT, INSERT on app_one\.\*.* hides that on `app%`\.\*.*List SELECT, INSERT"
    for purge in (True, False):
        others = [wide] if purge else []
        refused(user(tasks, state, account, *others, ("CREATE", "app_one.*"), purge_grants=purge), lost)
    converge(user(tasks, state, account, wide, ("SELECT, INSERT, CREATE", "app_one.*")))
    refused(user(tasks, state, account, wide, ("CREATE", "app_one.*")), lost)
    sql(f"REVOKE SELECT, INSERT ON `app\\_one`.* FROM {account}")
    converge(user(tasks, state, account, wide, ("CREATE", "app_one.*"), comment="what is hidden already stays so"))
    sql(f"DROP USER {account}")
    refused(user(tasks, state, account, wide, ("CREATE", "app_one.*")), lost)


@pytest.fixture
def oracle(sql, dba, account: str) -> Callable[..., list[str]]:
    """What somebody with these grants may do in app_one, by a role or not."""
    name, options = f"{account}_who", {**dba[1], "login_user": f"{account}_who"}

    def allowed(*grants: tuple[str, str], role: bool = False) -> list[str]:
        sql(f"CREATE USER {name} IDENTIFIED BY '{PASSWORD}'; CREATE ROLE {account}_r; GRANT {account}_r TO {name}")
        for words, on in grants:
            sql(f"GRANT {words} ON {on.removeprefix('PATTERN ')} TO {name}")
        found = []
        with login(options) as cursor:
            cursor.execute(f"SET ROLE {'ALL' if role else 'NONE'}")
            for word, statement in (("SELECT", "SELECT * FROM app_one.t"), ("DELETE", "DELETE FROM app_one.t")):
                with contextlib.suppress(pymysql.OperationalError):
                    cursor.execute(statement)
                    found.append(word)
        sql(f"DROP USER {name}, {account}_r")
        return found

    return allowed


SELECTED, DELETED = ("SELECT", r"PATTERN `app\_%`.*"), ("DELETE", r"PATTERN `%\_one`.*")
ALIKE = ("DELETE", r"PATTERN `app\_%e`.*")


def test_patterns_of_which_only_one_counts_are_refused(tasks: Tasks, state: State, sql, oracle, account: str):
    assert oracle(SELECTED, DELETED) == ["SELECT"]
    refused(user(tasks, state, account, SELECTED, DELETED), r"would not have DELETE on `app_%`.*hides that on `%_one`")
    assert len(oracle(SELECTED, ALIKE)) == 1
    refused(user(tasks, state, account, SELECTED, ALIKE), "would not have (SELECT|DELETE) on `app_%e?`")
    both = [("SELECT, DELETE", on) for _words, on in (SELECTED, DELETED, ALIKE)]
    assert oracle(*both) == oracle(*both, role=True) == ["SELECT", "DELETE"]
    converge(user(tasks, state, account, *both))


def test_with_an_active_role_another_pattern_counts(tasks: Tasks, state: State, sql, oracle, account: str):
    wide, narrow = ("SELECT", "PATTERN `app%`.*"), ("SELECT, DELETE", r"`app\_one`.*")
    assert oracle(wide, narrow) == ["SELECT", "DELETE"]
    assert oracle(wide, narrow, role=True) == ["SELECT"]
    converge(user(tasks, state, account, wide, narrow))
    sql(f"CREATE ROLE {account}_r")
    with_role = user(tasks, state, account, wide, narrow, roles=[f"{account}_r"])
    refused(with_role, r"would not have DELETE on `app%`\.\*, because its grant there hides that on app_one\.\*")


def warned(state: State, *requests: AccountRequest, write: bool = False) -> list[str]:
    outcome = account_module.converge(MySQLEngine(), master_login(state, CLUSTER), list(requests), "keep", write=write)
    return [warning for warning in outcome.warnings if "is a new account" not in warning]


def also_has(state: State, *requests: AccountRequest, write: bool = False) -> list[str]:
    return [warning for warning in warned(state, *requests, write=write) if " also has " in warning]


def test_a_warning_names_the_rows_of_others_that_count(state: State, sql, account: str):
    sql(f"CREATE USER {account} {IAM}; GRANT SELECT ON `app%`.* TO {account}; GRANT INSERT ON app_one.t TO {account}")
    sql(f"CREATE USER {account}@'10.%' {IAM}; GRANT DELETE ON app_two.t TO {account}@'10.%'")
    narrow = AccountRequest(account, "127.%", grants=())
    (warning,) = also_has(state, narrow)
    assert f"{account}@127.% also has SELECT on `app%`.* of {account}@%, INSERT on app_one.t of {account}@%:" in warning
    assert also_has(state, narrow, write=True) == also_has(state, narrow) == [warning]
    assert also_has(state, replace(narrow, purge_grants=False)) == also_has(state, replace(narrow, locked=True)) == []
    assert also_has(state, replace(narrow, grants=(GrantRequest(("SELECT", "INSERT"), "`app%`.*"),))) == []
    assert also_has(state, narrow, AccountRequest(account, "%", grants=())) == []
    assert also_has(state, narrow, AccountRequest(account, "%", present=False)) == []
    (warning,) = also_has(state, AccountRequest(account, "127.0.0.9", grants=()))
    assert f"{account}@127.0.0.9 also has SELECT on `app%`.* of {account}@%" in warning


def test_a_warning_names_the_rows_of_anonymous_accounts(state: State, sql, account: str):
    sql("CREATE USER ''@'10.%'; GRANT SELECT ON `app%`.* TO ''@'10.%'; GRANT INSERT ON app_one.t TO ''@'10.%'")
    try:
        assert also_has(state, AccountRequest(account, "%", grants=())) == []
        (warning,) = also_has(state, AccountRequest(account, "10.1.%", grants=()))
        assert f"{account}@10.1.% also has SELECT on `app%`.* of ''@10.%:" in warning
        assert also_has(state, AccountRequest(account, "192.168.%", grants=())) == []
        wider = AccountRequest(account, "10.%", grants=(GrantRequest(("SELECT", "DELETE"), "PATTERN `a%`.*"),))
        (warning,) = warned(state, wider)
        assert f"{account}@10.% does not have DELETE of `a%`.* on `app%`.*, because the grant of ''@10.% th" in warning
    finally:
        sql("DROP USER ''@'10.%'")


def test_what_neither_grants_nor_roles_can_say_is_a_warning(tasks: Tasks, state: State, sql, account: str):
    sql(f"CREATE USER {account} {IAM} REQUIRE SSL; CREATE ROLE {account}_r, {account}_s")
    sql(f"GRANT {account}_r TO {account} WITH ADMIN OPTION; GRANT {account}_s TO {account}")
    sql(f"SET DEFAULT ROLE ALL TO {account}; GRANT PROXY ON {account}_s TO {account}")
    roles = (f"{account}_r", f"{account}_s")
    proxy, admin = warned(state, AccountRequest(account, "%", grants=(), roles=roles), write=True)
    assert f"{account}@% may act as {account}_s@% (PROXY)" in proxy
    assert f"{account}@% may give {account}_r@% to others (WITH ADMIN OPTION)" in admin
    assert warned(state, AccountRequest(account, "%", grants=(), roles=(), purge_grants=False, purge_roles=False)) == []
    assert warned(state, AccountRequest(account, "%", roles=roles[1:])) == []
    facts = tasks.facts(names=[account], **direct_options(state, CLUSTER))
    assert (facts["accounts"][0]["acts_as"], facts["accounts"][0]["admin_roles"]) == ([f"{account}_s@%"], [roles[0]])


def test_what_a_warning_says_to_execute_takes_the_admin_option_only(state: State, sql, dba, account: str):
    """Granted again without the option, the role keeps it: the server writes nothing, and reads the option again."""
    name, role, other = f"{account}_who", f"{account}_r", f"{account}_s"
    sql(f"CREATE ROLE {role}, {other}; CREATE USER {name} {IAM} REQUIRE SSL; GRANT {role} TO {name} WITH ADMIN OPTION")
    sql(f"GRANT {other} TO {name}; SET DEFAULT ROLE ALL TO {name}; GRANT SELECT ON `app%`.* TO {role}")

    def may_give() -> bool:
        with login({**dba[1], "login_user": name}) as cursor:
            cursor.execute("SELECT CURRENT_ROLE()")
            assert cursor.fetchall() == ((f"`{role}`@`%`,`{other}`@`%`",),)
            cursor.execute("SELECT * FROM app_one.t")
            try:
                cursor.execute(f"GRANT {role} TO {account}_dba")
            except pymysql.OperationalError as error:
                return error.args[0] not in (1227,)
        return True

    request = AccountRequest(name, "%", roles=(role, other))
    for statement in ("DO 0", f"GRANT {role} TO {name}; FLUSH PRIVILEGES"):
        sql(statement)
        (warning,) = warned(state, request, write=True)
        sql(f"ALTER USER {name} IDENTIFIED WITH caching_sha2_password BY '{PASSWORD}'")
        assert may_give()
        sql(f"ALTER USER {name} {IAM}")
    sql(warning.partition("execute: ")[2])
    assert warned(state, request, write=True) == []
    sql(f"ALTER USER {name} IDENTIFIED WITH caching_sha2_password BY '{PASSWORD}'")
    assert not may_give()


def test_facts_tell_whose_rows_count(tasks: Tasks, state: State, sql, account: str):
    sql(f"CREATE USER {account} {IAM}, {account}@'10.%' {IAM}; CREATE ROLE {account}_r, {account}_o, {account}_m")
    sql(f"GRANT SELECT, INSERT ON `app%`.* TO {account}; GRANT SELECT ON `app%`.* TO {account}_r")
    sql(f"GRANT {account}_r TO {account}@'10.%' WITH ADMIN OPTION; SET DEFAULT ROLE ALL TO {account}@'10.%'")
    sql(f"GRANT {account}_o TO {account}_m; SET GLOBAL mandatory_roles = '{account}_m'")
    try:
        facts = tasks.facts(names=[account], **direct_options(state, CLUSTER))
    finally:
        sql("SET GLOBAL mandatory_roles = ''")
    wide, narrow = sorted(facts["accounts"], key=lambda item: item["host"])
    assert (wide["reached_by"], wide["admin_roles"]) == ([], [])
    grants = [{"privileges": ["SELECT", "INSERT"], "on": "`app%`.*"}]
    assert narrow["reached_by"] == [{"name": account, "host": "%", "grants": grants}]
    assert narrow["admin_roles"] == [f"{account}_r"]
    assert narrow["inherited_roles"] == [f"{account}_m", f"{account}_o"]


def test_a_password_account_that_is_a_role_is_an_account_too(tasks: Tasks, state: State, sql, account: str):
    sql(f"CREATE USER {account} IDENTIFIED BY '{PASSWORD}', {account}_m {IAM}; GRANT {account} TO {account}_m")
    facts = tasks.facts(names=[f"{account}*"], passwords=True, **direct_options(state, CLUSTER))
    assert [item["name"] for item in facts["other_accounts"]] == [account]
    assert account in [item["name"] for item in facts["roles"]]


def test_writing_to_a_grant_table_is_a_power(tasks: Tasks, state: State, sql, dba, account: str):
    """One of the account's own grants gives it the master's role, when the server reads its tables the next time."""
    name, options = dba
    sql(f"GRANT INSERT (TO_USER, TO_HOST, FROM_USER, FROM_HOST) ON mysql.role_edges TO {name}")
    facts = tasks.facts(names=[name], passwords=True, **direct_options(state, CLUSTER))
    assert facts["other_accounts"][0]["administrator_by"] == ["CREATE USER", "INSERT on mysql.role_edges"]
    with login(options) as cursor:
        row = f"('{name}', '%', 'rds_superuser_role', '%')"
        cursor.execute(f"INSERT INTO mysql.role_edges (TO_USER, TO_HOST, FROM_USER, FROM_HOST) VALUES {row}")
    sql("FLUSH PRIVILEGES")
    with login(options) as cursor:
        cursor.execute("SET ROLE rds_superuser_role")
    sql(f"REVOKE rds_superuser_role FROM {name}")


@contextlib.contextmanager
def login(options: dict[str, Any]) -> Iterator[Any]:
    way = {"host": options["login_host"], "port": options["login_port"], "user": options["login_user"]}
    connection = pymysql.connect(
        password=options["login_password"], ssl={"check_hostname": False}, autocommit=True, **way
    )
    with contextlib.closing(connection), connection.cursor() as cursor:
        yield cursor

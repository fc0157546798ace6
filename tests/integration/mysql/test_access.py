# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an account may do when it logs in: of the task's own login, and of the accounts that the task is about."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.integration.conftest import Administration
from tests.integration.mysql.scene import direct_options
from tests.integration.tasks import Result, TaskFailed, Tasks, converge
from tests.sandbox.clients import State

CLUSTER = "warehouse"
"""partial_revokes is OFF: databases of grants are patterns."""
PASSWORD = "s3cret-Pw"


@pytest.fixture
def sql(admin: Administration) -> Iterator[Callable[[str], Any]]:
    admin.sql(CLUSTER, "CREATE DATABASE IF NOT EXISTS app_one; CREATE DATABASE IF NOT EXISTS app_two")
    admin.sql(CLUSTER, "CREATE TABLE IF NOT EXISTS app_one.t (id INT); CREATE TABLE IF NOT EXISTS app_two.t (id INT)")
    yield lambda statement: admin.sql(CLUSTER, statement)
    admin.sql(CLUSTER, "DROP DATABASE app_one; DROP DATABASE app_two")


@pytest.fixture
def dba(sql: Callable[[str], Any], account: str, state: State) -> Iterator[tuple[str, dict[str, Any]]]:
    """An administrator with few rights, and how a task logs in as it."""
    name = f"{account}_dba"
    sql(f"CREATE USER {name} IDENTIFIED BY '{PASSWORD}'; GRANT CREATE USER ON *.* TO {name}")
    sql(f"GRANT SELECT ON mysql.* TO {name}; GRANT SELECT, INSERT ON `app%`.* TO {name} WITH GRANT OPTION")
    yield name, {**direct_options(state, CLUSTER), "login_user": name, "login_password": PASSWORD}
    sql(f"DROP USER {name}")


def refused(task: Callable[..., Result], message: str) -> None:
    for check in (True, False):
        with pytest.raises(TaskFailed, match=message) as caught:
            task(check=check)
        assert not caught.value.result.get("statements_executed")


@pytest.mark.direct("logs in as an account with a password")
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


@pytest.mark.direct("logs in as an account with a password")
def test_a_login_grants_what_another_host_of_its_name_gives_it(tasks: Tasks, sql, dba, account: str):
    name, options = dba
    sql(f"CREATE USER {name}@'127.%' IDENTIFIED BY '{PASSWORD}'; GRANT CREATE USER ON *.* TO {name}@'127.%'")
    grants = [{"privileges": ["SELECT"], "on": "app_one.*"}]

    def task(**mode: Any) -> Result:
        return tasks.user(name=account, grants=grants, **options, **mode)

    converge(task)
    sql(f"DROP USER {account}; GRANT CREATE ON `app%`.* TO {name}@'127.%'")
    refused(task, r"may not grant SELECT on app_one\.\*")
    sql(f"DROP USER {name}@'127.%'")

# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user is told when something is not as it must be."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from functools import partial

import pytest

from tests.integration.administration import Administration
from tests.integration.master import master_options
from tests.integration.tasks import TaskFailed, Tasks, converge
from tests.sandbox.clients import CHECKOUT, State


def accounts(admin: Administration, cluster: str, name: str) -> int:
    queries = {
        "mysql": f"SELECT COUNT(*) FROM mysql.user WHERE User = '{name}'",
        "postgresql": f"SELECT count(*) FROM pg_roles WHERE rolname = '{name}'",
    }
    family = "mysql" if cluster in ("orders", "catalogue", "warehouse") else "postgresql"
    return int(admin.sql(cluster, queries[family])[0][0])


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("cluster", ["catalogue", "payroll"])
def test_iam_authentication_is_off(tasks: Tasks, admin: Administration, cluster: str, check: bool, account: str):
    with pytest.raises(TaskFailed) as failure:
        tasks.user(cluster=cluster, name=account, check=check)
    assert f"IAM authentication is off on cluster {cluster}" in str(failure.value)
    assert "dbops.aurora_iam.aurora_iam_cluster" in str(failure.value)
    assert accounts(admin, cluster, account) == 0


@pytest.mark.direct("logs in itself")
def test_mysql_answers_1524_itself(admin: Administration):
    """The plugin is not loaded while IAM authentication is off: the error of the plan is the server's."""
    with pytest.raises(Exception, match=r"1524.*AWSAuthenticationPlugin.*not loaded"):
        admin.sql("catalogue", "CREATE USER x IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS'")


@pytest.mark.direct("logs in itself")
def test_mysql_s_1524_is_explained_where_aws_was_not_asked(tasks: Tasks, state: State, account: str):
    master = master_options(state, "catalogue")
    with pytest.raises(TaskFailed, match=r"IAM authentication is off on localhost:.*1524"):
        tasks.user(engine="aurora-mysql", name=account, **master)


def test_an_unknown_cluster(tasks: Tasks):
    with pytest.raises(TaskFailed, match="There is no cluster nowhere in this region and account"):
        tasks.user(cluster="nowhere", name="jane")


@pytest.mark.parametrize("cluster", ["orders", "ledger"])
def test_a_reader_endpoint(tasks: Tasks, admin: Administration, cluster: str, account: str):
    with pytest.raises(TaskFailed, match="read-only"):
        tasks.user(cluster=cluster, login_host="127.0.0.2", name=account)
    assert accounts(admin, cluster, account) == 0


def test_an_account_with_a_host_name_that_is_there_already(tasks: Tasks, admin: Administration, account: str):
    admin.sql("orders", f"CREATE USER {account}@localhost IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS' REQUIRE SSL")
    granted = {
        "cluster": "orders",
        "name": account,
        "host": "localhost",
        "grants": [{"privileges": ["SELECT"], "on": "*.*"}],
    }
    converge(partial(tasks.user, **granted))
    converge(partial(tasks.user, cluster="orders", name=account, host="localhost", state="absent"))


@pytest.mark.parametrize("cluster", ["orders", "ledger"])
def test_wrong_credentials(tasks: Tasks, cluster: str):
    with pytest.raises(TaskFailed) as failure:
        tasks.user(cluster=cluster, name="jane", login_password="certainly-not-it")
    assert re.search(f"cluster {cluster}.*(refused the password of|wrong credentials for)", str(failure.value))
    assert "certainly-not-it" not in str(failure.value.result)


@pytest.mark.direct("is about the drivers of connections")
@pytest.mark.parametrize(
    ("cluster", "library", "package"), [("orders", "pymysql", "PyMySQL"), ("ledger", "psycopg2", "psycopg2")]
)
@pytest.mark.usefixtures("state")
def test_a_missing_library(cluster: str, library: str, package: str):
    """In a Python that cannot import the driver by the time that the module is loaded."""
    code = (
        "import sys; from tests.integration.tasks import Tasks; from tests.sandbox.clients import read_state; "
        f"sys.modules['{library}'] = None; Tasks(read_state()).user(cluster='{cluster}', name='jane')"
    )
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=CHECKOUT,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT / ".cache" / "collections")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert package in result.stderr.splitlines()[-1]
    assert "TaskFailed" in result.stderr.splitlines()[-1]


@pytest.mark.direct("on a cluster that the Data API's tests do not start")
def test_rds_iam_is_missing(tasks: Tasks, admin: Administration, account: str):
    """A PostgreSQL that is no RDS."""
    admin.sql("archive", "ALTER ROLE rds_iam RENAME TO not_rds_iam")
    try:
        with pytest.raises(TaskFailed, match="rds_iam"):
            tasks.user(cluster="archive", name=account)
    finally:
        admin.sql("archive", "ALTER ROLE not_rds_iam RENAME TO rds_iam")
    assert accounts(admin, "archive", account) == 0

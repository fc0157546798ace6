# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several accounts of one name: a person leaves when the last of them does."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.integration.administration import Administration
from tests.integration.tasks import Result, converge

pytestmark = pytest.mark.mysql
IAM = "IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS'"
PASSWORD = "IDENTIFIED BY 'Pa55word!'"
Rows = list[tuple[str, ...]]


@pytest.fixture
def sql(admin: Administration, cluster: str, account: str) -> Iterator[Callable[[str], Rows]]:
    yield lambda statement: admin.sql(cluster, statement)
    for (host,) in admin.sql(cluster, f"SELECT Host FROM mysql.user WHERE User = '{account}'"):
        admin.sql(cluster, f"DROP USER '{account}'@'{host}'")


def others_named(result: Result, account: str) -> list[str]:
    """Ansible collects the warnings of all tasks that this process has run."""
    found = result.get("warnings", ())
    texts = [warning if isinstance(warning, str) else str(warning["event"]["msg"]) for warning in found]
    return [text for text in texts if f"{account} can still log in as" in text]


@pytest.mark.parametrize("options", [{"state": "absent"}, {"locked": True}], ids=["dropped", "locked"])
def test_other_accounts_of_the_name_by_which_it_logs_in_are_named(tasks, sql, cluster, account, options):
    sql(f"CREATE USER {account}@'10.%' {IAM}, {account}@'127.%' {IAM}, {account} {PASSWORD}")
    sql(f"CREATE USER {account}@'11.%' {IAM} ACCOUNT LOCK; CREATE ROLE {account}@'12.%'")
    gone = converge(lambda **mode: tasks.user(cluster=cluster, name=account, host="10.%", **options, **mode))
    (warning,) = others_named(gone, account)
    what = "dropped" if "state" in options else "locked"
    assert warning.startswith(f"{account}@10.% is {what}, but {account} can still log in as ")
    assert f"as {account}@% (with a password), {account}@127.% (with an IAM token)." in warning


def test_a_locked_account_that_hides_another_one_opens_it(tasks, sql, cluster, account):
    sql(f"CREATE USER {account}@'127.%' {IAM} ACCOUNT LOCK; CREATE USER {account} {IAM}")
    gone = converge(lambda **mode: tasks.user(cluster=cluster, name=account, host="127.%", state="absent", **mode))
    assert others_named(gone, account) == [
        f"{account}@127.% is dropped, but {account} can still log in as {account}@% (with an IAM token). Drop or lock "
        "that account too, if nobody is meant to use the name."
    ]


def test_accounts_that_go_in_the_same_task_are_not_named(tasks, sql, cluster, account):
    sql(f"CREATE USER {account}@'10.%' {IAM}, {account}@'11.%' {IAM}, {account} {IAM}")
    users = [
        {"name": account, "host": "10.%", "state": "absent"},
        {"name": account, "host": "11.%", "locked": True},
        {"name": account, "locked": True},
    ]
    gone = converge(lambda **mode: tasks.users(cluster=cluster, users=users, **mode))
    assert others_named(gone, account) == []

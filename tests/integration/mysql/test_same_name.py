# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several accounts of one name: a person leaves when the last of them does."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.integration.administration import Administration
from tests.integration.tasks import Result, converge, refused_alike

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
        f"what is left of {account} too, if nobody is meant to use the name."
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


# host: all hosts


@pytest.fixture
def several(sql, account) -> list[str]:
    """Accounts of one name: with a token, with a password, locked; and the name in another case."""
    sql(f"CREATE USER {account}@'10.%' {IAM}, {account} {PASSWORD}, {account.upper()} {IAM}")
    sql(f"CREATE USER {account}@'11.%' {IAM} ACCOUNT LOCK")
    return [f"{account}@%", f"{account}@10.%", f"{account}@11.%"]


def there(sql: Callable[[str], Rows], account: str) -> list[tuple[str, ...]]:
    return sql(f"SELECT Host, plugin, account_locked FROM mysql.user WHERE User = '{account}' ORDER BY Host")


def test_all_accounts_of_a_name_are_dropped(tasks, sql, cluster, account, several):
    def drop(**mode: bool) -> Result:
        return tasks.user(cluster=cluster, name=account, host="all hosts", state="absent", **mode)

    gone = converge(drop)
    assert others_named(gone, account) == []
    assert gone["statements"] == [
        f"ALTER USER `{account}`@`%`, `{account}`@`10.%` ACCOUNT LOCK",
        f"DROP USER `{account}`@`%`, `{account}`@`10.%`, `{account}`@`11.%`",
    ]
    assert [gone["diff"]["before"].count(f"host: {host}") for host in ('"%"', '"10.%"', '"11.%"')] == [1, 1, 1]
    assert gone["diff"]["before"].count("authentication: password") == 1
    assert there(sql, account) == []
    assert len(there(sql, account.upper())) == 1


def test_all_accounts_of_a_name_are_locked_and_stay_as_they_are(tasks, sql, cluster, account, several):
    sql(f"GRANT SELECT ON *.* TO {account}@'10.%'")
    logins = f"SELECT Host, plugin, ssl_type, authentication_string FROM mysql.user WHERE User = '{account}'"
    before = sql(logins)
    users = [{"name": account, "host": "all hosts", "locked": True}]
    locked = converge(lambda **mode: tasks.users(cluster=cluster, users=users, **mode))
    assert locked["altered"] == several[:2]
    assert locked["unchanged"] == several[2:]
    assert {row[2] for row in there(sql, account)} == {"Y"}
    assert sql(logins) == before


def test_unlisted_accounts_are_none_of_a_name_that_is_listed_whole(tasks, sql, cluster, account, several):
    users = [{"name": account, "host": "all hosts", "locked": True}]
    assert not [name for name in tasks.users(cluster=cluster, users=users)["unlisted"] if f"{account}@" in name]


WRONG_WITH_ALL_HOSTS = [
    ({}, "all hosts"),
    ({"locked": False}, "all hosts"),
    ({"locked": True, "grants": []}, "grants"),
    ({"locked": True, "comment": "x", "convert": True}, "convert, comment"),
]


@pytest.mark.parametrize(("options", "named"), WRONG_WITH_ALL_HOSTS)
def test_all_accounts_of_a_name_can_only_be_dropped_or_locked(tasks, cluster, account, options, named):
    said = refused_alike(lambda **mode: tasks.user(cluster=cluster, name=account, host="all hosts", **options, **mode))
    assert named in said


def test_a_name_without_accounts_cannot_be_locked(tasks, cluster, account):
    said = refused_alike(
        lambda **mode: tasks.user(cluster=cluster, name=account, host="all hosts", locked=True, **mode)
    )
    assert f"an account called {account} does not exist on cluster {cluster}" in said


def test_one_account_and_all_of_its_name_are_not_both_listed(tasks, cluster, account, several):
    users = [
        {"name": account, "host": "10.%", "state": "absent"},
        {"name": account, "host": "all hosts", "locked": True},
    ]
    for listed in (users, users[::-1]):
        said = refused_alike(lambda listed=listed, **mode: tasks.users(cluster=cluster, users=listed, **mode))
        assert f"{account}@10.% is already" in said or f"{account}@all hosts is already" in said


def test_the_login_is_not_dropped_with_its_name(tasks, state, cluster):
    master = state["clusters"][cluster]["master"]
    said = refused_alike(
        lambda **mode: tasks.user(cluster=cluster, name=master, host="all hosts", state="absent", **mode)
    )
    assert f"{master}@% is the login of this task" in said


def test_postgresql_has_no_hosts_at_all(tasks, account):
    said = refused_alike(
        lambda **mode: tasks.user(cluster="ledger", name=account, host="all hosts", state="absent", **mode)
    )
    assert "PostgreSQL's accounts have no host" in said

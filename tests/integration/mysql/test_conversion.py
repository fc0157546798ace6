# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A conversion ends what belongs to passwords and would keep out who logs in with a token. Roles are not converted."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from tests.integration.administration import Administration
from tests.integration.master import direct_options
from tests.integration.tasks import Result, Tasks, converge, refused_alike
from tests.sandbox.clients import LoginRefused, State, attempt, connect_statement, create_principal, login, with_pymysql

pytestmark = [pytest.mark.mysql, pytest.mark.direct("logs in by a connection")]
CLUSTER = "orders"


@pytest.fixture
def user(tasks: Tasks, state: State, account: str) -> Callable[..., Result]:
    return partial(tasks.user, name=account, **direct_options(state, CLUSTER))


@pytest.fixture
def sql(admin: Administration) -> Callable[[str], Any]:
    return lambda statement: admin.sql(CLUSTER, statement)


def try_wrong_tokens(state: State, account: str) -> None:
    for _time in range(3):
        with pytest.raises(LoginRefused):
            with_pymysql(attempt(state, CLUSTER, account, "no token"))


def log_in(state: State, account: str) -> None:
    principal = create_principal(state, uuid.uuid4().hex, connect_statement(state, CLUSTER, account))
    assert login(state, CLUSTER, account, principal) == f"{account}@%"


@pytest.mark.parametrize(
    "made",
    [
        "FAILED_LOGIN_ATTEMPTS 2 PASSWORD_LOCK_TIME UNBOUNDED",
        "FAILED_LOGIN_ATTEMPTS 2 PASSWORD_LOCK_TIME 3 PASSWORD EXPIRE INTERVAL 1 DAY PASSWORD HISTORY 5",
        "PASSWORD REUSE INTERVAL 90 DAY PASSWORD REQUIRE CURRENT PASSWORD EXPIRE INTERVAL 1 DAY",
    ],
)
def test_rules_about_passwords_do_not_outlive_them(user, sql, state: State, account: str, made: str):
    sql(
        f"CREATE USER {account} IDENTIFIED BY 'first' {made}; "
        f"ALTER USER {account} IDENTIFIED BY 'second' RETAIN CURRENT PASSWORD"
    )
    try_wrong_tokens(state, account)
    converge(partial(user, convert=True))
    assert sql(f"SELECT User_attributes, password_expired FROM mysql.user WHERE User = '{account}'") == [("NULL", "N")]
    try_wrong_tokens(state, account)
    log_in(state, account)
    sql(
        f"UPDATE mysql.user SET password_last_changed = NOW() - INTERVAL 9 DAY WHERE User = '{account}'; "
        "FLUSH PRIVILEGES"
    )
    log_in(state, account)


def test_an_account_that_failed_logins_block_is_let_in(user, tasks: Tasks, sql, state: State, account: str):
    """Somebody has converted it by hand, or an earlier version has."""
    iam = "IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS' REQUIRE SSL"
    sql(f"CREATE USER {account} {iam} FAILED_LOGIN_ATTEMPTS 2 PASSWORD_LOCK_TIME UNBOUNDED")
    facts = tasks.facts(names=[account], **direct_options(state, CLUSTER))
    assert "failed_logins" in {each["code"] for each in facts["findings"] if each["subject"] == f"{account}@%"}
    assert [each["name"] for each in facts["accounts"]] == [account]
    log_in(state, account)
    try_wrong_tokens(state, account)
    with pytest.raises(LoginRefused):
        log_in(state, account)
    converge(user)
    log_in(state, account)
    try_wrong_tokens(state, account)
    log_in(state, account)


@pytest.mark.parametrize("factors", [1, 2])
@pytest.mark.parametrize("made", ["IDENTIFIED WITH caching_sha2_password BY 'x'", "IDENTIFIED WITH {plugin} AS 'RDS'"])
def test_other_factors_do_not_outlive_passwords(
    user, tasks: Tasks, sql, state: State, account: str, made: str, factors: int
):
    """Also where somebody has converted the account by hand."""
    sql(f"CREATE USER {account} {made.format(plugin='AWSAuthenticationPlugin')} REQUIRE SSL COMMENT 'x'")
    for number in range(2, factors + 2):
        sql(f"ALTER USER {account} ADD {number} FACTOR IDENTIFIED WITH auth_socket")
    facts = tasks.facts(names=[account], gather_subset=["findings"], **direct_options(state, CLUSTER))
    found = {each["code"] for each in facts["findings"] if each["subject"] == f"{account}@%"}
    assert ("auth_string" in found) is ("{plugin}" in made)
    converge(partial(user, convert="{plugin}" not in made))
    log_in(state, account)


def test_a_role_is_not_converted(user, tasks: Tasks, sql, state: State, account: str):
    """Nor offered to be."""
    sql(f"CREATE ROLE {account}; CREATE USER {account}_2; GRANT {account} TO {account}_2")
    for options in ({}, {"convert": True}, {"convert": True, "locked": False}):
        assert f"{account}@% is a role, as which nobody logs in" in refused_alike(partial(user, **options))
    facts = tasks.facts(names=[account], gather_subset=["findings"], passwords=True, **direct_options(state, CLUSTER))
    assert not [each for each in facts["findings"] if each["subject"] == f"{account}@%"]
    assert "not an IAM-authenticated account" in refused_alike(partial(user, state="absent"))

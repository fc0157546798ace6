# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What expires is a password. A token does not expire with it, so a conversion must not let anybody log in again."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from tests.integration.administration import Administration
from tests.integration.tasks import Result, TaskFailed, Tasks, converge
from tests.sandbox.clients import LoginRefused, State, connect_statement, create_principal, login

pytestmark = pytest.mark.direct("the way to the server does not change what expires")

EXPIRED = {
    "orders": "CREATE USER {name} IDENTIFIED BY 'x' PASSWORD EXPIRE",
    "ledger": "CREATE ROLE {name} LOGIN PASSWORD 'x' VALID UNTIL '2024-01-01'; "
    "GRANT {name} TO postgres WITH ADMIN TRUE, INHERIT FALSE, SET FALSE",
    "archive": "CREATE ROLE {name} LOGIN PASSWORD 'x' VALID UNTIL '2024-01-01'",
}
OVERDUE = (
    "CREATE USER {name} IDENTIFIED BY 'x' PASSWORD EXPIRE INTERVAL 1 DAY; "
    "UPDATE mysql.user SET password_last_changed = NOW() - INTERVAL 2 DAY WHERE User = '{name}'; FLUSH PRIVILEGES"
)
DROP = {"orders": "DROP USER IF EXISTS {name}", "ledger": "DROP ROLE {name}", "archive": "DROP ROLE {name}"}


def logs_in(state: State, cluster: str, name: str) -> bool:
    principal = create_principal(state, uuid.uuid4().hex, connect_statement(state, cluster, name))
    try:
        login(state, cluster, name, principal)
    except LoginRefused:
        return False
    return True


@pytest.mark.parametrize(
    ("cluster", "made"), [*EXPIRED.items(), ("orders", OVERDUE)], ids=["orders", "ledger", "archive", "orders-overdue"]
)
def test_an_expired_account_is_converted_locked_or_on_request(
    tasks: Tasks, state: State, admin: Administration, account: str, cluster: str, made: str
):
    def convert(*, check: bool = False, **options: Any) -> Result:
        return tasks.user(cluster=cluster, name=account, convert=True, check=check, **options)

    admin.sql(cluster, made.format(name=account))
    try:
        for check in (True, False):
            with pytest.raises(TaskFailed, match=rf"the password of {account}(@%)? has expired .*set locked: true"):
                convert(check=check)
        converge(lambda **mode: convert(locked=True, **mode))
        assert not logs_in(state, cluster, account)
        assert not convert()["changed"]
        converge(lambda **mode: convert(locked=False, **mode))
        assert logs_in(state, cluster, account)
    finally:
        admin.sql(cluster, DROP[cluster].format(name=account))


@pytest.mark.parametrize("cluster", ["ledger", "archive"])
def test_a_date_of_an_iam_account_is_found(tasks: Tasks, admin: Administration, account: str, cluster: str):
    """High where it is over, since somebody believes that it keeps the account out."""

    def found() -> dict[str, str]:
        findings = tasks.facts(cluster=cluster, gather_subset=["findings"])["findings"]
        return {each["code"]: each["severity"] for each in findings if each["subject"] == account}

    tasks.user(cluster=cluster, name=account)
    for date, expected in (("2024-01-01", "high"), ("2124-01-01", "low"), ("infinity", None)):
        admin.sql(cluster, f"ALTER ROLE {account} VALID UNTIL '{date}'")
        severities = {code: severity for code, severity in found().items() if code.startswith("valid_until")}
        assert list(severities.values()) == ([expected] if expected else [])
    tasks.user(cluster=cluster, name=account, state="absent")

# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Through an RDS Proxy for PostgreSQL, which refuses command-line options in a start-up packet."""

from __future__ import annotations

import json

import psycopg2
import pytest

from tests.integration.administration import Administration
from tests.integration.aws.proxies import require_proxy
from tests.integration.tasks import Tasks, converge
from tests.sandbox.clients import LoginRefused, State, attempt, aws_client, with_psycopg2

pytestmark = pytest.mark.direct("is about an endpoint that is dialled")

PROXY = "ledger-proxy"


def connect(state: State, **options: str) -> psycopg2.extensions.connection:
    require_proxy(state, PROXY)
    proxy = state["proxies"][PROXY]
    return psycopg2.connect(
        **{
            "host": proxy["host"],
            "port": proxy["port"],
            "user": "postgres",
            "password": password(state),
            "dbname": "ledger",
            "sslmode": "verify-full",
            "sslrootcert": state["ca_cert"],
            "application_name": "a test",
            **options,
        }
    )


def password(state: State) -> str:
    secret = aws_client(state, "secretsmanager").get_secret_value(SecretId=state["clusters"]["ledger"]["secret_arn"])
    return str(json.loads(secret["SecretString"])["password"])


def test_everything_but_options_is_passed_on(state: State) -> None:
    size = 1_000_000
    with connect(state, channel_binding="require") as connection, connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('application_name'), repeat('x', %s), %s", (size, "y" * size))
        assert cursor.fetchone() == ("a test", "x" * size, "y" * size)


@pytest.mark.parametrize("options", ["-c search_path=", "-csearch_path=", "--statement-timeout=0", ""])
def test_options_are_refused_by_the_proxy_only(state: State, options: str) -> None:
    """libpq sends none that is empty."""
    direct = {"host": "localhost", "port": str(state["clusters"]["ledger"]["port"])}
    connect(state, options=options, **direct).close()
    if not options:
        connect(state, options=options).close()
        return
    with pytest.raises(psycopg2.OperationalError, match="RDS Proxy currently doesn't support command-line"):
        connect(state, options=options)


def test_no_login_without_tls(state: State) -> None:
    require_proxy(state, PROXY)
    with pytest.raises(LoginRefused, match="This RDS Proxy requires TLS connections"):
        with_psycopg2(attempt(state, PROXY, "postgres", password(state), tls=False))


@pytest.mark.parametrize("method", ["secret", "iam"])
def test_tasks_through_it(state: State, tasks: Tasks, admin: Administration, account: str, method: str) -> None:
    """In check mode and for real, as the master and as an administrator with a token for the proxy."""
    require_proxy(state, PROXY)
    administrator = f"{account}_dba"
    tasks.user(cluster="ledger", name=administrator)
    admin.sql("ledger", f"ALTER ROLE {administrator} CREATEROLE; GRANT rds_iam TO {administrator} WITH ADMIN OPTION")
    login = {"login_method": method, "login_user": administrator if method == "iam" else None}
    options = {"proxy": PROXY, "login_db": "ledger", **login}
    try:
        made = converge(lambda **mode: tasks.user(**options, name=account, comment="ü", connection_limit=3, **mode))
        assert "dbuser:prx-" in made["connect_arn"]
        facts = tasks.facts(**options, gather_subset=["accounts", "public"])
        assert account in str(facts["accounts"])
        assert "CONNECT" in str(facts["public"])
        users = [{"name": f"{account}_{number}"} for number in range(2)]
        converge(lambda **mode: tasks.users(**options, users=users, **mode))
        gone = [{"name": name, "state": "absent"} for name in (account, *(user["name"] for user in users))]
        converge(lambda **mode: tasks.users(**options, users=gone, **mode))
    finally:
        tasks.user(cluster="ledger", name=administrator, state="absent")

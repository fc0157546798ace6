# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Accounts that own things in several databases of a PostgreSQL cluster, and those who watch them being dropped."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import psycopg2
import pytest

from tests.integration.administration import Administration
from tests.integration.master import master_options
from tests.integration.meanwhile import Meanwhile
from tests.integration.tasks import Result, TaskFailed
from tests.sandbox.clients import Principal, State, connect_statement, create_principal

MASTER = "postgres"
Sql = Callable[..., list[tuple[str, ...]]]
"""runs SQL as the superuser, in the cluster's own database if none is given"""
OWNED = """
SET ROLE "{account}";
CREATE SCHEMA "{account}";
CREATE TABLE "{account}".t (id serial PRIMARY KEY, note text);
INSERT INTO "{account}".t (note) VALUES ('kept');
CREATE SEQUENCE "{account}".numbers;
CREATE FUNCTION "{account}".f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER touched BEFORE INSERT ON "{account}".t FOR EACH ROW EXECUTE FUNCTION "{account}".f();
SELECT lo_from_bytea(0, 'large');
ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO pg_monitor;
RESET ROLE;
SET ROLE postgres;
CREATE TABLE IF NOT EXISTS public.ours (id int);
GRANT SELECT ON public.ours TO "{account}";
"""


def exists(admin: Administration, cluster: str, name: str) -> bool:
    return bool(admin.sql(cluster, f"SELECT 1 FROM pg_roles WHERE rolname = '{name}'"))


def memberships(admin: Administration, cluster: str, member: str = MASTER) -> list[tuple[str, ...]]:
    return admin.sql(
        cluster,
        "SELECT to_jsonb(m) - 'oid' FROM pg_auth_members m "
        f"WHERE member = (SELECT oid FROM pg_roles WHERE rolname = '{member}') ORDER BY 1::text",
    )


def master_arguments(state: State, cluster: str) -> dict[str, Any]:
    login = master_options(state, cluster)
    return {
        "host": login["login_host"],
        "port": login["login_port"],
        "user": login["login_user"],
        "password": login["login_password"],
        "dbname": cluster,
        "sslmode": "verify-full",
        "sslrootcert": state["ca_cert"],
    }


def master_of(state: State, cluster: str) -> Callable[[], Any]:
    arguments = master_arguments(state, cluster)
    return lambda: psycopg2.connect(**arguments)


def jane_of(state: State, cluster: str, account: str) -> Callable[[], Any]:
    described = state["clusters"][cluster]
    principal: Principal = create_principal(
        state, account.replace("_", "-"), connect_statement(state, cluster, account)
    )
    token = principal.token(state, described["host"], described["port"], account)
    return lambda: psycopg2.connect(
        host=described["host"],
        port=described["port"],
        user=account,
        password=token,
        dbname=cluster,
        sslmode="verify-full",
        sslrootcert=state["ca_cert"],
    )


def visiting(connect: Callable[[], Any]) -> Meanwhile:
    """Somebody logs in, asks something and logs out."""

    def visit() -> None:
        with contextlib.closing(connect()) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT session_user")

    return Meanwhile(visit)


def warned(result: Result, account: str) -> list[str]:
    return [str(warning) for warning in result.get("warnings", ()) if f"Code of {account} goes to" in str(warning)]


def refused(drop: Callable[..., Result], **options: Any) -> list[str]:
    with pytest.raises(TaskFailed, match="reassign_code: true") as failure:
        drop(**options)
    return [str(item) for item in failure.value.result["reassigned_code"]]

# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A database of the master's with one object of each kind, on PostgreSQL 15 and 18."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import psycopg2
import pytest

from ansible_collections.dbops.aurora_iam.plugins.module_utils._account_module import Outcome, converge
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.engine import PostgreSQLEngine
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import Refused, StatementFailed
from ansible_collections.dbops.aurora_iam.plugins.module_utils._login import Login
from ansible_collections.dbops.aurora_iam.plugins.module_utils._params import account_requests
from ansible_collections.dbops.aurora_iam.plugins.module_utils._reconcile import KEEP
from tests.integration.administration import Administration
from tests.integration.master import master_login
from tests.integration.tasks import Result
from tests.sandbox.clients import State

MASTER = "postgres"
CLUSTERS = {"ledger": 18, "archive": 15}
"""each with its version"""

AS_MASTER = """
CREATE SCHEMA shop; CREATE TABLE shop.orders (id int, email text, "We""ird" int);
CREATE VIEW shop.recent AS SELECT 1 AS id;
CREATE MATERIALIZED VIEW shop.totals AS SELECT 1 AS id; CREATE SEQUENCE shop.numbers;
CREATE TYPE shop.mood AS ENUM ('a');
CREATE TABLE shop.parts (id int) PARTITION BY RANGE (id);
CREATE TABLE shop.parts_1 PARTITION OF shop.parts FOR VALUES FROM (1) TO (10);
CREATE DOMAIN shop.email AS text; CREATE AGGREGATE shop.plus(int) (sfunc = int4pl, stype = int);
CREATE FUNCTION shop.f() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION shop.f(int) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION shop.f(shop.mood, varchar[]) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE PROCEDURE shop.refresh(int, OUT done int) LANGUAGE plpgsql AS 'BEGIN done := 1; END';
SELECT lo_create(4711);
"""
AS_SUPERUSER = """
CREATE EXTENSION file_fdw; CREATE SERVER files FOREIGN DATA WRAPPER file_fdw; ALTER SERVER files OWNER TO postgres;
CREATE FOREIGN TABLE shop.log (line text) SERVER files OPTIONS (filename '/dev/null');
ALTER FOREIGN TABLE shop.log OWNER TO postgres;
GRANT USAGE ON FOREIGN DATA WRAPPER file_fdw TO postgres WITH GRANT OPTION;
GRANT USAGE ON LANGUAGE plpgsql TO postgres WITH GRANT OPTION;
GRANT SET ON PARAMETER work_mem TO postgres WITH GRANT OPTION;
"""


@dataclass(frozen=True)
class Scene:
    """``user`` and ``users`` run the modules' pipeline, without AWS and with the login given."""

    login: Login
    admin: Administration
    cluster: str
    database: str
    major: int

    def sql(self, statements: str, *, master: bool = False) -> list[tuple[str, ...]]:
        """As the superuser, or as the master; in the scene's database."""
        return self.admin.sql(self.cluster, ("SET ROLE postgres; " if master else "") + statements, self.database)

    def user(self, *, check: bool = False, login_db: str = "", **options: object) -> Result:
        outcome = self._outcome([options], KEEP, check, login_db)
        account = next(iter(outcome.accounts), None)
        return {
            **outcome.result(),
            "warnings": outcome.warnings,
            "account": outcome.describe(account) if account else None,
        }

    def users(self, users: list[dict[str, object]], unlisted: str, *, check: bool = False) -> Result:
        outcome = self._outcome(users, unlisted, check, "")
        return {**outcome.result(), "unlisted": outcome.changes.unlisted}

    def _outcome(self, users: list[dict[str, object]], unlisted: str, check: bool, database: str) -> Outcome[Any]:
        requests = account_requests({"users": users, "unlisted": unlisted, "confirm": True})
        login = replace(self.login, database=database or self.database)
        return converge(PostgreSQLEngine(), login, requests, unlisted, write=not check)

    def role(self, suffix: str, *attributes: str, master: bool = True) -> str:
        """A new role with a name of its own, made by the master: the name is returned."""
        name = f"{self.database}_{suffix}_{uuid.uuid4().hex[:6]}"
        self.sql(f"CREATE ROLE {name} {' '.join(attributes)}", master=master)
        return name


def made(cluster: str, state: State, admin: Administration) -> Iterator[Scene]:
    database = f"scene_{uuid.uuid4().hex[:6]}"
    admin.sql(cluster, f"SET ROLE postgres; CREATE DATABASE {database}")
    scene = Scene(master_login(state, cluster), admin, cluster, database, CLUSTERS[cluster])
    scene.sql(AS_MASTER, master=True)
    scene.sql(AS_SUPERUSER)
    yield scene
    roles = scene.sql(f"SELECT rolname FROM pg_roles WHERE rolname LIKE '{database}%'")
    for (name,) in roles:
        scene.sql(f"DROP OWNED BY {name}")
    admin.sql(cluster, f"DROP DATABASE {database} WITH (FORCE)")
    for (name,) in roles:
        admin.sql(cluster, f"DROP ROLE {name}")


def open_connection(scene: Scene) -> Any:
    """The master's, in the scene's database."""
    credentials = scene.login.credentials()
    return psycopg2.connect(
        host=scene.login.host,
        port=scene.login.port,
        user=credentials.user,
        password=credentials.password,
        dbname=scene.database,
        sslmode="require",
    )


def refused(scene: Scene, words: str, **options: Any) -> None:
    """In check mode and in the real run alike, and nothing is changed."""
    before = state(scene, options["name"])
    for check in (True, False):
        with pytest.raises((Refused, StatementFailed), match=words):
            scene.user(check=check, **options)
    assert state(scene, options["name"]) == before


def state(scene: Scene, account: str) -> list[tuple[str, ...]]:
    return scene.sql(
        "SELECT r.*, a.*, (SELECT count(*) FROM pg_shdepend WHERE refobjid = r.oid) "
        f"FROM pg_roles r LEFT JOIN pg_auth_members a ON a.member = r.oid WHERE rolname = '{account}' ORDER BY a.roleid"
    )


def inheriting(scene: Scene) -> str:
    return " WITH INHERIT TRUE, SET TRUE" if scene.major >= 16 else ""

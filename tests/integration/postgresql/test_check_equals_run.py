# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check mode refuses if and only if the run does, in the same words, whatever rights the login has; and what is refused
changes nothing. AURORA_IAM_EXAMPLES sets how many examples are tried on each server.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import psycopg2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import example as tried
from hypothesis import strategies as st

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.engine import PostgreSQLEngine
from ansible_collections.dbops.aurora_iam.plugins.module_utils._login import Credentials, Login
from tests.integration.administration import Administration
from tests.integration.check_and_run import Answer, answer, assert_check_equals_run
from tests.integration.master import master_login
from tests.integration.tasks import examples
from tests.sandbox.clients import State

pytestmark = pytest.mark.direct("the same property, over connections")

MASTER, CLERK, PASSWORD, DATABASE = "postgres", "rights_clerk", "Pa55word!", "rights"
ACCOUNTS, ROLES = ("rights_a1", "rights_a2"), ("rights_owner", "rights_service", "rights_group")
OWNER, SERVICE, GROUP = ROLES
TABLES = ("open.of_master", "open.of_owner", "open.of_service", "closed.of_master")
SCENE = f"""
CREATE ROLE {SERVICE}; CREATE ROLE {CLERK} LOGIN CREATEROLE PASSWORD '{PASSWORD}';
SET ROLE {MASTER}; CREATE ROLE {OWNER}; CREATE ROLE {GROUP}; RESET ROLE;
CREATE SCHEMA open; GRANT USAGE ON SCHEMA open TO PUBLIC; CREATE SCHEMA closed; CREATE EXTENSION pg_buffercache;
CREATE TABLE open.of_master (id int); CREATE TABLE open.of_owner (id int); CREATE TABLE open.of_service (id int);
CREATE TABLE closed.of_master (id int);
ALTER TABLE open.of_master OWNER TO {MASTER}; ALTER TABLE open.of_owner OWNER TO {OWNER};
ALTER TABLE open.of_service OWNER TO {SERVICE}; ALTER TABLE closed.of_master OWNER TO {MASTER};
"""
RIGHTS = (
    *(f"GRANT SELECT ON {table} TO {CLERK} WITH GRANT OPTION" for table in TABLES),
    f"GRANT SELECT ON open.of_service TO {MASTER} WITH GRANT OPTION",
    f"GRANT USAGE ON SCHEMA closed TO {MASTER}, {CLERK}",
    f"GRANT {OWNER} TO {CLERK}",
    f"GRANT {GROUP} TO {CLERK} WITH ADMIN OPTION",
    f"GRANT {SERVICE} TO {MASTER}",
    f"GRANT {SERVICE} TO {MASTER} WITH ADMIN OPTION",
    f"GRANT rds_superuser TO {CLERK}",
    f"ALTER ROLE {CLERK} NOINHERIT",
)
STATES = (
    "GRANT SELECT ON open.of_service TO {0}",
    "GRANT SELECT ON open.of_owner TO {0} WITH GRANT OPTION",
    "GRANT SELECT ON closed.of_master TO {0}",
    "ALTER DEFAULT PRIVILEGES FOR ROLE " + SERVICE + " GRANT SELECT ON TABLES TO {0}",
    "ALTER DEFAULT PRIVILEGES FOR ROLE " + OWNER + " IN SCHEMA open GRANT SELECT ON TABLES TO {0}",
    "CREATE TABLE open.owned_by_{0} (id int); ALTER TABLE open.owned_by_{0} OWNER TO {0}",
    "CREATE TABLE closed.owned_by_{0} (id int); ALTER TABLE closed.owned_by_{0} OWNER TO {0}",
    "CREATE FUNCTION open.f_{0}() RETURNS int LANGUAGE sql AS 'SELECT 1'; ALTER FUNCTION open.f_{0}() OWNER TO {0}",
    "GRANT " + GROUP + " TO {0}",
    "ALTER ROLE {0} NOLOGIN",
    "ALTER ROLE {0} NOINHERIT",
)
"""of an account that is there"""
GRANTS = (
    *({"privileges": ["SELECT"], "on": f"TABLE {table}"} for table in TABLES),
    {"privileges": ["ALL"], "on": "TABLE open.of_owner", "grant_option": True},
    {"privileges": ["SELECT"], "on": "ALL TABLES IN SCHEMA public"},
    {"privileges": ["SELECT", "INSERT"], "on": "ALL TABLES IN SCHEMA open"},
    {"privileges": ["SELECT"], "on": "FUTURE TABLES IN SCHEMA open", "owner": OWNER},
    {"privileges": ["SELECT"], "on": "FUTURE TABLES", "owner": SERVICE},
    {"privileges": ["USAGE"], "on": "SCHEMA closed"},
    {"privileges": ["CONNECT"], "on": f"DATABASE {DATABASE}"},
    {"privileges": ["SELECT"], "on": "TABLE open.not_there"},
)
SNAPSHOT = """
SELECT md5(string_agg(line::text, chr(10) ORDER BY line::text)) FROM (
    SELECT to_jsonb(r) AS line FROM pg_roles r UNION ALL SELECT to_jsonb(m) FROM pg_auth_members m
    UNION ALL SELECT to_jsonb(d) FROM pg_shdepend d UNION ALL SELECT to_jsonb(d) FROM pg_shdescription d
    UNION ALL SELECT jsonb_build_array(oid, relowner, relacl) FROM pg_class
    UNION ALL SELECT jsonb_build_array(oid, nspowner, nspacl) FROM pg_namespace
    UNION ALL SELECT jsonb_build_array(oid, proowner, proacl) FROM pg_proc
    UNION ALL SELECT jsonb_build_array(attrelid, attnum, attacl) FROM pg_attribute
    UNION ALL SELECT to_jsonb(d) FROM pg_default_acl d
    UNION ALL SELECT jsonb_build_array(oid, datdba, datacl) FROM pg_database
) lines
"""


@dataclass(frozen=True)
class Example:
    """``states``: of each account that is there, some of STATES."""

    rights: list[str]
    states: dict[str, list[str]]
    users: list[dict[str, Any]]
    login: str
    unlisted: str


@dataclass(frozen=True)
class Bench:
    server: Any
    login: Login

    def sql(self, text: str) -> list[tuple[Any, ...]]:
        with self.server.cursor() as cursor:
            cursor.execute(text)
            return list(cursor.fetchall()) if cursor.description else []

    def set(self, example: Example) -> None:
        self.clear()
        self.sql(SCENE)
        for account, states in example.states.items():
            self.sql(f"SET ROLE {MASTER}; CREATE ROLE {account} LOGIN; GRANT rds_iam TO {account}; RESET ROLE")
            self.sql("; ".join(state.format(account) for state in states) or "SELECT 1")
        self.sql("; ".join(example.rights) or "SELECT 1")

    def clear(self) -> None:
        names = {name for (name,) in self.sql("SELECT rolname FROM pg_roles WHERE rolname LIKE 'rights%'")}
        self.sql("RESET ROLE; DROP SCHEMA IF EXISTS open, closed CASCADE; DROP EXTENSION IF EXISTS pg_buffercache")
        for name in names:
            self.sql(f"DROP OWNED BY {name} CASCADE")
        for name in names:
            self.sql(f"DROP ROLE {name}")

    def answer(self, example: Example, write: bool) -> Answer:
        credentials = self.login.credentials() if example.login == MASTER else Credentials(CLERK, PASSWORD)
        login = replace(self.login, credentials=lambda: credentials)
        return answer(PostgreSQLEngine(), login, example.users, example.unlisted, write)


@pytest.fixture(scope="module", params=["ledger", "archive"])
def bench(request: pytest.FixtureRequest, state: State, admin: Administration) -> Iterator[Bench]:
    """``ledger`` is PostgreSQL 18, ``archive`` 15: in between, memberships and CREATEROLE changed."""
    cluster: str = request.param
    admin.sql(cluster, f"CREATE DATABASE {DATABASE} OWNER {MASTER}")
    with contextlib.closing(admin.superuser(cluster)) as shared:
        parameters = {**shared.get_dsn_parameters(), "dbname": DATABASE}
    server = psycopg2.connect(**parameters)
    server.autocommit = True
    made = Bench(server, replace(master_login(state, cluster), database=DATABASE))
    yield made
    made.clear()
    server.close()
    admin.sql(cluster, f"DROP DATABASE {DATABASE} WITH (FORCE)")


@st.composite
def user(draw: st.DrawFn, name: str) -> dict[str, Any]:
    if draw(st.integers(0, 2)) == 0:
        ways: list[dict[str, Any]] = [
            {},
            {"owned_objects": "drop"},
            {"owned_objects": "reassign", "reassign_owned_to": GROUP},
            {"owned_objects": "reassign", "reassign_owned_to": MASTER, "reassign_code": True},
            {"owned_objects": "reassign", "reassign_owned_to": SERVICE},
        ]
        return {"name": name, "state": "absent", **draw(st.sampled_from(ways))}
    options: dict[str, Any] = {"name": name}
    if draw(st.booleans()):
        options["grants"] = draw(st.lists(st.sampled_from(GRANTS), max_size=2, unique_by=repr))
        options["purge_grants"] = draw(st.booleans())
    if draw(st.booleans()):
        options["roles"] = draw(st.lists(st.sampled_from([GROUP, OWNER, SERVICE]), max_size=1))
    if draw(st.integers(0, 3)) == 0:
        options["locked"] = draw(st.booleans())
    return options


@st.composite
def instances(draw: st.DrawFn) -> Example:
    there = draw(st.lists(st.sampled_from(ACCOUNTS), unique=True))
    return Example(
        draw(st.lists(st.sampled_from(RIGHTS), max_size=4, unique=True)),
        {name: draw(st.lists(st.sampled_from(STATES), max_size=3, unique=True)) for name in there},
        [draw(user(name)) for name in draw(st.lists(st.sampled_from(ACCOUNTS), min_size=1, unique=True))],
        draw(st.sampled_from([MASTER, MASTER, CLERK])),
        draw(st.sampled_from(["keep", "keep", "keep", "lock", "drop"])),
    )


# The login has the owner's rights, and a grant option of its own: REVOKE would mean its own grants
OWNER_AND_GRANTOR = Example(
    [f"GRANT SELECT ON open.of_service TO {MASTER} WITH GRANT OPTION", f"GRANT {SERVICE} TO {MASTER}"],
    {"rights_a1": ["GRANT SELECT ON open.of_service TO {0}"]},
    [{"name": "rights_a1", "grants": []}],
    MASTER,
    "keep",
)


@settings(max_examples=examples(), deadline=None, suppress_health_check=list(HealthCheck))
@tried(example=OWNER_AND_GRANTOR)
@given(example=instances())
def test_check_equals_run(bench: Bench, example: Example) -> None:
    bench.set(example)
    assert_check_equals_run(partial(bench.answer, example), partial(bench.sql, SNAPSHOT))

# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check mode refuses if and only if the run does, in the same words, whatever rights the login has; and what is refused
changes nothing. AURORA_IAM_EXAMPLES sets how many examples are tried on each server.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import pymysql
import pytest
from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.engine import MySQLEngine
from ansible_collections.dbops.aurora_iam.plugins.module_utils._login import Credentials, Login
from tests.integration.administration import Administration
from tests.integration.check_and_run import Answer, answer, assert_check_equals_run
from tests.integration.master import master_login
from tests.integration.mysql.scene import CLUSTERS
from tests.integration.tasks import examples
from tests.sandbox.clients import State

pytestmark = pytest.mark.direct("the same property, over connections")

CLERK, PASSWORD = "rights_clerk", "Pa55word!"
NAMES, ROLES = ("rights_a1", "rights_a2"), ("rights_role", "rights_boss")
ROLE, BOSS = ROLES
HOSTS = ("%", "10.%")
IAM = "IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS'"
OBJECTS = """
CREATE DATABASE rights; CREATE DATABASE rights_2; CREATE TABLE rights.t (a INT, b INT); CREATE TABLE rights_2.t (a INT);
CREATE PROCEDURE rights.p() SELECT 1; CREATE FUNCTION rights.f() RETURNS INT DETERMINISTIC RETURN 1
"""
SCENE = f"""
CREATE ROLE {ROLE}, {BOSS}; CREATE USER {CLERK} IDENTIFIED BY '{PASSWORD}'; GRANT SELECT ON mysql.* TO {CLERK};
GRANT SELECT ON rights.t TO {ROLE}
"""
SEES_ALL = "GRANT CREATE USER, PROCESS, TRIGGER, EVENT ON *.* TO {0}; GRANT SHOW_ROUTINE ON *.* TO {0}"
RIGHTS = (
    "GRANT CREATE USER ON *.* TO {0}",
    SEES_ALL,
    "GRANT INSERT, UPDATE, DELETE ON mysql.* TO {0}",
    "GRANT CREATE ROLE, DROP ROLE ON *.* TO {0}",
    "GRANT PROCESS ON *.* TO {0}",
    "GRANT ROLE_ADMIN ON *.* TO {0}",
    "GRANT CONNECTION_ADMIN ON *.* TO {0} WITH GRANT OPTION",
    "GRANT ALLOW_NONEXISTENT_DEFINER ON *.* TO {0}",
    "GRANT SELECT ON *.* TO {0}",
    "GRANT SELECT, INSERT, EXECUTE ON *.* TO {0} WITH GRANT OPTION",
    "GRANT SELECT, INSERT ON rights.* TO {0} WITH GRANT OPTION",
    "GRANT ALL ON rights.* TO {0} WITH GRANT OPTION",
    "GRANT SELECT ON rights.t TO {0} WITH GRANT OPTION",
    "GRANT INSERT ON rights.t TO {0}",
    "GRANT SELECT (a) ON rights.t TO {0} WITH GRANT OPTION",
    "GRANT EXECUTE ON PROCEDURE rights.p TO {0} WITH GRANT OPTION",
)
USUAL = (
    SEES_ALL,
    "GRANT SELECT, INSERT, EXECUTE ON *.* TO {0} WITH GRANT OPTION",
    "GRANT ROLE_ADMIN ON *.* TO {0}",
    "GRANT CONNECTION_ADMIN ON *.* TO {0} WITH GRANT OPTION",
)
WAYS = (CLERK, CLERK, ROLE, BOSS)
"""who has a right of the clerk: itself, or a role of it"""
MEMBERSHIPS = (
    f"GRANT SYSTEM_USER ON *.* TO {CLERK}",
    f"GRANT SYSTEM_USER ON *.* TO {ROLE}",
    f"GRANT SYSTEM_USER ON *.* TO {BOSS}",
    f"GRANT {ROLE} TO {CLERK}",
    f"GRANT {ROLE} TO {CLERK} WITH ADMIN OPTION",
    f"GRANT {BOSS} TO {CLERK}; SET DEFAULT ROLE {BOSS} TO {CLERK}",
    f"GRANT {ROLE} TO {BOSS}",
    f"GRANT {ROLE}, {BOSS} TO {CLERK}; SET DEFAULT ROLE ALL TO {CLERK}",
)
STATES = (
    "GRANT SELECT ON rights.* TO {0}",
    "GRANT SELECT, INSERT ON rights.* TO {0} WITH GRANT OPTION",
    "GRANT SELECT ON rights.t TO {0}",
    "GRANT SELECT (a), INSERT (b) ON rights.t TO {0}",
    "GRANT EXECUTE ON PROCEDURE rights.p TO {0} WITH GRANT OPTION",
    "GRANT SELECT ON *.* TO {0}",
    "GRANT RELOAD ON *.* TO {0} WITH GRANT OPTION",
    "GRANT CONNECTION_ADMIN ON *.* TO {0}",
    "GRANT SYSTEM_USER ON *.* TO {0}",
    f"GRANT {ROLE} TO {{0}}",
    f"GRANT {BOSS} TO {{0}} WITH ADMIN OPTION; SET DEFAULT ROLE {BOSS} TO {{0}}",
    f"GRANT {{0}} TO {BOSS}",
    f"GRANT PROXY ON {{0}} TO {BOSS}",
    "ALTER USER {0} ACCOUNT LOCK",
    "ALTER USER {0} COMMENT 'x'",
    "ALTER USER {0} WITH MAX_USER_CONNECTIONS 3",
    "CREATE OR REPLACE DEFINER = {0} VIEW rights.v AS SELECT 1 AS one",
)
"""of an account that is there"""
LEFT = ("CREATE OR REPLACE DEFINER = {0} VIEW rights.w AS SELECT 1 AS one; DROP USER {0}",)
"""of one that is not there any more, though it is a definer"""
PATTERNS = (
    "GRANT SELECT ON `right%`.* TO {0} WITH GRANT OPTION",
    "GRANT INSERT, CREATE ON `rights\\_2`.* TO {0} WITH GRANT OPTION",
    "GRANT SELECT ON `rights_`.* TO {0}",
)
"""without partial_revokes"""
PARTIAL = ("REVOKE SELECT ON rights.* FROM {0}", "REVOKE INSERT ON rights_2.* FROM {0}")
"""with partial_revokes"""
GRANTS = (
    {"privileges": ["SELECT"], "on": "*.*"},
    {"privileges": ["SELECT"], "on": "rights.*"},
    {"privileges": ["SELECT"], "on": "rights_2.*", "grant_option": True},
    {"privileges": ["INSERT"], "on": "rights.*"},
    {"privileges": ["ALL"], "on": "rights.*"},
    {"privileges": ["SELECT"], "on": "rights.t"},
    {"privileges": ["SELECT (a)"], "on": "rights.t"},
    {"privileges": ["SELECT", "INSERT"], "on": "rights.t", "grant_option": True},
    {"privileges": ["EXECUTE"], "on": "PROCEDURE rights.p"},
    {"privileges": ["EXECUTE"], "on": "FUNCTION rights.f", "grant_option": True},
    {"privileges": ["CONNECTION_ADMIN"], "on": "*.*"},
    {"privileges": ["ALL"], "on": "*.*"},
    {"privileges": ["SELECT"], "on": "rights.not_there"},
)
WITHOUT_SHRINKING = (Phase.explicit, Phase.reuse, Phase.generate)
"""An example says all that was drawn, and to shrink it takes minutes."""
TABLES = ("user", "db", "tables_priv", "columns_priv", "procs_priv", "proxies_priv")
TABLES += ("role_edges", "default_roles", "global_grants")


@dataclass(frozen=True)
class Example:
    """``rights``: of the clerk, each ``(who has it, statement)``; ``states``: some of STATES for each account that is
    there; ``password``: those of them that log in with a password."""

    rights: list[tuple[str, str]]
    memberships: list[str]
    states: dict[str, list[str]]
    password: list[str]
    users: list[dict[str, Any]]
    login: str
    unlisted: str


@dataclass(frozen=True)
class Bench:
    server: Any
    login: Login
    partial_revokes: bool

    def sql(self, text: str) -> list[tuple[Any, ...]]:
        """Statements that may fail: not every combination of states is possible."""
        rows: list[tuple[Any, ...]] = []
        with self.server.cursor() as cursor:
            for statement in filter(None, map(str.strip, text.split(";"))):
                cursor.execute(statement)
                rows = list(cursor.fetchall())
        return rows

    def attempt(self, text: str) -> None:
        try:
            self.sql(text)
        except pymysql.Error:
            event("a state that cannot be")

    def set(self, example: Example) -> None:
        self.clear()
        self.sql(SCENE)
        for account, states in example.states.items():
            how = f"IDENTIFIED BY '{PASSWORD}'" if account in example.password else IAM
            self.sql(f"CREATE USER {account} {how}")
            for state in states:
                self.attempt(state.format(account))
        for statement in (*(text.format(who) for who, text in example.rights), *example.memberships):
            self.attempt(statement)

    def clear(self) -> None:
        accounts = self.sql("SELECT User, Host FROM mysql.user WHERE User LIKE 'rights%'")
        if accounts:
            self.sql("DROP USER " + ", ".join(f"'{user}'@'{host}'" for user, host in accounts))
        self.sql("DROP VIEW IF EXISTS rights.v, rights.w")

    def snapshot(self) -> list[object]:
        held = [self.sql(f"SELECT * FROM mysql.{table}") for table in TABLES]
        views = "SELECT TABLE_NAME, DEFINER FROM information_schema.VIEWS WHERE TABLE_SCHEMA = 'rights'"
        return [sorted_rows(rows) for rows in (*held, self.sql(views))]

    def answer(self, example: Example, write: bool) -> Answer:
        credentials = Credentials(CLERK, PASSWORD) if example.login == CLERK else self.login.credentials()
        login = replace(self.login, credentials=lambda: credentials)
        return answer(MySQLEngine(), login, example.users, example.unlisted, write)


def sorted_rows(rows: list[tuple[Any, ...]]) -> list[str]:
    return sorted(map(repr, rows))


@pytest.fixture(scope="module", params=CLUSTERS)
def bench(request: pytest.FixtureRequest, state: State, admin: Administration) -> Iterator[Bench]:
    cluster: str = request.param
    server = admin.superuser(cluster)
    made = Bench(server, master_login(state, cluster), cluster == "orders")
    made.clear()
    made.sql(f"DROP DATABASE IF EXISTS rights; DROP DATABASE IF EXISTS rights_2; {OBJECTS}")
    yield made
    made.clear()
    made.sql("DROP DATABASE rights; DROP DATABASE rights_2")
    server.close()


@st.composite
def user(draw: st.DrawFn, name: str, host: str, is_there: bool) -> dict[str, Any]:
    options: dict[str, Any] = {"name": name, "host": host}
    if draw(st.integers(0, 3 if is_there else 15)) == 0:
        return {**options, "state": "absent", "owned_objects": draw(st.sampled_from(["fail", "drop", "drop"]))}
    if host == "all hosts":
        return {**options, "locked": True}
    if draw(st.integers(0, 2)):
        options["grants"] = draw(st.lists(st.sampled_from(GRANTS), max_size=2, unique_by=repr))
        options["purge_grants"] = draw(st.booleans())
    if draw(st.booleans()):
        options["roles"] = draw(st.lists(st.sampled_from((*ROLES, NAMES[0])), max_size=2, unique=True))
        options["purge_roles"] = draw(st.booleans())
    if draw(st.integers(0, 3)) == 0:
        options["locked"] = draw(st.booleans())
    if draw(st.integers(0, 3)) == 0:
        options["comment"] = draw(st.sampled_from(["", "x", "y"]))
    options["require_tls"] = draw(st.booleans())
    options["convert"] = draw(st.integers(0, 3)) > 0
    return options


@st.composite
def rights(draw: st.DrawFn, restrictions: tuple[str, ...]) -> list[tuple[str, str]]:
    """Most clerks have what most tasks need, and something else."""
    usual = [(CLERK, text) for text in USUAL if draw(st.integers(0, 3))]
    others = st.tuples(st.sampled_from(WAYS), st.sampled_from(RIGHTS + restrictions))
    return usual + draw(st.lists(others, max_size=4, unique=True))


@st.composite
def instances(draw: st.DrawFn, partial_revokes: bool) -> Example:
    restrictions = PARTIAL if partial_revokes else PATTERNS
    login = draw(st.sampled_from(["master", CLERK, CLERK, CLERK]))
    held = draw(rights(restrictions))
    states = STATES + restrictions + LEFT
    accounts = [(name, host) for name in NAMES for host in HOSTS]
    there = draw(st.lists(st.sampled_from(accounts), unique=True))
    listed = draw(st.lists(st.sampled_from((*accounts, *there)), min_size=1, max_size=3, unique=True))
    if draw(st.integers(0, 7)) == 0:
        listed = [(NAMES[0], "all hosts")]
    return Example(
        held,
        draw(st.lists(st.sampled_from(MEMBERSHIPS), max_size=2, unique=True)),
        {f"{name}@'{host}'": draw(st.lists(st.sampled_from(states), max_size=3, unique=True)) for name, host in there},
        [f"{name}@'{host}'" for name, host in there if draw(st.integers(0, 3)) == 0],
        [draw(user(*each, each in there or each[1] == "all hosts")) for each in listed],
        login,
        draw(st.sampled_from(["keep", "keep", "keep", "lock", "drop"])),
    )


@settings(max_examples=examples(12), deadline=None, suppress_health_check=list(HealthCheck), phases=WITHOUT_SHRINKING)
@given(data=st.data())
def test_check_equals_run(bench: Bench, data: st.DataObject) -> None:
    example = data.draw(instances(bench.partial_revokes))
    bench.set(example)
    assert_check_equals_run(partial(bench.answer, example), bench.snapshot)

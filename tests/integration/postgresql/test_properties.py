# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""From any state of some PostgreSQL accounts to any other: the plan holds, nothing is left, and the server agrees.

What is declared is expanded here once more, simply, and compared with what the server's own has_…_privilege functions
say, and for FUTURE grants with what they say of an object that is created there and then.

AURORA_IAM_EXAMPLES sets how many examples are tried on each server.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import psycopg2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.engine import PostgreSQLEngine
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.grammar.names import is_reserved
from ansible_collections.dbops.aurora_iam.plugins.module_utils._login import Login
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import AccountRequest, GrantRequest
from tests.integration.administration import Administration
from tests.integration.histories import History, assert_each_state_is_reached, histories, written_privileges
from tests.integration.master import master_login
from tests.integration.tasks import examples
from tests.sandbox.clients import State

ENGINE = PostgreSQLEngine()

TABLE = ["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"]
COLUMN = ["SELECT", "INSERT", "UPDATE", "REFERENCES"]
Fact = tuple[str, str, str, str, str, bool]
"""Database, kind, object, column, privilege, whether it may be passed on."""


@dataclass(frozen=True)
class Thing:
    """Something that privileges apply to: how tasks write it, and what the has_…_privilege functions call it."""

    on: str
    kind: str
    names: tuple[str, ...]
    privileges: list[str]
    database: str = "props"
    columns: dict[str, str] = field(default_factory=dict)
    """as tasks write them → as stored"""
    created: str = ""
    """FUTURE: the SQL that creates the object that ``names`` names"""


THINGS = [
    Thing("DATABASE", "database", ("props",), ["CONNECT", "CREATE", "TEMPORARY"]),
    Thing("DATABASE props_too", "database", ("props_too",), ["CONNECT", "CREATE", "TEMPORARY"], ""),
    Thing("SCHEMA s", "schema", ("s",), ["USAGE", "CREATE"]),
    Thing('schema "S.1"', "schema", ("S.1",), ["USAGE", "CREATE"]),
    Thing("TABLE s.t", "table", ("s.t",), TABLE, columns={"ID": "id", '"a,B"': "a,B"}),
    Thing('"S.1"."it\'s ""odd"" one"', "table", ('"S.1"."it\'s ""odd"" one"',), TABLE, columns={"x": "x"}),
    Thing("s.v", "table", ("s.v",), TABLE, columns={"x": "x"}),
    Thing("ALL SEQUENCES IN SCHEMA s", "sequence", ("s.q1", "s.q2"), ["USAGE", "SELECT", "UPDATE"]),
    Thing("SEQUENCE s.q1", "sequence", ("s.q1",), ["USAGE", "SELECT", "UPDATE"]),
    Thing("FUNCTION s.f(int, Text)", "function", ("s.f(integer, text)",), ["EXECUTE"]),
    Thing("ROUTINE s.f()", "function", ("s.f()",), ["EXECUTE"]),
    Thing("PROCEDURE s.p", "function", ("s.p(numeric)",), ["EXECUTE"]),
    Thing("ALL ROUTINES IN SCHEMA s", "function", ("s.f(integer, text)", "s.f()", "s.p(numeric)"), ["EXECUTE"]),
    Thing("TYPE s.mood", "type", ("s.mood",), ["USAGE"]),
    Thing("TABLE t", "table", ("public.t",), TABLE, "props_too", columns={"id": "id"}),
    Thing("future tables", "table", ("public.new",), TABLE, created="CREATE TABLE public.new ()"),
    Thing("FUTURE TABLES IN SCHEMA s", "table", ("s.new",), TABLE, created="CREATE TABLE s.new ()"),
    Thing("FUTURE SCHEMAS", "schema", ("new",), ["USAGE", "CREATE"], created="CREATE SCHEMA new"),
]
ROLES = ["props_r1", "props R2"]

ROLE_SCENE = """
SET ROLE postgres; CREATE ROLE props_r1; CREATE ROLE "props R2"; CREATE DATABASE props; CREATE DATABASE props_too;
REVOKE ALL ON DATABASE props, props_too FROM PUBLIC
"""
SCENE = """
SET ROLE postgres; CREATE SCHEMA s; CREATE SCHEMA "S.1";
CREATE TABLE s.t (id int, "a,B" int); CREATE VIEW s.v AS SELECT 1 AS x;
CREATE TABLE "S.1"."it's ""odd"" one" (x int);
CREATE SEQUENCE s.q1; CREATE SEQUENCE s.q2; CREATE TYPE s.mood AS ENUM ('good');
CREATE FUNCTION s.f() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE PROCEDURE s.p(numeric) LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION s.f(int, text) RETURNS int LANGUAGE sql AS 'SELECT 1';
REVOKE ALL ON ALL ROUTINES IN SCHEMA s FROM PUBLIC; REVOKE ALL ON TYPE s.mood FROM PUBLIC
"""


@dataclass(frozen=True)
class Bench:
    """A cluster to try on."""

    login: Login
    connections: dict[str, Any]

    def ask(self, thing: Thing, accounts: list[str]) -> set[tuple[str, Fact]]:
        """What the server's own functions say of these accounts and this thing."""
        with self.connections[thing.database or "props"].cursor() as cursor:
            if thing.created:
                cursor.execute("BEGIN; " + thing.created)
            try:
                targets = [(name, column) for name in thing.names for column in ("", *thing.columns.values())]
                found = {fact for target in targets for fact in self._ask_one(cursor, thing, accounts, *target)}
            finally:
                if thing.created:
                    cursor.execute("ROLLBACK")
        return found

    @staticmethod
    def _ask_one(cursor: Any, thing: Thing, accounts: list[str], name: str, column: str) -> Iterator[tuple[str, Fact]]:
        function = f"has_{'column' if column else thing.kind}_privilege"
        target = "%s, %s" if column else "%s"
        cursor.execute(
            f"SELECT a, p, {function}(a, {target}, p), {function}(a, {target}, p || ' WITH GRANT OPTION') "
            "FROM unnest(%s::name[]) a, unnest(%s::text[]) p",
            [*[name, *([column] if column else [])] * 2, accounts, COLUMN if column else thing.privileges],
        )
        for account, privilege, held, option in cursor.fetchall():
            if held:
                yield account, (thing.database, thing.kind, name, column, privilege, option)


@pytest.fixture(scope="module", params=["ledger", "archive"])
def bench(request: pytest.FixtureRequest, state: State, admin: Administration) -> Iterator[Bench]:
    """``ledger`` is PostgreSQL 18, ``archive`` 15: in between, memberships and CREATEROLE changed."""
    cluster: str = request.param
    _clear(admin, cluster)
    for statement in ROLE_SCENE.split(";"):
        admin.sql(cluster, f"SET ROLE postgres; {statement}")
    admin.sql(cluster, SCENE, "props")
    admin.sql(cluster, "SET ROLE postgres; CREATE TABLE public.t (id int)", "props_too")
    login = replace(master_login(state, cluster), database="props")
    credentials = login.credentials()
    connections = {
        name: psycopg2.connect(
            host=login.host,
            port=login.port,
            user=credentials.user,
            password=credentials.password,
            dbname=name,
            sslmode="require",
        )
        for name in ("props", "props_too")
    }
    for connection in connections.values():
        connection.autocommit = True
    yield Bench(login, connections)
    for connection in connections.values():
        connection.close()
    _clear(admin, cluster)


def _clear(admin: Administration, cluster: str) -> None:
    for statement in (
        "DROP DATABASE IF EXISTS props WITH (FORCE)",
        "DROP DATABASE IF EXISTS props_too WITH (FORCE)",
        'DROP ROLE IF EXISTS props_r1, "props R2"',
    ):
        admin.sql(cluster, statement)


LETTERS = st.characters(min_codepoint=1, max_codepoint=0xFFFF, exclude_categories=["Cs"])
names = st.one_of(
    st.text(LETTERS, min_size=1, max_size=19),
    st.sampled_from(["x" * 57, " ", "%s", "\n"]),
    st.sampled_from(["joe", "Joe", "a'b", 'a"b', 'a""', "%", "'; DROP ROLE x; --", "jane@corp.com", "\\"]),
)


@st.composite
def grant(draw: st.DrawFn, thing: Thing) -> GrantRequest:
    words = written_privileges(draw, thing.privileges, sorted(thing.columns), COLUMN)
    if draw(st.integers(0, 9)) == 0 or not words:
        words.append(draw(st.sampled_from(["all", "ALL Privileges"])))
    return GrantRequest(tuple(words), thing.on, thing.database, grant_option=draw(st.booleans()))


@st.composite
def wishes(draw: st.DrawFn) -> AccountRequest:
    """What may be said of an account, its name aside."""
    things = draw(st.lists(st.sampled_from(THINGS), max_size=6))
    return AccountRequest(
        name="",
        grants=tuple(draw(grant(thing)) for thing in things),
        roles=tuple(draw(st.lists(st.sampled_from([*ROLES, "rds_iam"]), max_size=3))),
        locked=draw(st.booleans()),
        connection_limit=draw(st.sampled_from([-1, 0, 100])),
        comment=draw(st.text(LETTERS, max_size=12)),
    )


identities = st.lists(st.tuples(names, st.just("")), min_size=1, max_size=3, unique=True)


@settings(max_examples=examples(), deadline=None, suppress_health_check=list(HealthCheck))
@given(history=histories(identities, wishes()))
def test_any_state_leads_to_any_other(bench: Bench, history: History) -> None:
    def assert_in_effect(requests: list[AccountRequest]) -> None:
        assert in_effect(bench, requests) == {(item.name, fact) for item in requests for fact in declared(item)}

    assert_each_state_is_reached(ENGINE, bench.login, history, assert_in_effect)


@pytest.mark.parametrize("name", ["pg_x", "rds_x", "rdsadmin", "public", "none"])
def test_no_random_name_is_reserved(name: str) -> None:
    """The random names above begin with six hexadecimal digits, which no reserved one does."""
    assert is_reserved(name)
    assert not is_reserved("0a1b2c" + name)


def in_effect(bench: Bench, requests: list[AccountRequest]) -> set[tuple[str, Fact]]:
    accounts = [request.name for request in requests]
    return {fact for thing in THINGS for fact in bench.ask(thing, accounts)}


def declared(request: AccountRequest) -> set[Fact]:
    """What ``grants`` gives, in the shape of :func:`in_effect`: a privilege on a table is one on each column."""
    things = {thing.on: thing for thing in THINGS}
    held: dict[tuple[str, str, str, str, str], bool] = {}
    for element in request.grants or ():
        thing = things[element.on]
        for name in thing.names:
            for privilege, column in expanded(element, thing):
                columns = [column] if column else ["", *(thing.columns.values() if privilege in COLUMN else ())]
                # FUTURE TABLES without a schema means every schema
                places = [name, "s.new"] if name == "public.new" else [name]
                for place in places:
                    for each in columns:
                        key = (thing.database, thing.kind, place, each, privilege)
                        held[key] = held.get(key, False) or element.grant_option
    return {(*key, option) for key, option in held.items()}


def expanded(element: GrantRequest, thing: Thing) -> Iterator[tuple[str, str]]:
    """Pairs of a privilege and a column (or nothing)."""
    for text in element.privileges:
        word, parenthesis, rest = text.partition(" (")
        if word.upper() in ("ALL", "ALL PRIVILEGES"):
            yield from ((privilege, "") for privilege in thing.privileges)
        elif parenthesis:
            yield from ((word.upper(), stored) for column, stored in thing.columns.items() if column in rest)
        else:
            yield (word.upper(), "")

# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What everybody has: what facts say of it, against what an account without a grant of its own can do."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from typing import Any

import psycopg2
import pymysql
import pytest

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.connection.session import (
    PostgreSQLSession,
)
from tests.integration.administration import Administration
from tests.integration.tasks import Result, Tasks
from tests.sandbox.clients import State

MYSQL, POSTGRESQL = ["orders", "warehouse"], ["ledger", "archive"]
PASSWORD = "Pa55word!"

# {a} is the prefix of all names; {a} itself has nothing of its own, {a}_own has grants, {a}_weak owns objects
ROLES = """
CREATE ROLE {a} LOGIN PASSWORD 'Pa55word!'; CREATE ROLE {a}_own LOGIN PASSWORD 'Pa55word!';
CREATE ROLE {a}_group; CREATE ROLE {a}_weak;
CREATE ROLE {a}_creator CREATEROLE; CREATE ROLE {a}_reader; GRANT pg_read_all_data TO {a}_reader;
GRANT {a}_group TO {a}_own; GRANT CONNECT ON DATABASE {a} TO {a}_group; ALTER DATABASE {a} OWNER TO postgres
"""
RUNS = "LANGUAGE sql SECURITY DEFINER AS 'SELECT current_user::text'"
OBJECTS = f"""
CREATE SCHEMA app; GRANT USAGE ON SCHEMA app TO PUBLIC;
CREATE SCHEMA closed; CREATE SCHEMA weak AUTHORIZATION {{a}}_weak;
CREATE FUNCTION app.root(text) RETURNS text {RUNS};
CREATE PROCEDURE app."Do it"() LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN END';
CREATE FUNCTION app.fires() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN RETURN NEW; END';
CREATE FUNCTION weak.by_schema() RETURNS text {RUNS};
CREATE FUNCTION app.creator() RETURNS text {RUNS}; ALTER FUNCTION app.creator() OWNER TO {{a}}_creator;
CREATE FUNCTION app.reader() RETURNS text {RUNS}; ALTER FUNCTION app.reader() OWNER TO {{a}}_reader;
CREATE FUNCTION app.equal() RETURNS text {RUNS}; ALTER FUNCTION app.equal() OWNER TO {{a}}_weak;
CREATE FUNCTION app.invoker() RETURNS text LANGUAGE sql AS 'SELECT current_user::text';
CREATE FUNCTION app.kept() RETURNS text {RUNS}; REVOKE EXECUTE ON FUNCTION app.kept() FROM PUBLIC;
CREATE FUNCTION closed.unreachable() RETURNS text {RUNS};
CREATE FUNCTION app.watches() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN END';
CREATE FUNCTION app.extended() RETURNS text {RUNS}; ALTER EXTENSION plpgsql ADD FUNCTION app.extended();
GRANT EXECUTE ON FUNCTION app.root(text) TO {{a}}_group;
CREATE TABLE app.t (a int, b int); GRANT SELECT, INSERT ON app.t TO PUBLIC; GRANT UPDATE (b) ON app.t TO PUBLIC;
CREATE TABLE app.hidden (); CREATE VIEW app.v AS SELECT a FROM app.t; GRANT SELECT ON app.v TO PUBLIC;
CREATE SEQUENCE app.s; GRANT USAGE ON SEQUENCE app.s TO PUBLIC; CREATE DOMAIN app.positive AS int;
ALTER DEFAULT PRIVILEGES FOR ROLE {{a}}_weak IN SCHEMA app GRANT SELECT ON TABLES TO PUBLIC;
GRANT CREATE ON SCHEMA public TO PUBLIC; GRANT EXECUTE ON FUNCTION pg_catalog.pg_read_file(text) TO PUBLIC;
GRANT CREATE ON SCHEMA public TO {{a}}_group; SELECT lo_create(4711); GRANT SELECT ON LARGE OBJECT 4711 TO PUBLIC
"""
DANGEROUS = {
    'PROCEDURE app."Do it"()': "rdsadmin",
    "FUNCTION app.creator()": "{a}_creator",
    "FUNCTION app.fires()": "rdsadmin",
    "FUNCTION app.reader()": "{a}_reader",
    "FUNCTION app.root(text)": "rdsadmin",
    "FUNCTION weak.by_schema()": "rdsadmin",
}


def ours(facts: Result, database: str) -> tuple[dict[str, Any], dict[str, str]]:
    """What everybody has in the database, and the messages of findings about it by code."""
    (public,) = (each for each in facts["public"] if each["database"] == database)
    found = [each for each in facts["findings"] if (each["kind"], each["subject"]) == ("database", database)]
    assert len({each["code"] for each in found}) == len(found), "one finding for each kind"
    return public, {each["code"]: each["message"] for each in found}


@pytest.fixture(params=POSTGRESQL)
def cluster(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def scene(cluster: str, admin: Administration, account: str) -> Iterator[str]:
    admin.sql(cluster, f"CREATE DATABASE {account}")
    admin.sql(cluster, ROLES.format(a=account))
    admin.sql(cluster, OBJECTS.format(a=account), account)
    yield account
    admin.sql(cluster, f"DROP DATABASE {account}")
    roles = ("", "_own", "_group", "_weak", "_creator", "_reader")
    admin.sql(cluster, f"DROP ROLE {', '.join(account + each for each in roles)}")


def attempt(state: State, cluster: str, database: str, name: str, statement: str) -> str:
    """What the account reads; the empty text where it is refused."""
    place = state["clusters"][cluster]
    try:
        with (
            contextlib.closing(
                psycopg2.connect(
                    host=place["host"],
                    port=place["port"],
                    user=name,
                    password=PASSWORD,
                    dbname=database,
                    sslmode="require",
                )
            ) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)
            return str(cursor.fetchone()[0]) if cursor.description else "done"
    except psycopg2.Error as error:
        if "permission denied" not in str(error):
            raise
        return ""


ROOT, CREATES = "SELECT app.root('')", "CREATE TABLE public.mine ()"

LOGINS = "r.rolcanlogin AND NOT r.rolsuper"
LOST = {
    "public_connect": "has_database_privilege(r.oid, current_database(), 'CONNECT')",
    "public_create": "has_schema_privilege(r.oid, 'public', 'CREATE')",
    "public_definer_code": "has_function_privilege(r.oid, 'app.fires()', 'EXECUTE')",
}


def test_postgresql(tasks: Tasks, admin: Administration, state: State, scene: str, cluster: str) -> None:
    """The commands of the findings take away what they are about, from those whom they name and from nobody else."""
    public, found = ours(tasks.facts(cluster=cluster), scene)
    held = {(each["kind"], *each["privileges"]): (each["count"], each["objects"]) for each in public["grants"]}
    assert held.pop(("FUNCTION", "EXECUTE"))[0] == 10
    assert held == {
        ("DATABASE", "CONNECT", "TEMPORARY"): (1, [scene]),
        ("COLUMN", "UPDATE"): (1, ["app.t.b"]),
        ("FUTURE TABLES", "SELECT"): (1, [f"of {scene}_weak in app"]),
        ("LARGE OBJECT", "SELECT"): (1, ["4711"]),
        ("PROCEDURE", "EXECUTE"): (1, ['app."Do it"()']),
        ("SCHEMA", "CREATE", "USAGE"): (1, ["public"]),
        ("SCHEMA", "USAGE"): (1, ["app"]),
        ("SEQUENCE", "USAGE"): (1, ["app.s"]),
        ("TABLE", "INSERT", "SELECT"): (1, ["app.t"]),
        ("VIEW", "SELECT"): (1, ["app.v"]),
    }
    assert public["definer_code"]["count"] == 8
    assert f"FUNCTION app.equal(), owner {scene}_weak" in public["definer_code"]["objects"]
    assert set(found) == {"public_connect", "public_create", "public_definer_code"}
    named = re.findall(r"((?:FUNCTION|PROCEDURE) [^;]*?\)) of (\w+)", found["public_definer_code"])
    assert dict(named) == {text: owner.format(a=scene) for text, owner in DANGEROUS.items()}
    assert attempt(state, cluster, scene, scene, ROOT) == "rdsadmin"
    assert attempt(state, cluster, scene, scene, CREATES) == "done"
    for message in found.values():
        (command,) = re.findall(r"REVOKE .*? FROM PUBLIC", message)
        admin.sql(cluster, command, scene)
    assert attempt(state, cluster, scene, f"{scene}_own", ROOT) == "rdsadmin", "it has grants of its own"
    for code, privilege in LOST.items():
        ((number,),) = admin.sql(cluster, f"SELECT count(*) FROM pg_roles r WHERE {LOGINS} AND NOT {privilege}", scene)
        lost = re.search(r"\((\d+) accounts? ha", found[code])
        assert lost is not None
        assert lost[1] == number, "they are those that have it no more"
    assert attempt(state, cluster, scene, scene, "SELECT 1") == ""
    public, found = ours(tasks.facts(cluster=cluster), scene)
    assert found == {}


def test_what_cannot_be_seen(tasks: Tasks, admin: Administration, state: State, account: str) -> None:
    """What the list of the database itself says can be seen all the same."""
    place = state["clusters"]["ledger"]
    admin.sql("ledger", f"CREATE DATABASE {account}")
    admin.sql("ledger", f"REVOKE CONNECT ON DATABASE {account} FROM PUBLIC; CREATE ROLE {account} LOGIN")
    admin.sql("ledger", f"ALTER ROLE {account} PASSWORD '{PASSWORD}'")
    try:
        facts = tasks.facts(
            engine=place["engine"],
            login_host=place["host"],
            login_port=place["port"],
            login_user=account,
            login_password=PASSWORD,
            gather_subset=["!all", "public"],
        )
    finally:
        admin.sql("ledger", f"DROP DATABASE {account}")
        admin.sql("ledger", f"DROP ROLE {account}")
    (grant,) = next(each["grants"] for each in facts["public"] if each["database"] == account)
    assert (grant["kind"], grant["privileges"]) == ("DATABASE", ["TEMPORARY"])
    (unseen,) = (each["why"] for each in facts["unseen"] if each["what"] == "public" and account in each["why"])
    assert "GRANT CONNECT ON DATABASE to the login" in unseen


@pytest.mark.direct("counts connections")
def test_no_session_stays_in_a_database(tasks: Tasks, cluster: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many databases there are; and none is opened in a template, which would keep others from copying it."""
    opened: list[str] = []
    at_once: list[int] = []
    look: Any = PostgreSQLSession._open

    def opening(session: PostgreSQLSession, database: str) -> Any:
        row = look(session, database)
        opened.append(database)
        at_once.append(len(session._connections))
        return row

    monkeypatch.setattr(PostgreSQLSession, "_open", opening)
    tasks.facts(cluster=cluster, gather_subset=["!all", "public"])
    assert "postgres" in opened
    assert not {"template1", "template0", "rdsadmin"} & set(opened)
    assert max(at_once) <= 2


MANY = (
    "DO $$ BEGIN FOR n IN 1..30 LOOP EXECUTE format('CREATE FUNCTION public.f%s() RETURNS int {}', n); END LOOP; END $$"
)


def test_the_answer_is_bounded(tasks: Tasks, admin: Administration, account: str, cluster: str) -> None:
    admin.sql(cluster, f"CREATE DATABASE {account}")
    try:
        admin.sql(cluster, MANY.format("LANGUAGE sql SECURITY DEFINER AS ''SELECT 1''"), account)
        public, found = ours(tasks.facts(cluster=cluster), account)
    finally:
        admin.sql(cluster, f"DROP DATABASE {account}")
    assert (public["definer_code"]["count"], len(public["definer_code"]["objects"])) == (30, 20)
    (functions,) = (each for each in public["grants"] if each["kind"] == "FUNCTION")
    assert (functions["count"], len(functions["objects"])) == (30, 20)
    assert "and 10 more" in found["public_definer_code"]


@pytest.mark.parametrize("server", MYSQL)
def test_mysql(tasks: Tasks, admin: Administration, state: State, account: str, server: str) -> None:
    """A row of mysql.db without a user name counts for every account as long as no role is active."""

    def reads() -> str:
        place = state["clusters"][server]
        try:
            with (
                contextlib.closing(
                    pymysql.connect(
                        host=place["host"],
                        port=place["port"],
                        user=account,
                        password=PASSWORD,
                        ssl={"ca": state["ca_cert"], "check_hostname": False},
                    )
                ) as connection,
                connection.cursor() as cursor,
            ):
                cursor.execute(f"SELECT * FROM `{account}`.t")
        except pymysql.Error as error:
            return str(error)
        return "rows"

    def found() -> tuple[list[Any], dict[str, str]]:
        facts = tasks.facts(cluster=server)
        codes = ("public", "anonymous")
        return facts["public"], {f["code"]: f["message"] for f in facts["findings"] if f["code"].startswith(codes)}

    assert found() == ([], {})
    admin.sql(server, f"CREATE DATABASE {account}; CREATE TABLE {account}.t (a int); CREATE ROLE {account}_r")
    admin.sql(server, f"CREATE USER {account} IDENTIFIED BY '{PASSWORD}'; CREATE USER ''@'%'")
    admin.sql(server, f"GRANT SELECT, EXECUTE ON {account}.* TO ''@'%'; GRANT CREATE USER ON *.* TO {account}_r")
    try:
        assert reads() == "rows"
        admin.sql(server, f"SET GLOBAL mandatory_roles = '{account}_r'")
        public, messages = found()
        assert public[0]["grants"][0]["objects"] in ([f"{account}.*"], [f"PATTERN `{account}`.*"])
        assert public[0]["grants"][0]["privileges"] == ["SELECT", "EXECUTE"]
        assert (public[0]["database"], public[0]["roles"]) == ("", [f"{account}_r"])
        assert set(messages) == {"public_grant", "public_powerful", "anonymous_account"}
        assert f"{account}_r" in messages["public_powerful"]
        assert "CREATE USER" in messages["public_powerful"]
        admin.sql(server, re.search(r"DROP USER ''@'%'", messages["anonymous_account"])[0])
        admin.sql(server, "SET GLOBAL mandatory_roles = ''")
        assert found() == ([], {})
        assert "SELECT command denied" in reads()
    finally:
        admin.sql(server, "SET GLOBAL mandatory_roles = ''; DROP USER IF EXISTS ''@'%'")
        admin.sql(server, f"DROP DATABASE {account}; DROP USER {account}; DROP ROLE {account}_r")

# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A database whose owner, who owns nothing else, gives every name that we use another meaning: none of it is run."""

from __future__ import annotations

import contextlib
import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from tests.integration.administration import Administration
from tests.integration.tasks import Tasks, converge
from tests.sandbox.clients import State
from tests.sandbox.layout import of_checkout
from tests.sandbox.servers.programs import SandboxError

pytestmark = pytest.mark.direct("logs in by both ways itself")

TRAP = """
CREATE TABLE public.trap (caller text, called text); CREATE SEQUENCE public.calls;
CREATE TABLE public.goods (id int, "back\\slash" int); CREATE TABLE public.parts (id int);
CREATE FUNCTION public.stock(public.goods) RETURNS int LANGUAGE sql AS 'SELECT 1';
GRANT ALL ON public.trap TO PUBLIC; GRANT ALL ON public.calls TO PUBLIC;
CREATE FUNCTION public.note(what pg_catalog.text) RETURNS bool LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN PERFORM nextval('public.calls'); INSERT INTO public.trap VALUES (session_user, what); RETURN true; END $$;
"""
"""A sequence counts what is rolled back, too."""

FUNCTIONS = (
    ("pg_is_in_recovery", "", "pg_catalog.bool"),
    ("current_setting", "pg_catalog.text", "pg_catalog.text"),
    ("current_setting", "pg_catalog.text, pg_catalog.bool", "pg_catalog.text"),
    ("set_config", "pg_catalog.text, pg_catalog.text, pg_catalog.bool", "pg_catalog.text"),
    ("pg_get_userbyid", "pg_catalog.oid", "pg_catalog.name"),
    ("pg_advisory_lock", "pg_catalog.int8", "pg_catalog.void"),
    ("pg_advisory_xact_lock", "pg_catalog.int8", "pg_catalog.void"),
    ("has_database_privilege", "pg_catalog.oid, pg_catalog.text", "pg_catalog.bool"),
    ("format_type", "pg_catalog.oid, pg_catalog.int4", "pg_catalog.text"),
    ("lower", "pg_catalog.text", "pg_catalog.text"),
    ("current_database", "", "pg_catalog.name"),
)
OPERATORS = (
    *(("=", left, right) for left, right in (("text", "text"), ("name", "name"), ("name", "text"), ("oid", "oid"))),
    *(("=", kind, kind) for kind in ("bool", "int4", '"char"')),
    *(
        ("*", "int4", "int4"),
        ("<>", "oid", "oid"),
        ("<>", "int4", "int4"),
        ("||", "text", "text"),
        ("~~", "text", "text"),
    ),
)
DOMAINS = ("text", "name", "oid", "bool", "int8", "regclass")
VIEWS = (
    "pg_roles", "pg_settings", "pg_database", "pg_auth_members", "pg_shdepend", "pg_shdescription", "pg_class",
    "pg_namespace", "pg_proc", "pg_type", "pg_default_acl", "pg_stat_activity", "pg_tablespace", "pg_attribute",
    "pg_depend", "pg_policy", "pg_init_privs", "pg_language", "pg_user_mappings",
)  # fmt: skip
COLUMNS = {"pg_attribute": "attrelid, attnum, attname, attacl, attisdropped"}
"""Not one of a pseudo-type."""
SETTINGS = {
    "search_path": '"$user", public, pg_catalog',
    "standard_conforming_strings": "off",
    "backslash_quote": "on",
    "transform_null_equals": "on",
    "array_nulls": "off",
    "quote_all_identifiers": "on",
    "row_security": "off",
    "bytea_output": "escape",
    "DateStyle": "SQL, DMY",
    "IntervalStyle": "iso_8601",
    "client_encoding": "LATIN1",
    "default_transaction_isolation": "serializable",
    "statement_timeout": "5s",
}


def shadows() -> Iterator[str]:
    body = "LANGUAGE plpgsql AS $$ BEGIN PERFORM public.note('{0}'); {1} END $$"
    for name, arguments, result in FUNCTIONS:
        answer = "" if result.endswith("void") else "RETURN NULL;"
        yield f"CREATE FUNCTION public.{name}({arguments}) RETURNS {result} {body.format(name, answer)}"
    for number, (sign, left, right) in enumerate(OPERATORS):
        result = "pg_catalog.int4" if sign == "*" else "pg_catalog.text" if sign == "||" else "pg_catalog.bool"
        types = f"pg_catalog.{left}, pg_catalog.{right}"
        yield f"CREATE FUNCTION public.op{number}({types}) RETURNS {result} {body.format(sign, 'RETURN NULL;')}"
        yield (
            f"CREATE OPERATOR public.{sign} (LEFTARG = pg_catalog.{left}, RIGHTARG = pg_catalog.{right}, "
            f"FUNCTION = public.op{number})"
        )
    for name in VIEWS:
        columns = COLUMNS.get(name, "*")
        yield f"CREATE VIEW public.{name} AS SELECT {columns} FROM pg_catalog.{name} WHERE public.note('{name}')"
    for name in DOMAINS:
        yield f"CREATE DOMAIN public.{name} AS pg_catalog.{name} CHECK (public.note('domain {name}'))"


@dataclass(frozen=True)
class Hostile:
    cluster: str
    database: str
    admin: Administration

    def called(self) -> tuple[str, list[tuple[str, ...]]]:
        """How often, and by whom what was called in transactions that were kept."""
        read = "SET search_path = ''; SET statement_timeout = 0; "
        counted = self.admin.sql(self.cluster, f"{read} SELECT is_called FROM public.calls", self.database)
        kept = self.admin.sql(self.cluster, f"{read} SELECT caller, called FROM public.trap", self.database)
        return counted[-1][0], kept

    def forget(self) -> None:
        self.admin.sql(
            self.cluster,
            "SET search_path = ''; SET statement_timeout = 0; "
            "TRUNCATE public.trap; ALTER SEQUENCE public.calls RESTART",
            self.database,
        )


@pytest.fixture(scope="module", params=["ledger", "archive"])
def hostile(request: pytest.FixtureRequest, admin: Administration) -> Iterator[Hostile]:
    cluster, tenant = request.param, f"tenant_{uuid.uuid4().hex[:6]}"
    admin.sql(cluster, f"CREATE ROLE {tenant} LOGIN")
    admin.sql(cluster, f"GRANT {tenant} TO postgres")
    admin.sql(cluster, f"CREATE DATABASE {tenant} OWNER {tenant}")
    quiet = f"SET SESSION AUTHORIZATION {tenant}; SET search_path = pg_catalog; SET check_function_bodies = off; "
    admin.sql(cluster, f"ALTER SCHEMA public OWNER TO {tenant}", tenant)
    admin.sql(cluster, quiet + TRAP + ";".join(shadows()), tenant)
    for name, value in SETTINGS.items():
        quoted = value if name == "search_path" else f"'{value}'"
        admin.sql(cluster, f"SET ROLE {tenant}; ALTER DATABASE {tenant} SET {name} = {quoted}")
    yield Hostile(cluster, tenant, admin)
    admin.sql(cluster, f"DROP DATABASE {tenant} WITH (FORCE)")
    admin.sql(cluster, f"DROP ROLE {tenant}")


ASKED = "SET statement_timeout = 0; SELECT pg_is_in_recovery(), 2 * 3, 'a'::text; SELECT count(*) FROM pg_settings"


def test_the_trap_works_without_our_first_message(hostile: Hostile) -> None:
    hostile.forget()
    hostile.admin.sql(hostile.cluster, f"SET SESSION AUTHORIZATION {hostile.database}; {ASKED}", hostile.database)
    hostile.admin.sql(hostile.cluster, ASKED, hostile.database)
    counted, kept = hostile.called()
    assert counted == "t"
    assert {(caller, "pg_is_in_recovery") for caller in ("rdsadmin", hostile.database)} <= set(kept)
    assert {"*", "domain text", "pg_settings"} <= {called for _caller, called in kept}


@pytest.mark.parametrize("method", ["secret", "data_api"])
def test_no_task_calls_anything_of_a_tenant(hostile: Hostile, state: State, method: str, account: str) -> None:
    hostile.forget()
    tasks = Tasks(state)  # Without the guard of check mode, which would hide what is called
    options = {"cluster": hostile.cluster, "login_method": method, "login_db": hostile.database}
    grants = [
        {"privileges": ["SELECT"], "on": "ALL TABLES IN SCHEMA public", "database": hostile.database},
        {"privileges": ['UPDATE ("back\\slash")'], "on": "TABLE public.goods", "database": hostile.database},
        {"privileges": ["EXECUTE"], "on": "FUNCTION public.stock(public.goods)", "database": hostile.database},
    ]
    wanted = {"name": account, "grants": grants, "comment": "it's a \\ back\\\\slash \\' -- ü €"}
    try:
        converge(lambda check=False: tasks.user(check=check, **options, **wanted))
        facts = tasks.facts(**options)
        assert account in str(facts)
        tasks.cluster(check=True, **options, iam_auth="disabled", confirm=True)
        for check in (True, False):
            tasks.users(check=check, **options, users=[{**wanted, "comment": "x\\"}])
        converge(lambda check=False: tasks.user(check=check, **options, name=account, state="absent"))
    finally:
        assert hostile.called() == ("f", [])


LEFT = """
CREATE SCHEMA postgres AUTHORIZATION "{account}";
SET SESSION AUTHORIZATION "{account}"; SET search_path = pg_catalog; SET check_function_bodies = off;
CREATE DOMAIN postgres.even AS int CHECK (public.note('domain'));
CREATE TYPE postgres.pair AS (a int, b postgres.even);
CREATE FUNCTION postgres.as_text(postgres.pair) RETURNS text IMMUTABLE {noted}('cast'); RETURN ''; END $$;
CREATE CAST (postgres.pair AS text) WITH FUNCTION postgres.as_text(postgres.pair) AS IMPLICIT;
CREATE FUNCTION postgres.same(name, name) RETURNS bool {noted}('='); RETURN true; END $$;
CREATE OPERATOR postgres.= (LEFTARG = name, RIGHTARG = name, FUNCTION = postgres.same);
CREATE FUNCTION postgres.pg_get_userbyid(oid) RETURNS name {noted}('user'); RETURN 'postgres'; END $$;
CREATE FUNCTION postgres.pg_describe_object(oid, oid, int) RETURNS text {noted}('describe'); RETURN ''; END $$;
CREATE VIEW postgres.pg_roles AS SELECT * FROM pg_catalog.pg_roles WHERE public.note('view');
CREATE FUNCTION postgres.noted(int) RETURNS int IMMUTABLE {noted}('expression'); RETURN 1; END $$;
CREATE FUNCTION postgres.with_default(int DEFAULT postgres.noted(1)) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION postgres.touched() RETURNS trigger {noted}('trigger'); RETURN NULL; END $$;
CREATE TABLE postgres.t (
    id int DEFAULT postgres.noted(1) CHECK (public.note('check')), p postgres.pair,
    twice int GENERATED ALWAYS AS (postgres.noted(id)) STORED
);
CREATE INDEX ON postgres.t (postgres.noted(id)) WHERE postgres.noted(id) > 0;
CREATE STATISTICS postgres.s ON (postgres.noted(id)), id FROM postgres.t;
CREATE POLICY p ON postgres.t TO {tenant} USING (public.note('policy'));
ALTER TABLE postgres.t ENABLE ROW LEVEL SECURITY; ALTER TABLE postgres.t FORCE ROW LEVEL SECURITY;
CREATE TRIGGER a BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON postgres.t EXECUTE FUNCTION postgres.touched();
CREATE RULE r AS ON UPDATE TO postgres.t DO ALSO SELECT public.note('rule');
CREATE MATERIALIZED VIEW postgres.m AS SELECT public.note('materialized view') WITH NO DATA;
CREATE TABLE postgres.parts (id int) PARTITION BY RANGE (postgres.noted(id));
CREATE AGGREGATE postgres.total(int) (sfunc = int4pl, stype = int, initcond = '0');
GRANT ALL ON ALL TABLES IN SCHEMA postgres TO {tenant}; GRANT USAGE ON SCHEMA postgres TO postgres;
GRANT SELECT ON ALL TABLES IN SCHEMA postgres TO postgres WITH GRANT OPTION;
"""
"""In a schema that $user stands for where the login is postgres. ``noted``: the beginning of a function."""
EVENT_TRIGGER = "CREATE EVENT TRIGGER e ON sql_drop EXECUTE FUNCTION public.note()"


@pytest.mark.parametrize("method", ["secret", "data_api"])
@pytest.mark.parametrize("way", ["reassign", "drop"])
def test_a_drop_calls_nothing_that_the_account_owns(
    hostile: Hostile, state: State, way: str, method: str, account: str
) -> None:
    tasks, tenant = Tasks(state), hostile.database
    options = {"cluster": hostile.cluster, "login_method": method, "login_db": tenant}
    tasks.user(**options, name=account)
    noted = "LANGUAGE plpgsql AS $$ BEGIN PERFORM public.note"
    hostile.admin.sql(hostile.cluster, LEFT.format(account=account, tenant=tenant, noted=noted), tenant)
    with pytest.raises(SandboxError, match="permission denied to create event trigger"):
        hostile.admin.sql(hostile.cluster, f"SET SESSION AUTHORIZATION {tenant}; {EVENT_TRIGGER}", tenant)
    if way == "drop":  # A cast has no owner, so DROP OWNED refuses to drop what it needs
        hostile.admin.sql(hostile.cluster, "DROP CAST (postgres.pair AS pg_catalog.text)", tenant)
    hostile.forget()
    to = {"reassign_owned_to": tenant, "reassign_code": True} if way == "reassign" else {}
    try:
        facts = tasks.facts(**options)
        assert account in str(facts["accounts"])
        grants = [{"privileges": ["SELECT"], "on": "ALL TABLES IN SCHEMA postgres", "database": tenant}]
        tasks.user(check=True, **options, name=f"{account}_2", grants=grants)
        gone = converge(
            lambda check=False: tasks.user(
                check=check, **options, name=account, state="absent", owned_objects=way, **to
            )
        )
        assert gone["account"] == {}
    finally:
        assert hostile.called() == ("f", [])
        hostile.admin.sql(hostile.cluster, "DROP SCHEMA IF EXISTS postgres CASCADE", tenant)


EMPTY = "SELECT pg_catalog.set_config('search_path', '', {})"
FIRST = {
    "secret": {(EMPTY.format("false"),)},
    # In one transaction, so that no session is left with it
    "data_api": {
        (
            "BEGIN",
            "SET TRANSACTION ISOLATION LEVEL READ COMMITTED",
            f"{EMPTY.format('true')}, pg_catalog.set_config('statement_timeout', '0', true)",
        )
    },
}


@contextlib.contextmanager
def logged(admin: Administration, cluster: str) -> Iterator[dict[str, list[str]]]:
    """What the server logs of each of the master's sessions, drivers' own statements included; read at the end."""
    log = of_checkout().logs / f"{cluster}-1.log"
    found: dict[str, list[str]] = {}
    admin.sql(cluster, "ALTER ROLE postgres SET log_statement = 'all'")
    begin = log.stat().st_size
    try:
        yield found
    finally:
        admin.sql(cluster, "ALTER ROLE postgres RESET log_statement")
    for session, text in re.findall(r"^\S+ \S+ \S+ \[(\d+)\] LOG:  statement: (.*)$", log.read_text()[begin:], re.M):
        found.setdefault(session, []).append(text)


@pytest.mark.parametrize("method", list(FIRST))
def test_the_first_message_of_every_session_empties_the_search_path(
    hostile: Hostile, state: State, method: str, account: str
) -> None:
    tasks, options = Tasks(state), {"cluster": hostile.cluster, "login_method": method, "login_db": hostile.database}
    grants = [{"privileges": ["CONNECT"], "on": f"DATABASE {hostile.database}"}]
    runs: tuple[Callable[[], object], ...] = (
        lambda: tasks.user(**options, name=account, grants=grants),
        lambda: tasks.users(**options, users=[{"name": account, "state": "absent"}]),
        lambda: tasks.facts(**options),
        lambda: tasks.cluster(check=True, **options, iam_auth="disabled", confirm=True),
    )
    for run in runs:
        with logged(hostile.admin, hostile.cluster) as sessions:
            run()
        assert sessions
        length = len(next(iter(FIRST[method])))
        assert {tuple(texts[:length]) for texts in sessions.values()} == FIRST[method]

# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Code that changes owner when an account is dropped: also what others can replace, and what is added meanwhile."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.integration.administration import Administration
from tests.integration.modules.interruptions import rows
from tests.integration.postgresql.adversary import Act, Adversary
from tests.integration.postgresql.code import MALLORY, USES
from tests.integration.postgresql.drop_scene import Sql, exists, jane_of, refused, warned
from tests.integration.tasks import Result, TaskFailed, Tasks, converge
from tests.sandbox.clients import State


@pytest.mark.usefixtures("accomplice")
def test_expressions_that_others_decide_are_code(
    drop: Callable[..., Result], cluster: str, account: str, new_owner: str, sql: Sql, admin: Administration
):
    sql(f'SET ROLE "{account}"; CREATE TABLE mine.t (id int, v text)')
    assert warned(drop(check=True), account) == []
    made = "; ".join(statement for statement, _leads_to in USES.values())
    sql(f'SET ROLE "{account}"; {made}')
    for check in (True, False):
        found = refused(drop, check=check)
        for item, (_statement, leads_to) in USES.items():
            assert any(
                text.startswith(f"{item} with {leads_to}") and text.endswith(f" of {MALLORY} (in database {cluster})")
                for text in found
            ), (item, found)
    (told,) = warned(converge(lambda **mode: drop(reassign_code=True, **mode)), account)
    assert "index mine.i_expression with function mal.f(text) of other_mallory" in told
    owner = "SELECT relowner::regrole FROM pg_class WHERE oid = 'mine.t'::regclass"
    assert admin.sql(cluster, owner, cluster) == [(new_owner,)]


@pytest.mark.usefixtures("accomplice")
def test_each_kind_alone_is_refused(drop: Callable[..., Result], account: str, sql: Sql):
    for item, (statement, leads_to) in USES.items():
        sql(
            f'DROP SCHEMA mine CASCADE; CREATE SCHEMA mine AUTHORIZATION "{account}"; '
            f'SET ROLE "{account}"; CREATE TABLE mine.t (id int, v text); {statement}'
        )
        assert any(leads_to in text for text in refused(drop, check=True)), item


@pytest.mark.usefixtures("accomplice")
def test_statistics_may_call_any_function(drop: Callable[..., Result], account: str, sql: Sql):
    """ANALYZE evaluates them as the table's owner, and the server's own functions execute any query."""
    sql(
        f'SET ROLE "{account}"; CREATE TABLE mine.t (id int); CREATE STATISTICS mine.s ON '
        "(query_to_xml('SELECT 1', true, true, '')::text), id FROM mine.t"
    )
    assert any(text.startswith("statistics object mine.s (in") for text in refused(drop, check=True))


@pytest.mark.usefixtures("accomplice")
def test_whose_functions_are_trusted(drop: Callable[..., Result], cluster: str, account: str, new_owner: str, sql: Sql):
    """The new owner's, those of roles that have all of its rights, and of superusers. Not those in an extension, to
    which its owner may add some."""
    body = "RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN $1; END'"
    sql(
        f"CREATE ROLE other_deputy; GRANT {new_owner} TO other_deputy; CREATE FUNCTION mal.trusted_1(text) {body}; "
        f"CREATE FUNCTION mal.trusted_2(text) {body}; ALTER FUNCTION mal.trusted_2 OWNER TO {new_owner}; "
        f"CREATE FUNCTION mal.trusted_3(text) {body}; ALTER FUNCTION mal.trusted_3 OWNER TO other_deputy; "
        f'SET ROLE "{account}"; CREATE TABLE mine.t (v text); CREATE INDEX ON mine.t '
        "(mal.trusted_1(v), mal.trusted_2(v), mal.trusted_3(v))"
    )
    assert warned(drop(check=True), account) == []
    sql(
        f"GRANT CREATE ON DATABASE {cluster} TO other_mallory; SET ROLE other_mallory; "
        "CREATE EXTENSION hstore SCHEMA mal; ALTER EXTENSION hstore ADD FUNCTION mal.f(text); "
        f'RESET ROLE; SET ROLE "{account}"; CREATE INDEX ON mine.t (mal.f(v))'
    )
    assert any("mal.f(text) of other_mallory" in text for text in refused(drop, check=True))


POINTS = 10
ADDED = (
    "CREATE FUNCTION mine.late() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'",
    "CREATE TRIGGER late BEFORE INSERT ON mine.t FOR EACH ROW EXECUTE FUNCTION mal.fires()",
    "CREATE INDEX late ON mine.t (mal.f(v))",
)
REASSIGNED = """
SELECT (SELECT count(*) FROM pg_proc WHERE proname = 'late' AND proowner = {0})
     + (SELECT count(*) FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid WHERE tgname = 'late' AND relowner = {0})
     + (SELECT count(*) FROM pg_class WHERE relname = 'late' AND relowner = {0})
"""


@pytest.fixture
def session_of_owner(
    tasks: Tasks, state: State, cluster: str, account: str, sql: Sql
) -> Callable[[], Callable[[str], Act]]:
    """Makes the account with a table, and opens a session of it."""
    jane = jane_of(state, cluster, account)

    def begin() -> Callable[[str], Act]:
        tasks.user(cluster=cluster, name=account)
        sql(
            f'DROP SCHEMA IF EXISTS mine CASCADE; CREATE SCHEMA mine AUTHORIZATION "{account}"; '
            f'SET ROLE "{account}"; CREATE TABLE mine.t (v text)'
        )
        session = jane()
        session.autocommit = True
        rows(session, "SET lock_timeout = '100ms'")
        return lambda statement: lambda: rows(session, statement)

    return begin


def how_it_ends(drop: Callable[..., Result], admin: Administration, cluster: str, account: str) -> str:
    try:
        drop()
    except TaskFailed as failure:
        if "reassigned_code" not in failure.result:
            raise
        can_login = admin.sql(cluster, f"SELECT rolcanlogin FROM pg_roles WHERE rolname = '{account}'")
        return "refused" if can_login == [("t",)] else "stopped"
    return "dropped"


@pytest.mark.direct("counts the messages of a connection")
@pytest.mark.usefixtures("accomplice")
def test_code_that_is_added_at_any_time_does_not_change_owner(
    drop: Callable[..., Result],
    admin: Administration,
    cluster: str,
    account: str,
    new_owner: str,
    session_of_owner: Callable[[], Callable[[str], Act]],
    monkeypatch: pytest.MonkeyPatch,
):
    """The task is refused, or stops and leaves the account locked, or has already ended the session."""
    adversary = Adversary(monkeypatch)
    session_of_owner()
    adversary.wait(lambda: None)
    drop()
    messages = adversary.messages
    ends = []
    for point in range(POINTS):
        add = session_of_owner()
        adversary.wait(add(ADDED[point % len(ADDED)]), number=1 + point * (messages - 1) // (POINTS - 1))
        ends.append(how_it_ends(drop, admin, cluster, account))
        assert adversary.acted or ends[-1] != "dropped"
        adversary.wait(lambda: None)
        found = admin.sql(cluster, REASSIGNED.format(f"'{new_owner}'::regrole"), cluster)
        assert found == [("0",)], (point, ends)
        if exists(admin, cluster, account):
            drop(reassign_code=True)
        admin.sql(cluster, "DROP SCHEMA mine CASCADE", cluster)
    assert set(ends) == {"refused", "stopped", "dropped"}


@pytest.mark.usefixtures("accomplice")
@pytest.mark.parametrize(
    "statement",
    [*ADDED, "CREATE OR REPLACE FUNCTION mine.early() RETURNS int RETURN 2"],
    ids=["function", "trigger", "index", "body"],
)
def test_code_that_nobody_agreed_to_stops_the_task(
    drop: Callable[..., Result],
    admin: Administration,
    cluster: str,
    account: str,
    new_owner: str,
    sql: Sql,
    session_of_owner: Callable[[], Callable[[str], Act]],
    monkeypatch: pytest.MonkeyPatch,
    statement: str,
):
    """Added between what the task read and the transaction that reassigns. Who agreed to the rest did not to this."""
    add = session_of_owner()
    sql(f'SET ROLE "{account}"; CREATE FUNCTION mine.early() RETURNS int RETURN 1')
    adversary = Adversary(monkeypatch)
    adversary.wait(add(statement))
    with pytest.raises(TaskFailed, match="has changed since this task looked at it") as failure:
        drop(reassign_code=True)
    assert failure.value.result["database"] == cluster
    assert any("early" in text or "late" in text for text in failure.value.result["reassigned_code"])
    owner = "SELECT relowner::regrole FROM pg_class WHERE oid = 'mine.t'::regclass"
    assert admin.sql(cluster, owner, cluster) == [(account,)]
    assert admin.sql(cluster, f"SELECT rolcanlogin FROM pg_roles WHERE rolname = '{account}'") == [("f",)]
    for check in (True, False):
        assert any("early" in text or "late" in text for text in refused(drop, check=check))
    converge(lambda **mode: drop(reassign_code=True, **mode))
    assert admin.sql(cluster, owner, cluster) == [(new_owner,)]

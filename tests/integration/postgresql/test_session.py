# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sessions with PostgreSQL: what they say when something is in the way, and that nothing is kept of what failed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import pytest

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.connection.session import (
    PostgreSQLSession,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import (
    CannotConnect,
    ConnectionLost,
    Refused,
    StatementFailed,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._login import Credentials, Login
from ansible_collections.dbops.aurora_iam.plugins.module_utils._plan import Statement, Step
from tests.integration.postgresql.scene import Scene, open_connection
from tests.integration.tasks import converge

pytestmark = pytest.mark.direct("is about connections")


@pytest.fixture
def login(scene: Scene) -> Login:
    return replace(scene.login, database=scene.database, lock_timeout=1)


@pytest.fixture
def session(login: Login) -> Iterator[PostgreSQLSession]:
    opened = PostgreSQLSession(login)
    yield opened
    opened.close()


def test_a_step_is_kept_whole_or_not_at_all(scene: Scene, session: PostgreSQLSession, account: str) -> None:
    wrong = f'GRANT SELECT ON TABLE shop.nope TO "{account}"'
    with pytest.raises(StatementFailed, match="does not exist") as failure:
        session.run(Step((Statement(f'CREATE ROLE "{account}"'), Statement(wrong)), scene.database))
    assert (failure.value.code, failure.value.statement) == ("42P01", wrong)
    assert scene.sql(f"SELECT FROM pg_roles WHERE rolname = '{account}'") == []


def test_a_warning_that_nothing_was_done_is_a_failure(scene: Scene, session: PostgreSQLSession, account: str) -> None:
    owner = scene.role("owner")
    scene.sql(f"CREATE TABLE shop.{owner} (id int); ALTER TABLE shop.{owner} OWNER TO {owner}")
    scene.sql(f"GRANT SELECT ON shop.{owner} TO postgres")
    statements = (f'CREATE ROLE "{account}"', f'GRANT SELECT ON shop.{owner} TO "{account}"')
    with pytest.raises(StatementFailed, match="no privileges were granted") as failure:
        session.run(Step(tuple(map(Statement, statements)), scene.database))
    assert (failure.value.code, failure.value.statement) == ("01007", statements[1])
    assert scene.sql(f"SELECT FROM pg_roles WHERE rolname = '{account}'") == []


@pytest.mark.parametrize(
    "setting", ["role = rds_superuser", "statement_timeout = '20ms'", "idle_in_transaction_session_timeout = '1ms'"]
)
def test_settings_of_the_login_do_not_matter(scene: Scene, account: str, setting: str) -> None:
    """Not even where it has to act as another role in between, or waits for another run."""
    owner = scene.role("owner")
    scene.sql(
        f"CREATE TABLE shop.{owner} (id int); ALTER TABLE shop.{owner} OWNER TO {owner}; "
        f"GRANT USAGE ON SCHEMA shop TO {owner}; GRANT {owner} TO postgres"
        + (" WITH INHERIT FALSE, SET TRUE" if scene.major >= 16 else "")
    )
    scene.sql(f"ALTER ROLE postgres SET {setting}")
    try:
        grants = [{"on": name, "privileges": ["SELECT"]} for name in (f"shop.{owner}", "shop.orders", "FUTURE TABLES")]
        converge(partial(scene.user, name=account, grants=grants))
        waiting = PostgreSQLSession(replace(scene.login, lock_timeout=1))
        waiting.query("SELECT pg_sleep(0.05)::text")
        waiting.close()
        converge(partial(scene.user, name=account, state="absent"))
    finally:
        scene.sql("ALTER ROLE postgres RESET ALL")


def test_a_database_that_is_only_read(scene: Scene, account: str) -> None:
    """It has not become a reader: there is no use in trying again."""
    scene.sql("ALTER ROLE postgres SET default_transaction_read_only = on")
    try:
        with pytest.raises(Refused, match="default_transaction_read_only is on") as failure:
            scene.user(name=account)
    finally:
        scene.sql("ALTER ROLE postgres RESET ALL")
    assert "broke" not in str(failure.value)


def test_only_one_run_at_a_time(login: Login, session: PostgreSQLSession) -> None:
    """Also where the other one logs in to another database."""
    session.lock()
    session.lock()
    other = PostgreSQLSession(replace(login, database="postgres"))
    try:
        with pytest.raises(Refused, match=r"Another run of dbops\.aurora_iam"):
            other.lock()
        session.close()
        other.lock()
    finally:
        other.close()


def test_a_locked_object(scene: Scene, session: PostgreSQLSession, account: str) -> None:
    with open_connection(scene) as blocking, blocking.cursor() as cursor:
        cursor.execute("ALTER TABLE shop.orders ADD COLUMN other int; GRANT SELECT ON shop.orders TO PUBLIC")
        grant = Statement(f'GRANT SELECT ON TABLE shop.orders TO "{account}"')
        scene.sql(f"CREATE ROLE {account}")
        lock = Statement("LOCK TABLE shop.orders IN ACCESS SHARE MODE")
        with pytest.raises(StatementFailed, match="raise lock_timeout"):
            session.run(Step((lock, grant), scene.database))
        blocking.rollback()
    session.run(Step((lock, grant), scene.database))
    scene.sql(f"DROP OWNED BY {account}; DROP ROLE {account}")


def test_a_connection_that_breaks(scene: Scene, session: PostgreSQLSession) -> None:
    scene.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'dbops.aurora_iam'")
    with pytest.raises(ConnectionLost, match="run the task again"):
        session.query("SELECT 1")


@pytest.mark.parametrize(
    ("words", "changes"),
    [
        ("no database nowhere", {"database": "nowhere"}),
        ("login_db", {"database": "rdsadmin"}),
        ("nothing listens on localhost:1", {"port": 1}),
        ("cannot be resolved", {"host": "nowhere.invalid"}),
        ("does not exist", {"ca_cert": "/nowhere.pem"}),
        ("ca_cert|CA", {"ca_cert": __file__}),
        ("wrong credentials for postgres", {"credentials": lambda: Credentials("postgres", "not it")}),
        ("wrong credentials for nobody at all", {"credentials": lambda: Credentials("nobody at all", "x")}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_no_connection(login: Login, changes: dict[str, object], words: str) -> None:
    with pytest.raises(CannotConnect, match=words) as failure:
        PostgreSQLSession(replace(login, **changes))  # type: ignore[arg-type]
    assert str(failure.value).startswith((f"Cannot log in to {login.title}: ", f"The file {__file__} "))
    assert "\n" not in str(failure.value)
    assert login.credentials().password not in str(failure.value)

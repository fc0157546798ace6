# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Somebody who follows docs/adding-an-engine.md gets sets, check mode, the diff, verification and the lock with it."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.dbops.aurora_iam.plugins.module_utils._account_module import Outcome, converge
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.registry import ENGINES, engine_for
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import (
    AuroraIamError,
    MissingObject,
    Refused,
    StatementFailed,
    UnknownPrivilege,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._login import Credentials, Endpoint, Login
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import AccountRequest, GrantRequest
from ansible_collections.dbops.aurora_iam.plugins.module_utils._survey import SurveyRequest
from tests.unit.plugins.module_utils._engines.sqlite_engine import SQLiteEngine

Run = Callable[..., Outcome[Any]]


@pytest.fixture
def login(tmp_path: Path) -> Login:
    path = tmp_path / "accounts.db"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            "CREATE TABLE accounts (name TEXT PRIMARY KEY, locked INTEGER, comment TEXT);"
            "CREATE TABLE grants (account TEXT, privilege TEXT, object TEXT);"
            "CREATE TABLE invoices (id INTEGER);"
            "INSERT INTO accounts VALUES ('admin', 0, '')"
        )
    endpoint = Endpoint("cluster small", "sqlite", "db.example.org", 1)
    return Login(endpoint, endpoint.host, 1, lambda: Credentials("admin", "unused"), database=str(path), lock_timeout=1)


@pytest.fixture
def run(login: Login, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setitem(ENGINES, "sqlite", SQLiteEngine)

    def run(*requests: AccountRequest, write: bool = True, unlisted: str = "keep") -> Outcome[Any]:
        return converge(engine_for(login.endpoint.engine), login, requests, unlisted, write)

    return run


def wants(name: str, *privileges: str, **options: Any) -> AccountRequest:
    grants = (GrantRequest(privileges, "TABLE invoices"),) if privileges else None
    return AccountRequest(name, grants=grants, **options)


def stored(login: Login) -> list[tuple[Any, ...]]:
    with contextlib.closing(sqlite3.connect(login.database)) as connection:
        return [*connection.execute("SELECT * FROM accounts"), *connection.execute("SELECT * FROM grants")]


def test_check_apply_check_apply(run: Run, login: Login):
    wanted = [wants("jane", "READ", comment="the jane's"), wants("joe", "ALL")]
    before = stored(login)
    planned = run(*wanted, write=False)
    assert stored(login) == before
    applied = run(*wanted)
    assert planned.result() == applied.result()
    assert len(applied.statements) == 5
    assert ("jane", "READ", "invoices") in stored(login)
    for write in (False, True):
        assert not run(*wanted, write=write).result()["changed"]


def test_drift_is_repaired_and_unlisted_accounts_are_dropped(run: Run, login: Login):
    run(wants("jane", "READ"), wants("joe", "ALL"))
    with contextlib.closing(sqlite3.connect(login.database, isolation_level=None)) as connection:
        connection.execute("INSERT INTO grants VALUES ('jane', 'WRITE', 'invoices')")
    outcome = run(wants("jane", "READ"), unlisted="drop")
    assert [str(name) for name in outcome.unlisted] == ["joe"]
    assert stored(login) == [("admin", 0, ""), ("jane", 0, ""), ("jane", "READ", "invoices")]


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        (wants("admin", locked=True), Refused),
        (wants("jane", "SELECT"), UnknownPrivilege),
        (AccountRequest("jane", grants=(GrantRequest(("READ",), "TABLE nowhere"),)), MissingObject),
    ],
)
def test_what_must_not_be_is_refused_before_anything_is_done(
    run: Run, login: Login, request_: AccountRequest, error: type[AuroraIamError]
):
    before = stored(login)
    for write in (False, True):
        with pytest.raises(error):
            run(wants("joe", "READ"), request_, write=write)
    assert stored(login) == before


def test_the_server_is_asked_beforehand(run: Run, login: Login):
    with contextlib.closing(sqlite3.connect(login.database)) as connection:
        connection.execute(
            "CREATE TRIGGER limited BEFORE INSERT ON accounts WHEN NEW.name = 'joe' "
            "BEGIN SELECT RAISE(ABORT, 'no more accounts'); END"
        )
    before = stored(login)
    answers = []
    for write in (False, True):
        with pytest.raises(StatementFailed, match="no more accounts") as failure:
            run(wants("jane"), wants("joe"), write=write)
        answers.append((str(failure.value), failure.value.statement))
    assert answers[0] == answers[1]
    assert stored(login) == before


def test_another_run_is_waited_for(run: Run, login: Login):
    with contextlib.closing(sqlite3.connect(f"{login.database}-lock", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(Refused, match="Another run"):
            run(wants("jane"))
    run(wants("jane"))


def test_facts_see_all_accounts(login: Login):
    engine = SQLiteEngine()
    session = engine.open(login)
    try:
        survey = engine.survey(session, SurveyRequest())
    finally:
        session.close()
    assert [str(account.name) for account in survey.accounts] == ["admin"]

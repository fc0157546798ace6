# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every administrator logs in after a task as it did before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import psycopg2
import pytest

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.connection.data_api import (
    PostgreSQLDataApiSession,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.connection.session import (
    PostgreSQLSession,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.plan.lockout import Enrolment
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import Refused
from ansible_collections.dbops.aurora_iam.plugins.module_utils._login import Credentials
from ansible_collections.dbops.aurora_iam.plugins.module_utils._plan import Step
from tests.integration.postgresql.scene import Scene
from tests.sandbox.servers.programs import SandboxError

PASSWORD = "Pa55word!"


@pytest.fixture
def deputy(scene: Scene) -> str:
    """An administrator by password that is not the master user."""
    return scene.role("deputy", f"LOGIN CREATEROLE PASSWORD '{PASSWORD}'")


def as_deputy(scene: Scene, deputy: str) -> Scene:
    return replace(scene, login=replace(scene.login, credentials=lambda: Credentials(deputy, PASSWORD)))


def logs_in(scene: Scene, name: str) -> bool:
    try:
        psycopg2.connect(
            host=scene.login.host,
            port=scene.login.port,
            user=name,
            password=PASSWORD,
            dbname=scene.database,
            sslmode="require",
        ).close()
    except psycopg2.OperationalError:
        return False
    return True


@pytest.mark.direct("about the server alone")
def test_the_creator_of_a_role_cannot_give_its_membership_up(scene: Scene, deputy: str) -> None:
    """Since 16 it is a member, by the grant of a superuser. So no message advises to end that membership."""
    name, held = f"{deputy}_made", f"SELECT 1 FROM pg_auth_members WHERE member = '{deputy}'::regrole"
    scene.sql(f"SET ROLE {deputy}; CREATE ROLE {name}; REVOKE {name} FROM {deputy}")
    assert len(scene.sql(held)) == (1 if scene.major >= 16 else 0)
    if scene.major >= 16:
        with pytest.raises(SandboxError, match="permission denied to revoke"):
            scene.sql(f"SET ROLE {deputy}; REVOKE {name} FROM {deputy} GRANTED BY rdsadmin")
    scene.sql(f"DROP ROLE {name}")


def attempt(scene: Scene, **options: object) -> str:
    """The refusal, which check mode and the run share; empty where there is none."""
    answers = []
    for check in (True, False):
        try:
            scene.user(check=check, **options)
            answers.append("")
        except Refused as error:
            answers.append(str(error))
    assert answers[0] == answers[1]
    return answers[0]


@pytest.mark.direct("over the Data API the login is the master user's secret")
@pytest.mark.parametrize("roles", [None, ["group"]], ids=["direct", "by_role"])
def test_an_administrator_by_password_creates_an_account(scene: Scene, deputy: str, roles: list[str] | None) -> None:
    name = scene.database + "_" + deputy[-6:]
    options: dict[str, object] = {}
    if roles:
        group = scene.role("group")
        scene.sql(f"GRANT rds_iam TO {group}", master=True)
        options = {"roles": [group]}
    message = attempt(as_deputy(scene, deputy), name=name, **options)
    assert logs_in(scene, deputy)
    if scene.major >= 16:
        assert f"{deputy} administers" in message
        assert "log in as the master user" in message
        assert "ADMIN TRUE" not in message
    else:
        assert message == ""


def test_the_master_converts_what_another_administrator_created(scene: Scene, deputy: str) -> None:
    """The server has made the creator a member with ADMIN, which pg_hba.conf counts."""
    name = scene.role("made", "LOGIN")
    if scene.major >= 16:
        scene.sql(f"GRANT {name} TO {deputy} WITH ADMIN TRUE, INHERIT FALSE, SET FALSE", master=True)
    message = attempt(scene, name=name, convert=True)
    assert logs_in(scene, deputy)
    assert (f"{deputy} → {name} → rds_iam" in message) == (scene.major >= 16)


def test_the_master_creates_and_converts_accounts(scene: Scene) -> None:
    name = scene.role("person", f"LOGIN PASSWORD '{PASSWORD}'")
    assert attempt(scene, name=name, convert=True) == ""
    assert attempt(scene, name=name + "2") == ""
    assert attempt(scene, name=name + "3") == ""


@pytest.fixture
def meanwhile(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Let another session run this between a task's plan and its first transaction."""

    def arrange(statements: str) -> None:
        left = [statements]
        for session in (PostgreSQLSession, PostgreSQLDataApiSession):

            def run(self: Any, step: Step, original: Callable[[Any, Step], None] = session.run) -> None:
                while left:
                    scene.sql(left.pop())
                original(self, step)

            monkeypatch.setattr(session, "run", run)

    return arrange


@pytest.mark.parametrize("options", ["", "WITH ADMIN TRUE, INHERIT FALSE, SET FALSE"], ids=["full", "admin only"])
def test_an_administrator_becomes_a_member_after_the_plan(
    scene: Scene, deputy: str, meanwhile: Callable[[str], None], options: str
) -> None:
    if options and scene.major < 16:
        options = "WITH ADMIN OPTION"
    person = scene.role("person", f"LOGIN PASSWORD '{PASSWORD}'")
    meanwhile(f"GRANT {person} TO {deputy} {options}")
    with pytest.raises(Refused, match=rf"{deputy} would become members? .*\({deputy} → {person} → rds_iam\)"):
        scene.user(name=person, convert=True)
    assert logs_in(scene, deputy)
    assert logs_in(scene, person), "the transaction was rolled back"
    scene.sql(f"REVOKE {person} FROM {deputy}")
    assert scene.user(name=person, convert=True)["changed"]


def test_the_login_becomes_a_member_after_the_plan(scene: Scene, meanwhile: Callable[[str], None]) -> None:
    """The same sentence as the plan's."""
    person = scene.role("person", f"LOGIN PASSWORD '{PASSWORD}'")
    meanwhile(f"GRANT {person} TO postgres WITH INHERIT TRUE" if scene.major >= 16 else f"GRANT {person} TO postgres")
    with pytest.raises(Refused, match=rf"postgres administers .*\(postgres → {person} → rds_iam\): its password"):
        scene.user(name=person, convert=True)
    assert logs_in(scene, person)


def test_what_another_session_does_to_others_is_no_refusal(
    scene: Scene, account: str, meanwhile: Callable[[str], None]
) -> None:
    other = scene.role("other", "LOGIN")
    meanwhile(f"GRANT rds_iam TO {other}")
    assert scene.user(name=scene.database + account)["changed"]


def test_others_are_created_while_a_task_asks_who_is_in_rds_iam(
    scene: Scene, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One while it creates an account, and one between its questions about who has changed: neither is its doing."""
    team = scene.role("team")
    scene.sql(f"GRANT rds_iam TO {team}")
    others = {question: scene.role("other", "LOGIN") for question in ("before", "_enrolled")}

    def asked(question: str) -> Callable[..., Any]:
        original = getattr(Enrolment, question)

        def ask(*arguments: Any) -> Any:
            answer = original(*arguments)
            if question in others:
                scene.sql(f"GRANT {team} TO {others.pop(question)}")
            return answer

        return ask

    for question in list(others):
        monkeypatch.setattr(Enrolment, question, asked(question))
    assert scene.user(name=scene.database + account)["changed"]
    assert others == {}


def test_an_administrator_with_a_token_stays_in_rds_iam(scene: Scene, deputy: str) -> None:
    """A membership of what is dropped is its only way in."""
    person = scene.role("person", "LOGIN")
    scene.sql(f"GRANT rds_iam TO {person}; GRANT {person} TO {deputy}", master=True)
    drop: dict[str, object] = {"name": person, "state": "absent"}
    message = attempt(scene, **drop)
    assert f"{deputy} would no longer be" in message
    assert f"({deputy} → {person} → rds_iam)" in message
    scene.sql(f"GRANT rds_iam TO {deputy}", master=True)
    assert attempt(scene, **drop) == ""

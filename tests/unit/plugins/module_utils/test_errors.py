# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every refusal of a set names its account and, where the cause is an element, that element."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.dbops.aurora_iam.plugins.module_utils._account_module import compare_names, parse
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.base import Engine, EnginePlan
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import (
    AuroraIamError,
    ManyMistakes,
    Mistakes,
    Refused,
    Where,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import Grant
from ansible_collections.dbops.aurora_iam.plugins.module_utils._params import account_requests
from ansible_collections.dbops.aurora_iam.plugins.module_utils._reconcile import reconcile
from tests.unit.plugins.module_utils._engines.mysql import mistakes as mysql
from tests.unit.plugins.module_utils._engines.mysql.scenes import ENGINE as MYSQL
from tests.unit.plugins.module_utils._engines.mysql.scenes import ORDERS, SERVER
from tests.unit.plugins.module_utils._engines.postgresql import mistakes as postgresql
from tests.unit.plugins.module_utils._engines.postgresql import scenes
from tests.unit.plugins.module_utils.mistakes import CULPRIT, Mistake

TABLE = [
    *(pytest.param(MYSQL, SERVER, mistake, id=f"mysql-{mistake.title}") for mistake in mysql.MISTAKES),
    *(
        pytest.param(scenes.ENGINE, scenes.observed(), mistake, id=f"postgresql-{mistake.title}")
        for mistake in postgresql.MISTAKES
    ),
]


def plan(engine: Engine[Any], users: list[Any], observed: Any) -> EnginePlan:
    """As far as a task goes without a server."""
    requests = account_requests({"users": users, "unlisted": "keep", "confirm": False})
    wanted = parse(engine, requests)
    compare_names(wanted)
    desired = engine.resolve(wanted, observed)
    protected = engine.protected(observed)
    changes = reconcile(desired, observed.accounts, engine.capabilities, "keep", protected, observed.expired)
    return engine.plan(changes, observed)


@pytest.mark.parametrize(("engine", "observed", "mistake"), TABLE)
@given(before=st.integers(0, 3), after=st.integers(0, 3))
@settings(max_examples=5, deadline=None)
def test_a_refusal_says_whom_and_what_it_is_about(
    engine: Engine[Any], observed: Any, mistake: Mistake, before: int, after: int
) -> None:
    sound = [{"name": f"sound{number}", "comment": "x"} for number in range(before + after)]
    place = before + len(mistake.others)
    wrong = {"name": CULPRIT, **mistake.user}
    users = [*sound[:before], *mistake.others, wrong, *sound[before:]]
    with pytest.raises(AuroraIamError) as refused:
        plan(engine, users, mistake.state or observed)
    told = str(refused.value)
    assert mistake.account in told
    assert f"users[{place}]" in told
    assert mistake.element in told
    (entry,) = refused.value.entries()
    assert entry["account"] == mistake.account
    assert entry["element"].startswith(mistake.element)
    assert bool(entry["element"]) == bool(mistake.element)


@pytest.mark.parametrize(
    ("engine", "observed", "wrong"),
    [
        (MYSQL, SERVER, {"privileges": ["FILE"], "on": "*.*"}),
        (scenes.ENGINE, scenes.observed(), {"privileges": ["SELECT"], "on": "ledger"}),
    ],
    ids=["mysql", "postgresql"],
)
def test_what_the_login_may_not_grant_is_told_of_every_account(
    engine: Engine[Any], observed: Any, wrong: dict[str, Any]
) -> None:
    with pytest.raises(ManyMistakes) as refused:
        plan(
            engine, [{"name": "jane", "grants": [wrong]}, {"name": "joe"}, {"name": "jim", "grants": [wrong]}], observed
        )
    assert [(entry["account"], entry["element"]) for entry in refused.value.entries()] == [
        ("jane", "grants[0]"),
        ("jim", "grants[0]"),
    ]


@pytest.mark.parametrize(
    ("engine", "observed", "grant", "role"),
    [
        (MYSQL, mysql.having(Grant("INSERT", ORDERS)), mysql.SOUND, "reader"),
        (
            scenes.ENGINE,
            postgresql.having(entries=(scenes.entry(scenes.TABLE, "INSERT", CULPRIT),)),
            postgresql.ON_TABLE,
            "readers",
        ),
    ],
    ids=["mysql", "postgresql"],
)
def test_statements_know_for_whom_they_are(engine: Engine[Any], observed: Any, grant: Any, role: str) -> None:
    """All but those that only surround others."""
    wishes = {"grants": [grant], "roles": [role], "locked": True, "comment": "x"}
    present = [{"name": name, **wishes} for name in ("jane", CULPRIT)]
    statements = [
        statement
        for users in (present, [{"name": CULPRIT, "state": "absent"}])
        for step in plan(engine, users, observed).steps
        for statement in step.statements
        if not statement.text.startswith(("SET ", "RESET "))
    ]
    named = {account.partition("@")[0] for statement in statements for account in statement.accounts}
    assert named == {"jane", CULPRIT}
    assert all(statement.accounts for statement in statements)
    about = [statement for statement in statements if statement.text.startswith(("GRANT ", "REVOKE "))]
    assert about
    assert all(statement.subjects for statement in about)


def test_a_sentence_names_three_accounts() -> None:
    error = Refused("No.", *(Where(name, f"users[{place}]", "grants[0]") for place, name in enumerate("abcde")))
    assert str(error) == "accounts a (users[0]), b (users[1]), c (users[2]) and 2 more, grants[0]: No."
    assert len(error.entries()) == 5
    differently = Refused("No.", Where("a", "", "grants[0]"), Where("b", "", "roles[1]"))
    assert str(differently) == "accounts a (grants[0]), b (roles[1]): No."
    assert (differently.account, differently.element) == ("a, b", "")


def test_many_mistakes_are_shown_up_to_ten() -> None:
    mistakes = Mistakes()
    for number in range(13):
        with mistakes.about(Where(f"jane_{number}")):
            raise Refused("No.", in_the_way={f"jane_{number}": ["x"]})
    with pytest.raises(ManyMistakes) as refused:
        mistakes.refuse()
    assert str(refused.value).startswith("account jane_0: No. account jane_1: No. ")
    assert str(refused.value).endswith("account jane_9: No. And 3 more mistakes, see errors.")
    assert len(refused.value.details["in_the_way"]) == len(refused.value.entries()) == 13


def test_the_table_has_enough_of_each() -> None:
    for table in (mysql.MISTAKES, postgresql.MISTAKES):
        titles = [mistake.title for mistake in table]
        assert len(titles) == len(set(titles)) > 60

# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""After any task every administrator logs in as before, unless an option of the task said otherwise.

Who logs in is tried, by password and with a token, before the task and after it, whatever the task answered.
AURORA_IAM_EXAMPLES sets how many examples are tried on each server.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import example as explicit
from hypothesis import strategies as st

from tests.integration.administration import Administration
from tests.integration.master import master_login
from tests.integration.postgresql.administrators_scene import (
    ACCOUNTS,
    ADMINISTRATOR_BY,
    DEPUTIES,
    ENROLLED,
    GROUPS,
    MASTER,
    OPTIONS,
    STATES,
    Bench,
    Deputy,
    Example,
)
from tests.integration.tasks import Tasks, examples
from tests.sandbox.clients import State

pytestmark = pytest.mark.direct("the way to the server does not change who is a member of rds_iam")


@st.composite
def user(draw: st.DrawFn, name: str) -> dict[str, Any]:
    if draw(st.integers(0, 2)) == 0:
        way: dict[str, Any] = draw(
            st.sampled_from(
                [
                    {},
                    {"owned_objects": "drop"},
                    {"owned_objects": "reassign", "reassign_owned_to": MASTER},
                    {"owned_objects": "reassign", "reassign_owned_to": "d1"},
                    {"owned_objects": "reassign", "reassign_owned_to": "plain"},
                ]
            )
        )
        return {"name": name, "state": "absent", **way}
    options: dict[str, Any] = {"name": name, "convert": draw(st.booleans())}
    if draw(st.booleans()):
        others = [other for other in (*GROUPS, *ACCOUNTS) if other != name]
        options["roles"] = draw(st.lists(st.sampled_from(others), max_size=2, unique=True))
    if draw(st.integers(0, 3)) == 0:
        options["locked"] = draw(st.booleans())
    return options


@st.composite
def instances(draw: st.DrawFn) -> Example:
    deputies = {
        name: Deputy(draw(st.sampled_from(sorted(ADMINISTRATOR_BY))), draw(st.sampled_from(sorted(ENROLLED))))
        for name in DEPUTIES
    }
    there = draw(st.lists(st.sampled_from(ACCOUNTS), unique=True))
    accounts = {
        name: (draw(st.sampled_from(sorted(STATES))), draw(st.sampled_from([MASTER, "d1"])), draw(st.booleans()))
        for name in there
    }
    membership = st.tuples(
        st.sampled_from([*GROUPS, *there, *there]),
        st.sampled_from([*GROUPS, *there, *DEPUTIES, *DEPUTIES, MASTER]),
        st.sampled_from(sorted(OPTIONS)),
    )
    return Example(
        deputies,
        accounts,
        [item for item in draw(st.lists(membership, max_size=4)) if item[0] != item[1]],
        (draw(st.sampled_from([MASTER, MASTER, *DEPUTIES])), draw(st.sampled_from(["password", "secret"]))),
        [draw(user(name)) for name in draw(st.lists(st.sampled_from(ACCOUNTS), min_size=1, unique=True))],
        draw(st.sampled_from(["keep", "keep", "keep", "lock", "drop"])),
    )


@pytest.fixture(scope="module", params=["ledger", "archive"])
def bench(request: pytest.FixtureRequest, state: State, admin: Administration, tasks: Tasks) -> Iterator[Bench]:
    """``ledger`` is PostgreSQL 18, ``archive`` 15: in between, memberships and CREATEROLE changed."""
    cluster: str = request.param
    credentials = master_login(state, cluster).credentials()
    signer = boto3.client(
        "rds",
        region_name=state["region"],
        aws_access_key_id=state["access_key"],
        aws_secret_access_key=state["secret_key"],
    )
    server = admin.superuser(cluster)
    made = Bench(cluster, server.server_version // 10000, state, tasks, server, credentials.password, signer)
    made.clear()
    yield made
    server.close()


def dismissed(example: Example, before: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """The administrators that ``unlisted`` is about: those with a token, the login excepted."""
    if example.unlisted == "keep":
        return set()
    return {(name, way) for name, way in before if way == "token" and name not in (MASTER, example.login[0])}


@settings(max_examples=examples(), deadline=None, suppress_health_check=list(HealthCheck))
@given(example=instances())
@explicit(
    example=Example(
        {"d1": Deputy("creates roles", "no")},
        {"a1": ("iam", MASTER, False)},
        [("a1", "d1", "full")],
        (MASTER, "password"),
        [{"name": "a1", "state": "absent"}],
        "keep",
    )
)
def test_every_administrator_logs_in_as_before(bench: Bench, example: Example) -> None:
    try:
        bench.set(example)
        before = bench.logins(example)
        options = bench.options(example, (example.login[0], "token") in before)
        checked = bench.answer(options, True)
        applied = bench.answer(options, False)
        assert before - bench.logins(example) - dismissed(example, before) == set(), applied
        if example.unlisted == "keep":
            assert checked == applied
    finally:
        bench.clear()

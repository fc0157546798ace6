# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A role that a task names gives its privileges at login: it is inherited, whatever it was before."""

from __future__ import annotations

from functools import partial

import pytest

from tests.integration.postgresql.scene import Scene
from tests.integration.tasks import assert_settled, converge


@pytest.fixture
def readers(scene: Scene) -> str:
    return scene.role("readers")


def idle(scene: Scene, role: str, account: str) -> None:
    """Make the account a member of the role that does not inherit from it."""
    if scene.major >= 16:
        scene.sql(f"SET ROLE postgres; GRANT {role} TO {account} WITH INHERIT FALSE, SET TRUE")
    else:
        scene.sql(f"GRANT {role} TO {account}; ALTER ROLE {account} NOINHERIT")


def inherits(scene: Scene, role: str, account: str) -> bool:
    return scene.sql(f"SELECT pg_has_role('{account}', '{role}', 'USAGE')") == [("t",)]


def test_a_role_that_is_not_inherited_is_not_yet_as_the_task_says(scene: Scene, readers: str, account: str) -> None:
    scene.user(name=account)
    idle(scene, readers, account)
    assert not inherits(scene, readers, account)
    converge(partial(scene.user, name=account, roles=[readers]))
    assert inherits(scene, readers, account)
    converge(partial(scene.user, name=account, roles=[]))
    scene.user(name=account, state="absent")


def test_what_the_task_does_not_name_stays_as_it_is(scene: Scene, readers: str, account: str) -> None:
    other = scene.role("other")
    scene.user(name=account)
    idle(scene, readers, account)
    assert_settled(partial(scene.user, name=account))
    assert_settled(partial(scene.user, name=account, roles=[], purge_roles=False))
    assert not inherits(scene, readers, account)
    if scene.major >= 16:  # before, it is the account that inherits from all of its roles or from none
        converge(partial(scene.user, name=account, roles=[other], purge_roles=False))
        assert inherits(scene, other, account)
        assert not inherits(scene, readers, account)
    scene.user(name=account, state="absent")

# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Roles on MySQL: what the server would refuse of them is refused before the first statement, in check mode too."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.integration.administration import Administration
from tests.integration.master import direct_options
from tests.integration.tasks import Result, TaskFailed, Tasks, converge
from tests.sandbox.clients import State

pytestmark = pytest.mark.mysql
CLUSTER = "orders"


@pytest.fixture
def sql(admin: Administration) -> Callable[[str], Any]:
    return lambda statement: admin.sql(CLUSTER, statement)


@pytest.fixture
def users(tasks: Tasks, state: State) -> Callable[..., Result]:
    options = direct_options(state, CLUSTER)
    return lambda *elements, **mode: tasks.users(users=list(elements), **options, **mode)


@pytest.fixture
def names(sql, account: str) -> Iterator[list[str]]:
    """Two accounts and a role."""
    found = [f"{account}_{letter}" for letter in "abr"]
    first, second, role = found
    iam = "IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS'"
    sql(f"CREATE USER {first} {iam}, {second} {iam} REQUIRE SSL; CREATE ROLE {role}")
    yield found
    sql(f"DROP USER IF EXISTS {', '.join(found)}")


@pytest.fixture
def mandatory(sql, names) -> Iterator[str]:
    sql(f"SET GLOBAL mandatory_roles = '`{names[2]}`@`%`'")
    yield names[2]
    sql("SET GLOBAL mandatory_roles = ''")


def refused(task: Callable[..., Result], message: str) -> None:
    for check in (True, False):
        with pytest.raises(TaskFailed, match=message) as caught:
            task(check=check)
        assert not caught.value.result.get("statements_executed")


def test_no_account_becomes_a_role_of_itself(users, sql, names):
    first, second, role = names
    sql(f"GRANT {first} TO {role}; GRANT {role} TO {second}")
    chain = f"{first}@% → {second}@% → {role}@% → {first}@%"
    refused(lambda **mode: users({"name": first, "roles": [second], "comment": "x"}, **mode), chain)
    sql(f"REVOKE {first} FROM {role}")
    both = ({"name": first, "roles": [second]}, {"name": second, "roles": [first]})
    refused(lambda **mode: users(*both, **mode), rf"\(users\[0\]\), roles\[0\]: .* {first}@% → {second}@% → {first}@%")
    sql(f"GRANT {second} TO {first}")
    swapped = ({"name": first, "roles": []}, {"name": second, "roles": [first]})
    refused(lambda **mode: users(*swapped, **mode), "Revoke one of these first")


def test_a_role_does_not_leave_while_somebody_keeps_it(users, sql, names):
    first, second, _role = names
    gone = {"name": second, "state": "absent", "owned_objects": "drop"}
    refused(
        lambda **mode: users({"name": first, "roles": [second]}, gone, **mode),
        "is dropped by this task",
    )
    sql(f"GRANT {second} TO {first}")
    refused(lambda **mode: users({"name": first}, gone, **mode), "is dropped by this task")
    gone = {"name": second, "state": "absent"}
    refused(lambda **mode: users({"name": first}, gone, **mode), f"is a role of {first}@%")


@pytest.mark.parametrize("other", [{"roles": []}, {"state": "absent"}])
def test_a_role_leaves_with_the_last_who_has_it(users, sql, names, other: dict[str, Any]):
    first, second, _role = names
    sql(f"GRANT {second} TO {first}")
    converge(lambda **mode: users({"name": first, **other}, {"name": second, "state": "absent"}, **mode))


def test_a_mandatory_role_is_granted_by_name(users, sql, names, mandatory):
    sql(f"DROP USER {names[0]}")
    listed = [{"name": names[0], "roles": [mandatory, names[1]]}, {"name": names[1], "roles": [mandatory]}]
    made = converge(lambda **mode: users(*listed, **mode))
    assert made["accounts"][0]["roles"] == sorted([mandatory, names[1]])
    roles = sql(f"SELECT DEFAULT_ROLE_USER FROM mysql.default_roles WHERE USER = '{names[0]}' ORDER BY 1")
    assert roles == [(names[1],), (mandatory,)]


def test_a_mandatory_role_is_neither_revoked_nor_dropped(users, sql, names, mandatory):
    first = names[0]
    sql(f"GRANT {mandatory} TO {first}")
    refused(lambda **mode: users({"name": first, "roles": [], "locked": True}, **mode), "one of the mandatory_roles")
    sql(f"SET GLOBAL mandatory_roles = '{first}'")
    refused(lambda **mode: users({"name": first, "state": "absent"}, **mode), "one of the mandatory_roles")

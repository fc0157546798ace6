# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Roles on MySQL: what the server would refuse of them is refused before the first statement, in check mode too."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pymysql
import pytest

from tests.integration.administration import Administration
from tests.integration.master import direct_options
from tests.integration.mysql.scene import connection
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


def test_a_role_as_sql_writes_it_is_proposed_as_it_is_stored(users, sql, names):
    first, _second, role = names
    for text in (f"'{role}'@'%'", f"`{role}`"):
        refused(lambda text=text, **mode: users({"name": first, "roles": [text]}, **mode), f"Did you mean {role}@%\\?")


@pytest.fixture
def system_role(sql, names) -> str:
    sql(f"GRANT SYSTEM_USER ON *.* TO {names[2]}")
    return names[2]


def test_a_role_with_system_user_is_neither_granted_nor_revoked(users, sql, names, system_role):
    first = names[0]
    message = rf"Role {system_role}@% holds SYSTEM_USER.*admin@% does not hold"
    refused(lambda **mode: users({"name": first, "roles": [system_role], "comment": "x"}, **mode), message)
    sql(f"GRANT {system_role} TO {first}")
    refused(lambda **mode: users({"name": first, "roles": [], "comment": "x"}, **mode), message)
    kept = {"name": first, "roles": [], "purge_roles": False, "comment": "x", "grants": []}
    converge(lambda **mode: users(kept, **mode))
    converge(lambda **mode: users({"name": first, "state": "absent"}, **mode))


@pytest.mark.parametrize("default", ["ALL", "NONE"])
@pytest.mark.parametrize("rds_kill", [True, False])
def test_sessions_that_have_system_user_by_a_role(
    users, sql, state: State, names, system_role, kill_procedure, default: str, rds_kill: bool
):
    """Such an account can be altered and dropped; its sessions are ended only by somebody with SYSTEM_USER."""
    first, second, _role = names
    sql(f"GRANT {system_role} TO {second}; GRANT {second} TO {first}; SET DEFAULT ROLE {default} TO {first}")
    session = connection(state, CLUSTER, first)
    kill_procedure(rds_kill)
    dropped = {"name": first, "state": "absent"}
    if default == "ALL":
        refused(lambda **mode: users(dropped, **mode), f"have SYSTEM_USER by role {system_role}@%")
        converge(lambda **mode: users({**dropped, "terminate_sessions": False}, **mode))
    else:
        converge(lambda **mode: users(dropped, **mode))
        with pytest.raises(pymysql.err.OperationalError):
            session.ping(reconnect=False)


@pytest.fixture
def kill_procedure(sql) -> Iterator[Callable[[bool], None]]:
    """Lets the server have mysql.rds_kill or not; afterwards it has."""
    name, body = "mysql.rds_kill", "(IN thread BIGINT UNSIGNED) SQL SECURITY DEFINER KILL CONNECTION thread"

    def present(wanted: bool) -> None:
        sql(f"DROP PROCEDURE IF EXISTS {name}")
        if wanted:
            sql(f"CREATE PROCEDURE {name} {body}")

    yield present
    present(True)


def test_what_aurora_has_roles_for(users, sql, names):
    first = names[0]
    for privilege, role in (("LOAD FROM S3", "AWS_LOAD_S3_ACCESS"), ("invoke lambda", "AWS_LAMBDA_ACCESS")):
        grants = [{"privileges": [privilege], "on": "*.*"}]
        refused(lambda grants=grants, **mode: users({"name": first, "grants": grants}, **mode), f"the role {role} inst")
        converge(lambda role=role, **mode: users({"name": first, "roles": [role]}, **mode))


def test_what_a_dropped_account_had_need_not_be_there(users, sql, names):
    first = names[0]
    gone = [{"privileges": ["SELECT"], "on": "gone.*"}, {"privileges": ["FLY_TO_THE_MOON"], "on": "*.*"}]
    dropped = {"name": first, "state": "absent", "roles": ["gone"], "grants": gone}
    converge(lambda **mode: users(dropped, **mode))

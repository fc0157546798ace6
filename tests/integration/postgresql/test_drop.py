# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How accounts are dropped on PostgreSQL: with their sessions and objects, and with nobody locked out meanwhile."""

from __future__ import annotations

import contextlib
import time
from typing import Any

import psycopg2
import pytest

from tests.integration.administration import Administration
from tests.integration.master import direct_options
from tests.integration.postgresql.drop_scene import (
    MASTER,
    exists,
    jane_of,
    master_arguments,
    master_of,
    memberships,
    visiting,
)
from tests.integration.tasks import Result, TaskFailed, Tasks, assert_settled, converge
from tests.sandbox.clients import State
from tests.sandbox.servers.programs import SandboxError

MEMBER_OF = "SELECT roleid::regrole FROM pg_auth_members WHERE member = '{owner}'::regrole"


@pytest.mark.parametrize("way", ["drop", "reassign"])
def test_an_owner_is_dropped(
    tasks: Tasks,
    state: State,
    admin: Administration,
    cluster: str,
    databases: list[str],
    owner: str,
    new_owner: str,
    way: str,
):
    before = memberships(admin, cluster)
    options = {"owned_objects": way, "reassign_owned_to": new_owner if way == "reassign" else None}
    jane, sessions = jane_of(state, cluster, owner), []
    for _session in range(2):
        session = jane()
        session.cursor().execute(f'SELECT FROM "{owner}".t')
        sessions.append(session)
    with visiting(master_of(state, cluster)) as administrator, visiting(jane) as returning:
        gone = converge(lambda **mode: tasks.user(cluster=cluster, name=owner, state="absent", **options, **mode))
        after = administrator.times
        while administrator.times < after + 3:
            time.sleep(0.01)
    assert administrator.refusals == []
    assert returning.refusals, "the account could log in to the last"
    assert not exists(admin, cluster, owner)
    assert gone["account"] == {}
    for session in sessions:
        with pytest.raises(psycopg2.Error):
            session.cursor().execute("SELECT 1")
    assert [line for line in memberships(admin, cluster) if line not in before] == []
    kept = [admin.sql(cluster, f"SELECT to_regclass('\"{owner}\".t') IS NOT NULL", database) for database in databases]
    assert kept == [[("t" if way == "reassign" else "f",)]] * 3
    for database in databases if way == "reassign" else ():
        assert admin.sql(cluster, f'SELECT note FROM "{owner}".t', database) == [("kept",)]
        large = "SELECT count(*) FROM pg_largeobject_metadata WHERE lomowner::regrole::text ="
        assert admin.sql(cluster, f"{large} '{new_owner}'", database) == [("1",)]
    statements = gone["statements"]
    ending = next(number for number, text in enumerate(statements) if "pg_terminate_backend" in text)
    joining = next(number for number, text in enumerate(statements) if text.startswith(f'GRANT "{owner}" TO'))
    assert statements.index(f'ALTER ROLE "{owner}" NOLOGIN') < ending < joining
    assert not any("rds_iam" in text for text in statements), "it stays in rds_iam to the last"
    assert statements[-1] == f'DROP ROLE "{owner}"'


def test_what_an_account_owns_is_listed(tasks: Tasks, cluster: str, databases: list[str], owner: str):
    for check in (True, False):
        with pytest.raises(TaskFailed, match="nothing was changed") as failure:
            tasks.user(cluster=cluster, name=owner, state="absent", check=check)
        text = str(failure.value)
        for database in databases:
            assert f"(in database {database})" in text
        for thing in ("default privileges on new relations", "large object", f"schema {owner}", f"table {owner}.t"):
            assert thing in text
    assert tasks.user(cluster=cluster, name=owner, check=True)["changed"] is False


@pytest.mark.parametrize("way", ["drop", "reassign"])
def test_a_failure_in_the_second_database_loses_nothing(
    tasks: Tasks,
    state: State,
    admin: Administration,
    cluster: str,
    databases: list[str],
    owner: str,
    new_owner: str,
    way: str,
):
    """Another session holds a lock on what would go."""
    before = memberships(admin, cluster)
    options = {"owned_objects": way, "reassign_owned_to": new_owner if way == "reassign" else None, "lock_timeout": 1}
    second = sorted(databases[1:])[0]
    jane = jane_of(state, cluster, owner)

    def drop(**mode: Any) -> Result:
        return tasks.user(cluster=cluster, name=owner, state="absent", **options, **mode)

    blocker = locked_table(state, admin, cluster, second, owner)
    with pytest.raises(TaskFailed, match="Another session holds a lock") as failure:
        drop()
    assert failure.value.result["statements_executed"]
    assert failure.value.result["database"] == second
    blocker.close()
    assert memberships(admin, cluster) == before
    assert ("rds_iam",) in admin.sql(cluster, MEMBER_OF.format(owner=owner))
    with pytest.raises(psycopg2.Error):
        jane()
    for database in sorted(databases[1:]):
        assert admin.sql(cluster, f'SELECT note FROM "{owner}".t', database) == [("kept",)]
    assert converge(drop)["diff"]["before"].count("Jane's own") == 1
    assert not exists(admin, cluster, owner)
    assert [line for line in memberships(admin, cluster) if line not in before] == []


def test_a_member_of_the_master_is_dropped(
    tasks: Tasks, state: State, admin: Administration, cluster: str, databases: list[str], owner: str
):
    """The master cannot become a member of its own member. From 16 on an account's creator is always one."""
    grant = f"CREATE ROLE via_{owner}; GRANT {MASTER} TO via_{owner}; GRANT via_{owner} TO {owner}"
    if cluster == "ledger":
        with pytest.raises(SandboxError, match=r'role ".*" is a member of role'):
            admin.sql(cluster, grant)
        admin.sql(cluster, f"DROP ROLE via_{owner}")
        return
    admin.sql(cluster, grant)
    options = {"owned_objects": "drop", "lock_timeout": 1}
    blocker = locked_table(state, admin, cluster, sorted(databases[1:])[0], owner)
    with pytest.raises(TaskFailed, match="Another session holds a lock"):
        tasks.user(cluster=cluster, name=owner, state="absent", **options)
    blocker.close()
    converge(lambda **mode: tasks.user(cluster=cluster, name=owner, state="absent", **options, **mode))
    admin.sql(cluster, f"DROP ROLE via_{owner}")


def locked_table(state: State, admin: Administration, cluster: str, database: str, owner: str) -> Any:
    """A session that holds a lock on the table of the owner in one database."""
    blocker = psycopg2.connect(**{**master_arguments(state, cluster), "dbname": database})
    granted = f'GRANT SELECT ON "{owner}".t TO {MASTER}; GRANT USAGE ON SCHEMA "{owner}" TO {MASTER}'
    admin.sql(cluster, granted, database)
    blocker.cursor().execute(f'SELECT FROM "{owner}".t')
    return blocker


def test_accounts_that_are_members_of_accounts(
    tasks: Tasks, state: State, admin: Administration, cluster: str, databases: list[str], owner: str, account: str
):
    """One of two that are dropped is a member of the other, and a third, who gets what they own, is in rds_iam."""
    other, new = f"{account}_other", f"{account}_new"
    tasks.users(cluster=cluster, users=[{"name": other, "roles": [owner]}, {"name": new}])
    admin.sql(cluster, f'SET ROLE {MASTER}; GRANT CREATE ON DATABASE {cluster} TO "{other}"')
    admin.sql(cluster, f'SET ROLE "{other}"; CREATE SCHEMA "{other}"; CREATE TABLE "{other}".t ()', cluster)
    before = memberships(admin, cluster)
    how = {"state": "absent", "owned_objects": "reassign", "reassign_owned_to": new}
    with visiting(master_of(state, cluster)) as administrator, visiting(jane_of(state, cluster, new)) as staying:
        dropped = converge(
            lambda **mode: tasks.users(cluster=cluster, users=[{"name": owner, **how}, {"name": other, **how}], **mode)
        )
    assert administrator.refusals == staying.refusals == []
    assert dropped["dropped"] == [owner, other]
    assert [line for line in memberships(admin, cluster) if line not in before] == []
    for name in (owner, other):
        found = admin.sql(cluster, f"SELECT relowner::regrole FROM pg_class WHERE oid = '{name}.t'::regclass", cluster)
        assert found == [(new,)]
    tasks.user(cluster=cluster, name=new, state="absent", owned_objects="drop")


@pytest.mark.parametrize("cluster", ["ledger"])  # since 16 several roles can have granted the same membership
def test_the_admin_option_of_a_group(
    tasks: Tasks, admin: Administration, cluster: str, databases: list[str], owner: str
):
    """What the group has granted to the login stays as it was while the login acts for the account."""
    group = f"admins_{owner}"
    granted = f"SET ROLE {group}; GRANT {owner} TO {MASTER} WITH INHERIT FALSE, SET FALSE"
    admin.sql(
        cluster,
        f"CREATE ROLE {group}; GRANT {group} TO {MASTER}; GRANT {owner} TO {group} WITH ADMIN TRUE, INHERIT FALSE, SET "
        f"FALSE; REVOKE {owner} FROM {MASTER}; {granted}",
    )
    before = memberships(admin, cluster)
    gone = {"cluster": cluster, "name": owner, "state": "absent", "owned_objects": "drop"}
    converge(lambda **mode: tasks.user(**gone, **mode))
    assert [line for line in memberships(admin, cluster) if line not in before] == []
    admin.sql(cluster, f"DROP ROLE {group}")


def test_an_account_whose_drop_was_interrupted_can_come_back(
    tasks: Tasks, state: State, admin: Administration, cluster: str, owner: str
):
    blocker = locked_table(state, admin, cluster, cluster, owner)
    with pytest.raises(TaskFailed, match="Another session holds a lock"):
        tasks.user(cluster=cluster, name=owner, state="absent", owned_objects="drop", lock_timeout=1)
    blocker.close()
    back = converge(lambda **mode: tasks.user(cluster=cluster, name=owner, locked=False, **mode))
    assert back["account"]["comment"] == "Jane's own"
    jane_of(state, cluster, owner)().close()


def test_a_lock_ends_sessions(tasks: Tasks, state: State, cluster: str, account: str):
    tasks.user(cluster=cluster, name=account)
    jane = jane_of(state, cluster, account)
    session = jane()
    kept = converge(
        lambda **mode: tasks.user(cluster=cluster, name=account, locked=True, terminate_sessions=False, **mode)
    )
    session.cursor().execute("SELECT 1")
    session.rollback()
    with pytest.raises(psycopg2.Error):
        jane()
    assert [text.split()[0] for text in kept["statements"]] == ["ALTER", "COMMENT"]
    tasks.user(cluster=cluster, name=account, locked=False)
    jane().close()
    ended = converge(lambda **mode: tasks.user(cluster=cluster, name=account, locked=True, **mode))
    assert "pg_terminate_backend" in ended["statements"][2]
    with pytest.raises(psycopg2.Error):
        session.cursor().execute("SELECT 1")


def test_a_lock_ends_sessions_that_are_still_there(
    tasks: Tasks, state: State, admin: Administration, cluster: str, account: str
):
    """As after a task that broke off between locking the account and ending its sessions."""
    tasks.user(cluster=cluster, name=account)
    session = jane_of(state, cluster, account)()
    marked = f"COMMENT ON ROLE \"{account}\" IS '[dbops.aurora_iam: locked]'"
    admin.sql(cluster, f'ALTER ROLE "{account}" NOLOGIN; {marked}')
    assert_settled(lambda **mode: tasks.user(cluster=cluster, name=account, **mode))
    assert_settled(
        lambda **mode: tasks.user(cluster=cluster, name=account, locked=True, terminate_sessions=False, **mode)
    )
    ended = converge(lambda **mode: tasks.user(cluster=cluster, name=account, locked=True, **mode))
    assert len(ended["statements"]) == 1
    with pytest.raises(psycopg2.Error):
        session.cursor().execute("SELECT 1")


@pytest.mark.parametrize("way", ["fail", "drop", "reassign"])
def test_what_is_temporary_goes_with_the_session(
    tasks: Tasks, state: State, admin: Administration, cluster: str, account: str, new_owner: str, way: str
):
    tasks.user(cluster=cluster, name=account, grants=[{"on": "DATABASE", "privileges": ["TEMPORARY"]}])
    session = jane_of(state, cluster, account)()
    session.autocommit = True
    session.cursor().execute(
        "CREATE TEMP TABLE scratch (id serial); CREATE DOMAIN pg_temp.d AS int; "
        "CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS 'SELECT 1'"
    )
    gone = {"cluster": cluster, "name": account, "state": "absent", "owned_objects": way}
    if way == "reassign":
        gone["reassign_owned_to"] = new_owner
    if way == "fail":
        with pytest.raises(TaskFailed, match="scratch"):
            tasks.user(**gone, terminate_sessions=False)
    converge(lambda **mode: tasks.user(**gone, **mode))
    assert not exists(admin, cluster, account)


@pytest.mark.direct("is compared with a connection")
@pytest.mark.timed
def test_a_thousand_are_dropped_together(tasks: Tasks, state: State, cluster: str):
    """Within three times what a task that finds nothing to do takes, and DROP ROLE by itself, in the best of a few
    rounds: other tests run meanwhile."""
    names = [f"many_{number:04}" for number in range(1000)]
    rounds = []
    for _round in range(8):
        rounds.append(drop_together(tasks, state, cluster, names))
        if min(taken for _least, taken in rounds) < 3 * min(least for least, _taken in rounds):
            return
    raise AssertionError(f"seconds of an idle task and DROP ROLE, and of the task: {rounds}")


def drop_together(tasks: Tasks, state: State, cluster: str, names: list[str]) -> tuple[float, float]:
    """Seconds of a task that finds them all and of DROP ROLE, and seconds of a task that drops them all."""
    present, absent = [{"name": name} for name in names], [{"name": name, "state": "absent"} for name in names]
    # Asking AWS takes longer than all the rest, and DROP ROLE does not ask
    direct = direct_options(state, cluster)
    tasks.users(**direct, users=present)
    started = time.perf_counter()
    tasks.users(**direct, users=present)
    with contextlib.closing(master_of(state, cluster)()) as connection:
        for name in names:
            connection.cursor().execute(f"DROP ROLE {name}")
        connection.commit()
    least = time.perf_counter() - started
    tasks.users(**direct, users=present)
    started = time.perf_counter()
    dropped = tasks.users(**direct, users=absent)["dropped"]
    taken = time.perf_counter() - started
    assert dropped == names
    return least, taken

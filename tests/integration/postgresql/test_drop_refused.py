# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What keeps accounts from being dropped on PostgreSQL, named before anything is changed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.administration import Administration
from tests.integration.postgresql.drop_scene import MASTER, Sql
from tests.integration.tasks import Result, TaskFailed, Tasks, converge


@pytest.mark.parametrize("way", ["fail", "drop"])
def test_a_third_grantor_is_named(tasks: Tasks, cluster: str, account: str, sql: Sql, way: str):
    """Nobody else can revoke it, and DROP OWNED only warns. What default privileges of others name goes with it.

    Before 16 the login can act for all but those in rds_iam.
    """
    tasks.user(cluster=cluster, name=account)
    sql("CREATE ROLE other_clerk" if cluster == "ledger" else "CREATE ROLE other_clerk; GRANT rds_iam TO other_clerk")
    sql(
        "GRANT CREATE ON SCHEMA public TO other_clerk; SET ROLE other_clerk; "
        f"CREATE TABLE public.other_{account} (id int); GRANT SELECT ON public.other_{account} TO {account}; "
        f"ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO {account}"
    )
    for check in (True, False):
        with pytest.raises(TaskFailed) as failure:
            tasks.user(cluster=cluster, name=account, state="absent", owned_objects=way, check=check)
        text = str(failure.value)
        assert f"has SELECT on TABLE public.other_{account} in database {cluster} from other_clerk" in text
        assert "FUTURE" not in text
    assert tasks.user(cluster=cluster, name=account, check=True)["changed"] is False
    sql(f"SET ROLE other_clerk; REVOKE SELECT ON public.other_{account} FROM {account}")
    assert converge(
        lambda **mode: tasks.user(cluster=cluster, name=account, state="absent", owned_objects=way, **mode)
    )["changed"]


def test_what_was_granted_on(tasks: Tasks, admin: Administration, cluster: str, account: str, sql: Sql):
    tasks.user(cluster=cluster, name=account)
    sql(
        f"CREATE ROLE other_reader; SET ROLE {MASTER}; CREATE TABLE IF NOT EXISTS public.ours (id int); "
        f"GRANT SELECT ON public.ours TO {account} WITH GRANT OPTION; RESET ROLE; "
        f"SET ROLE {account}; GRANT SELECT ON public.ours TO other_reader"
    )
    for options in ({}, {"owned_objects": "reassign", "reassign_owned_to": MASTER}):
        with pytest.raises(TaskFailed, match=rf"granted SELECT on TABLE public.ours in database {cluster} to other_re"):
            tasks.user(cluster=cluster, name=account, state="absent", **options)
    converge(lambda **mode: tasks.user(cluster=cluster, name=account, state="absent", owned_objects="drop", **mode))
    assert admin.sql(cluster, "SELECT has_table_privilege('other_reader', 'public.ours', 'SELECT')", cluster) == [
        ("f",)
    ]


def test_code_is_reassigned_only_to_who_has_no_more_rights(
    tasks: Tasks, cluster: str, owner: str, new_owner: str, sql: Sql
):
    def drop(**options: Any) -> Result:
        return tasks.user(
            cluster=cluster,
            name=owner,
            state="absent",
            owned_objects="reassign",
            reassign_owned_to=new_owner,
            **options,
        )

    listed = drop(check=True)["warnings"]
    assert any(f"function {owner}.f() (in database {cluster})" in str(warning) for warning in listed)
    sql(f"CREATE ROLE other_secrets; GRANT other_secrets TO {new_owner}")
    for check in (True, False):
        with pytest.raises(TaskFailed, match="reassign_code: true") as failure:
            drop(check=check)
        assert f"{new_owner} is a member of other_secrets" in str(failure.value)
        assert f"trigger touched on table {owner}.t (in database {cluster})" in str(failure.value)
    sql(f"REVOKE other_secrets FROM {new_owner}; GRANT TEMP ON DATABASE {cluster} TO {new_owner}")
    with pytest.raises(TaskFailed, match=rf"{new_owner} has privileges on 1 object"):
        drop()
    assert converge(lambda **mode: drop(reassign_code=True, **mode))["warnings"]


def test_an_event_trigger_is_code_too(tasks: Tasks, cluster: str, owner: str, new_owner: str, sql: Sql):
    """On RDS members of rds_superuser own some; elsewhere who was a superuser once."""
    sql(
        f'ALTER ROLE "{owner}" SUPERUSER; SET ROLE "{owner}"; CREATE FUNCTION "{owner}".e() RETURNS event_trigger '
        f"LANGUAGE plpgsql AS 'BEGIN END'; CREATE EVENT TRIGGER on_{owner} ON ddl_command_start WHEN TAG IN "
        f'(\'CREATE SUBSCRIPTION\') EXECUTE FUNCTION "{owner}".e(); RESET ROLE; ALTER ROLE "{owner}" NOSUPERUSER; '
        f"CREATE ROLE other_ddl; GRANT other_ddl TO {new_owner}"
    )
    for check in (True, False):
        with pytest.raises(TaskFailed, match=rf"event trigger on_{owner}, .*in database {cluster}"):
            tasks.user(cluster=cluster, name=owner, state="absent", check=check)
        with pytest.raises(TaskFailed, match=rf"event trigger on_{owner} \(in database {cluster}\)"):
            tasks.user(
                cluster=cluster,
                name=owner,
                state="absent",
                owned_objects="reassign",
                reassign_owned_to=new_owner,
                check=check,
            )
    sql(f"DROP EVENT TRIGGER on_{owner}")
    converge(lambda **mode: tasks.user(cluster=cluster, name=owner, state="absent", owned_objects="drop", **mode))


def test_dependents_and_policies(tasks: Tasks, admin: Administration, cluster: str, owner: str, sql: Sql):
    """What others made upon it stops the drop. A policy that names the account goes on without it."""
    sql(
        "CREATE ROLE other_viewer; GRANT CREATE ON SCHEMA public TO other_viewer; "
        f'GRANT USAGE ON SCHEMA "{owner}" TO other_viewer; GRANT SELECT ON "{owner}".t TO other_viewer; '
        f'SET ROLE other_viewer; CREATE VIEW public.other_view_{owner} AS SELECT id FROM "{owner}".t; '
        f"CREATE TABLE public.other_table_{owner} (id int); "
        f"CREATE POLICY p ON public.other_table_{owner} TO {owner}, other_viewer USING (true)"
    )

    def drop(**options: Any) -> Result:
        return tasks.user(cluster=cluster, name=owner, state="absent", owned_objects="drop", **options)

    for check in (True, False):
        with pytest.raises(TaskFailed, match="other objects depend on them") as failure:
            drop(check=check)
        assert f"view public.other_view_{owner} depends on " in str(failure.value)
        assert "Drop what depends on these objects" in str(failure.value)
    sql(f"DROP VIEW public.other_view_{owner}")
    assert converge(drop)["account"] == {}
    assert admin.sql(cluster, "SELECT polroles::regrole[] FROM pg_policy WHERE polname = 'p'", cluster) == [
        ("{other_viewer}",)
    ]


def test_a_new_owner_that_may_not_have_it(tasks: Tasks, cluster: str, account: str, new_owner: str, sql: Sql):
    def drop(to: str, **options: Any) -> Result:
        return tasks.user(
            cluster=cluster, name=account, state="absent", owned_objects="reassign", reassign_owned_to=to, **options
        )

    tasks.user(cluster=cluster, name=account, grants=[{"privileges": ["CREATE"], "on": "SCHEMA public"}])
    sql(f"SET ROLE {account}; CREATE FUNCTION public.f_{account}() RETURNS int LANGUAGE sql AS 'SELECT 1'")
    sql(f"CREATE ROLE other_master; GRANT {MASTER} TO other_master")
    refusals = {
        new_owner: f"permission denied for schema public.*Grant {new_owner} what an owner of such an object must have",
        "nobody_at_all": "reassign_owned_to: role nobody_at_all does not exist",
        account: "is dropped by this task as well",
        "rds_superuser": "reserved",
        "other_master": f"other_master is a member of the login {MASTER}",
    }
    for name, message in refusals.items():
        for check in (True, False):
            with pytest.raises(TaskFailed, match=message):
                drop(name, check=check)
    sql(f"SET ROLE {MASTER}; GRANT CREATE ON SCHEMA public TO {new_owner}")
    assert converge(lambda **mode: drop(new_owner, reassign_code=True, **mode))["account"] == {}


def test_a_new_owner_of_publications_and_foreign_servers(
    tasks: Tasks, admin: Administration, cluster: str, account: str, new_owner: str, sql: Sql
):
    def reassign(**mode: Any) -> Result:
        how = {"owned_objects": "reassign", "reassign_owned_to": new_owner}
        return tasks.user(cluster=cluster, name=account, state="absent", **how, **mode)

    tasks.user(cluster=cluster, name=account, grants=[{"privileges": ["CREATE"], "on": "DATABASE"}])
    sql(
        f"CREATE FOREIGN DATA WRAPPER w_{account}; GRANT USAGE ON FOREIGN DATA WRAPPER w_{account} TO {account}, "
        f"{MASTER} WITH GRANT OPTION; SET ROLE {account}; CREATE PUBLICATION p_{account}; "
        f"CREATE SERVER s_{account} FOREIGN DATA WRAPPER w_{account}; RESET ROLE; "
        f"REVOKE ALL ON FOREIGN DATA WRAPPER w_{account} FROM {account}"
    )
    try:
        for check in (True, False):
            with pytest.raises(TaskFailed, match=f"permission denied for .*Grant {new_owner} what an owner of such"):
                reassign(check=check)
        sql(f"GRANT USAGE ON FOREIGN DATA WRAPPER w_{account} TO {new_owner}")
        for check in (True, False):
            with pytest.raises(TaskFailed, match=f"permission denied for database {cluster}"):
                reassign(check=check)
        sql(f"SET ROLE {MASTER}; GRANT CREATE ON DATABASE {cluster} TO {new_owner}")
        assert converge(reassign)["account"] == {}
    finally:
        sql(f"DROP FOREIGN DATA WRAPPER w_{account} CASCADE; DROP PUBLICATION IF EXISTS p_{account}")


def test_the_owner_of_a_database(tasks: Tasks, admin: Administration, cluster: str, databases: list[str], account: str):
    tasks.user(cluster=cluster, name=account)
    admin.sql(cluster, f"ALTER DATABASE {databases[1]} OWNER TO {account}")
    for check in (True, False):
        with pytest.raises(TaskFailed, match=rf"owns database {databases[1]}, which owned_objects: drop does not drop"):
            tasks.user(cluster=cluster, name=account, state="absent", owned_objects="drop", check=check)
    assert tasks.user(cluster=cluster, name=account, check=True)["changed"] is False
    converge(
        lambda **mode: tasks.user(
            cluster=cluster, name=account, state="absent", owned_objects="reassign", reassign_owned_to=MASTER, **mode
        )
    )


def test_the_administrator_is_not_locked_out(tasks: Tasks, cluster: str, account: str, sql: Sql):
    sql(f"SET ROLE {MASTER}; CREATE ROLE other_billing_owner LOGIN")
    sql(f"GRANT other_billing_owner TO {MASTER}" + (" WITH INHERIT TRUE" if cluster == "ledger" else ""))
    for check in (True, False):
        with pytest.raises(TaskFailed, match=f"{MASTER} → other_billing_owner → rds_iam"):
            tasks.user(cluster=cluster, name="other_billing_owner", convert=True, check=check)
        for options in ({}, {"convert": True}, {"convert": True, "locked": True}, {"state": "absent"}):
            with pytest.raises(TaskFailed, match=rf"{MASTER} is the (login of this task|master user of)"):
                tasks.user(cluster=cluster, name=MASTER, check=check, **options)
        for name in ("rdsadmin", "rds_superuser", "pg_monitor", "rdsproxyadmin", "rdsrepladmin", "rdstopmgr"):
            with pytest.raises(TaskFailed, match=f"{name} is reserved"):
                tasks.user(cluster=cluster, name=name, state="absent", check=check)
    with pytest.raises(TaskFailed, match="this collection drops no other"):
        tasks.user(cluster=cluster, name="other_billing_owner", state="absent", convert=True)


def test_the_same_name_in_another_case(tasks: Tasks, cluster: str, account: str):
    tasks.user(cluster=cluster, name=account)
    warnings = tasks.user(cluster=cluster, name=account.upper(), state="absent")["warnings"]
    assert any(f"there is nothing to drop; there is also {account}" in str(warning) for warning in warnings)

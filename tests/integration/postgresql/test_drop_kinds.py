# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the server itself says of a drop, whatever kind of object it is about, before anything is changed."""

from __future__ import annotations

import re

import pytest

from tests.integration.administration import Administration
from tests.integration.postgresql.adversary import Adversary
from tests.integration.postgresql.drop_scene import MASTER, Sql
from tests.integration.tasks import TaskFailed, Tasks, converge, refused_alike

ONLY_SUPERUSERS = {
    "event trigger": (
        "SET ROLE {account}; CREATE EVENT TRIGGER o_{account} ON ddl_command_start WHEN TAG IN ('CREATE SUBSCRIPTION') "
        "EXECUTE FUNCTION mine.e()",
        "DROP EVENT TRIGGER IF EXISTS o_{account}",
    ),
    "foreign-data wrapper": (
        "SET ROLE {account}; CREATE FOREIGN DATA WRAPPER o_{account}",
        "DROP FOREIGN DATA WRAPPER IF EXISTS o_{account}",
    ),
    "publication": (
        "SET ROLE {account}; CREATE PUBLICATION o_{account} FOR ALL TABLES",
        "DROP PUBLICATION IF EXISTS o_{account}",
    ),
}


@pytest.mark.parametrize("kind", ONLY_SUPERUSERS)
def test_what_only_a_superuser_can_own(
    tasks: Tasks, cluster: str, account: str, new_owner: str, sql: Sql, admin: Administration, kind: str
):
    made, dropped = (text.format(account=account) for text in ONLY_SUPERUSERS[kind])
    tasks.user(cluster=cluster, name=account)
    sql(
        "CREATE SCHEMA mine; CREATE FUNCTION mine.e() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'; "
        f"GRANT USAGE ON SCHEMA mine TO PUBLIC; GRANT CREATE ON DATABASE {cluster} TO {new_owner}; "
        f"ALTER ROLE {account} SUPERUSER; {made}; RESET ROLE; ALTER ROLE {account} NOSUPERUSER"
    )
    how = {"owned_objects": "reassign", "reassign_owned_to": new_owner, "reassign_code": True}
    try:
        text = refused_alike(lambda **mode: tasks.user(cluster=cluster, name=account, state="absent", **how, **mode))
        assert f"o_{account}" in text
        assert f"What {new_owner} cannot own, drop yourself or with owned_objects: drop" in text
        can_login = f"SELECT rolcanlogin FROM pg_roles WHERE rolname = '{account}'"
        assert admin.sql(cluster, can_login) == [("t",)]
        sql(dropped)
        converge(lambda **mode: tasks.user(cluster=cluster, name=account, state="absent", **how, **mode))
    finally:
        sql(f"{dropped}; DROP SCHEMA mine CASCADE")


def test_a_subscription(tasks: Tasks, cluster: str, account: str, new_owner: str, sql: Sql, admin: Administration):
    """It belongs to one database, yet DROP OWNED leaves it."""
    tasks.user(cluster=cluster, name=account)
    sql(
        f"ALTER ROLE {account} SUPERUSER; SET ROLE {account}; CREATE SUBSCRIPTION other_sent CONNECTION "
        f"'host=192.0.2.1 password=x' PUBLICATION p WITH (connect=false); RESET ROLE; ALTER ROLE {account} NOSUPERUSER"
    )
    try:
        gone = {"cluster": cluster, "name": account, "state": "absent"}
        text = refused_alike(lambda **mode: tasks.user(**gone, owned_objects="drop", **mode))
        assert "owns subscription other_sent, which owned_objects: drop does not drop" in text
        assert "drop them yourself" in text
        how = {"owned_objects": "reassign", "reassign_owned_to": new_owner, "reassign_code": True}
        if cluster == "archive":
            text = refused_alike(lambda **mode: tasks.user(**gone, **how, **mode))
            assert f"What {new_owner} cannot own, drop yourself" in text
        else:  # since 16 others than superusers own subscriptions
            converge(lambda **mode: tasks.user(**gone, **how, **mode))
    finally:
        for statement in ("ALTER SUBSCRIPTION other_sent SET (slot_name=NONE)", "DROP SUBSCRIPTION other_sent"):
            admin.sql(cluster, statement, cluster)


def test_the_owner_of_a_database_with_a_schema(
    tasks: Tasks, admin: Administration, cluster: str, databases: list[str], account: str, new_owner: str
):
    """The login has CREATE there only while it is a member of the account."""
    tasks.user(cluster=cluster, name=account)
    second = databases[1]
    admin.sql(cluster, f"ALTER DATABASE {second} OWNER TO {account}; REVOKE ALL ON DATABASE {second} FROM PUBLIC")
    admin.sql(cluster, f"GRANT CONNECT ON DATABASE {second} TO PUBLIC")
    admin.sql(cluster, f"SET ROLE {account}; CREATE SCHEMA own; CREATE TABLE own.t (id int)", second)
    how = {"owned_objects": "reassign", "reassign_owned_to": new_owner}
    converge(lambda **mode: tasks.user(cluster=cluster, name=account, state="absent", **how, **mode))
    owners = (
        "SELECT nspowner::regrole, datdba::regrole FROM pg_namespace, pg_database WHERE nspname = 'own' AND datname = "
    )
    assert admin.sql(cluster, f"{owners}'{second}'", second) == [(new_owner, new_owner)]
    admin.sql(cluster, f"ALTER DATABASE {second} OWNER TO {MASTER}")


WAYS = ("fail", "drop", "reassign")


def absent(account: str, way: str, new_owner: str) -> dict[str, object]:
    options: dict[str, object] = {"name": account, "state": "absent", "owned_objects": way}
    return {**options, "reassign_owned_to": new_owner} if way == "reassign" else options


@pytest.mark.parametrize("way", WAYS)
def test_an_account_in_default_privileges_of_somebody_else(
    tasks: Tasks, cluster: str, account: str, new_owner: str, sql: Sql, admin: Administration, way: str
):
    """The login is not a member of that role. Only a grantee's own rights are needed to drop them."""
    tasks.user(cluster=cluster, name=account)
    sql(
        "CREATE ROLE other_app; CREATE ROLE other_reader; "
        f"ALTER DEFAULT PRIVILEGES FOR ROLE other_app GRANT SELECT ON TABLES TO {account}, other_reader; "
        f"ALTER DEFAULT PRIVILEGES FOR ROLE other_app IN SCHEMA public GRANT EXECUTE ON FUNCTIONS TO {account}"
    )
    gone = absent(account, way, new_owner)
    converge(lambda **mode: tasks.user(cluster=cluster, **gone, **mode))
    kept = "SELECT defaclacl FROM pg_default_acl WHERE defaclrole = 'other_app'::regrole"
    assert "other_reader=r" in str(admin.sql(cluster, kept, cluster))


@pytest.mark.parametrize("way", ["drop", "reassign"])
def test_accounts_in_default_privileges_of_each_other(
    tasks: Tasks, cluster: str, account: str, new_owner: str, sql: Sql, way: str
):
    other = f"{account}_other"
    tasks.users(cluster=cluster, users=[{"name": account}, {"name": other}])
    sql(
        f"ALTER DEFAULT PRIVILEGES FOR ROLE {account} GRANT SELECT ON TABLES TO {other}; "
        f"ALTER DEFAULT PRIVILEGES FOR ROLE {other} GRANT SELECT ON TABLES TO {account}; "
        f"ALTER DEFAULT PRIVILEGES FOR ROLE {other} GRANT SELECT ON SEQUENCES TO {account}, {MASTER}"
    )
    users = [absent(name, way, new_owner) for name in (account, other)]
    dropped = converge(lambda **mode: tasks.users(cluster=cluster, users=users, **mode))
    assert dropped["dropped"] == [account, other]


@pytest.mark.parametrize("cluster", ["ledger"])  # recorded with their roles since 17
@pytest.mark.parametrize("way", WAYS)
def test_initial_privileges(
    tasks: Tasks, admin: Administration, cluster: str, account: str, new_owner: str, sql: Sql, way: str
):
    """A function with privileges that becomes part of an extension."""
    tasks.user(cluster=cluster, name=account)
    sql(
        f"SET ROLE {MASTER}; CREATE EXTENSION citext SCHEMA public; CREATE FUNCTION public.inif() RETURNS int LANGUAGE "
        f"sql AS 'SELECT 1'; GRANT EXECUTE ON FUNCTION public.inif() TO {account}; "
        "ALTER EXTENSION citext ADD FUNCTION public.inif()"
    )
    gone = absent(account, way, new_owner)
    try:
        converge(lambda **mode: tasks.user(cluster=cluster, **gone, **mode))
    finally:
        sql("DROP EXTENSION citext")


def test_what_an_account_comes_to_own_is_not_dropped(
    tasks: Tasks, admin: Administration, cluster: str, account: str, sql: Sql, monkeypatch: pytest.MonkeyPatch
):
    """After the task has looked and before it takes the account's privileges."""
    tasks.user(cluster=cluster, name=account)
    sql(
        f"CREATE ROLE other_app; ALTER DEFAULT PRIVILEGES FOR ROLE other_app GRANT SELECT ON TABLES TO {account}; "
        f"CREATE TABLE public.late_{account} (id int)"
    )
    adversary = Adversary(monkeypatch)
    adversary.wait(lambda: sql(f"ALTER TABLE public.late_{account} OWNER TO {account}"))
    with pytest.raises(TaskFailed, match=f"since this task looked, {account} has table public.late_{account}"):
        tasks.user(cluster=cluster, name=account, state="absent")
    assert admin.sql(cluster, f"SELECT to_regclass('public.late_{account}') IS NOT NULL", cluster) == [("t",)]
    with pytest.raises(TaskFailed, match=f"owns table public.late_{account}"):
        tasks.user(cluster=cluster, name=account, state="absent")
    converge(lambda **mode: tasks.user(cluster=cluster, name=account, state="absent", owned_objects="drop", **mode))


def test_code_that_lived_on_the_privileges_of_the_account_is_named(
    tasks: Tasks, admin: Administration, cluster: str, account: str, new_owner: str, sql: Sql
):
    """Views and SECURITY DEFINER routines run with the privileges of their owner, which are others afterwards."""
    tasks.user(cluster=cluster, name=account)
    tables = [f"public.{kind}_{account}" for kind in ("direct", "nested", "shared")]
    direct, nested, shared = tables
    made = "; ".join(f"CREATE TABLE {table} (id int)" for table in tables)
    sql(
        f"CREATE SCHEMA mine AUTHORIZATION {account}; CREATE ROLE other_readers; SET ROLE {MASTER}; {made}; "
        f"GRANT SELECT, INSERT ON {direct} TO {account}; GRANT SELECT (id) ON {nested} TO other_readers; "
        f"GRANT SELECT ON {shared} TO {account}, {new_owner}; RESET ROLE; GRANT other_readers TO {account}; "
        f"SET ROLE {account}; CREATE TABLE mine.t (id int); CREATE VIEW mine.own AS SELECT id FROM mine.t; "
        f"CREATE VIEW mine.direct AS SELECT id FROM {direct}; CREATE VIEW mine.shared AS SELECT id FROM {shared}; "
        f"CREATE VIEW mine.nested AS SELECT count(id) FROM {nested}; "
        f"CREATE VIEW mine.invoker WITH (security_invoker=true) AS SELECT id FROM {direct}; "
        f"CREATE FUNCTION mine.definer() RETURNS bigint SECURITY DEFINER RETURN (SELECT count(*) FROM {direct})"
    )
    gone = {**absent(account, "reassign", new_owner), "reassign_code": True}

    def named(**mode: object) -> dict[str, str]:
        """By all calls so far: within one process, Ansible returns every warning again."""
        warnings = str(tasks.user(cluster=cluster, **gone, **mode)["warnings"])
        words = rf"((?:view|function) \S+) \(in database {cluster}\) is reassigned to ({new_owner}.*?) Grant"
        return dict(re.findall(words, warnings))

    try:
        sql(f"SET ROLE {MASTER}; GRANT SELECT ON {nested} TO {new_owner}")
        assert set(named(check=True)) == {"view mine.direct", "function mine.definer()"}
        sql(f"SET ROLE {MASTER}; REVOKE SELECT ON {nested} FROM {new_owner}")
        found = named(check=True)
        assert set(found) == {"view mine.direct", "view mine.nested", "function mine.definer()"}
        assert f"{new_owner} has no INSERT on table {direct}, SELECT on table {direct}." in found["view mine.direct"]
        assert f"has no SELECT on table {nested}." in found["view mine.nested"]
        assert f"SELECT on table {nested}" in found["function mine.definer()"]
        assert named() == found
    finally:
        sql(f"DROP SCHEMA mine CASCADE; DROP TABLE {', '.join(tables)} CASCADE")

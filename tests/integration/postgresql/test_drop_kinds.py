# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the server itself says of a drop, whatever kind of object it is about, before anything is changed."""

from __future__ import annotations

import pytest

from tests.integration.conftest import Administration
from tests.integration.postgresql.drop_scene import MASTER, Scene, cluster, databases, new_owner, scene
from tests.integration.postgresql.test_rehearsal import refused_alike
from tests.integration.tasks import Tasks, converge

__all__ = ["cluster", "databases", "new_owner", "scene"]

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
    tasks: Tasks, cluster: str, account: str, new_owner: str, scene: Scene, admin: Administration, kind: str
):
    made, dropped = (text.format(account=account) for text in ONLY_SUPERUSERS[kind])
    tasks.user(cluster=cluster, name=account)
    scene(
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
        scene(dropped)
        converge(lambda **mode: tasks.user(cluster=cluster, name=account, state="absent", **how, **mode))
    finally:
        scene(f"{dropped}; DROP SCHEMA mine CASCADE")


def test_a_subscription(tasks: Tasks, cluster: str, account: str, new_owner: str, scene: Scene, admin: Administration):
    """It belongs to one database, yet DROP OWNED leaves it."""
    tasks.user(cluster=cluster, name=account)
    scene(
        f"ALTER ROLE {account} SUPERUSER; SET ROLE {account}; CREATE SUBSCRIPTION other_sent CONNECTION "
        f"'host=192.0.2.1 password=x' PUBLICATION p WITH (connect=false); RESET ROLE; ALTER ROLE {account} NOSUPERUSER"
    )
    try:
        gone = {"cluster": cluster, "name": account, "state": "absent"}
        text = refused_alike(lambda **mode: tasks.user(**gone, owned_objects="drop", **mode))
        assert "owns subscription other_sent, which owned_objects: drop does not drop" in text
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

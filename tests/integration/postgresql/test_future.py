# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""FUTURE without owner: the objects that those will create who own something there already."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest

from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import MissingObject, StatementFailed
from tests.integration.postgresql.scene import MASTER, Scene
from tests.integration.tasks import assert_settled, converge

IN_SCHEMA = {"on": "FUTURE TABLES IN SCHEMA crates", "privileges": ["SELECT"]}
CREATED = {
    "table": "CREATE TABLE crates.first ()",
    "routine": "CREATE FUNCTION crates.first() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "type": "CREATE TYPE crates.first AS ENUM ('a')",
}


@pytest.fixture
def owner(scene: Scene) -> Iterator[str]:
    """Who has schema ``crates``, and whom the master administers."""
    name = scene.role("owner")
    scene.sql(f"CREATE SCHEMA crates AUTHORIZATION {name}")
    yield name
    scene.sql("DROP SCHEMA crates CASCADE")


def creator(scene: Scene, kind: str = "table", master: bool = True) -> str:
    """A new role that owns something in the schema."""
    name = scene.role("creator", master=master)
    scene.sql(
        f"GRANT USAGE, CREATE ON SCHEMA crates TO {name}; SET ROLE {name}; {CREATED[kind]}; "
        f"RESET ROLE; REVOKE ALL ON SCHEMA crates FROM {name}"
    )
    return name


def meant(scene: Scene, account: str) -> set[tuple[str, ...]]:
    """Of whose new tables the account may read those in the schema."""
    return set(
        scene.sql(
            "SELECT defaclrole::regrole::text FROM pg_default_acl, aclexplode(defaclacl) e "
            f"WHERE e.grantee = '{account}'::regrole AND defaclnamespace = 'crates'::regnamespace"
        )
    )


@pytest.mark.parametrize("kind", CREATED)
def test_everybody_who_owns_something_in_the_schema(scene: Scene, account: str, owner: str, kind: str) -> None:
    task = partial(scene.user, name=account, grants=[IN_SCHEMA])
    converge(task)
    assert meant(scene, account) == {(owner,)}
    later = creator(scene, kind)
    assert f'FOR ROLE "{later}"' in "".join(converge(task)["statements"])
    scene.sql(f"GRANT CREATE, USAGE ON SCHEMA crates TO {later}; SET ROLE {later}; CREATE TABLE crates.second (id int)")
    assert scene.sql(f"SELECT has_table_privilege('{account}', 'crates.second', 'SELECT')") == [("t",)]
    scene.sql("DROP TABLE crates.second")
    assert assert_described(scene, account) == {owner, later}
    converge(partial(scene.user, name=account, grants=[]))
    assert meant(scene, account) == set()


def assert_described(scene: Scene, account: str) -> set[str]:
    """By their owners, and fed back they change nothing."""
    grants = scene.user(name=account, check=True)["account"]["grants"]
    assert_settled(partial(scene.user, name=account, grants=grants))
    return {grant["owner"] for grant in grants}


def test_all_schemas_of_the_database(scene: Scene, account: str, owner: str) -> None:
    """``public`` belongs to pg_database_owner, which means the database's owner."""
    converge(partial(scene.user, name=account, grants=[{"on": "FUTURE SEQUENCES", "privileges": ["USAGE"]}]))
    assert {owner, MASTER} <= assert_described(scene, account)
    assert "pg_database_owner" not in assert_described(scene, account)


def test_a_creator_that_the_task_drops(scene: Scene, account: str, owner: str) -> None:
    """What it owned has another owner afterwards, and a second run finds nothing to do."""
    dropped = creator(scene)
    scene.sql(f"GRANT rds_iam TO {dropped}; ALTER ROLE {dropped} LOGIN")
    users: list[dict[str, object]] = [
        {"name": account, "grants": [IN_SCHEMA]},
        {"name": dropped, "state": "absent", "owned_objects": "reassign", "reassign_owned_to": owner},
    ]
    converge(partial(scene.users, users, "keep"))
    assert meant(scene, account) == {(owner,)}


def test_who_cannot_be_acted_for_is_named_by_the_server(scene: Scene, account: str, owner: str) -> None:
    stranger = creator(scene, master=False)
    if scene.major < 16:
        converge(partial(scene.user, name=account, grants=[IN_SCHEMA]))
        return
    for check in (True, False):
        with pytest.raises(StatementFailed, match=r"permission denied .* or name with owner the role") as failure:
            scene.user(name=account, grants=[IN_SCHEMA], check=check)
        assert f"Log in as {stranger} " in str(failure.value)
    converge(partial(scene.user, name=account, grants=[{**IN_SCHEMA, "owner": owner}]))


def test_what_belongs_to_the_service_needs_an_owner(scene: Scene, account: str) -> None:
    scene.sql("CREATE SCHEMA theirs; CREATE TABLE theirs.t ()")
    task = partial(scene.user, name=account)
    grant = {"on": "FUTURE TABLES IN SCHEMA theirs", "privileges": ["SELECT"]}
    for check in (True, False):
        with pytest.raises(MissingObject, match=r"SCHEMA theirs .* name with owner"):
            task(grants=[grant], check=check)
    converge(partial(task, grants=[{**grant, "owner": MASTER}]))
    scene.sql("DROP SCHEMA theirs CASCADE")

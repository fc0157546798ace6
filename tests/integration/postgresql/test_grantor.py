# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a login may do by its roles, and as whom it does it."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from functools import partial

import pytest

from ansible_collections.dbops.aurora_iam.plugins.module_utils._login import Credentials
from tests.integration.postgresql.scene import Scene, inheriting, open_connection, refused
from tests.integration.tasks import assert_settled, converge


@pytest.mark.direct("is about the login")
def test_sessions_that_the_login_may_not_end(scene: Scene) -> None:
    """Else the account would be locked, its sessions would stay, and the next run would find nothing to do."""
    if scene.major >= 16:
        return  # in the sandbox nobody else may administer an IAM-authenticated account and log in by password
    login, person = (scene.role(name, "LOGIN PASSWORD 'Pa55word!'") for name in ("clerk", "person"))
    scene.sql(f"ALTER ROLE {login} CREATEROLE")
    clerk = replace(scene, login=replace(scene.login, credentials=lambda: Credentials(login, "Pa55word!")))
    session = open_connection(
        replace(scene, login=replace(scene.login, credentials=lambda: Credentials(person, "Pa55word!")))
    )
    scene.user(name=person, convert=True)
    refused(clerk, "open sessions, which the login .* may not end", name=person, locked=True)
    refused(clerk, "set terminate_sessions: false", name=person, state="absent")
    converge(partial(clerk.user, name=person, locked=True, terminate_sessions=False))
    converge(partial(clerk.user, name=person, locked=False))
    session.close()
    scene.sql(f"GRANT pg_signal_backend TO {login}")
    converge(partial(clerk.user, name=person, state="absent"))


def test_statements_replay_one_by_one(scene: Scene, account: str) -> None:
    """Also where they act as another role, and where the login is set to be a member of what it creates."""
    owner = scene.role("owner")
    scene.sql(
        f"CREATE TABLE shop.replayed (id int); ALTER TABLE shop.replayed OWNER TO {owner}; "
        f"GRANT USAGE ON SCHEMA shop TO {owner}; "
        f"GRANT {owner} TO postgres{' WITH INHERIT FALSE, SET TRUE' if scene.major >= 16 else ''}"
    )
    if scene.major >= 16:
        scene.sql("ALTER ROLE postgres SET createrole_self_grant = 'inherit, set'")
    try:
        task = partial(scene.user, name=account, grants=[{"on": "shop.replayed", "privileges": ["SELECT"]}])
        planned = task(check=True)["statements"]
        with closing(open_connection(scene)) as connection:
            connection.autocommit = True
            for statement in planned:
                connection.cursor().execute(statement)
        assert_settled(task)
        assert scene.sql(f"SELECT pg_has_role('postgres', '{account}', 'USAGE')") == [("f",)]
    finally:
        scene.sql("ALTER ROLE postgres RESET ALL; DROP TABLE shop.replayed")


def test_grant_options_of_several_roles(scene: Scene, account: str) -> None:
    """The server uses those of one role for each statement, and only warns of what it then does not do."""
    owner, first, second = scene.role("owner"), scene.role("first"), scene.role("second")
    scene.sql(
        f"GRANT rds_iam TO {owner}; CREATE TABLE shop.mixed (id int, note text); "
        f"ALTER TABLE shop.mixed OWNER TO {owner}; "
        f"GRANT SELECT ON shop.mixed TO {first} WITH GRANT OPTION; "
        f"GRANT INSERT, UPDATE (note) ON shop.mixed TO {second} WITH GRANT OPTION; "
        f"GRANT USAGE ON SCHEMA shop TO {first}, {second}; GRANT {first}, {second} TO postgres{inheriting(scene)}"
    )
    wanted = [{"on": "shop.mixed", "privileges": ["SELECT", "INSERT", "UPDATE (note)"]}]
    converge(partial(scene.user, name=account, grants=wanted))
    refused(
        scene,
        "may not grant DELETE",
        name=account,
        purge_grants=False,
        grants=[{"on": "shop.mixed", "privileges": ["SELECT", "DELETE"]}],
    )
    converge(partial(scene.user, name=account, grants=[]))
    scene.sql("DROP TABLE shop.mixed")


@pytest.mark.parametrize("attribute", ["SUPERUSER", "REPLICATION"])
def test_accounts_that_only_superusers_may_alter(scene: Scene, attribute: str) -> None:
    name = scene.role("mighty", "LOGIN")
    scene.sql(f"ALTER ROLE {name} {attribute}")
    scene.user(name=name, convert=True)
    if attribute == "REPLICATION" and scene.major >= 16:
        converge(partial(scene.user, name=name, locked=True))
    else:
        words = "SUPERUSER attribute|must be superuser"
        refused(scene, words, name=name, locked=True)
        refused(scene, words, name=name, state="absent")
        scene.sql(f"ALTER ROLE {name} NO{attribute}")
    converge(partial(scene.user, name=name, state="absent"))

# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Accounts of one task that have to do with each other: as roles, as owners, as grantors."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import Refused, StatementFailed
from ansible_collections.dbops.aurora_iam.plugins.module_utils._login import Credentials
from tests.integration.postgresql.scene import Scene
from tests.integration.tasks import converge

OWNED = """
CREATE SCHEMA {0} AUTHORIZATION {0}; CREATE TABLE {0}.t (id int); ALTER TABLE {0}.t OWNER TO {0};
GRANT SELECT ON {0}.t TO {1}; ALTER DEFAULT PRIVILEGES FOR ROLE {0} GRANT SELECT ON TABLES TO {1};
"""
PASSED_ON = """
GRANT SELECT ON shop.orders TO {0} WITH GRANT OPTION; GRANT USAGE ON SCHEMA shop TO {0};
SET ROLE {0}; GRANT SELECT ON shop.orders TO {1};
"""


def refused(scene: Scene, words: str, *users: dict[str, Any]) -> None:
    for check in (True, False):
        with pytest.raises((Refused, StatementFailed), match=words):
            scene.users(list(users), "keep", check=check)


def test_a_circle_of_roles(scene: Scene, account: str) -> None:
    first, second, third = (f"{account}_{number}" for number in range(3))
    refused(
        scene,
        f"role .{account}_[012]. is a member of role .{account}_[012]..*Take one of these grants out of the task",
        {"name": first, "roles": [second]},
        {"name": second, "roles": [third]},
        {"name": third, "roles": [first]},
    )
    assert scene.sql(f"SELECT FROM pg_roles WHERE rolname LIKE '{account}%'") == []
    chain = [{"name": first, "roles": [second]}, {"name": second, "roles": [third]}, {"name": third}]
    converge(partial(scene.users, users=chain, unlisted="keep"))
    gone = [{"name": name, "state": "absent"} for name in (first, second, third)]
    converge(partial(scene.users, users=gone, unlisted="keep"))


def test_whoever_stays_is_no_member_of_what_goes(scene: Scene, account: str) -> None:
    group = f"{account}_group"
    dropped = {"name": group, "state": "absent"}
    scene.users([{"name": account, "roles": [group]}, {"name": group}], "keep")
    refused(scene, rf"roles\[0\]: {group} is dropped by this task", {"name": account, "roles": [group]}, dropped)
    converge(partial(scene.users, users=[{"name": account}, dropped], unlisted="keep"))
    converge(partial(scene.user, name=account, state="absent"))


def test_whoever_stays_has_nothing_of_what_goes(scene: Scene, account: str) -> None:
    owner = f"{account}_owner"
    dropped = {"name": owner, "state": "absent", "owned_objects": "drop"}
    scene.users([{"name": account}, {"name": owner}], "keep")
    scene.sql((OWNED + PASSED_ON).format(owner, account))
    on = [{"on": f"{owner}.t", "privileges": ["SELECT"]}]
    refused(scene, f"goes with {owner}, which this task drops", {"name": account, "grants": on}, dropped)
    converge(partial(scene.users, users=[{"name": account}, dropped], unlisted="keep"))
    converge(partial(scene.user, name=account, state="absent"))


@pytest.mark.parametrize("to_itself", [False, True])
def test_accounts_that_stay_keep_privileges_on_what_is_reassigned(scene: Scene, account: str, to_itself: bool) -> None:
    """Default privileges are nobody's any more, and a new owner needs no privileges."""
    owner, new_owner = f"{account}_owner", account if to_itself else scene.role("new_owner")
    dropped = {"name": owner, "state": "absent", "owned_objects": "reassign", "reassign_owned_to": new_owner}
    scene.users([{"name": account}, {"name": owner}], "keep")
    scene.sql(OWNED.format(owner, account))
    converge(partial(scene.users, users=[{"name": account}, dropped], unlisted="keep"))
    kept = scene.user(name=account)["account"]["grants"]
    assert [grant["on"] for grant in kept] == ([] if to_itself else [f"TABLE {owner}.t"])
    scene.sql(f"DROP SCHEMA {owner} CASCADE")
    converge(partial(scene.user, name=account, state="absent"))


def test_an_account_is_created_where_another_is_dropped(scene: Scene, account: str) -> None:
    """The first is in rds_iam from this task on, and not from another session."""
    owner = f"{account}_owner"
    leaving = {"name": owner, "state": "absent", "owned_objects": "drop"}
    scene.users([{"name": owner}], "keep")
    scene.sql(f"CREATE SCHEMA {owner} AUTHORIZATION {owner}")
    converge(partial(scene.users, users=[{"name": account}, leaving], unlisted="keep"))
    converge(partial(scene.user, name=account, state="absent"))


def test_a_membership_that_was_granted_on(scene: Scene, account: str) -> None:
    """Since 16 it would end with that of the grantor, and the server does not let that happen by accident."""
    group, other = scene.role("group"), scene.role("other")
    scene.user(name=account, roles=[group])
    scene.sql(f"GRANT {group} TO {account} WITH ADMIN OPTION", master=True)
    scene.sql(f"SET ROLE {account}; GRANT {group} TO {other}")
    if scene.major >= 16:
        refused(scene, f"has granted membership of {group} on to {other}", {"name": account, "roles": []})
        scene.sql(f"SET ROLE {account}; REVOKE {group} FROM {other}")
    converge(partial(scene.user, name=account, roles=[]))


@pytest.mark.direct("is about the login")
def test_a_membership_that_the_login_may_not_end(scene: Scene, account: str) -> None:
    login, group = scene.role("clerk", "LOGIN PASSWORD 'Pa55word!'"), scene.role("group")
    scene.user(name=account, roles=[group])
    clerk = replace(scene, login=replace(scene.login, credentials=lambda: Credentials(login, "Pa55word!")))
    refused(clerk, "permission denied to revoke|must have admin option", {"name": account, "roles": []})

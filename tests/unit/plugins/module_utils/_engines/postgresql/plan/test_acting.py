# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""As whom the login acts, and for how long it is a member of whom."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.roles import Membership
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.plan.lockout import Enrolment
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import Refused
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import AccountRequest, Scope
from tests.unit.plugins.module_utils._engines.postgresql import scenes
from tests.unit.plugins.module_utils._engines.postgresql.scenes import (
    created_by_master,
    entry,
    grant,
    iam,
    role,
    statements,
)

JOINED = ['GRANT "banker" TO "master" WITH INHERIT TRUE, SET TRUE', 'SET ROLE "banker"']
PARTED = ["SET ROLE NONE", 'REVOKE "banker" FROM "master"']
FUTURE = Scope("FUTURE TABLES", "shop", owner="banker")
READ = AccountRequest("joe", grants=(grant("ledger", "SELECT"),))
FUTURE_READ = AccountRequest("joe", grants=(grant("FUTURE TABLES", "SELECT", owner="banker"),))


def joe(*memberships: Membership, made: bool = True, **rest: Any) -> scenes.PostgreSQLObserved:
    """Joe is there; so is banker, whom the master has made or not."""
    created = (created_by_master("banker"),) if made else ()
    return scenes.observed(
        roles=(role("joe"), role("banker", login=False), role("team", login=False)),
        memberships=(iam("joe"), created_by_master("joe"), *created, *memberships),
        accounts=rest.pop("accounts", ("joe",)),
        **rest,
    )


def test_an_object_of_a_role_that_the_login_administers() -> None:
    granted = 'GRANT SELECT ON TABLE "public"."ledger" TO "joe"'
    assert statements(joe(), READ) == [*JOINED, granted, *PARTED]
    before_16 = statements(joe(made=False, major=15), READ)
    assert before_16 == ['GRANT "banker" TO "master"', JOINED[1], granted, *PARTED]


def test_only_what_takes_it_is_said_as_a_member() -> None:
    """A member with the owner's rights would grant as the owner what it grants by a grant option."""
    request = AccountRequest("joe", grants=(grant("ledger", "SELECT"), grant("orders", "SELECT")))
    assert statements(joe(), request) == [
        'GRANT SELECT ON TABLE "public"."orders" TO "joe"',
        *JOINED,
        'GRANT SELECT ON TABLE "public"."ledger" TO "joe"',
        *PARTED,
    ]


def test_default_privileges_of_a_role_that_the_login_administers() -> None:
    granted = 'ALTER DEFAULT PRIVILEGES FOR ROLE "banker" GRANT SELECT ON TABLES TO "joe"'
    assert statements(joe(), FUTURE_READ) == [*JOINED, granted, *PARTED]
    held = joe(entries=(entry(FUTURE, "SELECT", "joe", grantor="banker"),))
    revoked = 'ALTER DEFAULT PRIVILEGES FOR ROLE "banker" REVOKE SELECT ON TABLES FROM "joe"'
    assert statements(held, AccountRequest("joe", grants=())) == [*JOINED, revoked, *PARTED]


def test_a_grantor_that_the_login_administers() -> None:
    for scope in (scenes.FOREIGN, scenes.TABLE):
        state = joe(entries=(entry(scope, "SELECT", "joe", grantor="banker"),))
        revoked = f'REVOKE SELECT ON TABLE "public"."{scope.path[1]}" FROM "joe"'
        assert statements(state, AccountRequest("joe", grants=())) == [*JOINED, revoked, *PARTED]


def test_a_grantor_with_the_owners_rights_would_revoke_what_the_owner_has_granted() -> None:
    owning = Membership("master", "banker", inherits=True)
    state = joe(owning, entries=(entry(scenes.TABLE, "SELECT", "joe", grantor="banker"),))
    with pytest.raises(Refused, match="let banker revoke it"):
        statements(state, AccountRequest("joe", grants=()))


@pytest.mark.parametrize("memberships", [(iam("banker"),), (iam("team"), Membership("team", "banker", sets=False))])
def test_nobody_in_rds_iam_is_joined(memberships: tuple[Membership, ...]) -> None:
    state = joe(*memberships)
    with pytest.raises(Refused, match="that belongs to banker"):
        statements(state, READ)
    with pytest.raises(Refused, match="never make the master a member of an IAM-authenticated account"):
        statements(state, FUTURE_READ)
    for scope in (FUTURE, scenes.TABLE):
        held = joe(*memberships, entries=(entry(scope, "SELECT", "joe", grantor="banker"),))
        with pytest.raises(Refused, match=r"from banker, .*; let banker revoke it"):
            statements(held, AccountRequest("joe", grants=()))


@pytest.mark.parametrize("made", [True, False])
def test_nobody_is_joined_whom_the_same_task_brings_into_rds_iam(made: bool) -> None:
    state = joe(accounts=("joe", "banker")) if made else scenes.observed()
    with pytest.raises(Refused, match="may not set default privileges for what banker"):
        statements(state, AccountRequest("banker", convert=True), FUTURE_READ)


def test_who_cannot_be_joined() -> None:
    circle = joe(Membership("master", "banker", inherits=False, sets=False))
    for state in (joe(made=False), circle):
        with pytest.raises(Refused, match="that belongs to banker"):
            statements(state, READ)


def test_default_privileges_of_others_are_left_to_the_server() -> None:
    granted = 'ALTER DEFAULT PRIVILEGES FOR ROLE "banker" GRANT SELECT ON TABLES TO "joe"'
    assert statements(joe(made=False), FUTURE_READ) == [granted]


def test_a_membership_that_the_login_gave_itself_is_left_as_it_was() -> None:
    own = Membership("banker", "master", "master", inherits=False, sets=False)
    assert statements(joe(own), READ)[-1] == 'GRANT "banker" TO "master" WITH INHERIT FALSE, SET FALSE'


def test_where_the_login_joins_roles_the_server_is_asked_who_is_in_rds_iam() -> None:
    elsewhere = Scope("TABLE", "other", ("public", "t"))
    state = joe(
        objects=(
            scenes.SecuredObject(elsewhere, "banker"),
            scenes.SecuredObject(replace(scenes.SCHEMA, database="other"), "x"),
        ),
        databases={name: scenes.Database(name, 1, "master", True, True) for name in ("shop", "other")},
    )
    wanted = (grant("orders", "SELECT"), grant("public.t", "SELECT", database="other"))
    steps = scenes.steps(state, AccountRequest("joe", grants=wanted))
    assert [(step.database, isinstance(step, Enrolment)) for step in steps] == [("shop", False), ("other", True)]

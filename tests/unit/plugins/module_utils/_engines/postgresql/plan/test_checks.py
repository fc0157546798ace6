# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.drop.dependencies import Obstacle
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.iam_login import (
    LOCK_MARKER,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.plan.checks import ITEM_LIMIT
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import (
    IamAuthDisabled,
    Refused,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import AccountRequest
from tests.unit.plugins.module_utils._engines.postgresql import scenes
from tests.unit.plugins.module_utils._engines.postgresql.scenes import entry, grant, iam, role, statements, warnings


def refused(words: str, request: AccountRequest, **rest: Any) -> None:
    with pytest.raises(Refused, match=words):
        warnings(scenes.observed(**rest), request)


def test_iam_authentication_must_be_on() -> None:
    with pytest.raises(IamAuthDisabled, match="is off on cluster shop"):
        warnings(scenes.observed(iam_auth=False), AccountRequest("joe"))
    elsewhere = scenes.replace(scenes.observed(), roles=scenes.Roles([role("master")]))
    with pytest.raises(IamAuthDisabled, match="rds_iam does not exist"):
        warnings(elsewhere, AccountRequest("joe"))


@pytest.mark.parametrize("name", ["rds_iam", "rdsadmin", "pg_monitor", "public", "none", "rds_x"])
def test_reserved_names_are_refused_before_anything_is_read(name: str) -> None:
    with pytest.raises(Refused, match="reserved"):
        scenes.ENGINE.parse(AccountRequest(name))


def test_the_administrator_is_never_changed() -> None:
    refused(
        r"login of this task, which the collection never modifies",
        AccountRequest("master", convert=True),
        accounts=("master",),
    )


@pytest.mark.parametrize(
    ("major", "inherits", "sets", "locked_out"),
    [
        (15, True, True, True),
        (15, False, True, True),
        (17, True, False, True),
        (17, False, True, True),
        (17, False, False, False),
    ],
)
def test_the_administrator_is_not_locked_out(major: int, inherits: bool, sets: bool, locked_out: bool) -> None:
    membership = scenes.Membership("joe", "master", "rdsadmin", admin=True, inherits=inherits, sets=sets)
    state: dict[str, Any] = {
        "major": major,
        "roles": (role("joe"),),
        "memberships": (membership,),
        "accounts": ("joe",),
    }
    request = AccountRequest("joe", convert=True)
    if locked_out:
        refused("password would stop working", request, **state)
    else:
        assert warnings(scenes.observed(**state), request) == []


def test_members_with_passwords_are_not_taken_along() -> None:
    members = (scenes.Membership("joe", "team"), scenes.Membership("team", "pat"), scenes.created_by_master("joe"))
    state: dict[str, Any] = {
        "roles": (role("joe"), role("team", login=False), role("pat")),
        "memberships": members,
        "accounts": ("joe", "pat"),
    }
    refused("pat → team → joe → rds_iam", AccountRequest("joe", convert=True), **state)
    both = scenes.changes(
        scenes.observed(**{**state, "memberships": (*members, scenes.created_by_master("pat"))}),
        AccountRequest("joe", convert=True),
        AccountRequest("pat", convert=True),
    )
    assert {change.name.name for change in both.effective} == {"joe", "pat"}


def test_both_kinds_of_authentication_are_refused_with_the_chain() -> None:
    refused("joe → rds_ad", AccountRequest("joe", roles=("rds_ad",)))
    refused(
        "joe → team → rds_ad",
        AccountRequest("joe"),
        roles=(role("joe"), role("team", login=False)),
        memberships=(iam("joe"), scenes.Membership("team", "joe"), scenes.Membership("rds_ad", "team")),
        accounts=("joe",),
    )


def _joe(**rest: Any) -> dict[str, Any]:
    extra = rest.pop("memberships", ())
    memberships = (iam("joe"), scenes.created_by_master("joe"), *extra)
    return {"roles": (role("joe"),), "memberships": memberships, "accounts": ("joe",), **rest}


def test_what_is_in_the_way_of_a_drop_is_listed() -> None:
    in_the_way = {"joe": (Obstacle("o", "shop", ("table public.t",), 12),)}
    refused(
        r"owns table public.t and 11 more \(in database shop\)",
        AccountRequest("joe", present=False),
        **_joe(obstacles=in_the_way),
    )
    passed_on = (entry(scenes.TABLE, "SELECT", "ann", grantor="joe"),)
    refused("granted SELECT on TABLE public.orders", AccountRequest("joe", present=False), **_joe(entries=passed_on))


def test_a_group_role_is_not_dropped_as_if_it_were_a_locked_account() -> None:
    team = {"roles": (role("team", login=False), role("joe")), "accounts": ("team",)}
    memberships = (iam("team"), scenes.Membership("team", "joe"))
    refused("is a group role", AccountRequest("team", present=False), memberships=memberships, **team)
    nested = (iam("staff"), scenes.Membership("staff", "team"), scenes.created_by_master("team"))
    words = r"is a group role \(it cannot log in and is in rds_iam through staff\)"
    refused(words, AccountRequest("team", present=False), memberships=nested, **team)
    alone = scenes.observed(memberships=(iam("team"), scenes.created_by_master("team")), **team)
    assert 'DROP ROLE "team"' in statements(alone, AccountRequest("team", present=False))
    locked = {**team, "roles": (role("team", login=False, comment=LOCK_MARKER), role("joe"))}
    own = scenes.observed(memberships=(*memberships, iam("joe"), scenes.created_by_master("team")), **locked)
    assert 'DROP ROLE "team"' in statements(own, AccountRequest("team", present=False))


def test_a_grant_option_that_was_used_is_not_taken() -> None:
    entries = (
        entry(scenes.TABLE, "SELECT", "joe", grantable=True),
        entry(scenes.TABLE, "SELECT", "ann", grantor="joe"),
    )
    refused("on to ann", AccountRequest("joe", grants=()), **_joe(entries=entries))
    refused("on to ann", AccountRequest("joe", grants=(grant("orders", "SELECT"),)), **_joe(entries=entries))


def test_a_full_access_list_is_noticed_beforehand() -> None:
    full = scenes.SecuredObject(scenes.TABLE, "master", items=ITEM_LIMIT, size=7800)
    refused("group role", AccountRequest("joe", grants=(grant("orders", "SELECT"),)), objects=(full,))
    room = scenes.SecuredObject(scenes.TABLE, "master", items=ITEM_LIMIT - 1, size=7800)
    assert warnings(scenes.observed(objects=(room,)), AccountRequest("joe", grants=(grant("orders", "SELECT"),))) == []


def test_a_login_without_the_rights_is_told() -> None:
    state = scenes.observed()
    weak = scenes.Roles([role("master"), *(r for r in state.roles.by_name.values() if r.name != "master")])
    with pytest.raises(Refused, match="CREATEROLE"):
        warnings(scenes.replace(state, roles=weak), AccountRequest("joe"))


def test_what_public_still_gives_is_said() -> None:
    entries = (
        entry(scenes.DATABASE, "CONNECT", "joe"),
        entry(scenes.DATABASE, "CREATE", "joe"),
        scenes.public(scenes.DATABASE, "CONNECT"),
    )
    assert warnings(scenes.observed(**_joe(entries=entries)), AccountRequest("joe", grants=())) == [
        "joe still has CONNECT on DATABASE shop, because PUBLIC has; revoke it from PUBLIC if nobody needs it."
    ]


def test_members_of_a_dropped_account_are_named() -> None:
    state = scenes.observed(**_joe(memberships=(scenes.Membership("joe", "ann"),)))
    assert warnings(state, AccountRequest("joe", present=False)) == [
        "ann lose the membership of joe, which is dropped."
    ]


def test_what_an_owner_has_is_not_a_grant_and_admin_only_is_not_a_membership() -> None:
    state = scenes.observed(
        roles=(role("joe", login=False),),
        memberships=(iam("joe"), scenes.Membership("readers", "joe", admin=True, inherits=False, sets=False)),
        entries=(
            entry(scenes.FOREIGN, "SELECT", "joe", grantor="banker"),
            entry(scenes.TABLE, "SELECT", "joe"),
            entry(scenes.TABLE, "SELECT", "joe", grantor="clerk", grantable=True),
            entry(scenes.VIEW, "SELECT", "joe", grantor="joe"),
        ),
        objects=(scenes.SecuredObject(scenes.VIEW, "joe"),),
        accounts=("joe", "nobody"),
    )
    (account,) = state.accounts.values()
    assert (account.authentication, account.locked, account.roles) == ("iam", True, frozenset())
    assert {(grant.scope, grant.grantable) for grant in account.grants} == {
        (scenes.FOREIGN, False),
        (scenes.TABLE, True),
    }

# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.lock_marker import (
    LOCK_MARKER,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.observed import Catalogue
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.roles import (
    Membership,
    Role,
    Roles,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.rows import build_accounts
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.facts.administrators import (
    Attributes,
    powers,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.facts.defects import (
    ValidUntil,
    chain_to_iam,
    find_defects,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.facts.survey import find_groups
from ansible_collections.dbops.aurora_iam.plugins.module_utils._survey import Defect
from tests.unit.plugins.module_utils._engines.postgresql.scenes import created_by_master, iam, role


def graph(*memberships: Membership, roles: tuple[Role, ...] = ()) -> Roles:
    groups = [role(name, login=False) for name in ("rds_iam", "rds_ad", "rds_superuser", "readers")]
    return Roles([*groups, role("master"), role("jane"), *roles], memberships)


def member(of: str, name: str = "jane") -> Membership:
    return Membership(of, name, "master")


def defects(*memberships: Membership, roles: tuple[Role, ...] = ()) -> list[Defect]:
    state = graph(*memberships, roles=roles)
    accounts = build_accounts(state.by_name, state, Catalogue(), [])
    return list(find_defects([a for n, a in accounts.items() if n.name in ("jane", "master", "joe")], state, "master"))


def codes(*memberships: Membership, roles: tuple[Role, ...] = ()) -> list[str]:
    return [defect.code for defect in defects(*memberships, roles=roles)]


def test_sound_accounts() -> None:
    assert codes() == []
    assert codes(iam("jane"), member("readers"), created_by_master("jane")) == []


def test_a_master_in_rds_iam_may_be_there_on_purpose() -> None:
    assert codes(member("jane", "master"), iam("jane")) == []
    assert chain_to_iam("master", graph(member("jane", "master"), iam("jane"))) == "master → jane → rds_iam"
    assert chain_to_iam("jane", graph(iam("jane"))) == ""


@pytest.mark.parametrize(
    ("date", "code", "remedy"),
    [
        (ValidUntil("2024-01-01 00:00:00+00", True), "valid_until_over", {"locked": True}),
        (ValidUntil("-infinity", True), "valid_until_over", {"locked": True}),
        (ValidUntil("2124-01-01 00:00:00+00", False), "valid_until", None),
        (ValidUntil("infinity", False), None, None),
        (ValidUntil(None, False), None, None),
    ],
)
def test_a_date_means_nothing_under_iam(date: ValidUntil, code: str | None, remedy: object) -> None:
    state = graph(iam("jane"))
    accounts = build_accounts(["jane"], state, Catalogue(), []).values()
    found = list(find_defects(accounts, state, "master", {"jane": date}))
    assert [(defect.code, defect.remedy) for defect in found] == ([(code, remedy)] if code else [])


def test_in_rds_iam_through_a_group() -> None:
    (defect,) = defects(member("readers"), iam("readers"))
    assert defect.code == "iam_by_group"
    assert "revoke it from readers" in defect.message
    assert codes(member("readers"), iam("readers"), iam("jane")) == []


@pytest.mark.parametrize(
    ("memberships", "remedy"),
    [
        ([member("rds_ad"), member("readers")], {"roles": ["readers"]}),
        ([member("readers"), member("rds_ad", "readers")], None),
    ],
    ids=["directly", "through a role"],
)
def test_in_rds_ad_too(memberships: list[Membership], remedy: object) -> None:
    (defect,) = defects(iam("jane"), *memberships)
    assert (defect.code, defect.remedy) == ("kerberos_too", remedy)
    assert "kerberos_too" not in codes(*memberships)


def test_groups_are_roles_without_login_that_are_no_accounts() -> None:
    """One without members that nobody has marked is a group role, and one that somebody has marked is an account."""
    locked, emptied = role("locked", login=False, comment=LOCK_MARKER), role("emptied", login=False)
    found = graph(iam("locked"), member("locked", "jane"), iam("emptied"), iam("jane"), roles=(locked, emptied))
    assert find_groups(found) == {
        "emptied",
        "rds_iam",
        "rds_ad",
        "rds_superuser",
        "readers",
    }
    assert "readers" in find_groups(graph(iam("readers"), member("readers")))


def test_powers() -> None:
    assert powers("jane", graph(member("readers")), Attributes()) == ()
    state = graph(member("readers"), member("rds_superuser", "readers"))
    assert powers("jane", state, Attributes(creates_roles=True)) == ("CREATEROLE", "rds_superuser")

# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.objects import Catalogue
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.roles import (
    Membership,
    Role,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.rows import build_accounts
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.facts.defects import (
    find_defects,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.iam_login import chain_to_iam
from ansible_collections.dbops.aurora_iam.plugins.module_utils._survey import Defect
from tests.unit.plugins.module_utils._engines.postgresql.scenes import created_by_master, graph, iam, member


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

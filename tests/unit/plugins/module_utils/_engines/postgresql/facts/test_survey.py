# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.facts.survey import find_groups
from tests.unit.plugins.module_utils._engines.postgresql.scenes import MARK, graph, iam, member, role


def test_groups_are_roles_without_login_that_are_no_accounts() -> None:
    locked, leaving = role("locked", login=False), role("leaving", login=False, comment=MARK)
    assert find_groups(graph(iam("locked"), iam("jane"), roles=(locked, leaving))) == {
        "rds_iam",
        "rds_ad",
        "rds_superuser",
        "readers",
    }
    assert "readers" in find_groups(graph(iam("readers"), member("readers")))

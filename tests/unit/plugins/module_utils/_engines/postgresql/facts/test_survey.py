# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.facts.survey import find_groups
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.iam_login import LOCK_MARKER
from tests.unit.plugins.module_utils._engines.postgresql.scenes import graph, iam, member, role


def test_groups_are_roles_without_login_that_are_no_accounts() -> None:
    """One without members that nobody has marked is a group role, and one that somebody has marked is an account."""
    locked, emptied = role("locked", login=False, comment=LOCK_MARKER), role("emptied", login=False)
    found = graph(iam("locked"), member("locked", "jane"), iam("emptied"), iam("jane"), roles=(locked, emptied))
    assert find_groups(found) == {"emptied", "rds_iam", "rds_ad", "rds_superuser", "readers"}
    assert "readers" in find_groups(graph(iam("readers"), member("readers")))

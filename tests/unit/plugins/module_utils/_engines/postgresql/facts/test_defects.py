# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.objects import Catalogue
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.rows import build_accounts
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.facts.defects import (
    ValidUntil,
    find_defects,
)
from tests.unit.plugins.module_utils._engines.postgresql.scenes import graph, iam


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

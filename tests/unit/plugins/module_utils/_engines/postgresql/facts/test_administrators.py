# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.facts.administrators import (
    Attributes,
    administrator_by,
)
from tests.unit.plugins.module_utils._engines.postgresql.scenes import graph, member


def test_powers() -> None:
    assert administrator_by("jane", graph(member("readers")), Attributes()) == ()
    state = graph(member("readers"), member("rds_superuser", "readers"))
    assert administrator_by("jane", state, Attributes(creates_roles=True)) == ("CREATEROLE", "rds_superuser")

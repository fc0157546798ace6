# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.grammar.privileges import available


def test_all_depends_on_the_version() -> None:
    assert "MAINTAIN" not in available("TABLE", 16)
    assert "MAINTAIN" in available("TABLE", 17)

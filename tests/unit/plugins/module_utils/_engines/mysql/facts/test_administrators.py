# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.facts.administrators import (
    administrator_by,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.objects import GLOBAL
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.privileges import (
    DATABASE_PRIVILEGES,
    USAGE,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import AccountName, Grant
from tests.unit.plugins.module_utils._engines.mysql.scenes import ORDERS

OPTION = Grant(USAGE, GLOBAL, True)


def everywhere(*words: str) -> frozenset[Grant]:
    return frozenset(Grant(word, GLOBAL) for word in words)


@pytest.mark.parametrize(
    ("grants", "words"),
    [
        (everywhere("SELECT", "PROCESS", "SHOW_ROUTINE"), ()),
        (frozenset({Grant("ALTER", ORDERS), Grant(USAGE, ORDERS, True)}), ()),
        (frozenset({OPTION}), ()),
        (everywhere(*DATABASE_PRIVILEGES), ("ALL on *.*",)),
        (everywhere("CREATE USER", "SUPER"), ("CREATE USER", "SUPER")),
        (everywhere("SELECT") | {OPTION}, ("the grant option on *.*",)),
    ],
)
def test_powers(grants: frozenset[Grant], words: tuple[str, ...]) -> None:
    assert administrator_by(grants, ()) == words


def test_powers_through_roles() -> None:
    master, dba = AccountName("rds_superuser_role", "%"), AccountName("dba", "%")
    held = frozenset({(master, everywhere("CREATE USER")), (dba, everywhere("ROLE_ADMIN"))})
    assert administrator_by(frozenset(), held) == ("ROLE_ADMIN through role dba@%", "rds_superuser_role")

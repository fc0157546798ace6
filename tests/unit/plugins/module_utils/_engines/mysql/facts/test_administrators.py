# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.facts.administrators import (
    Holder,
    administrator_by,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.objects import GLOBAL
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.privileges import (
    DATABASE_PRIVILEGES,
    USAGE,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import AccountName, Grant, Scope
from tests.unit.plugins.module_utils._engines.mysql.scenes import JANE, ORDERS

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
    assert administrator_by(Holder(JANE, grants), ()) == words


def test_powers_through_roles() -> None:
    master, dba = AccountName("rds_superuser_role", "%"), AccountName("dba", "%")
    held = [Holder(master, everywhere("CREATE USER")), Holder(dba, everywhere("ROLE_ADMIN"))]
    assert administrator_by(Holder(JANE, frozenset()), held) == ("ROLE_ADMIN through role dba@%", "rds_superuser_role")


MYSQL = Scope("DATABASE", path=("mysql",))
USER = Scope("TABLE", path=("mysql", "user"))


@pytest.mark.parametrize(
    ("grants", "words"),
    [
        (everywhere("INSERT", "DELETE"), ("INSERT, DELETE on *.*",)),
        ({Grant("UPDATE", MYSQL), Grant("INSERT", MYSQL), Grant("SELECT", MYSQL)}, ("INSERT, UPDATE on mysql.*",)),
        ({Grant("INSERT", Scope("PATTERN", path=("my%",)))}, ("INSERT on `my%`.*",)),
        ({Grant("INSERT", Scope("PATTERN", path=("my%s",)))}, ()),
        ({Grant("UPDATE", replace(USER, column="File_priv"))}, ("UPDATE on mysql.user",)),
        ({Grant("DELETE", Scope("TABLE", path=("mysql", "role_edges")))}, ("DELETE on mysql.role_edges",)),
        ({Grant("DELETE", Scope("TABLE", path=("mysql", "time_zone"))), Grant("SELECT", USER)}, ()),
        ({Grant("INSERT", Scope("TABLE", path=("shop", "user")))}, ()),
    ],
)
def test_writing_to_the_grant_tables_is_a_power(grants: set[Grant], words: tuple[str, ...]) -> None:
    assert administrator_by(Holder(JANE, frozenset(grants)), ()) == words
    dba = AccountName("dba", "%")
    through = tuple(f"{word} through role dba@%" for word in words)
    assert administrator_by(Holder(JANE, frozenset()), [Holder(dba, frozenset(grants))]) == through


def test_a_partial_revoke_keeps_everything_from_the_grant_tables() -> None:
    grants = everywhere("INSERT", "DELETE") | {Grant("UPDATE", USER)}
    assert administrator_by(Holder(JANE, grants, frozenset({"INSERT", "DELETE"})), ()) == ("UPDATE on mysql.user",)
    assert administrator_by(Holder(JANE, everywhere("INSERT", "DELETE"), frozenset({"INSERT"})), ()) == (
        "DELETE on *.*",
    )

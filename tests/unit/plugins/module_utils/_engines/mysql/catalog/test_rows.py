# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.rows import GrantedRows, UserRow
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.objects import GLOBAL
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.privileges import (
    DATABASE_PRIVILEGES,
    STATIC_PRIVILEGES,
    USAGE,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.iam_login import PLUGIN
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.statements import Dialect
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import AccountName, Grant, Scope
from tests.unit.plugins.module_utils._engines.mysql.scenes import CUSTOMERS, JANE, OPTION, ORDERS, READER


def rows(*found: tuple[str, ...], patterns: bool = False, folds: bool = False) -> GrantedRows:
    granted = GrantedRows(Dialect(database_patterns=patterns), folds, [JANE])
    granted.add(found)
    return granted


def flags(*held: str) -> str:
    return "".join("Y" if privilege in held else "N" for privilege in DATABASE_PRIVILEGES)


def database(name: str, *held: str, option: str = "N") -> tuple[str, ...]:
    return ("database", "jane", "%", name, flags(*held), option, "")


def test_each_grant_table_gives_canonical_grants():
    granted = rows(
        database("orders", "SELECT", "LOCK TABLES", option="Y"),
        ("table", "jane", "%", "orders", "customers", "Select,Show view,Grant", ""),
        ("column", "jane", "%", "orders", "customers", "Select,References", "Email"),
        ("routine", "jane", "%", "orders", "Refresh", "Execute,Alter Routine", "PROCEDURE"),
        ("dynamic", "'jane'@'%'", "", "SHOW_ROUTINE", "YES", "", ""),
        ("role", "jane", "%", "reader", "%", "Y", ""),
        ("default role", "jane", "%", "reader", "%", "", ""),
    )
    email = replace(CUSTOMERS, column="Email")
    refresh = Scope("PROCEDURE", path=("orders", "refresh"))
    assert granted.grants[JANE] == {
        Grant("SELECT", ORDERS),
        Grant("LOCK TABLES", ORDERS),
        OPTION,
        Grant("SELECT", CUSTOMERS),
        Grant("SHOW VIEW", CUSTOMERS),
        Grant(USAGE, CUSTOMERS, True),
        Grant("SELECT", email),
        Grant("REFERENCES", email),
        Grant("EXECUTE", refresh),
        Grant("ALTER ROUTINE", refresh),
        Grant("SHOW_ROUTINE", GLOBAL, True),
    }
    assert granted.roles[JANE] == granted.default_roles[JANE] == granted.administered[JANE] == {READER}


def test_global_flags_and_the_grant_option():
    granted = rows()
    held = "".join("NY"[name == "PROCESS"] for name in STATIC_PRIVILEGES)
    granted.add_global([UserRow("jane", "%", PLUGIN, "RDS", "", "N", 0, None, held, "Y", "", 0, 0, 0, "N")])
    assert granted.grants[JANE] == {Grant("PROCESS", GLOBAL), Grant(USAGE, GLOBAL, True)}


def test_rows_of_others_are_passed_over_and_hosts_ignore_case():
    granted = GrantedRows(Dialect(False), False, [AccountName("jane", "example.org")])
    granted.add(
        [("role", "jane", "Example.ORG", "reader", "%", "N", ""), ("role", "Jane", "%", "reader", "%", "N", "")]
    )
    assert granted.roles == {AccountName("jane", "example.org"): {READER}}


@pytest.mark.parametrize(
    ("patterns", "stored", "scope"),
    [
        (False, "my_db", Scope("DATABASE", path=("my_db",))),
        (False, "my\\_db", Scope("DATABASE", path=("my\\_db",))),
        (True, "my\\_db", Scope("DATABASE", path=("my_db",))),
        (True, "my_db", Scope("PATTERN", path=("my_db",))),
        (True, "orders", ORDERS),
    ],
)
def test_a_stored_database_is_a_pattern_only_without_partial_revokes(patterns, stored, scope):
    assert rows(database(stored, "SELECT"), patterns=patterns).grants[JANE] == {Grant("SELECT", scope)}


def test_names_fold_where_the_server_folds_them():
    assert rows(database("Orders", "SELECT"), folds=True).grants[JANE] == {Grant("SELECT", ORDERS)}


@pytest.mark.parametrize("order", [("YES", "NO"), ("NO", "YES")])
def test_a_dynamic_privilege_held_twice_is_grantable_if_either_is(order):
    granted = rows(*(("dynamic", "'jane'@'%'", "", "SHOW_ROUTINE", option, "", "") for option in order))
    assert granted.grants[JANE] == {Grant("SHOW_ROUTINE", GLOBAL, True)}
    assert granted.doubled[JANE] == {"SHOW_ROUTINE"}


def test_a_grantee_with_quotes_is_divided_at_the_last():
    odd = AccountName("a'@'b", "%")
    granted = GrantedRows(Dialect(False), False, [odd])
    granted.add([("dynamic", "'a'@'b'@'%'", "", "SHOW_ROUTINE", "NO", "", "")])
    assert granted.grants[odd] == {Grant("SHOW_ROUTINE", GLOBAL)}

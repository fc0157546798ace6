# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a session may do. That it is what the server says is shown in tests/integration/mysql."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.access import Access, GrantTables
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.clients import Client
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.roles import roles_at_login
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.objects import GLOBAL
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.statements import Dialect
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import AccountName, Grant, Scope
from tests.unit.plugins.module_utils._engines.mysql.scenes import CUSTOMERS, JANE, ORDERS, READER, REFRESH, WRITER

OFFICE = Client(address="10.1.2.3")
NARROW, ANYBODY = AccountName("jane", "10.%"), AccountName("", "%")
ORD, MY_DB = Scope("PATTERN", path=("ord%",)), Scope("DATABASE", path=("my_db",))
EMAIL = replace(CUSTOMERS, column="Email")
Held = Mapping[AccountName, set[Grant]]


def on(
    scope: Scope,
    held: Held,
    *roles: AccountName,
    name: AccountName = JANE,
    patterns: bool = False,
    certain: bool = True,
    restrictions=None,
) -> set[str]:
    tables = GrantTables(Dialect(patterns), held, restrictions or {})
    return set(Access(tables, name, OFFICE, roles).on(scope, certain))


def test_rows_of_the_same_name_count_if_their_host_matches_the_client():
    held = {
        NARROW: {Grant("SELECT", ORDERS), Grant("INSERT", CUSTOMERS)},
        AccountName("jane", "192.%"): {Grant("DELETE", ORDERS)},
        AccountName("Jane", "%"): {Grant("UPDATE", ORDERS)},
    }
    assert on(ORDERS, held) == {"SELECT"}
    assert on(CUSTOMERS, held) == {"SELECT", "INSERT"}
    assert on(CUSTOMERS, held, READER) == set()


def test_databases_of_anonymous_accounts_count_for_everybody_and_nothing_else_of_theirs():
    held = {ANYBODY: {Grant("SELECT", ORDERS), Grant("INSERT", CUSTOMERS), Grant("EXECUTE", REFRESH)}, JANE: set()}
    assert on(CUSTOMERS, held) == on(REFRESH, held) == {"SELECT"}
    assert on(CUSTOMERS, held, name=ANYBODY) == {"SELECT", "INSERT"}
    assert on(CUSTOMERS, held, READER) == set()


def test_only_the_most_specific_row_counts():
    held = {JANE: {Grant("SELECT", ORDERS), Grant("SELECT", CUSTOMERS), Grant("EXECUTE", REFRESH)}}
    held[NARROW] = {Grant("INSERT", ORDERS), Grant("UPDATE", EMAIL), Grant("ALTER ROUTINE", REFRESH)}
    assert on(ORDERS, held) == {"INSERT"}
    assert on(EMAIL, held) == {"INSERT", "UPDATE"}
    assert on(CUSTOMERS, held) == {"INSERT"}
    assert on(REFRESH, held) == {"INSERT", "ALTER ROUTINE"}
    mixed = {JANE: {Grant("SELECT", ORDERS)}, ANYBODY: {Grant("INSERT", ORDERS)}}
    assert on(ORDERS, mixed) == {"SELECT"}


def test_a_database_by_its_name_hides_patterns():
    held = {JANE: {Grant("SELECT", ORD), Grant("CREATE", ORDERS)}}
    assert on(ORDERS, held, patterns=True) == {"CREATE"}
    assert on(Scope("DATABASE", path=("ordinary",)), held, patterns=True) == {"SELECT"}
    narrow = {**held, NARROW: {Grant("DELETE", ORD)}}
    assert on(ORDERS, narrow, patterns=True) == {"DELETE"}


def test_what_is_in_no_order_is_certain_only_as_far_as_it_agrees():
    held = {
        JANE: {Grant(word, Scope("PATTERN", path=("o%s",))) for word in ("SELECT", "INSERT")}
        | {Grant(word, Scope("PATTERN", path=("o_ders",))) for word in ("SELECT", "DELETE")}
    }
    assert on(ORDERS, held, patterns=True) == {"SELECT"}
    assert on(ORDERS, held, patterns=True, certain=False) == {"SELECT", "INSERT", "DELETE"}


def test_with_active_roles_the_account_s_own_rows_and_theirs_count_together():
    held = {
        JANE: {Grant("SELECT", ORDERS), Grant("SELECT", CUSTOMERS)},
        READER: {Grant("INSERT", ORDERS), Grant("UPDATE", EMAIL)},
        WRITER: {Grant("DELETE", ORDERS)},
        NARROW: {Grant("CREATE", ORDERS)},
    }
    assert on(EMAIL, held, READER) == {"SELECT", "INSERT", "UPDATE"}
    assert on(replace(EMAIL, column="email"), held, READER) == {"SELECT", "INSERT"}


def test_with_active_roles_one_pattern_counts_where_no_row_has_the_name():
    held = {
        JANE: {Grant("SELECT", ORD)},
        READER: {Grant("INSERT", Scope("PATTERN", path=("o%",))), Grant("DELETE", MY_DB)},
    }
    assert on(ORDERS, held, READER, patterns=True) == {"INSERT"}
    assert on(MY_DB, held, READER, patterns=True) == {"DELETE"}
    held[WRITER] = {Grant("CREATE", ORDERS)}
    assert on(ORDERS, held, READER, WRITER, patterns=True) == {"CREATE"}
    folded = {JANE: set(), READER: {Grant("DELETE", MY_DB)}}
    assert on(Scope("DATABASE", path=("MY_DB",)), folded, READER) == {"DELETE"}


@pytest.mark.parametrize(
    ("pattern", "granted", "covered"),
    [
        (r"my\_db", MY_DB, True),
        ("my_db", MY_DB, True),
        ("my_db", Scope("PATTERN", path=("my_db",)), True),
        (r"my\_db", Scope("PATTERN", path=("my_db",)), False),
        ("my%", Scope("PATTERN", path=("my%b",)), True),
        ("my%", Scope("PATTERN", path=("%",)), False),
        ("my_", Scope("PATTERN", path=("my%",)), False),
    ],
)
def test_what_is_granted_is_compared_as_a_pattern(pattern, granted, covered):
    scope = MY_DB if pattern == r"my\_db" else Scope("PATTERN", path=(pattern,))
    for roles in ((), (READER,)):
        assert (on(granted, {JANE: {Grant("SELECT", scope)}}, *roles, patterns=True) == {"SELECT"}) is covered


def test_a_partial_revoke_holds_for_its_account_only():
    held = {JANE: {Grant("SELECT", GLOBAL)}, READER: {Grant("SELECT", GLOBAL), Grant("INSERT", GLOBAL)}}
    restrictions = {JANE: {"orders": frozenset({"SELECT"})}}
    assert on(ORDERS, held, restrictions=restrictions) == set()
    assert on(MY_DB, held, restrictions=restrictions) == {"SELECT"}
    assert on(ORDERS, held, READER, restrictions=restrictions) == {"SELECT", "INSERT"}


def test_the_roles_that_are_active_at_login():
    granted, default = {JANE: {READER}, READER: {WRITER}}, {JANE: {READER}}
    other = AccountName("other", "%")
    assert roles_at_login(JANE, granted, default, (), False) == (READER, WRITER)
    assert roles_at_login(JANE, granted, {}, (), False) == ()
    assert roles_at_login(JANE, granted, {}, (), True) == (READER, WRITER)
    assert roles_at_login(JANE, granted, {JANE: {other}}, (), False) == ()
    assert roles_at_login(JANE, granted, {}, {other}, False) == (other,)

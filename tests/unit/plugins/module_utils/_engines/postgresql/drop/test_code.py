# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.drop.code import (
    LackingRow,
    Need,
    NeedRow,
    build_needs,
    parameters,
    warn,
)

VIEW = Need("shop", "view sales.totals", 4711, "table public.orders", "SELECT")


def test_rows_become_needs_of_each_account() -> None:
    rows = {"shop": [NeedRow("joe", *VIEW[1:]), NeedRow("ann", *VIEW[1:])], "other": [NeedRow("joe", *VIEW[1:])]}
    assert build_needs(rows) == {"joe": (VIEW, VIEW._replace(database="other")), "ann": (VIEW,)}


def test_what_is_still_lacking_is_one_warning_for_each_view() -> None:
    needs = [("new", VIEW), ("new", VIEW._replace(privilege="INSERT")), ("new", VIEW._replace(code="view sales.v"))]
    assert parameters(needs) == (["new"] * 3, [4711] * 3, ["SELECT", "INSERT", "SELECT"])
    assert warn(needs, []) == []
    assert warn(needs, [LackingRow(1), LackingRow(2)]) == [
        "view sales.totals (in database shop) is reassigned to new and runs with its privileges, but new has no INSERT "
        "on table public.orders, SELECT on table public.orders. Grant new what it needs."
    ]


def test_many_privileges_are_counted() -> None:
    needs = [("new", VIEW._replace(what=f"table t{number:02}")) for number in range(12)]
    assert "SELECT on table t09 and 2 more. Grant" in warn(needs, [LackingRow(number + 1) for number in range(12)])[0]

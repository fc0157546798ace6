# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.grouping import (
    batches,
    by_object,
    columns_by_privilege,
    together,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import Grant, Scope

TABLE = Scope("TABLE", path=("shop", "orders"))
COLUMN = Scope("TABLE", path=("shop", "orders"), column="id")


def test_equal_items_are_together_in_the_order_in_which_they_first_appear() -> None:
    assert list(together([("b", 1), ("a", 2), ("b", 3)]).items()) == [("b", [1, 3]), ("a", [2])]


def test_batches() -> None:
    assert list(batches("abcde", 2)) == ["ab", "cd", "e"]
    assert list(batches("", 2)) == []


def test_columns_go_with_their_table() -> None:
    whole, limited = Grant("SELECT", TABLE), Grant("UPDATE", COLUMN)
    assert by_object([whole, limited]) == {TABLE: [whole, limited]}


def test_columns_of_each_privilege() -> None:
    pairs = [("UPDATE", "b"), ("SELECT", ""), ("UPDATE", "a"), ("INSERT", "c")]
    assert columns_by_privilege(pairs) == {"INSERT": ["c"], "UPDATE": ["a", "b"]}

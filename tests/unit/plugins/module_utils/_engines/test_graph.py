# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.graph import closure, shortest_path

LOOP = {"a": ["b"], "b": ["c", "d"], "c": ["a"], "d": ["e"], "e": []}
SHORT_AND_LONG = {"a": ["b", "d"], "b": ["c"], "c": ["e"], "d": ["e"], "e": []}


def test_everything_that_is_led_to() -> None:
    assert closure("b", LOOP.__getitem__) == set("abcde")
    assert closure("d", LOOP.__getitem__) == {"e"}
    assert closure("e", LOOP.__getitem__) == set()


def test_the_shortest_way() -> None:
    assert shortest_path("a", "e", SHORT_AND_LONG.__getitem__) == ("a", "d", "e")
    assert shortest_path("c", "d", LOOP.__getitem__) == ("c", "a", "b", "d")
    assert shortest_path("e", "a", LOOP.__getitem__) == ()
    assert shortest_path("a", "a", LOOP.__getitem__) == ("a",)

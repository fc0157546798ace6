# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a page is read: blocks, their marks, and what is refused because nobody could test it."""

from __future__ import annotations

import pytest

from tests.documentation.blocks import Unclear, blocks

TASK = "```yaml\n- ansible.builtin.ping:\n```\n"


def test_marks_belong_to_the_block_that_follows_them() -> None:
    setup = "<!-- setup\nledger: CREATE ROLE a\n  LOGIN\norders/shop: SELECT 1\n-->\n"
    first, second = blocks("page.md", f"Text\n\n{setup}<!-- fails: no -->\n{TASK}{TASK}")
    assert first.setup() == [("ledger", None, "CREATE ROLE a LOGIN"), ("orders", "shop", "SELECT 1")]
    assert first.marks["fails"] == "no"
    assert second.marks == {}
    assert [block.place for block in (first, second)] == ["page.md:9", "page.md:12"]


def test_tasks_become_a_play_and_plays_stay() -> None:
    tasks, plays, neither = blocks(
        "page.md",
        TASK + "```yaml\n- hosts: all\n```\n<!-- file: group_vars/all.yml -->\n```yaml\na: 1\n```\n",
    )
    assert tasks.plays()[0]["tasks"] == [{"ansible.builtin.ping": None}]
    assert plays.plays() == [{"hosts": "all"}]
    assert neither.plays() == []
    assert [block.is_run for block in (tasks, plays, neither)] == [True, True, False]


def test_an_indented_block_is_read_without_its_indentation() -> None:
    (block,) = blocks("page.md", "1. Do\n\n   ```shell\n   ansible --version\n     more\n   ```\n")
    assert block.text == "ansible --version\n  more\n"


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        ("```\nx\n```\n", "language"),
        ("```ruby\nx\n```\n", "language"),
        (f"<!-- not run -->\n{TASK}", "reason"),
        (f"<!-- not run: AWS -->\n{TASK}", "reason"),
        (f"<!-- not run: needs real AWS -->\ntext\n{TASK}", "followed by"),
        ("<!-- fails: x -->\n", "followed by"),
        ("```yaml\na: 1\n```\n", "file"),
        ("```sql\nSELECT 1\n```\n", "where"),
        (f"<!-- setup\nCREATE ROLE a\n-->\n{TASK}", "setup"),
    ],
)
def test_what_nobody_could_test_is_refused(page: str, reason: str) -> None:
    with pytest.raises(Unclear, match=reason):
        blocks("page.md", page)

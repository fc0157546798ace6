# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page about the architecture names files that are there."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.checkout import ROOT

UTILS = ROOT / "plugins" / "module_utils"
ENGINES = ("mysql", "postgresql")


def rows() -> Iterator[list[str]]:
    """The cells of the table of rules."""
    page = (ROOT / "docs" / "architecture.md").read_text()
    section = page.split("## Where is the rule that", 1)[1].split("\n## ", 1)[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")]
    for line in lines[1:]:
        yield [cell.strip() for cell in line.strip("|").split("|")]


def test_every_file_of_a_rule_exists() -> None:
    assert len(list(rows())) > 25
    missing = [
        f"{rule}: {path}"
        for rule, *cells in rows()
        for engine, cell in zip(ENGINES, cells, strict=True)
        for path in re.findall(r"`([^`]+\.py)`", cell)
        if not (UTILS / path if path.startswith("_") else UTILS / "_engines" / engine / path).is_file()
    ]
    assert missing == []

# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The examples in the plugins' own documentation, as blocks. Their marks are here: ansible-doc would show comments."""

from __future__ import annotations

import ast

from tests.checkout import ROOT
from tests.documentation.blocks import Block

MARKS: dict[str, dict[str, str]] = {
    "aurora_iam_connect_policy": {"not run": "the role that reports is somebody's own"},
    "aurora_iam_token": {"not run": "the endpoint and the program are somebody's own"},
    "aurora_iam_user": {"changes again": "Jane comes and goes in these examples"},
    "aurora_iam_users": {
        "setup": "orders: CREATE ROLE analysts\n"
        "orders: CREATE TABLE invoices (id int)\n"
        "orders: CREATE PROCEDURE close_month() SELECT 1",
    },
}
"""for each plugin, as the comments before a block of a page (CONTRIBUTING.md)"""


def examples() -> dict[str, list[Block]]:
    """The EXAMPLES of each module and lookup, by the path of its file."""
    paths = sorted(path for kind in ("modules", "lookup") for path in (ROOT / "plugins" / kind).glob("[!_]*.py"))
    return {str(path.relative_to(ROOT)): _read(str(path.relative_to(ROOT)), path.stem) for path in paths}


def _read(page: str, plugin: str) -> list[Block]:
    for node in ast.parse((ROOT / page).read_text()).body:
        if isinstance(node, ast.Assign) and any(
            isinstance(to, ast.Name) and to.id == "EXAMPLES" for to in node.targets
        ):
            return [Block(page, node.lineno, "yaml", ast.literal_eval(node.value), MARKS.get(plugin, {}))]
    raise LookupError(f"{page} has no EXAMPLES.")

# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The repository's own sources, as the tests of the house rules read them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property

from tests.checkout import ROOT, files

DOCUMENTATION = frozenset({"DOCUMENTATION", "EXAMPLES", "RETURN"})


@dataclass(frozen=True)
class Source:
    """A Python file: where it is in the repository, and what is in it."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.path)

    def at(self, node: ast.AST, complaint: str) -> str:
        return f"{self.path}:{getattr(node, 'lineno', 1)}: {complaint}"

    def functions(self) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
        return (node for node in ast.walk(self.tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))

    def documentation(self) -> list[ast.Assign]:
        """The DOCUMENTATION, EXAMPLES and RETURN blocks, of a module, a plugin or a documentation fragment."""
        return [
            node
            for node in ast.walk(self.tree)
            if isinstance(node, ast.Assign)
            and any(isinstance(target, ast.Name) and target.id in DOCUMENTATION for target in node.targets)
        ]

    def strings(self) -> Iterator[ast.Constant]:
        """The string literals, without docstrings and documentation blocks."""
        prose = {id(node) for block in self.documentation() for node in ast.walk(block)}
        prose |= {id(node.value) for node in ast.walk(self.tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
                yield node


@cache
def _source(name: str) -> Source:
    """Read and parsed once for all rules."""
    return Source(name, (ROOT / name).read_text())


def sources(folder: str = "") -> list[Source]:
    """The Python files below a folder (``plugins/``)."""
    return [_source(name) for name in files() if name.startswith(folder) and name.endswith(".py")]

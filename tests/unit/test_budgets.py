# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The size of things, and what they are called."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable

import pytest

from tests.checkout import ROOT, files
from tests.unit.sources import Source, sources

FUNCTION_LINES = 50
FILE_LINES = 400
"""without header, imports and documentation blocks"""
COMPLEXITY = 10
"""the ways through a function; with those that ruff does not count: comprehensions, and, or, if in an expression"""
# REUSE-IgnoreStart
HEADER = "SPDX-License-Identifier: GPL-3.0-or-later"
# REUSE-IgnoreEnd
WITH_COMMENTS = (".py", ".yml", ".yaml", ".toml", ".cfg", ".txt", ".c", ".sh", "Makefile")

TOOLBOX_WORDS = frozenset({"util", "utils", "helper", "helpers", "manager", "managers"})
"""words that are in no name"""
BARE_WORDS = frozenset({"data", "process"})
"""words that are no name by themselves, nor a verb at a function's beginning: an operating system has processes"""

Rule = Callable[[Source], list[str]]


def long_functions(source: Source) -> list[str]:
    lengths = {node: (node.end_lineno or node.lineno) - node.lineno + 1 for node in source.functions()}
    return [
        source.at(node, f"{node.name}() has {lines} lines, more than {FUNCTION_LINES}")
        for node, lines in lengths.items()
        if lines > FUNCTION_LINES
    ]


def long_files(source: Source) -> list[str]:
    imports = (node for node in source.tree.body if isinstance(node, ast.Import | ast.ImportFrom))
    header = next((i for i, line in enumerate(source.text.splitlines()) if not line.startswith("#")), 0)
    apart = sum((node.end_lineno or node.lineno) - node.lineno + 1 for node in (*source.documentation(), *imports))
    lines = len(source.text.splitlines()) - header - apart
    return [f"{source.path}: {lines} lines, more than {FILE_LINES}"] if lines > FILE_LINES else []


def complexity(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """1, and for each place where it goes one way or another: the ways beyond the first. With functions in it."""
    return 1 + sum(ways(node) for node in ast.walk(function))


def ways(node: ast.AST) -> int:
    if isinstance(node, ast.BoolOp):
        return len(node.values) - 1
    if isinstance(node, ast.comprehension):
        return 1 + len(node.ifs)
    return int(isinstance(node, BRANCHES))


BRANCHES = (ast.If, ast.IfExp, ast.For, ast.AsyncFor, ast.While, ast.ExceptHandler, ast.match_case)


def complex_functions(source: Source) -> list[str]:
    return [
        source.at(node, f"{node.name}() has a complexity of {complexity(node)}, more than {COMPLEXITY}")
        for node in source.functions()
        if complexity(node) > COMPLEXITY
    ]


def words(name: str) -> list[str]:
    """The words of a snake_case or CamelCase name, in lower case."""
    return [word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)]


def toolbox_names(source: Source) -> list[str]:
    named: list[tuple[ast.AST, str]] = [(source.tree, source.path.rsplit("/", 1)[-1].removesuffix(".py"))]
    named += [
        (node, node.name)
        for node in ast.walk(source.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    ]
    return [
        source.at(node, f"{name} is a name from the toolbox; take one from the field")
        for node, name in named
        if TOOLBOX_WORDS & set(words(name)) or (len(words(name)) == 1 and BARE_WORDS & set(words(name)))
    ]


def asserts(source: Source) -> list[str]:
    found = (node for node in ast.walk(source.tree) if isinstance(node, ast.Assert))
    return [source.at(node, "assert, which python -O drops") for node in found]


def dynamic_imports(source: Source) -> list[str]:
    return [
        source.at(node, "a dynamic import, which AnsiballZ does not see")
        for node in ast.walk(source.tree)
        if (isinstance(node, ast.Name) and node.id == "__import__")
        or (isinstance(node, ast.Import) and any(alias.name.startswith("importlib") for alias in node.names))
        or (isinstance(node, ast.ImportFrom) and (node.module or "").startswith("importlib"))
    ]


def computed_documentation(source: Source) -> list[str]:
    """ansible-doc and ansible-test read documentation without running it."""
    return [
        source.at(block, "documentation that is computed; write it as one plain string")
        for block in source.documentation()
        if not (isinstance(block.value, ast.Constant) and isinstance(block.value.value, str))
    ]


RULES: dict[Rule, tuple[str, str]] = {
    long_functions: ("", "def grant():\n" + "    x = 1\n" * FUNCTION_LINES),
    long_files: ("", "x = 1\n" * (FILE_LINES + 1)),
    complex_functions: ("plugins/", "def grant(a):\n    return " + " and ".join("a" * (COMPLEXITY + 1))),
    toolbox_names: ("", "class GrantManager:\n    def data(self): ..."),
    asserts: ("plugins/", "assert True"),
    dynamic_imports: ("plugins/", "from importlib import import_module"),
    computed_documentation: ("plugins/", "DOCUMENTATION = f'{1}'"),
}
"""each rule: where it holds, and a text that breaks it"""


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_sources_keep_the_rule(rule: Rule) -> None:
    folder = RULES[rule][0]
    assert sources(folder)
    assert [complaint for source in sources(folder) for complaint in rule(source)] == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_rule_sees_what_breaks_it(rule: Rule) -> None:
    assert rule(Source("plugins/module_utils/_example.py", RULES[rule][1]))


@pytest.mark.parametrize(
    ("body", "ways"),
    [
        ("a = b", 1),
        ("if a: b\n elif c: d\n else: e", 3),
        ("for a in b:\n  while c: d", 3),
        ("try: a\n except B: c\n except D: e\n finally: f", 3),
        ("a = b if c else d", 2),
        ("a = b and c and d or e", 4),
        ("a = [b for c in d for b in c if b if e]", 5),
        ("a = {b: c for b, c in d}", 2),
        ("match a:\n  case 1: b\n  case _: c", 3),
        ("def inner():\n  if a: b", 2),
        ("with a: assert b", 1),
    ],
)
def test_the_ways_through_a_function_are_counted(body: str, ways: int) -> None:
    (function,) = ast.parse(f"def outer():\n {body}").body
    assert isinstance(function, ast.FunctionDef)
    assert complexity(function) == ways


def test_every_file_that_can_names_its_licence() -> None:
    without = ("LICENSES/", "changelogs/changelog.yaml")
    candidates = [name for name in files() if name.endswith(WITH_COMMENTS) and not name.startswith(without)]
    assert "Makefile" in candidates
    texts = {name: (ROOT / name).read_text() for name in candidates}
    assert [name for name, text in texts.items() if text and HEADER not in "\n".join(text.splitlines()[:6])] == []


def test_there_is_no_sanity_ignore_file() -> None:
    assert [name for name in files() if name.startswith("tests/sanity/ignore")] == []

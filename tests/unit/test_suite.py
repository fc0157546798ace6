# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where tests keep what they share: fixtures in the conftest.py of a folder, everything else in modules that are named
by their subject. So no fixture is ever imported."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

import pytest

from tests.unit.sources import Source, sources

Rule = Callable[[Source], list[str]]


def is_collected(module: str) -> bool:
    """Whether pytest itself reads the module, so that its fixtures are found without an import."""
    return module == "conftest" or module.startswith("test_")


def imported(source: Source) -> Iterator[tuple[ast.stmt, str]]:
    """The names that a file imports, each with its module: ``tests.sandbox.clients.State``."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node, f"{node.module}.{alias.name}") for alias in node.names)


def imports_of_tests(source: Source) -> list[str]:
    return [
        source.at(node, f"imports {name} from a test or a conftest")
        for node, name in imported(source)
        if any(is_collected(module) for module in name.split("."))
    ]


def stray_fixtures(source: Source) -> list[str]:
    if is_collected(source.path.rsplit("/", 1)[-1].removesuffix(".py")):
        return []
    return [
        source.at(node, f"the fixture {node.name} is neither in a test module nor in a conftest.py")
        for node in source.functions()
        if any(ast.unparse(decorator).startswith("pytest.fixture") for decorator in node.decorator_list)
    ]


def exported_names(source: Source) -> list[str]:
    return [
        source.at(node, "__all__, which only a file that imports fixtures needs")
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Name) and node.id == "__all__"
    ]


RULES: dict[Rule, str] = {
    imports_of_tests: "from tests.integration.postgresql.test_code import accomplice",
    stray_fixtures: "@pytest.fixture(params=[1])\ndef number(request): ...",
    exported_names: "__all__ = ['scene']",
}
"""each rule, and a text that breaks it"""


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_tests_keep_the_rule(rule: Rule) -> None:
    assert sources("tests/")
    assert [complaint for source in sources("tests/") for complaint in rule(source)] == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_rule_sees_what_breaks_it(rule: Rule) -> None:
    assert rule(Source("tests/integration/postgresql/drop_scene.py", RULES[rule]))

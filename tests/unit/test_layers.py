# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which part of the collection may know which, and what stands in one place only (docs/architecture.md)."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from graphlib import TopologicalSorter
from itertools import chain

import pytest
import yaml

from tests.checkout import ROOT
from tests.unit.sources import Source, sources

PACKAGE = "ansible_collections.dbops.aurora_iam.plugins.module_utils."
UTILS = "plugins/module_utils/"

LAYERS: tuple[tuple[str, ...], ...] = (
    (
        "_errors",
        "_model",
        "_address",
        "_login",
        "_transport",
        "_task",
        "_survey",
        "_authorization",
        "_secrets",
        "_sentences",
    ),
    ("_params", "_reconcile", "_plan", "_findings", "_report", "_facts"),
    ("_progress",),
    ("_engines/run_lock",),
    (
        "_engines/base",
        "_engines/certificates",
        "_engines/checks",
        "_engines/data_api",
        "_engines/graph",
        "_engines/grouping",
        "_engines/service_names",
    ),
    ("_engines/mysql", "_engines/postgresql", "_aws"),
    ("_engines/registry",),
    ("_connect", "_conversion", "_writer"),
    (
        "_account_module",
        "_cluster_module",
        "_connect_policy_module",
        "_facts_module",
        "_revoke_module",
        "_perform",
        "_module_entry",
    ),
    ("plugins/modules", "plugins/plugin_utils"),
    ("plugins/action", "plugins/lookup", "plugins/filter"),
)
"""the parts, from the ground up: a part imports parts below its own layer, or of it, never above"""

SQL = re.compile(
    r"\s*(SELECT\s.*\sFROM|INSERT\s+INTO|UPDATE\s.*\sSET|DELETE\s+FROM|(CREATE|ALTER|DROP)\s+(USER|ROLE|DATABASE)\s"
    r"|ALTER\s+DEFAULT|GRANT\s.*\s(ON|TO)|REVOKE\s.*\sFROM|(REASSIGN|DROP)\s+OWNED|SET\s+(DEFAULT\s+)?ROLE|SHOW\s+(GRANTS|CREATE)|KILL\s"
    r"|COMMENT\s+ON)",
    re.DOTALL,
)
"""the beginning of a statement; a privilege alone (CREATE USER, SHOW VIEW) is none, and a session commits by itself"""


def part_of(path: str) -> str:
    """The part that a file, or an imported module written as a path, belongs to.

    Raises LookupError for one that is in no layer.
    """
    name = path.removeprefix(UTILS).removesuffix(".py")
    for part in chain.from_iterable(LAYERS):
        if name == part or name.startswith(part + "/"):
            return part
    raise LookupError(f"{path} belongs to no layer: put its part into LAYERS, where docs/architecture.md has it")


def layer(part: str) -> int:
    return next(height for height, parts in enumerate(LAYERS) if part in parts)


def imports(source: Source) -> Iterator[tuple[ast.ImportFrom, str]]:
    """The import statements for our own modules, with the imported module as a path (``_engines/base``)."""
    for node in ast.walk(source.tree):
        module = node.module or "" if isinstance(node, ast.ImportFrom) else ""
        if isinstance(node, ast.ImportFrom) and (module.startswith(PACKAGE) or node.level):
            yield node, module.removeprefix(PACKAGE).replace(".", "/")


def collection() -> list[Source]:
    """The code: files that hold any, without documentation fragments."""
    return [source for source in sources("plugins/") if source.text and "doc_fragments" not in source.path]


def upward(source: Source) -> list[str]:
    own = part_of(source.path)
    return [
        source.at(node, f"{own} imports {imported}, which stands above it")
        for node, imported in imports(source)
        if layer(part_of(imported)) > layer(own)
    ]


def relative(source: Source) -> list[str]:
    return [
        source.at(node, "a relative import, which the short module name breaks")
        for node, _path in imports(source)
        if node.level
    ]


def across_engines(source: Source) -> list[str]:
    own = part_of(source.path)
    engines = {"_engines/mysql", "_engines/postgresql", "_aws"}
    return [
        source.at(node, f"{own} imports {imported}: engines know only themselves")
        for node, imported in imports(source)
        if own in engines and part_of(imported) in engines - {own}
    ]


def ansible_in_engines(source: Source) -> list[str]:
    """Engines never see AnsibleModule."""
    found = (node for node in ast.walk(source.tree) if isinstance(node, ast.ImportFrom))
    foreign = [node for node in found if (node.module or "").startswith(("ansible.", "ansible_collections.amazon."))]
    return [source.at(node, f"imports {node.module}") for node in foreign if "/_engines/" in source.path]


def stray_sql(source: Source) -> list[str]:
    if "/_engines/" in source.path and source.path.endswith(("statements.py", "queries.py")):
        return []
    found = [node for node in source.strings() if SQL.match(str(node.value))]
    return [source.at(node, f"SQL outside an engine's statements.py and queries.py: {node.value!r}") for node in found]


def stray_engine_tests(source: Source) -> list[str]:
    """Differences between engines are Capabilities, or the engine's own code."""
    if source.path.endswith("_engines/registry.py"):
        return []
    compared = (node for node in ast.walk(source.tree) if isinstance(node, ast.Compare))
    return [
        source.at(node, "compares the engine's name")
        for node in compared
        if any(names_engine(side) for side in (node.left, *node.comparators))
        and any(isinstance(side, ast.Constant) and side.value is not None for side in (node.left, *node.comparators))
    ]


def names_engine(node: ast.expr) -> bool:
    if isinstance(node, ast.Subscript):
        return isinstance(node.slice, ast.Constant) and node.slice.value == "engine"
    return (isinstance(node, ast.Name) and node.id == "engine") or (
        isinstance(node, ast.Attribute) and node.attr == "engine"
    )


Rule = Callable[[Source], list[str]]

RULES: dict[Rule, Source] = {
    upward: Source(UTILS + "_model.py", f"from {PACKAGE}_connect import connection"),
    relative: Source(UTILS + "_model.py", "from ._errors import Refused"),
    across_engines: Source(UTILS + "_engines/mysql/engine.py", f"from {PACKAGE}_engines.postgresql import statements"),
    ansible_in_engines: Source(UTILS + "_engines/base.py", "from ansible.module_utils.basic import AnsibleModule"),
    stray_sql: Source(UTILS + "_plan.py", 'x = "DROP USER joe"'),
    stray_engine_tests: Source(UTILS + "_params.py", 'if options["engine"] == "mysql": ...'),
}
"""each rule, and a source that breaks it"""


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_collection_keeps_the_rule(rule: Rule) -> None:
    assert collection()
    assert [complaint for source in collection() for complaint in rule(source)] == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_rule_sees_what_breaks_it(rule: Rule) -> None:
    assert rule(RULES[rule])


def test_imports_make_no_circle() -> None:
    graph = {
        source.path.removeprefix(UTILS).removesuffix(".py"): {imported for _node, imported in imports(source)}
        for source in collection()
    }
    assert any(graph.values())
    TopologicalSorter(graph).prepare()


def test_engines_have_the_same_files() -> None:
    """Of what they both have; plans and drops differ. Only PostgreSQL's routines have arguments, and only MySQL looks
    for rights by the client."""
    rooms = ("grammar/", "catalog/", "connection/", "facts/")
    of_engines = [
        {
            name
            for name in (source.path.removeprefix(f"{UTILS}_engines/{engine}/") for source in collection())
            if name.startswith(rooms) or "/" not in name
        }
        for engine in ("mysql", "postgresql")
    ]
    assert all(of_engines)
    of_one = {"grammar/arguments.py", "grammar/hosts.py", "grammar/kinds.py", "catalog/access.py", "catalog/clients.py"}
    assert of_engines[0] ^ of_engines[1] == of_one


def test_check_mode_is_read_where_a_task_comes_in_and_nowhere_else() -> None:
    lines = [
        source.at(node, "check_mode")
        for source in collection()
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Attribute) and node.attr == "check_mode"
    ]
    entries = [UTILS + "_module_entry.py", "plugins/plugin_utils/_controller_entry.py"]
    assert sorted(line.split(":")[0] for line in lines) == entries


def test_every_module_comes_in_both_ways() -> None:
    modules = {source.path.rsplit("/", 1)[-1] for source in sources("plugins/modules/")}
    assert modules
    assert {source.path.rsplit("/", 1)[-1] for source in sources("plugins/action/")} == modules


def test_every_module_is_in_the_action_group() -> None:
    runtime = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text())
    modules = {source.path.rsplit("/", 1)[-1].removesuffix(".py") for source in sources("plugins/modules/")}
    assert modules
    assert set(runtime["action_groups"]["all"]) == modules
    assert {name for name in runtime["action_groups"]["aws"] if isinstance(name, str)} <= modules

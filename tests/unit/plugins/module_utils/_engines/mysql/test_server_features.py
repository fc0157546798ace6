# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Queries and statements use only what the oldest server has, and the table says of everything since when."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tests.unit.plugins.module_utils._engines.mysql.server_features import (
    ERROR_CODES,
    FEATURES,
    MANUAL,
    NEWER,
    NOT_SQL,
    OLDEST,
)
from tests.unit.sources import Source, sources

ENGINE = "plugins/module_utils/_engines/mysql/"
OF_SQL = ("statements.py", "queries.py", "grammar/privileges.py")
KNOWN = {word: feature for feature in FEATURES for word in feature.words.split()}


def texts(source: Source) -> Iterator[str]:
    """Without docstrings, and what documents a value."""
    documents = {id(node.value) for node in ast.walk(source.tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documents:
            yield node.value


def words() -> set[str]:
    of_sql = [source for source in sources(ENGINE) if source.path.endswith(OF_SQL)]
    return {word for source in of_sql for text in texts(source) for word in re.findall(r"[A-Za-z_]\w+", text)}


def test_every_word_is_in_the_table() -> None:
    assert sorted(words() - KNOWN.keys() - NOT_SQL - NEWER.keys()) == []


def test_the_table_has_nothing_that_is_not_used() -> None:
    assert sorted((KNOWN.keys() | NOT_SQL) - words()) == []


def test_the_oldest_server_has_it() -> None:
    assert [feature for feature in FEATURES if feature.since > OLDEST] == []


def test_every_feature_has_its_page() -> None:
    assert all(re.fullmatch(r"[a-z-]+\.html(#[a-z_-]+)?", feature.page) for feature in FEATURES)
    assert MANUAL.endswith("/")


def test_every_privilege_of_a_newer_server_is_known_by_its_older_name() -> None:
    found = {text for source in sources(ENGINE) for text in texts(source)}
    assert {name for names in NEWER.items() for name in names} <= found


def test_every_error_code_is_in_the_table() -> None:
    """Those below 1000 and from 2000 to 2999 are none of the server's."""
    found = set()
    for source in sources(ENGINE):
        if re.search("/(connection|drop)/", source.path):
            numbers = {node.value for node in ast.walk(source.tree) if isinstance(node, ast.Constant)}
            found |= {int(number) for number in numbers if re.fullmatch(r"[13-6]\d{3}", str(number))}
    assert found - {3000} == ERROR_CODES.keys()

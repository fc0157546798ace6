# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import subprocess
import sys

import pytest
import yaml

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.grammar.kinds import (
    CLUSTER,
    KINDS,
    OTHER_PLURALS,
    OTHER_WORDS,
    PARENT,
    SCHEMA,
    Kind,
    kinds_of,
)
from tests.checkout import ROOT

BESIDE = """
import sys
from dataclasses import replace
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.grammar import kinds

shelf = kinds.Catalog("pg_collation", "c.collname", "c.collowner", "c.collacl", "c.collnamespace")
box = kinds.Catalog("pg_publication", "c.pubname", "c.pubowner", "c.pubacl")
read = {"READ": 0, "WRITE": 18}
kinds.KINDS += (
    kinds.Kind("SHELF", shelf, "h", read, "SHELVES", together=True, future="h"),
    kinds.Kind("RED BOX", box, "b", read, since=17),
)
kinds.WORDS += ("SHELF", "RED BOX")
kinds._BY_SCOPE = dict(kinds._by_scope())

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog import queries
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import AccountRequest, Scope
from tests.unit.plugins.module_utils._engines.postgresql import scenes

objects = [
    scenes.SecuredObject(Scope("SHELF", "shop", ("public", "a")), "master"),
    scenes.SecuredObject(Scope("SHELF", "shop", ("public", "b")), "master"),
    scenes.SecuredObject(Scope("RED BOX", "shop", ("c",)), "master"),
]
joe = scenes.observed(roles=(scenes.role("joe"),), memberships=(scenes.iam("joe"),), accounts=("joe",), objects=objects)
grants = [
    scenes.grant("shelf a", "read"),
    scenes.grant("ALL SHELVES IN SCHEMA public", "ALL"),
    scenes.grant("FUTURE SHELVES", "READ"),
    scenes.grant("red box c", "ALL"),
]
for grant in grants:
    print(*scenes.statements(joe, AccountRequest("joe", grants=(grant,))), sep="; ")
print(scenes.ENGINE.describe_grants(scenes.ENGINE.resolve(
    [scenes.ENGINE.parse(AccountRequest("joe", grants=tuple(grants[2:])))], replace(joe, major=18))[0].grants))
for major in (16, 17):
    asked = [queries.objects([], [], major), queries.entries([(1, 1)], [], [], major), queries.creators([], major)]
    print([[table in text for text, _values in asked] for table in ("pg_collation", "pg_publication")])
"""


def test_a_kind_is_one_row() -> None:
    """Grammar, privileges, queries and statements are made of the table: two kinds that PostgreSQL does not have."""
    path = os.pathsep.join(filter(None, [str(ROOT), *sys.path]))
    command = [sys.executable, "-c", BESIDE]
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        'GRANT READ ON SHELF "public"."a" TO "joe"',
        'GRANT READ ON SHELF "public"."a", "public"."b" TO "joe"',
        'ALTER DEFAULT PRIVILEGES FOR ROLE "master" GRANT READ ON SHELVES TO "joe"',
        'GRANT READ ON RED BOX "c" TO "joe"',
        "[{'privileges': ['READ'], 'on': 'FUTURE SHELVES', 'database': 'shop', 'owner': 'master'}, "
        "{'privileges': ['READ', 'WRITE'], 'on': 'RED BOX c', 'database': 'shop'}]",
        "[[True, True, True], [False, False, False]]",
        "[[True, True, True], [True, True, False]]",
    ]


def test_kinds_of_one_catalog_are_told_apart() -> None:
    for kind in KINDS:
        others = [other for other in KINDS if other.catalog == kind.catalog and other != kind]
        assert bool(kind.condition) == bool(others)
        assert kind.condition not in [other.condition for other in others] or not others


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.word)
def test_the_documentation_has_every_kind(kind: Kind) -> None:
    fragment = (ROOT / "plugins/doc_fragments/account.py").read_text()
    options = yaml.safe_load(fragment.split('r"""')[1].split('"""')[0])["options"]
    described = " ".join(options["grants"]["suboptions"]["on"]["description"])
    assert kind.word in described
    plurals = [kind.plural] if kind.together or kind.future else []
    assert [plural for plural in plurals if plural not in described] == []


def test_the_documentation_has_every_privilege() -> None:
    page = (ROOT / "docs/accounts.md").read_text()
    for line in reference():
        assert f"\n{line}\n" in page


def reference() -> list[str]:
    """The table of the documentation."""
    return ["| kind | privileges | in | `ALL … IN SCHEMA` | `FUTURE` |", "|---|---|---|---|---|", *map(row, KINDS)]


def row(kind: Kind) -> str:
    words = [kind.word, *(word for word in OTHER_WORDS if kind in kinds_of(word))]
    plurals = [kind.plural, *(plural for plural in OTHER_PLURALS if kind in kinds_of(PARENT + plural))]
    privileges = ", ".join(f"`{name}`{since(version)}" for name, version in kind.privileges.items())
    place = {CLUSTER: "the cluster", SCHEMA: "a schema"}.get(kind.place, "a database")
    together = ", ".join(f"`{word}`" for word in plurals) if kind.together else ""
    future = f"`{kind.plural}`{since(kind.future_since)}" if kind.future else ""
    named = ", ".join(f"`{word}`" for word in words) + since(kind.since)
    return f"| {named} | {privileges} | {place} | {together} | {future} |"


def since(version: int) -> str:
    return f" ({version})" if version else ""

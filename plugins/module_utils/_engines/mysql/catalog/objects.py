# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""What accounts are granted privileges on: the databases, tables, columns and routines that exist."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.rows import ObjectRow
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.objects import canonical
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import (
    Scope,
)


@dataclass(frozen=True)
class Objects:
    """
    scopes   those of kind DATABASE, TABLE and routines that exist
    columns  of each table, the looked-up columns: name in lower case → name as stored
    """

    scopes: frozenset[Scope] = frozenset()
    columns: Mapping[tuple[str, ...], Mapping[str, str]] = field(default_factory=dict)

    def column(self, path: tuple[str, ...], name: str) -> str:
        """As stored; empty if there is none. MySQL's column names ignore case."""
        return self.columns.get(path, {}).get(name.lower(), "")


def build_objects(rows: Iterable[ObjectRow], folds_names: bool) -> Objects:
    found: set[Scope] = set()
    columns: dict[tuple[str, ...], dict[str, str]] = {}
    for row in rows:
        if row.kind == "COLUMN":
            columns.setdefault((row.database, row.name), {})[row.column.lower()] = row.column
        else:
            path = (row.database,) if row.kind == "DATABASE" else (row.database, row.name)
            found.add(canonical(Scope(row.kind, path=path), folds_names))
    return Objects(frozenset(found), columns)

# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Which of the databases, tables, columns and routines that a task names are there, looked up all at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.base import ParsedAccount, Session
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog import queries
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.objects import ROUTINE_KINDS
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import Scope


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


def canonical(scope: Scope, folds_names: bool) -> Scope:
    """As the catalogue and the grant tables spell it: routines in lower case; with ``lower_case_table_names``,
    databases and tables too."""
    path = tuple(name.lower() for name in scope.path) if folds_names else scope.path
    if scope.kind in ROUTINE_KINDS:
        path = (path[0], path[1].lower())
    return replace(scope, path=path)


def look_up(session: Session, wanted: Sequence[ParsedAccount], folds_names: bool) -> Objects:
    """One query, or none if no database is named."""
    grants = [grant for account in wanted for grant in account.grants or ()]
    scopes = {canonical(grant.scope, folds_names) for grant in grants if grant.scope.kind not in ("GLOBAL", "PATTERN")}
    if not scopes:
        return Objects()
    with_columns = {
        canonical(grant.scope, folds_names).path
        for grant in grants
        if any(privilege.columns for privilege in grant.privileges)
    }
    rows = session.query(
        *queries.objects(
            {scope.path[0] for scope in scopes},
            _pairs(scopes, "TABLE"),
            {(path[0], path[1]) for path in with_columns},
            _pairs(scopes, "FUNCTION", "PROCEDURE"),
        )
    )
    found: set[Scope] = set()
    columns: dict[tuple[str, ...], dict[str, str]] = {}
    for kind, database, name, column in rows:
        if kind == "COLUMN":
            columns.setdefault((database, name), {})[column.lower()] = column
        else:
            path = (database,) if kind == "DATABASE" else (database, name)
            found.add(canonical(Scope(kind, path=path), folds_names))
    return Objects(frozenset(found), columns)


def _pairs(scopes: set[Scope], *kinds: str) -> set[tuple[str, str]]:
    return {(scope.path[0], scope.path[1]) for scope in scopes if scope.kind in kinds}

# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Grants as a person writes them under ``grants``."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.grammar.names import (
    readable_identifier,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.grammar.objects import describe_scope
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import Grant, Scope


def describe_grants(grants: Collection[Grant]) -> list[dict[str, Any]]:
    """Grants as elements of the option ``grants``, one for each scope and grant option, sorted."""
    columns: dict[tuple[Scope, bool], dict[str, list[str]]] = {}
    for grant in sorted(grants):
        scope = grant.scope
        table = Scope(scope.kind, scope.database, scope.path, scope.arguments, "", scope.owner)
        privileges = columns.setdefault((table, grant.grantable), {})
        privileges.setdefault(grant.privilege, []).append(scope.column)
    described: list[dict[str, Any]] = []
    for (scope, grantable), privileges in sorted(columns.items()):
        item: dict[str, Any] = {"privileges": _describe_privileges(privileges), "on": describe_scope(scope)}
        database = scope.path[0] if scope.kind == "DATABASE" else scope.database
        optional = {"database": database, "owner": scope.owner, "grant_option": grantable}
        described.append({**item, **{key: value for key, value in optional.items() if value}})
    return described


def _describe_privileges(privileges: dict[str, list[str]]) -> list[str]:
    texts: list[str] = []
    for privilege, columns in sorted(privileges.items()):
        if "" in columns:
            texts.append(privilege)
        named = ", ".join(readable_identifier(column) for column in columns if column)
        if named:
            texts.append(f"{privilege} ({named})")
    return texts

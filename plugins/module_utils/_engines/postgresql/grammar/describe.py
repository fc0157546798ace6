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

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.grouping import (
    columns_by_privilege,
    object_of,
    together,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.grammar.names import (
    readable_identifier,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.grammar.objects import (
    describe_scope,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import Grant, Scope


def describe_grants(grants: Collection[Grant]) -> list[dict[str, Any]]:
    """Grants as elements of the option ``grants``, one for each object and grant option, sorted."""
    elements = together(((object_of(grant.scope), grant.grantable), grant) for grant in grants)
    return [_element(scope, option, held) for (scope, option), held in sorted(elements.items())]


def _element(scope: Scope, option: bool, grants: Collection[Grant]) -> dict[str, Any]:
    element: dict[str, Any] = {"privileges": _privileges(grants), "on": describe_scope(scope)}
    database = scope.path[0] if scope.kind == "DATABASE" else scope.database
    optional = {"database": database, "owner": scope.owner, "grant_option": option}
    return {**element, **{key: value for key, value in optional.items() if value}}


def _privileges(grants: Collection[Grant]) -> list[str]:
    whole = {grant.privilege for grant in grants if not grant.scope.column}
    limited = columns_by_privilege((grant.privilege, grant.scope.column) for grant in grants)
    texts: list[str] = []
    for privilege in sorted(whole | limited.keys()):
        if privilege in whole:
            texts.append(privilege)
        if privilege in limited:
            texts.append(f"{privilege} ({', '.join(map(readable_identifier, limited[privilege]))})")
    return texts

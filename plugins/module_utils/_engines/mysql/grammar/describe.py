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
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.objects import (
    GLOBAL,
    format_scope,
    identifier,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.privileges import (
    ALL,
    STATIC_PRIVILEGES,
    USAGE,
    in_order,
    privileges_of,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import Grant, Scope


def describe_grants(grants: Collection[Grant]) -> list[dict[str, Any]]:
    """One element for each object; on ``*.*``, dynamic privileges may need one of their own."""
    options = {grant.scope for grant in grants if grant.privilege == USAGE}
    elements = together(((object_of(grant.scope), _has_option(grant, options)), grant) for grant in grants)
    return [_element(scope, option, held) for (scope, option), held in sorted(elements.items())]


def in_words(grants: Collection[Grant]) -> list[str]:
    """``SELECT, INSERT on orders.*`` for each object."""
    return [
        f"{', '.join(element['privileges'])} on {element['on']}"
        + (" with the grant option" if element.get("grant_option") else "")
        for element in describe_grants(grants)
    ]


def _has_option(grant: Grant, options: Collection[Scope]) -> bool:
    """``options``: the levels whose grant option is held. A dynamic privilege has one of its own."""
    if grant.scope == GLOBAL and grant.privilege not in (*STATIC_PRIVILEGES, USAGE):
        return grant.grantable
    return object_of(grant.scope) in options


def _element(scope: Scope, option: bool, grants: Collection[Grant]) -> dict[str, Any]:
    element: dict[str, Any] = {"privileges": _privileges(scope, grants), "on": format_scope(scope)}
    if option:
        element["grant_option"] = True
    return element


def _privileges(scope: Scope, grants: Collection[Grant]) -> list[str]:
    whole = {grant.privilege for grant in grants if not grant.scope.column and grant.privilege != USAGE}
    columns = columns_by_privilege((grant.privilege, grant.scope.column) for grant in grants)
    everything = scope != GLOBAL and whole == set(privileges_of(scope.kind))
    names = [ALL] if everything else sorted(whole, key=in_order)
    if Grant(USAGE, scope, True) in grants and not whole & set(privileges_of(scope.kind)):
        # The grant option of the level; beside dynamic privileges alone, grant_option would mean theirs only.
        names.insert(0, USAGE)
    names += [
        f"{privilege} ({', '.join(map(identifier, columns[privilege]))})" for privilege in sorted(columns, key=in_order)
    ]
    return names

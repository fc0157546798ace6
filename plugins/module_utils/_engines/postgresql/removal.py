# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Dropping accounts: what is in the way of it, and the statement."""

from __future__ import annotations

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql import sql
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.observed import (
    PUBLIC,
    PostgreSQLObserved,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.scope import name_scope
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import Refused
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import Changes
from ansible_collections.dbops.aurora_iam.plugins.module_utils._plan import Statement

_SHOWN = 10


def refuse_obstacles(changes: Changes, observed: PostgreSQLObserved) -> None:
    """Raises Refused with all that keeps an account from being dropped, for all accounts at once."""
    found: dict[str, list[str]] = {}
    for change in changes.accounts:
        if change.dropped:
            reasons = [*observed.obstacles.get(change.name.name, ()), *_passed_on(change.name.name, observed)]
            if reasons:
                found[change.name.name] = reasons
    if found:
        names = "; ".join(f"{name} {', '.join(reasons)}" for name, reasons in sorted(found.items()))
        raise Refused(
            f"{observed.title}: cannot drop {', '.join(sorted(found))}, nothing was changed: {names}. Give these "
            "objects another owner, or drop them, or revoke what was passed on, and run the task again.",
            in_the_way=found,
        )


def _passed_on(name: str, observed: PostgreSQLObserved) -> list[str]:
    """Privileges that others have from this account, but not on its own objects: those are listed as owned."""
    catalogue = observed.catalogue
    found = [
        f"granted {entry.privilege} on {name_scope(entry.scope)} to "
        f"{'PUBLIC' if entry.grantee == PUBLIC else entry.grantee}"
        for entry in catalogue.granted_by(name)
        if entry.grantee != name and catalogue.owner(entry.scope) != name
    ]
    shown = sorted(found)[:_SHOWN]
    return shown + ([f"and {len(found) - len(shown)} more such grants"] if len(found) > len(shown) else [])


def drop(changes: Changes) -> list[Statement]:
    names = [change.name.name for change in changes.accounts if change.dropped]
    return [sql.drop_roles(names)] if names else []

# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""What MySQL would refuse of roles: found before the first statement."""

from __future__ import annotations

from collections.abc import Iterable

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.checks import role_is_dropped
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.observed import MySQLObserved
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.roles import chain
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.plan.resolve import element_of_role
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import Refused
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import AccountChange


def check_roles(change: AccountChange, observed: MySQLObserved) -> None:
    """Of an account that changes. Raises Refused."""
    fixed = observed.mandatory_roles & ({change.name} if change.dropped else change.roles_revoked)
    for role in sorted(fixed):
        raise Refused(
            f"Role {role} is one of the mandatory_roles of {observed.title}, so that it can be neither revoked nor "
            "dropped; take it out of them first, or keep it.",
            change.at("" if change.dropped else "roles"),
        )
    if change.after is None or observed.authority.may_administer_roles:
        return
    for role in sorted(change.roles_granted | change.roles_revoked):
        if role not in observed.administered:
            raise Refused(
                f"{observed.login} may neither grant nor revoke role {role}; grant it ROLE_ADMIN, or the role WITH "
                "ADMIN OPTION.",
                change.at(element_of_role(change, role, observed)),
            )


def check_dropped_roles(changes: Iterable[AccountChange], observed: MySQLObserved) -> None:
    """Raises Refused where an account has, or gets, a role that the same task drops."""
    changes = list(changes)
    dropped = {change.name for change in changes if change.dropped}
    for change in changes:
        for role in sorted(change.after.roles & dropped if change.after else ()):
            raise role_is_dropped(role, change, change.at(element_of_role(change, role, observed)))


def check_loops(changes: Iterable[AccountChange], observed: MySQLObserved) -> None:
    """Raises Refused where an account would be a role of itself (error 4027). Roles are granted before others are
    revoked, so that those count too."""
    granting = [change for change in changes if change.after and change.roles_granted]
    edges = {name: set(roles) for name, roles in observed.role_edges.items()}
    for change in granting:
        edges.setdefault(change.name, set()).update(change.roles_granted)
    for change in granting:
        for role in sorted(change.roles_granted & edges.keys()):
            way = chain(role, change.name, edges)
            if way:
                raise Refused(
                    f"{change.name} cannot have role {role}, which has it as a role itself: "
                    f"{' → '.join(map(str, [change.name, *way]))}. Revoke one of these first, or correct roles.",
                    change.at(element_of_role(change, role, observed)),
                )

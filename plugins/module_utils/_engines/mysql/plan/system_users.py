# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""What only a login with SYSTEM_USER may do: the server refuses it to others (1227, 1095).

https://dev.mysql.com/doc/refman/8.4/en/account-categories.html
"""

from __future__ import annotations

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.observed import MySQLObserved
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.roles import reachable
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.privileges import SYSTEM_USER
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.plan.resolve import element_of_role
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import Refused
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import AccountChange


def check_system_user(change: AccountChange, observed: MySQLObserved) -> None:
    """What an account has of it through a role does not count here, but the role itself does, unless it goes with the
    account. Raises Refused."""
    if observed.authority.holds_dynamic(SYSTEM_USER):
        return
    held = change.before.grants if change.before else frozenset()
    if any(grant.privilege == SYSTEM_USER for grant in held):
        raise Refused(
            f"{change.name} holds SYSTEM_USER, so that only a login with SYSTEM_USER can change it, which "
            f"{observed.login} does not hold. Remove it from the task.",
            change.at(),
        )
    if change.dropped:
        return
    for role in sorted((change.roles_granted | change.roles_revoked) & observed.system_users):
        raise Refused(
            f"Role {role} holds SYSTEM_USER, so that only a login with SYSTEM_USER can grant or revoke it, which "
            f"{observed.login} does not hold. Remove it from roles, or set purge_roles: false to keep it.",
            change.at(element_of_role(change, role, observed)),
        )


def check_system_sessions(change: AccountChange, observed: MySQLObserved) -> None:
    """Of an account whose sessions end: here the roles count that are active at its login, and mysql.rds_kill does not
    help. Raises Refused."""
    before = change.before
    if before is None or change.name not in observed.dependencies.sessions.values():
        return
    if observed.authority.holds_dynamic(SYSTEM_USER):
        return
    active = before.roles if observed.activates_all_roles else before.default_roles
    roles = {role for each in active for role in (each, *reachable(each, observed.role_edges))}
    for role in sorted(roles & observed.system_users):
        raise Refused(
            f"The sessions of {change.name} have SYSTEM_USER by role {role}, so that only a login with SYSTEM_USER can "
            f"end them, which {observed.login} does not hold. Set terminate_sessions: false.",
            change.at("terminate_sessions"),
        )

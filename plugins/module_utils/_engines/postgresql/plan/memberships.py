# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Memberships of the accounts: which are granted and revoked, and which the server would refuse to end."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.grouping import together
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql import statements
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.observed import (
    PostgreSQLObserved,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.roles import (
    MEMBERSHIP_OPTIONS,
    Membership,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.drop.cascade import Cascade
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.iam_login import RDS_IAM
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import Refused
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import (
    AccountChange,
    AccountName,
    Changes,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._plan import Statement


def refuse_passed_on(changes: Changes, observed: PostgreSQLObserved) -> None:
    """Since 16 a membership depends on the ADMIN OPTION of who granted it. The server does not say on whom.

    Raises Refused.
    """
    for change in changes.effective:
        if change.after is None or not change.roles_revoked:
            continue
        account = change.name.name
        lost = {role.name for role in change.roles_revoked}
        lost -= {item.role for item in observed.roles.held_by(account) if item.admin and not item.counts}
        for item in observed.roles.granted_by(account):
            if item.role in lost:
                raise Refused(
                    f"{account} has granted membership of {item.role} on to {item.member}; revoke that first, or leave "
                    f"{item.role} on the list.",
                    change.at("roles"),
                )


def grant_roles(changes: Changes, observed: PostgreSQLObserved, enrolled: frozenset[str]) -> list[Statement]:
    """rds_iam for all at once, then accounts that gain the same roles together."""
    wanted = [
        *((member, frozenset({RDS_IAM})) for member in sorted(enrolled)),
        *(
            (change.name.name, frozenset(role.name for role in change.roles_granted | _activated(change, observed)))
            for change in changes.accounts
            if change.after
        ),
    ]
    members = together(pair for member, roles in wanted for pair in _gained(member, roles, observed))
    order = sorted(members.items(), key=lambda item: (RDS_IAM not in item[0][1], item[0][0], sorted(item[0][1])))
    return [statements.grant_roles(roles, names, with_rights) for (with_rights, roles), names in order]


def inherits_from_now_on(change: AccountChange, observed: PostgreSQLObserved) -> bool:
    """Before 16 an attribute of the account decides whether it inherits from all of its roles or from none."""
    before, after = change.before, change.after
    if before is None or after is None or observed.major >= MEMBERSHIP_OPTIONS:
        return False
    idle = any(not item.inherits for item in observed.roles.held_by(change.name.name))
    return idle and bool(after.default_roles - before.default_roles)


def _activated(change: AccountChange, observed: PostgreSQLObserved) -> frozenset[AccountName]:
    """Roles that it has without inheriting from them, and that the task names. Before 16 that is an attribute of the
    account, see :func:`inherits_from_now_on`."""
    before, after = change.before, change.after
    if before is None or after is None or observed.major < MEMBERSHIP_OPTIONS:
        return frozenset()
    return (after.default_roles - before.default_roles) & before.roles


def _gained(
    member: str, roles: frozenset[str], observed: PostgreSQLObserved
) -> Iterator[tuple[tuple[bool, frozenset[str]], str]]:
    """A membership that only administers is there already: GRANT then says that it gives the role's rights."""
    there: set[str] = set()
    if observed.major >= MEMBERSHIP_OPTIONS:
        # An account with NOINHERIT does not inherit by a new membership either, unless the GRANT says so
        there = {item.role for item in observed.roles.held_by(member)}
        there |= set(roles) - {RDS_IAM} if member in observed.roles.by_name else set()
    for with_rights, part in ((False, roles - there), (True, roles & there)):
        if part:
            yield (with_rights, part), member


def revoke_roles(changes: Changes, observed: PostgreSQLObserved, cascade: Cascade) -> list[Statement]:
    members = together(
        ((observed.authority.membership_grantor(membership), membership.role), membership.member)
        for change in changes.accounts
        for membership in _lost(change, observed, cascade)
    )
    roles = together(((grantor, frozenset(names)), role) for (grantor, role), names in members.items())
    order = sorted(roles.items(), key=lambda item: (item[0][0], sorted(item[1]), sorted(item[0][1])))
    return [statements.revoke_roles(lost, names, grantor) for (grantor, names), lost in order]


def _lost(change: AccountChange, observed: PostgreSQLObserved, cascade: Cascade) -> list[Membership]:
    lost = {role.name for role in change.roles_revoked if change.after is not None and not cascade.ends(role)}
    return [item for item in observed.roles.held_by(change.name.name) if item.role in lost and item.counts]

# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Memberships that the login gives itself and ends in the same transaction, to act for roles that it administers.

Nobody else ever sees them: +rds_iam in pg_hba.conf reads what is committed.
"""

from __future__ import annotations

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql import statements
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.grantor import Authority
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.roles import (
    MEMBERSHIP_OPTIONS,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._plan import Statement


class Momentary:
    def __init__(self, authority: Authority) -> None:
        self._authority = authority

    def join(self, role: str) -> Statement:
        options = self._authority.observed.major >= MEMBERSHIP_OPTIONS
        return statements.join_role(role, self._authority.login, options, self._named_grantor(role))

    def part_from(self, role: str) -> Statement:
        """Leave the membership as it was. What others have granted was not touched."""
        login, named = self._authority.login, self._named_grantor(role)
        if self._authority.observed.major >= MEMBERSHIP_OPTIONS:
            for item in self._authority.observed.roles.held_by(login):
                if item.role == role and item.grantor == (named or login):
                    return statements.set_membership(role, login, item.inherits, item.sets, named)
        return statements.leave_role(role, login, named)

    def _named_grantor(self, role: str) -> str:
        """Who stands after GRANTED BY. The server takes the login where it administers the role by itself; of several
        roles with the option it would choose one, and after the login has joined a role perhaps another."""
        if self._authority.observed.major < MEMBERSHIP_OPTIONS:
            return ""
        authority, roles = self._authority, self._authority.observed.roles
        holders = {
            name
            for name in authority.inherited
            if any(item.admin and item.role == role for item in roles.held_by(name))
        }
        return "" if authority.login in holders else min(holders, default="")

# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Memberships that the server would refuse to end, found out before the first statement."""

from __future__ import annotations

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.observed import (
    PostgreSQLObserved,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import Refused
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import Changes


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

# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""What is stored as the comment of an account: the user's, behind the marker of a locked account. Pure."""

from __future__ import annotations

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.observed import (
    PostgreSQLObserved,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.iam_login import (
    has_marker,
    with_marker,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import IAM, AccountChange


def comment_to_write(change: AccountChange, observed: PostgreSQLObserved) -> str | None:
    """For an account that stays. None where the stored comment is right, or nobody asked for another.

    An account that somebody else has locked gets the marker where the task says locked: true or converts it, and is a
    group role to those that say nothing.
    """
    before, after, request = change.before, change.after, change.request
    if after is None or (before == after and change.name.name in (observed.login.name, observed.master)):
        return None
    role = observed.roles.by_name.get(change.name.name)
    stored = role.comment if role is not None else ""
    locked = request.locked if request is not None else None
    converted = before is not None and before.authentication != IAM
    changed = before is None or (before.locked, before.comment) != (after.locked, after.comment)
    if not changed and locked is None and not converted:
        return None
    ours = before is None or not before.locked or has_marker(stored) or locked is True or converted
    wanted = with_marker(after.comment) if after.locked and ours else after.comment
    return wanted if wanted != stored else None

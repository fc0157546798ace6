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
    after = change.after
    if after is None or not _decides(change):
        return None
    if change.before == after and change.name.name in (observed.login.name, observed.master):
        return None
    role = observed.roles.by_name.get(change.name.name)
    stored = role.comment if role is not None else ""
    wanted = with_marker(after.comment) if after.locked and _is_ours(change, stored) else after.comment
    return wanted if wanted != stored else None


def _decides(change: AccountChange) -> bool:
    """Whether the task decides on the lock or the comment."""
    before, after = change.before, change.after
    if before is None or after is None or _is_converted(change):
        return True
    return (before.locked, before.comment) != (after.locked, after.comment) or _asked_lock(change) is not None


def _is_ours(change: AccountChange, stored: str) -> bool:
    """Whether the lock of the account is this collection's."""
    before = change.before
    if before is None or not before.locked or has_marker(stored):
        return True
    return _asked_lock(change) is True or _is_converted(change)


def _is_converted(change: AccountChange) -> bool:
    return change.before is not None and change.before.authentication != IAM


def _asked_lock(change: AccountChange) -> bool | None:
    return change.request.locked if change.request is not None else None

# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""The marker in the comment of an account that this collection has locked.

PostgreSQL does not tell an account that is locked from a group role: both have NOLOGIN. A group role that has lost its
members must not be taken for an account and dropped as unlisted. Only who administers a role can write its comment:
https://www.postgresql.org/docs/current/sql-comment.html
"""

from __future__ import annotations

LOCK_MARKER = "[dbops.aurora_iam: locked]"


def has_marker(comment: str) -> bool:
    return comment == LOCK_MARKER or comment.startswith(f"{LOCK_MARKER}\n")


def with_marker(comment: str) -> str:
    return f"{LOCK_MARKER}\n{comment}" if comment else LOCK_MARKER


def without_marker(comment: str) -> str:
    """What the user wrote."""
    return comment[len(LOCK_MARKER) + 1 :] if has_marker(comment) else comment

# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""What a server's refusal of a statement means to the person who wrote the task.

https://www.postgresql.org/docs/current/errcodes-appendix.html
"""

from __future__ import annotations

from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import StatementFailed

LOCK_NOT_AVAILABLE, QUERY_CANCELED, DEPENDENT_OBJECTS = "55P03", "57014", "2BP01"
_ROW_TOO_BIG, _OUT_OF_MEMORY = "54000", "53200"


def refusal(title: str, message: str, hint: str, code: str, text: str) -> StatementFailed:
    advice = {
        LOCK_NOT_AVAILABLE: "another session holds a lock on it; try again later or raise lock_timeout",
        _OUT_OF_MEMORY: "name fewer accounts or objects in one task, or raise max_locks_per_transaction",
        _ROW_TOO_BIG: "its access list is full; grant to a group role, and give the accounts that role with roles",
    }.get(code, "nothing of this transaction was kept; correct the cause and run the task again")
    detail = f" ({' '.join(hint.split())})" if hint else ""
    return StatementFailed(f"{title} refused: {message}{detail}; {advice}.", code, text)


def lock_not_available(error: StatementFailed, holders: str) -> StatementFailed:
    """``holders``: what is locked and by whom, or nothing."""
    if not holders:
        return error
    error.message += f" {holders}."
    return error

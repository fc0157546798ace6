# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Accounts of one name under several hosts: by which of them its holder still logs in when another one goes.

https://dev.mysql.com/doc/refman/8.4/en/connection-access.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.grouping import together
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.iam_login import means_of_login
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import Account, AccountChange, AccountName


def still_open(changes: Sequence[AccountChange], unlocked: Mapping[AccountName, str]) -> Iterator[str]:
    """Warnings about accounts that are dropped or locked while others of the name are not.

    unlocked  as in ``MySQLObserved``
    """
    after = {change.name: change.after for change in changes}
    remaining = [name for name in unlocked if name not in after or _is_unlocked(after[name])]
    by_user = together((name.name, name) for name in sorted(remaining))
    for change in filter(_goes, changes):
        others = by_user.get(change.name.name, [])
        if others:
            how = ", ".join(f"{name} (with {means_of_login(unlocked[name])})" for name in others)
            yield (
                f"{change.name} is {'dropped' if change.dropped else 'locked'}, but {change.name.name} can still log "
                f"in as {how}. Drop or lock what is left of {change.name.name} too, if nobody is meant to use the name."
            )


def _goes(change: AccountChange) -> bool:
    """Also where a locked account is to be locked. A role is locked too, and nobody asks for that."""
    asked = change.request is None or change.request.locked is True
    return change.dropped or (asked and change.after is not None and change.after.locked)


def _is_unlocked(account: Account | None) -> bool:
    return account is not None and not account.locked

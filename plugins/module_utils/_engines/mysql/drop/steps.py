# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""The steps by which accounts are dropped: no new login, no open session, their objects dropped, then the account.

``plan/render.py`` writes the first and the last of them, and puts all of them in this order with what else is changed.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql import statements
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.drop.dependencies import (
    Dependencies,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.drop.end_sessions import EndSessions
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.drop.sessions import right_to_end
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import AccountChange, AccountName
from ansible_collections.dbops.aurora_iam.plugins.module_utils._plan import Statement, Step


def must_end_sessions(change: AccountChange, dependencies: Dependencies) -> bool:
    """Also where an account was locked before and still has sessions."""
    return _ends_sessions(change) and (change.before != change.after or change.name in dependencies.sessions.values())


def _ends_sessions(change: AccountChange) -> bool:
    """Whether nobody may be logged in as this account afterwards."""
    request = change.request
    if change.dropped:
        return request is None or request.terminate_sessions
    locked = change.before is not None and change.after is not None and change.after.locked
    return locked and (request is None or bool(request.locked and request.terminate_sessions))


def sessions_ended(
    changes: Sequence[AccountChange], dependencies: Dependencies, existing: Collection[AccountName], call: str
) -> list[Step]:
    """``call``: as for EndSessions."""
    ending = [change for change in changes if must_end_sessions(change, dependencies)]
    if not ending:
        return []
    names = frozenset(change.name for change in ending)
    killed = tuple(
        statements.end_session(call, number, name)
        for number, name in sorted(dependencies.sessions.items())
        if name in names
    )
    known = {change.name: dependencies.objects.get(change.name, ()) for change in ending if change.dropped}
    lacking = right_to_end(dependencies.rds_kill)
    return [EndSessions(killed, "", names, frozenset(existing), call, lacking, known)]


def objects_dropped(changes: Sequence[AccountChange], dependencies: Dependencies) -> list[Statement]:
    """With ``owned_objects: drop``."""
    dropping = [
        change.name
        for change in changes
        if change.dropped and change.request is not None and change.request.owned_objects == "drop"
    ]
    return [statements.drop_object(*item, name) for name in dropping for item in dependencies.objects.get(name, ())]

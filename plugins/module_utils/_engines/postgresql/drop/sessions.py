# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Sessions of accounts that cannot log in any more, and whether the server has ended them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Callable

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.base import Row
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import StatementFailed, Where
from ansible_collections.dbops.aurora_iam.plugins.module_utils._plan import Step

_ROUNDS = 3
"""A session that had passed the login before it was refused shows up a moment later."""


@dataclass(frozen=True)
class EndSessions(Step):
    """One statement, whose answer says of each session whether it has ended.

    forget  makes the server look again, where it has looked in this transaction before
    open    reads which of the sessions in its one parameter are still there
    """

    forget: str = ""
    open: str = ""


Query = Callable[[str, "tuple[list[int], ...]"], "list[Row]"]
"""Text and parameters → rows."""


def end_sessions(step: EndSessions, query: Query, title: str) -> None:
    """Raises StatementFailed, also where a session goes on."""
    for _round in range(_ROUNDS):
        query(step.forget, ())
        rows = query(step.statements[0].text, ())
        remaining = [row for row in rows if not row[0]]
        if remaining:
            # The server also says false of a session that ended by itself before it was told to
            query(step.forget, ())
            still = {row[0] for row in query(step.open, ([row[2] for row in remaining],))}
            _refuse_open(step, [row for row in remaining if row[2] in still], title)
        if not rows:
            return


def _refuse_open(step: EndSessions, rows: Iterable[Row], title: str) -> None:
    """``rows``: whether it has ended, account, process, client, state."""
    keys = ("account", "pid", "client", "state")
    sessions = [dict(zip(keys, row[1:])) for row in rows]
    if sessions:
        shown = "{account} (pid {pid}, client {client}, state {state})"
        listed = "; ".join(shown.format_map(item) for item in sessions)
        raise StatementFailed(
            f"{title} has not ended these sessions within 5 s: {listed}. Their accounts stay locked. Find out what the "
            "sessions wait for, or set terminate_sessions: false, then run the task again.",
            "",
            step.statements[0].text,
            *map(Where, dict.fromkeys(item["account"] for item in sessions)),
            sessions=sessions,
        )

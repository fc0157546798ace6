# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Sessions of accounts that cannot log in any more, and whether the server has ended them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Callable, NamedTuple

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.drop import queries
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import StatementFailed, Where
from ansible_collections.dbops.aurora_iam.plugins.module_utils._plan import Executor, Step

_ROUNDS = 3
"""A session that had passed the login before it was refused shows up a moment later."""


class EndedSessionRow(NamedTuple):
    """``ended``: the server has ended it, and has not only been told to."""

    ended: bool
    account: str
    pid: int
    client: str
    state: str


@dataclass(frozen=True)
class EndSessions(Step):
    """One statement, whose answer says of each session whether it has ended."""

    def carry_out(self, session: Executor) -> None:
        """Raises StatementFailed, also where a session goes on."""
        ask = partial(session.query, database=self.database)
        for _round in range(_ROUNDS):
            ask(queries.FORGET_SESSIONS)
            found = [EndedSessionRow(*row) for row in ask(self.statements[0].text)]
            remaining = [row for row in found if not row.ended]
            self._refuse_open(_still_open(remaining, ask) if remaining else [], session.login.title)
            if not found:
                return

    def _refuse_open(self, rows: Sequence[EndedSessionRow], title: str) -> None:
        sessions = [{key: value for key, value in row._asdict().items() if key != "ended"} for row in rows]
        if sessions:
            shown = "{account} (pid {pid}, client {client}, state {state})"
            listed = "; ".join(shown.format_map(item) for item in sessions)
            raise StatementFailed(
                f"{title} has not ended these sessions within 5 s: {listed}. Their accounts stay locked. Find out what "
                "the sessions wait for, or set terminate_sessions: false, then run the task again.",
                "",
                self.statements[0].text,
                *map(Where, dict.fromkeys(row.account for row in rows)),
                sessions=sessions,
            )


def _still_open(rows: Sequence[EndedSessionRow], ask: Callable[..., list[tuple[Any, ...]]]) -> list[EndedSessionRow]:
    """The server also says false of a session that ended by itself before it was told to."""
    ask(queries.FORGET_SESSIONS)
    still = {pid for (pid,) in ask(*queries.open_sessions(row.pid for row in rows))}
    return [row for row in rows if row.pid in still]

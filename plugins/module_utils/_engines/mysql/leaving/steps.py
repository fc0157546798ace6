# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Steps that a MySQL session carries out in a way of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import AccountName
from ansible_collections.dbops.aurora_iam.plugins.module_utils._plan import Statement, Step


@dataclass(frozen=True)
class EndSessions(Step):
    """Ends every session of these accounts: those of ``statements``, and whoever came before the door was shut.

    existing  as for ``sessions.assign``
    call      how a session is ended, with a place for its number
    """

    accounts: frozenset[AccountName] = frozenset()
    existing: frozenset[AccountName] = frozenset()
    call: str = ""


@dataclass(frozen=True)
class CodeStep(Step):
    """Makes an object again. The server takes what follows a body in the same message for a part of it, so that a
    message ends with each statement that has a body.

    codec    of Python, for the character set that the object's text was sent in
    endings  positions in ``statements`` at which a message ends
    undo     what is sent if the message that drops and creates fails half-way
    """

    codec: str = "utf-8"
    endings: tuple[int, ...] = ()
    undo: tuple[Statement, ...] = ()

    def messages(self) -> list[tuple[Statement, ...]]:
        edges = [0, *(ending + 1 for ending in self.endings), len(self.statements)]
        return [self.statements[start:end] for start, end in zip(edges, edges[1:]) if start < end]

    def is_lacking(self, executed: Sequence[str]) -> bool:
        """Whether the object was dropped and not made."""
        made = self.endings[-1]
        return bool(self.undo) and len(executed) == made

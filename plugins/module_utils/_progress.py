# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""How far a task has come, over all the sessions that it needed: what was there first, and what was carried out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import AuroraIamError
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import AccountChange, AccountName, Changes
from ansible_collections.dbops.aurora_iam.plugins.module_utils._plan import Plan, Step

NEW_SESSIONS = 3
"""How many sessions may break before the task gives up: what breaks that often will not hold the next time."""


class Progress:
    """
    statements  the SQL that was carried out, in order
    warnings    of every plan, each once
    left        how many statements of the last plan were not carried out
    """

    def __init__(self, warnings: Iterable[str] = ()) -> None:
        self.statements: list[str] = []
        self.warnings: list[str] = list(warnings)
        self._first: Mapping[AccountName, AccountChange] = {}
        self._unlisted: frozenset[AccountName] = frozenset()
        self._in_doubt: tuple[str, ...] = ()
        self._plans = 0
        self.left = 0
        self._broken = 0

    def begin(self, changes: Changes, plan: Plan, warnings: Iterable[str]) -> Changes:
        """Take a plan, the first or a new one. Returns the changes of the whole task: from what was observed first."""
        self._settle({statement.text for statement in plan.statements})
        self.left = len(plan.statements)
        self.warn(warnings)
        now = {change.name: change for change in changes.accounts}
        self._first = {**now, **self._first}
        self._plans += 1
        self._unlisted |= changes.unlisted
        # What a plan before this one dropped is in no later one.
        whole = {
            name: AccountChange(name, self._first.get(name, change).before, change.after, change.request)
            for name, change in {**self._first, **now}.items()
        }
        return Changes(tuple(whole[name] for name in sorted(whole)), self._unlisted)

    def warn(self, warnings: Iterable[str]) -> None:
        self.warnings += [warning for warning in dict.fromkeys(warnings) if warning not in self.warnings]

    def _settle(self, planned: set[str]) -> None:
        """A server carries out what it gets in order. What the new plan has again was not done, nor what came after."""
        for text in self._in_doubt:
            if text in planned:
                break
            self.statements.append(text)
        self._in_doubt = ()

    def carried_out(self, step: Step) -> None:
        self._add([statement.text for statement in step.statements])

    def failed(self, error: AuroraIamError) -> None:
        """Take note of the part of a step that was carried out before an error."""
        self._add(error.done)
        self._in_doubt = error.in_doubt

    def _add(self, texts: Sequence[str]) -> None:
        self.statements += texts
        self.left -= len(texts)

    def interrupted(self, error: AuroraIamError) -> None:
        """Count a session that broke. Raises the error if it was one too many."""
        self._broken += 1
        if self._broken > NEW_SESSIONS:
            self.explain(error)
            raise error

    def explain(self, error: AuroraIamError) -> None:
        """Add to an error how far the task has got."""
        if self.statements or self._plans:
            error.details["statements_executed"] = list(self.statements)
        if self._in_doubt:
            error.details["statements_in_doubt"] = list(self._in_doubt)
        if self._broken:
            sessions = "One session" if self._broken == 1 else f"{self._broken} sessions"
            error.message += f" {sessions} broke in this task: {self._so_far()}."

    def _so_far(self) -> str:
        if not self._plans:
            return "nothing was changed"
        doubt = f", {len(self._in_doubt)} of them perhaps carried out" if self._in_doubt else ""
        return f"{len(self.statements)} statements were carried out, {self.left} were left{doubt}"

# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""What will be sent to the server, in order, and the states on both sides of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, Union

from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import (
    AuroraIamError,
    StatementFailed,
    Where,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._login import Login
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import Account, AccountName, Scope

Subject = Union[Scope, AccountName]
"""Of a statement: an object or a role."""

IN_ITS_DATABASE, IN_EVERY_DATABASE, AT_ITS_END, NEVER = "its", "every", "end", "never"


@dataclass(frozen=True)
class Statement:
    """One complete SQL statement that replays as it stands. Identifiers and literals are already quoted.

    rehearsed  where a rehearsal of the plan executes it: in the database of its step; in every database of the plan,
               because it changes what they share and what follows needs it; in every database at the end, where it
               does not matter that what it depends on is done elsewhere; or nowhere, because no rollback undoes it
    advice     a sentence for who reads that the server refused it: what to do next
    accounts   for whom it is
    subjects   what it gives them or takes: objects and roles
    """

    text: str
    rehearsed: str = IN_ITS_DATABASE
    advice: str = ""
    accounts: tuple[str, ...] = field(default=(), compare=False)
    subjects: tuple[Subject, ...] = field(default=(), compare=False)

    def concern(self, error: AuroraIamError) -> None:
        """Let the server's refusal of this statement say whom and what it is about."""
        if isinstance(error, StatementFailed):
            error.where = tuple(map(Where, self.accounts))
            error.subjects = self.subjects


class Server(Protocol):
    """The server as a step sees it: in the step's database, and in its transaction where it has one."""

    def ask(self, text: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]: ...

    def roll_back(self) -> None: ...


class Executor(Protocol):
    """A session, as far as a step needs one."""

    login: Login

    def query(self, sql: str, parameters: Sequence[Any] = (), database: str = "") -> list[tuple[Any, ...]]: ...

    def execute(self, step: Step) -> None: ...


@dataclass(frozen=True)
class Step:
    """Statements that belong together in one database: one transaction where the engine has them for accounts.

    What the server must be asked beside is asked by the step itself, in ``before``, ``first``, ``last`` and
    ``warnings``, which engines without such transactions do not call.
    """

    statements: tuple[Statement, ...]
    database: str = ""

    def carry_out(self, session: Executor) -> None:
        session.execute(self)

    def before(self, server: Server) -> object:
        """Before the transaction. Returns what ``last`` compares with."""
        return None

    def first(self, server: Server) -> None:
        """In the transaction, before its statements. Raises Refused, NotDroppable."""

    def last(self, server: Server, seen: object) -> None:
        """In the transaction, after its statements. Raises Refused, StatementFailed."""

    def warnings(self, server: Server) -> list[str]:
        """In a rehearsal, after the statements of all steps."""
        return []


@dataclass(frozen=True)
class Plan:
    """``steps`` lead from ``before`` to ``after``. Empty steps mean that there is nothing to do."""

    before: Mapping[AccountName, Account]
    after: Mapping[AccountName, Account]
    steps: tuple[Step, ...]

    @property
    def dropped(self) -> list[AccountName]:
        return sorted(set(self.before) - set(self.after))

    @property
    def statements(self) -> tuple[Statement, ...]:
        return tuple(statement for step in self.steps for statement in step.statements)

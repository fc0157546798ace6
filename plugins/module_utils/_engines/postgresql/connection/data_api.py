# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Sessions with a PostgreSQL cluster over the RDS Data API: a transaction for each database that is needed.

What is read and then written in a database shares its transaction; the lock that keeps other runs out has one of its
own, because it outlives the others.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.base import Row
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.data_api import Answers, end_all
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.connection.errors import (
    CUT_OFF,
    ended_early,
    explain,
    refusal,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.connection.run_lock import (
    TransactionRunLock,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.connection.session import (
    ATTEMPTS,
    PostgreSQLSession,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.grammar.names import with_arrays
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.statements import (
    CLOSE,
    declare,
    empty_search_path,
    fetch,
    open_transaction,
    read_committed,
    set_lock_timeout,
    together,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.run_lock import RunLock
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import (
    CannotConnect,
    NotWriter,
    StatementFailed,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._login import Credentials, Login
from ansible_collections.dbops.aurora_iam.plugins.module_utils._plan import Statement, Step
from ansible_collections.dbops.aurora_iam.plugins.module_utils._transport import (
    MAX_WAIT,
    Conversation,
    DatabaseRefused,
    ResultTooLarge,
    TransactionLost,
    Transport,
)

MAX_STATEMENTS, MAX_CHARACTERS = 64, 60000
"""What goes into one call, which has 45 s and takes 65,536 characters."""

_USER = Credentials("the secret's user", "")


class PostgreSQLDataApiSession(PostgreSQLSession):
    def __init__(self, login: Login, transport: Transport) -> None:
        """Raises CannotConnect, NotWriter, CloudError."""
        self.login = login
        self.database = login.database or "postgres"
        self._transport = transport
        self._answers = Answers(login.title, self._refusal)
        self._patience = min(login.lock_timeout, MAX_WAIT)
        self._talks: dict[str, Conversation] = {}
        self._guard: Conversation | None = None
        self._run_lock = None
        facts = self._talk(self.database).open()[0]
        if facts[1]:
            self.close()
            raise NotWriter(login.read_only_answer())
        self._read_facts(facts)

    def _talk(self, database: str) -> Conversation:
        """The one with this database, open. Raises CannotConnect."""
        name = database or self.database
        if name not in self._talks:
            self._talks[name] = Conversation(self._transport, name, self._setup())
        self._begin(self._talks[name], name)
        return self._talks[name]

    def _setup(self) -> tuple[str, ...]:
        first = (read_committed(), empty_search_path(local=True), open_transaction(self._patience))
        return tuple(statement.text for statement in first)

    def _begin(self, talk: Conversation, database: str) -> None:
        talk.forget_if_old()
        for _attempt in range(ATTEMPTS):
            try:
                talk.open()
                return
            except DatabaseRefused as error:
                if error.state not in CUT_OFF:
                    raise CannotConnect(explain(self.login, _USER, database, error.text)) from None
            except TransactionLost as error:
                raise self._answers.lost(error) from None
        raise ended_early(self.login, _USER.user, database)

    def query(self, sql: str, parameters: Sequence[Any] = (), database: str = "") -> list[Row]:
        values = with_arrays(parameters)
        with self._answers.about(sql):
            try:
                if self._guard is not None:
                    self._guard.keep()
                return self._talk(database).say(sql, values)
            except ResultTooLarge:
                return self._answers.all_pages(sql, partial(self._pages, sql, values, database))

    def _pages(self, text: str, values: Sequence[Any], database: str, size: int) -> Iterator[list[Row]]:
        """A cursor's pages are of one moment: https://www.postgresql.org/docs/current/sql-declare.html"""
        talk = self._talk(database)
        talk.say(declare(text), values)
        page = talk.say(fetch(size))
        yield page
        while len(page) == size:
            page = talk.say(fetch(size))
            yield page
        talk.say(CLOSE)

    @property
    def run_lock(self) -> RunLock:
        if self._run_lock is None:
            self._run_lock = TransactionRunLock(self._ask_guard, self._end_guard)
        return self._run_lock

    def _ask_guard(self, text: str, values: Sequence[Any]) -> list[Row]:
        """In the transaction that holds the lock."""
        with self._answers.about(text):
            if self._guard is None:
                self._guard = self._meeting_place_talk()
            return self._guard.say(text, values)

    def _end_guard(self) -> None:
        guard, self._guard = self._guard, None
        if guard is not None:
            with self._answers.about("ROLLBACK"):
                guard.end(commit=False)

    def _meeting_place_talk(self) -> Conversation:
        """As on connections, in the database that every cluster has, or else in the login's own."""
        setup = self._setup()
        guard = Conversation(self._transport, "postgres", setup)
        try:
            self._begin(guard, "postgres")
        except CannotConnect:
            guard = Conversation(self._transport, self.database, setup)
        return guard

    def _messages(
        self, statements: Sequence[Statement], together: bool, opening: Sequence[Statement]
    ) -> Iterator[tuple[str, Statement]]:
        parts = [*opening, *statements] if statements else []
        for part in calls(parts) if together else parts:
            yield part.text, part

    def run(self, step: Step) -> None:
        super().run(step)
        self.roll_back(step.database)  # of a step that had no transaction of its own

    def _opening(self, lock_timeout: int) -> Sequence[Statement]:
        return [set_lock_timeout(lock_timeout)]

    def _send(self, database: str, message: str, statement: Statement) -> None:
        with self._answers.about(statement.text):
            if self._guard is not None:
                self._guard.keep()
            self._talk(database).say(message, lasting=True)

    def _commit(self, step: Step) -> None:
        with self._answers.about("COMMIT"):
            try:
                self._talk(step.database).end(commit=True)
            except TransactionLost as error:
                raise self._answers.lost(error, [statement.text for statement in step.statements]) from None

    def roll_back(self, database: str) -> None:
        talk = self._talks.get(database or self.database)
        if talk is not None:
            with contextlib.suppress(DatabaseRefused, TransactionLost):
                talk.end(commit=False)

    def _refusal(self, error: DatabaseRefused, text: str) -> StatementFailed:
        return refusal(self.login.title, error.text, error.hint, error.state, text)

    def release(self, database: str) -> None:
        if database != self.database and database in self._talks:
            end_all([self._talks.pop(database)])

    def close(self) -> None:
        talks = [*self._talks.values(), *([self._guard] if self._guard is not None else [])]
        self._talks.clear()
        self._guard = self._run_lock = None
        end_all(talks)


def calls(statements: Sequence[Statement]) -> Iterator[Statement]:
    """As few statements as may be, each short enough for a call."""
    batch: list[Statement] = []
    size = 0
    for statement in statements:
        length = len(together([statement]).text)
        if batch and (len(batch) == MAX_STATEMENTS or size + length > MAX_CHARACTERS):
            yield _one(batch)
            batch, size = [], 0
        batch.append(statement)
        size += length
    if batch:
        yield _one(batch)


def _one(batch: list[Statement]) -> Statement:
    return batch[0] if len(batch) == 1 else together(batch)

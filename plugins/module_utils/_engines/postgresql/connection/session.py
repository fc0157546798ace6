# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Sessions with a PostgreSQL cluster: a connection for each database that is needed, opened when it is.

What is sent again after a refusal, and how long a statement waits for a lock, is decided here.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, Callable, NamedTuple

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.base import Row, Session
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.connection import connect
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.connection.connect import DriverError
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.connection.errors import (
    DEPENDENT_OBJECTS,
    LOCK_NOT_AVAILABLE,
    MISSING,
    NOT_DONE,
    QUERY_CANCELED,
    collect_notices,
    ended_early,
    lock_not_available,
    statement_failure,
    with_advice,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.connection.run_lock import (
    ConnectionRunLock,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.grammar.names import with_arrays
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.plan.queries import (
    REMAINS,
    TABLE_LOCKS,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.plan.rehearsal import (
    LOCK_TIMEOUT,
    Rehearsal,
    RemainingRow,
    refuse_remains,
    rehearsals,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.statements import (
    begin,
    empty_search_path,
    join,
    open_session,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.run_lock import RunLock
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import (
    CannotConnect,
    ConnectionLost,
    NotDroppable,
    NotWriter,
    Refused,
    StatementFailed,
    Unreachable,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._login import Login
from ansible_collections.dbops.aurora_iam.plugins.module_utils._plan import Plan, Statement, Step

WAIT, PAUSE = 800, 0.5
"""Milliseconds that a statement waits for a lock at a time, and seconds until it waits again."""
MAX_CONNECTIONS = 5
"""At a time, however many databases there are: applications need the server's slots, too."""
_MEETING_PLACE = "postgres"
"""The database that every cluster has."""
ATTEMPTS = 5
"""To set a session up under the timeouts that its database has."""


class TableLockRow(NamedTuple):
    table: str
    user: str
    pid: int
    client: str
    state: str | None


class PostgreSQLSession(Session):
    """
    user      whom the server takes this session for
    database  the one that the login is in
    major     the server's major version
    locks     room in the server's lock table, which all sessions share
    """

    def __init__(self, login: Login) -> None:
        """Log in. Raises CannotConnect, NotWriter, MissingLibrary."""
        self.login = login
        self.database = login.database or "postgres"
        self._connections: dict[str, Any] = {}
        self._only_reading: set[Any] = set()
        self._run_lock: RunLock | None = None
        self._read_facts(self._open(self.database))

    def _read_facts(self, row: Row) -> None:
        self.user: str = row[0]
        self.major: int = row[2] // 10000
        self.locks: int = row[3]

    def _open(self, database: str) -> Row:
        for _attempt in range(ATTEMPTS):
            connection = connect.connect(self.login, database)
            collect_notices(connection)
            user = connection.info.user
            try:
                row = self._set_up(connection)
                break
            except ConnectionLost:
                connection.close()
        else:
            raise ended_early(self.login, user, database)
        self._connections[database] = connection
        if row[1]:
            self.close()
            raise NotWriter(self.login.read_only_answer())
        if row[4]:
            self._only_reading.add(connection)
        return row

    def _set_up(self, connection: Any) -> Row:
        """A database's statement_timeout may be too short for the first query of a session, which fills its caches."""
        self._insist(connection, empty_search_path())
        return self._insist(connection, open_session(self.login.lock_timeout, connection.server_version))[0]

    def _insist(self, connection: Any, statement: Statement) -> list[Row]:
        for _attempt in range(ATTEMPTS - 1):
            try:
                return self._execute(connection, statement.text)
            except StatementFailed as error:
                if error.code != QUERY_CANCELED:
                    raise
        return self._execute(connection, statement.text)

    def _connection(self, database: str) -> Any:
        name = database or self.database
        if name not in self._connections:
            self._make_room()
            self._open(name)
        self._connections[name] = self._connections.pop(name)  # the last one used
        return self._connections[name]

    def _make_room(self) -> None:
        """Close what was not used for longest, but neither the login's own database nor the one with the lock."""
        others = [name for name in self._connections if name not in (self.database, _MEETING_PLACE)]
        for name in others[: max(0, len(self._connections) - MAX_CONNECTIONS + 1)]:
            self.release(name)

    def query(self, sql: str, parameters: Sequence[Any] = (), database: str = "") -> list[Row]:
        return self._execute(self._connection(database), sql, tuple(with_arrays(parameters)))

    def _execute(self, connection: Any, text: str, parameters: tuple[Any, ...] | None = None) -> list[Row]:
        try:
            with connection.cursor() as cursor:
                # Without parameters the text goes out as it is, as one simple-query message of many statements
                cursor.execute(text, parameters or None)
                return cursor.fetchall() if cursor.description else []
        except DriverError as error:
            only_reads = connection in self._only_reading
            raise statement_failure(self.login, connection, error, text, only_reads) from None

    @property
    def run_lock(self) -> RunLock:
        # Advisory locks belong to one database. Runs that log in to different ones meet in the database that every
        # cluster has: https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS
        if self._run_lock is None:
            database = self._meeting_place()
            self._run_lock = ConnectionRunLock(partial(self.query, database=database), partial(self._wait, database))
        return self._run_lock

    def _wait(self, database: str, text: str) -> bool:
        """Whether a statement that waits for a lock came by it in time."""
        try:
            self._execute(self._connection(database), text)
        except StatementFailed as error:
            self._execute(self._connection(database), "ROLLBACK")
            if error.code != LOCK_NOT_AVAILABLE:
                raise
            return False
        return True

    def _meeting_place(self) -> str:
        if _MEETING_PLACE not in self._connections:
            try:
                self._open(_MEETING_PLACE)
            except (NotWriter, Unreachable):
                raise
            except CannotConnect:
                return self.database
        return _MEETING_PLACE

    def rehearse(self, plan: Plan, whole: bool) -> list[str]:
        return [warning for rehearsal in rehearsals(plan, whole) for warning in self._ask(rehearsal)]

    def _ask(self, rehearsal: Rehearsal) -> Iterator[str]:
        warnings: list[str] = []
        try:
            self._retry(partial(self._rehearse, rehearsal, warnings))
        except StatementFailed as error:
            if error.code != LOCK_NOT_AVAILABLE:
                raise
            unknown = "a session or a prepared transaction has locked what it changes"
            locked = self._locked(error, rehearsal.database) or unknown
            yield (
                f"Whether {self.login.title} accepts the plan in database {rehearsal.database or self.database} is not "
                f"known: {locked}. The run waits up to lock_timeout "
                f"({self.login.lock_timeout} s) for it."
            )
        yield from warnings

    def sees_change(self, error: StatementFailed | NotDroppable) -> bool:
        return isinstance(error, NotDroppable) or error.code in MISSING

    def execute(self, step: Step) -> None:
        """Waits for locks less than a second at a time, because readers of a table queue behind this wait."""
        last = time.monotonic() + self.login.lock_timeout
        while True:
            try:
                self._retry(partial(self._attempt, step))
                return
            except StatementFailed as error:
                if error.code != LOCK_NOT_AVAILABLE:
                    raise
                if time.monotonic() > last:
                    raise lock_not_available(error, self._locked(error, step.database)) from None
            time.sleep(PAUSE)

    def _retry(self, attempt: Callable[[bool], None]) -> None:
        """One message does not say which of its statements failed. Sent one by one they do; and where the cause has
        gone meanwhile ("tuple concurrently updated": another tool changed the same access list) they succeed."""
        try:
            attempt(True)
        except StatementFailed:
            attempt(False)

    def _attempt(self, step: Step, together: bool) -> None:
        """One transaction. Raises StatementFailed, with nothing kept."""
        seen = step.before(StepServer(self, step.database))
        try:
            self._execute_step(step, seen, together, self._opening(self._wait_for_locks()))
            self._commit(step)
        except (Refused, StatementFailed):
            self.roll_back(step.database)
            raise

    def _rehearse(self, rehearsal: Rehearsal, warnings: list[str], together: bool) -> None:
        """One transaction, of which nothing is kept."""
        server = StepServer(self, rehearsal.database)
        before = [step.before(server) for step in rehearsal.steps]
        self.send_opening(rehearsal.database, self._opening(LOCK_TIMEOUT))
        try:
            for step, seen in zip(rehearsal.steps, before):
                self._execute_step(step, seen, together)
            if rehearsal.dropped:
                rows = self.query(REMAINS, (list(rehearsal.dropped), self.database), rehearsal.database)
                refuse_remains(map(RemainingRow._make, rows), self.login.title, rehearsal.database or self.database)
            warnings[:] = [warning for step in rehearsal.steps for warning in step.warnings(server)]
            self._finish(rehearsal, together)
        finally:
            self.roll_back(rehearsal.database)

    def send_opening(self, database: str, opening: Sequence[Statement]) -> None:
        """By itself, and whatever follows: nothing of a rehearsal may be executed outside its transaction."""
        whole = Statement(join(opening))
        self._send(database, whole.text, whole)

    def _finish(self, rehearsal: Rehearsal, together: bool) -> None:
        try:
            self._execute_step(Step(rehearsal.last, rehearsal.database), None, together)
        except StatementFailed as error:
            if error.code != DEPENDENT_OBJECTS:
                raise

    def _wait_for_locks(self) -> int:
        return min(WAIT, self.login.lock_timeout * 1000)

    def _execute_step(self, step: Step, seen: object, together: bool, opening: Sequence[Statement] = ()) -> None:
        """In one transaction.

        seen     what the step was told before it
        opening  what begins the transaction
        """
        server = StepServer(self, step.database, opening)
        step.first(server)
        for message, statement in self._messages(step.statements, together, server.opening):
            try:
                self._send(step.database, message, statement)
            except StatementFailed as error:
                told = with_advice(error, statement.advice)
                failure = StatementFailed(told, error.code, statement.text, database=step.database)
                statement.concern(failure)
                raise failure from None
        step.last(server, seen)

    def _messages(
        self, statements: Sequence[Statement], together: bool, opening: Sequence[Statement]
    ) -> Iterator[tuple[str, Statement]]:
        """Each with what it is about."""
        parts = [Statement(join(statements))] if together and statements else statements
        for part in parts:
            yield join([*opening, part]), part
            opening = ()

    def _opening(self, lock_timeout: int) -> Sequence[Statement]:
        return begin(lock_timeout)

    def _send(self, database: str, message: str, statement: Statement) -> None:
        connection = self._connection(database)
        connection.notices.clear()
        self._execute(connection, message)
        self._check_notices(connection, statement)

    def _locked(self, error: StatementFailed, database: str) -> str:
        """Which table is locked, and by whom."""
        rows = map(TableLockRow._make, self.query(TABLE_LOCKS, (error.statement, error.statement), database))
        return "; ".join(
            f"{row.table} is locked by {row.user} (pid {row.pid}, {row.client}, {row.state})" for row in rows
        )

    def _commit(self, step: Step) -> None:
        try:
            self._execute(self._connection(step.database), "COMMIT")
        except ConnectionLost as error:
            # Before this the server has rolled back; now it may have kept everything.
            error.in_doubt = tuple(statement.text for statement in step.statements)
            raise

    def roll_back(self, database: str) -> None:
        self._execute(self._connection(database), "ROLLBACK")

    def _check_notices(self, connection: Any, statement: Statement) -> None:
        for notice in connection.notices:
            if notice.code in NOT_DONE:
                raise StatementFailed(
                    f"{self.login.title} only warned instead of doing it: {notice.message}; log in as a role that owns "
                    "the object or holds the grant option.",
                    notice.code,
                    statement.text,
                )

    def release(self, database: str) -> None:
        """End what is open with a database that is not needed any more. The login's own database stays."""
        connection = None if database == self.database else self._connections.pop(database, None)
        if connection is not None:
            connection.close()

    def close(self) -> None:
        for connection in self._connections.values():
            try:
                connection.close()
            except DriverError:
                continue
        self._connections.clear()
        self._run_lock = None


class StepServer:
    """The server as one step sees it.

    opening  what begins the transaction, as long as it is not sent
    """

    def __init__(self, session: PostgreSQLSession, database: str, opening: Sequence[Statement] = ()) -> None:
        self._session, self._database, self.opening = session, database, opening

    def ask(self, text: str, values: Sequence[Any] = ()) -> list[Row]:
        if self.opening:
            self._session.send_opening(self._database, self.opening)
            self.opening = ()
        return self._session.query(text, values, self._database)

    def roll_back(self) -> None:
        self._session.roll_back(self._database)

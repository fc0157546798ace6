# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""A session with MySQL: reading, and sending the steps of a plan."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.base import Row, Session
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql import sql
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.failures import (
    ACCESS_DENIED,
    code_and_text,
    connection_failure,
    statement_failure,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.leaving.ending import end_sessions
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.leaving.making import (
    make_again,
    make_if_lacking,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.leaving.steps import CodeStep, EndSessions
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.wire import (
    HAS_PYMYSQL,
    GuardedConnection,
    TlsNotOffered,
    connect,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import (
    AuroraIamError,
    CannotConnect,
    ConnectionLost,
    MissingLibrary,
    NotWriter,
    Refused,
    StatementFailed,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._login import Login
from ansible_collections.dbops.aurora_iam.plugins.module_utils._plan import Statement, Step

try:
    import pymysql
except ImportError:
    pymysql = None  # type: ignore[assignment]

_NO_CONNECTION: tuple[type[Exception], ...] = (TlsNotOffered, OSError, ValueError)
"""What connecting raises: PyMySQL's own errors, and what it lets through of sockets, TLS and texts that it cannot
encode."""
if pymysql is not None:
    _NO_CONNECTION += (pymysql.MySQLError,)

MAX_STATEMENTS, MAX_BYTES = 64, 1 << 20
"""What goes to the server in one message; well below the smallest max_allowed_packet in use (4 MB)."""

_NOT_DONE = frozenset((1265, 1300, 1366, 1470, 3162, 3163, 6524))
"""Warnings that mean that the server did something else than it was told, or nothing: a name or text that it cut,
trimmed or converted, an account that (not) exists."""


class MySQLSession(Session):
    """One connection: accounts and grants of all databases are in one place on MySQL."""

    def __init__(self, login: Login) -> None:
        """Log in. Raises MissingLibrary, CannotConnect, NotWriter, Refused."""
        if not HAS_PYMYSQL:
            raise MissingLibrary(
                "The Python library PyMySQL is not installed where this task runs; install it there with "
                "pip install PyMySQL, or delegate the task to a host that has it."
            )
        self.login = login
        self._connection = _open(login)
        try:
            self._check_server()
        except AuroraIamError:
            self.close()
            raise

    def _check_server(self) -> None:
        check_server(self.login, *self.query(sql.SESSION_FACTS)[0])

    def query(self, sql: str, parameters: Sequence[Any] = (), database: str = "") -> list[Row]:
        del database  # names in queries are qualified
        with self._connection.cursor() as cursor:
            try:
                cursor.execute(sql, parameters or None)
                return list(cursor.fetchall())
            except pymysql.MySQLError as error:
                raise statement_failure(self.login.title, error, sql) from error

    def lock(self) -> None:
        if self.query(sql.TAKE_LOCK, (self.login.lock_timeout,))[0][0] != 1:
            raise another_run(self.login)

    def run(self, step: Step) -> None:
        """MySQL commits every account statement by itself, so that what ran before a failure stays. Statements travel
        together; each is followed by SHOW WARNINGS, because the next one would wipe its warnings."""
        executed: list[str] = []
        if isinstance(step, EndSessions):
            end_sessions(self, step)
        elif isinstance(step, CodeStep):
            try:
                make_again(self._connection, step, executed)
            except pymysql.MySQLError as error:
                left = [statement.text for statement in step.statements[len(executed) :]]
                raise self._half_way(
                    statement_failure(self.login.title, error, left[0], executed, left), step
                ) from error
        else:
            for batch in batches(step.statements):
                self._run_batch(batch, executed)

    def _half_way(self, failure: AuroraIamError, step: CodeStep) -> AuroraIamError:
        """A session that breaks between dropping and making leaves it to the next one to make what is lacking. (Of a
        routine there is a copy then, which is observed.)"""
        if isinstance(failure, ConnectionLost) and step.undo:
            failure.details["perhaps_lacking"] = [statement.text for statement in step.undo]
            failure.repair = partial(_make_what_is_lacking, step)
        return failure

    def _run_batch(self, batch: Sequence[Statement], executed: list[str]) -> None:
        """The server goes on after a warning, so that all answers are taken before one is complained about."""
        message = sql.with_warnings(batch)
        current, done = batch[0].text, 0
        not_done: list[tuple[str, Row]] = []
        with self._connection.cursor() as cursor:
            try:
                cursor.execute(message)
                for index, statement in enumerate(batch):
                    current = statement.text
                    if index:
                        cursor.nextset()
                    cursor.nextset()
                    not_done += [(current, warning) for warning in cursor.fetchall() if warning[1] in _NOT_DONE]
                    executed.append(current)
                    done += 1
            except pymysql.MySQLError as error:
                in_doubt = [statement.text for statement in batch[done:]]
                raise statement_failure(self.login.title, error, current, executed, in_doubt) from error
        if not_done:
            raise self._not_done(*not_done[0], executed)

    def _not_done(self, statement: str, warning: Row, executed: Sequence[str]) -> StatementFailed:
        _level, code, text = warning
        return StatementFailed(
            f"{self.login.title} accepted a statement but only warned: {text} (warning {code}); correct what it names "
            "and run the task again.",
            str(code),
            statement,
            executed_in_step=list(executed),
        )

    def close(self) -> None:
        try:
            self._connection.close()
        except (pymysql.MySQLError, OSError):
            return


def _make_what_is_lacking(step: CodeStep, session: Session) -> None:
    """In a connection of its own, whose settings become the object's."""
    connection = _open(session.login)
    try:
        make_if_lacking(connection, step)
    except pymysql.MySQLError as error:
        raise statement_failure(session.login.title, error, step.undo[0].text) from error
    finally:
        connection.close()


def check_server(login: Login, version: object, read_only: object) -> None:
    """Raises CannotConnect, NotWriter."""
    if int(str(version).partition(".")[0]) < 8 or "MariaDB" in str(version):
        raise CannotConnect(
            f"{login.title} is {version}; this collection needs MySQL 8.0 or later (Aurora MySQL 3 or later), "
            "where roles exist: upgrade the cluster."
        )
    if read_only:
        raise NotWriter(login.read_only_answer())


def another_run(login: Login) -> Refused:
    return Refused(
        f"Another run of this collection has been working on {login.title} for more than "
        f"{login.lock_timeout} s; try again when it has ended, or raise lock_timeout."
    )


def batches(statements: Sequence[Statement]) -> Iterator[list[Statement]]:
    batch: list[Statement] = []
    size = 0
    for statement in statements:
        length = len(statement.text.encode())
        if batch and (len(batch) == MAX_STATEMENTS or size + length > MAX_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(statement)
        size += length
    if batch:
        yield batch


def _open(login: Login) -> GuardedConnection:
    setup = sql.session_setup(login.lock_timeout)
    credentials = login.credentials()
    login.require_verified(credentials)
    try:
        return connect(login, credentials, setup)
    except _NO_CONNECTION as error:
        denied = code_and_text(error)[0] == ACCESS_DENIED
        fresh = login.rotated(credentials) if denied else None
        if fresh is None:
            raise connection_failure(login, credentials, error) from error
    try:
        return connect(login, fresh, setup)
    except _NO_CONNECTION as error:
        raise connection_failure(login, fresh, error) from error

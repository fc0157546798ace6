# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""A session with MySQL: reading, and sending the steps of a plan."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.base import Row, Session
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql import statements
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.connection.connect import (
    HAS_PYMYSQL,
    GuardedConnection,
    TlsNotOffered,
    connect,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.connection.errors import (
    ACCESS_DENIED,
    code_and_text,
    connection_failure,
    statement_failure,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.connection.run_lock import MySQLRunLock
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.run_lock import RunLock
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import (
    AuroraIamError,
    CannotConnect,
    ConnectionLost,
    MissingLibrary,
    NotWriter,
    StatementFailed,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._login import Login
from ansible_collections.dbops.aurora_iam.plugins.module_utils._plan import Step

try:
    import pymysql
except ImportError:
    pymysql = None  # type: ignore[assignment]

_NO_CONNECTION: tuple[type[Exception], ...] = (TlsNotOffered, OSError)
"""What connecting raises: PyMySQL's own errors, and what it lets through of sockets and TLS."""
if pymysql is not None:
    _NO_CONNECTION += (pymysql.MySQLError,)

_VERSION = re.compile(r"([89]|[1-9][0-9]+)\.", re.ASCII)
"""8 or later"""

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
        self._run_lock = MySQLRunLock(self.query)
        try:
            self._check_server()
        except AuroraIamError:
            self.close()
            raise

    def _check_server(self) -> None:
        facts = self.query(statements.SESSION_FACTS)
        if [len(row) for row in facts] != [3]:
            raise CannotConnect(
                f"The server at {self.login.unix_socket or self.login.host} does not answer as MySQL does; check that "
                f"host and port, or the tunnel, lead to {self.login.title}."
            )
        version, read_only, unreadable = facts[0]
        check_server(self.login, version, read_only)
        if unreadable:
            self.query(statements.SET_COLLATION)

    def query(self, sql: str, parameters: Sequence[Any] = (), database: str = "") -> list[Row]:
        del database  # names in queries are qualified
        with self._connection.cursor() as cursor:
            try:
                cursor.execute(sql, parameters or None)
                return list(cursor.fetchall())
            except pymysql.MySQLError as error:
                raise statement_failure(self.login.title, error, sql) from error

    @property
    def run_lock(self) -> RunLock:
        return self._run_lock

    def execute(self, step: Step) -> None:
        """MySQL commits every account statement by itself, so that what ran before a failure stays. The connection
        takes one statement a message: what the server reads as a second one is an error, and never executed."""
        executed: list[str] = []
        for statement in step.statements:
            try:
                self._execute(statement.text, executed)
            except AuroraIamError as error:
                statement.concern(error)
                error.done = tuple(executed)
                raise

    def _execute(self, text: str, executed: list[str]) -> None:
        """Appends to ``executed`` what was done, also where the server warns that it did something else."""
        in_doubt = [text]
        with self._connection.cursor() as cursor:
            try:
                cursor.execute(text)
                executed.append(in_doubt.pop())
                warnings = _warnings(cursor) if cursor.warning_count else []
            except pymysql.MySQLError as error:
                failure = statement_failure(self.login.title, error, text)
                failure.in_doubt = tuple(in_doubt) if isinstance(failure, ConnectionLost) else ()
                raise failure from error
        not_done = [warning for warning in warnings if warning[1] in _NOT_DONE]
        if not_done:
            raise self._not_done(text, not_done[0])

    def _not_done(self, statement: str, warning: Row) -> StatementFailed:
        _level, code, text = warning
        return StatementFailed(
            f"{self.login.title} accepted a statement but only warned: {text} (warning {code}); correct what it names "
            "and run the task again.",
            str(code),
            statement,
        )

    def close(self) -> None:
        try:
            self._connection.close()
        except (pymysql.MySQLError, OSError):
            return


def _warnings(cursor: Any) -> list[Row]:
    cursor.execute(statements.WARNINGS)
    return list(cursor.fetchall())


def check_server(login: Login, version: object, read_only: object) -> None:
    """Raises CannotConnect, NotWriter."""
    if not _VERSION.match(str(version)) or "MariaDB" in str(version):
        raise CannotConnect(
            f"{login.title} is {version}; this collection needs MySQL 8.0 or later (Aurora MySQL 3 or later), "
            "where roles exist: upgrade the cluster."
        )
    if read_only:
        raise NotWriter(login.read_only_answer())


def _open(login: Login) -> GuardedConnection:
    setup = statements.session_setup(login.lock_timeout)
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

# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Sessions with a PostgreSQL cluster: a connection for each database that is needed, opened when it is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.base import Row, Session
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql import statements as sql
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.roles import (
    Membership,
    Roles,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.connection import connect
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.connection.connect import DriverError
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.connection.errors import (
    LOCK_NOT_AVAILABLE,
    QUERY_CANCELED,
    refusal,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.connection.run_lock import (
    ConnectionRunLock,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.drop.code import (
    Reassign,
    check_reassigned,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.drop.sessions import (
    EndSessions,
    end_sessions,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.grammar.names import with_arrays
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.plan.enrolment import Enrolment
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.plan.lockout import (
    Logins,
    compare_logins,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.run_lock import RunLock
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import (
    AuroraIamError,
    CannotConnect,
    ConnectionLost,
    NotWriter,
    Refused,
    StatementFailed,
    Unreachable,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._login import Login
from ansible_collections.dbops.aurora_iam.plugins.module_utils._plan import Statement, Step

_NOT_DONE = re.compile(
    r"no privileges were granted|not all privileges were granted|no privileges could be revoked"
    r"|not all privileges could be revoked|has not been granted membership|is not a member of role"
    r"|could not be removed from policy"
)
"""Warnings 01007 and 01006 and their like, by the server's text: psycopg2 does not pass a notice's SQLSTATE on."""

ATTEMPTS = 5
"""To set a session up under the timeouts that its database has."""
_READ_ONLY = "25006"


class Notices:
    """Takes what the server says beside its answers. psycopg2's own list keeps the last 50 only."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def append(self, text: str) -> None:
        self.texts.append(text)

    def __iter__(self) -> Iterator[str]:
        return iter(self.texts)


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
            connection.notices = Notices()
            user = connection.info.user
            try:
                row = self._set_up(connection)
                break
            except ConnectionLost:
                connection.close()
        else:
            raise connect.ended_early(self.login, user, database)
        self._connections[database] = connection
        if row[1]:
            self.close()
            raise NotWriter(self.login.read_only_answer())
        if row[4]:
            self._only_reading.add(connection)
        return row

    def _set_up(self, connection: Any) -> Row:
        """A database's statement_timeout may be too short for the first query of a session, which fills its caches."""
        self._insist(connection, sql.empty_search_path())
        return self._insist(connection, sql.open_session(self.login.lock_timeout, connection.server_version))[0]

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
            self._open(name)
        return self._connections[name]

    def query(self, sql: str, parameters: Sequence[Any] = (), database: str = "") -> list[Row]:
        return self._execute(self._connection(database), sql, tuple(with_arrays(parameters)))

    def _execute(self, connection: Any, text: str, parameters: tuple[Any, ...] | None = None) -> list[Row]:
        try:
            with connection.cursor() as cursor:
                # Without parameters the text goes out as it is, as one simple-query message of many statements
                cursor.execute(text, parameters or None)
                return cursor.fetchall() if cursor.description else []
        except DriverError as error:
            raise self._translate(error, text, connection) from None

    def _translate(self, error: Any, text: str, connection: Any) -> AuroraIamError:
        message = " ".join((error.diag.message_primary or str(error)).split())
        code = error.pgcode or ""
        if connection.closed or code.startswith(("08", "57P")):
            return ConnectionLost(
                f"The connection to {self.login.title} broke ({message}); run the task again, it continues where it "
                "stopped."
            )
        if code == _READ_ONLY and connection in self._only_reading:
            return Refused(
                f"{self.login.title} lets {self.user} only read in database {connection.info.dbname}, because "
                "default_transaction_read_only is on there; take it back with ALTER ROLE or ALTER DATABASE … RESET "
                "default_transaction_read_only, and run the task again."
            )
        if code == _READ_ONLY:
            return NotWriter(f"{self.login.title} has become read-only, as after a failover; run the task again.")
        hint = " ".join(part for part in (error.diag.message_detail, error.diag.message_hint) if part)
        return refusal(self.login.title, message, hint, code, text)

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
        if "postgres" not in self._connections:
            try:
                self._open("postgres")
            except (NotWriter, Unreachable):
                raise
            except CannotConnect:
                return self.database
        return "postgres"

    def run(self, step: Step) -> None:
        if isinstance(step, EndSessions):
            self._end_sessions(step)
            return
        connection = self._connection(step.database)
        try:
            self._attempt(connection, step, [Statement(sql.join(step.statements))])
        except StatementFailed as error:
            if error.code == LOCK_NOT_AVAILABLE:
                raise
            # One message does not say which of its statements failed. Sent one by one they do; and where the cause has
            # gone meanwhile ("tuple concurrently updated": another tool changed the same access list) they succeed.
            self._attempt(connection, step, step.statements)

    def _end_sessions(self, step: EndSessions) -> None:
        end_sessions(step, partial(self.query, database=step.database), self.login.title)

    def _attempt(self, connection: Any, step: Step, statements: Sequence[Statement]) -> None:
        """One transaction. Raises StatementFailed, with nothing kept."""
        connection.notices.texts.clear()
        before = self._checksum(step)
        first = sql.begin(self.login.lock_timeout)
        try:
            for statement in statements:
                self._execute(connection, sql.join([*first, statement]))
                first = ()
                self._check_notices(connection, statement)
            self._check_code(step)
            self._check_logins(step, before)
            self._commit(connection, step)
        except Refused:
            self._roll_back(step)
            raise
        except StatementFailed as error:
            self._execute(connection, "ROLLBACK")
            failed = next((s.text for s in statements if error.statement.endswith(s.text)), error.statement)
            raise StatementFailed(error.message, error.code, failed, database=step.database) from None

    def _commit(self, connection: Any, step: Step) -> None:
        try:
            self._execute(connection, "COMMIT")
        except ConnectionLost as error:
            # Before this the server has rolled back; now it may have kept everything.
            error.details["in_doubt"] = [statement.text for statement in step.statements]
            raise

    def _check_code(self, step: Step) -> None:
        """In the transaction of the step. Raises Refused."""
        if isinstance(step, Reassign):
            rows = self.query(step.query, (sorted(step.new_owners),), step.database)
            check_reassigned(step, rows, self.login.title)

    def _ask_token_logins(self, step: Step, text: str) -> list[Row]:
        """About the accounts that the task does not list."""
        if not isinstance(step, Enrolment):
            return []
        return self.query(text, (sorted(step.accounts), self.login.endpoint.master_user), step.database)

    def _checksum(self, step: Step) -> list[Row]:
        return self._ask_token_logins(step, sql.token_logins_checksum(self.major))

    def _check_logins(self, step: Step, before: list[Row]) -> None:
        """In the transaction of the step. Another session may have changed memberships since the plan was made.
        Raises Refused; StatementFailed where another session has done it during the transaction."""
        if self._checksum(step) == before:
            return
        names, memberships = self._enrolled(step)
        self._roll_back(step)
        names_before, memberships_before = self._enrolled(step)
        master = self.login.endpoint.master_user
        logins = Logins(self.login.title, master, {self.user, master})
        compare_logins(logins, names_before, names, (memberships_before, memberships))
        raise StatementFailed(
            f"Another session changed who is a member of rds_iam on {self.login.title}; run the task again.",
            "",
            step.statements[0].text,
        )

    def _enrolled(self, step: Step) -> tuple[set[str], Roles]:
        names = {row[0] for row in self._ask_token_logins(step, sql.token_logins(self.major))}
        rows = self.query(sql.all_memberships(self.major), (), step.database)
        return names, Roles((), (Membership(*row) for row in rows))

    def _roll_back(self, step: Step) -> None:
        self._execute(self._connection(step.database), "ROLLBACK")

    def _check_notices(self, connection: Any, statement: Statement) -> None:
        for notice in connection.notices:
            if _NOT_DONE.search(notice):
                raise StatementFailed(
                    f"{self.login.title} only warned instead of doing it: {' '.join(notice.split())}; log in as a "
                    "role that owns the object or holds the grant option.",
                    "01007",
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

# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""A session with MySQL over the RDS Data API.

Each query is a call by itself, which leaves no transaction open. What writes, and the lock that keeps other runs out,
share one session of the server, which a transaction of the API holds: in it every statement commits by itself, as on a
connection, so that the grant tables stay free for others.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.base import Row, Session
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.data_api import Answers, end_all
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql import statements
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.connection.errors import statement_failure
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.connection.run_lock import MySQLRunLock
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.connection.session import check_server
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.run_lock import RunLock
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import AuroraIamError, CannotConnect, Refused
from ansible_collections.dbops.aurora_iam.plugins.module_utils._login import Login
from ansible_collections.dbops.aurora_iam.plugins.module_utils._plan import Step
from ansible_collections.dbops.aurora_iam.plugins.module_utils._transport import (
    MAX_WAIT,
    Conversation,
    DatabaseRefused,
    ResultTooLarge,
    TransactionLost,
    Transport,
)

_UNREADABLE = (
    f"another default_collation_for_utf8mb4 than {statements.COLLATION}, with which the server's views cannot be read",
    f"{statements.PADDING} in sql_mode, with which names cannot be read",
    "a limit, sql_select_limit, which cuts what is read",
)
"""In the order of ``DATA_API_FACTS``."""
_UNKNOWN = 1105
"""MySQL's own number for an error that it cannot tell more about."""


class MySQLDataApiSession(Session):
    def __init__(self, login: Login, transport: Transport) -> None:
        """Raises CannotConnect, NotWriter, CloudError."""
        self.login = login
        self._transport = transport
        self._answers = Answers(login.title, self._refusal)
        self._writing = Conversation(transport, "", (statements.data_api_setup(min(login.lock_timeout, MAX_WAIT)),))
        self._run_lock = MySQLRunLock(self._ask)
        facts = self._read_facts()
        check_server(login, *facts[:2])
        for is_set, setting in zip(facts[2:], _UNREADABLE):
            if int(is_set):
                raise Refused(
                    f"{login.title} has {setting} over the Data API; take it out of the cluster's parameter group, or "
                    "use another login_method."
                )

    def _read_facts(self) -> Row:
        try:
            return self._transport.execute(statements.DATA_API_FACTS)[0]
        except DatabaseRefused as error:
            raise CannotConnect(
                f"{self.login.title} refused the session of the secret's user: {error.text}. Check that login_secret "
                "names the user and holds the password that the database knows."
            ) from None
        except TransactionLost as error:
            raise self._answers.lost(error) from None

    def query(self, sql: str, parameters: Sequence[Any] = (), database: str = "") -> list[Row]:
        del database  # names in queries are qualified
        with self._answers.about(sql):
            try:
                self._writing.keep()
                return _readable(self._transport.execute(sql, parameters))
            except ResultTooLarge:
                return _readable(self._answers.all_pages(sql, partial(self._pages, sql, parameters)))

    def _pages(self, text: str, parameters: Sequence[Any], size: int) -> Iterator[list[Row]]:
        """The pages of one transaction are of one moment, and in an order that does not depend on a collation. Raises
        ResultTooLarge, also for what cannot be asked for in pages."""
        if not text.startswith("SELECT"):
            raise ResultTooLarge(text)
        columns = len(self._transport.execute(statements.first_row(text), parameters)[0])
        reading = Conversation(self._transport)
        page = reading.say(statements.page(text, columns, size, 0), parameters)
        offset = 0
        yield page
        while len(page) == size:
            offset += size
            page = reading.say(statements.page(text, columns, size, offset), parameters)
            yield page
        reading.end(commit=False)

    @property
    def run_lock(self) -> RunLock:
        return self._run_lock

    def _ask(self, text: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """In the session that writes."""
        with self._answers.about(text):
            return _readable(self._writing.say(text, parameters))

    def execute(self, step: Step) -> None:
        """What the server warns of is not asked for, which would take a call for each statement: that a name was cut or
        a statement passed over shows when all is observed again."""
        executed: list[str] = []
        for statement in step.statements:
            try:
                self._say(statement.text)
            except AuroraIamError as error:
                statement.concern(error)
                error.done = tuple(executed)
                raise
            executed.append(statement.text)

    def _say(self, text: str) -> None:
        """Of what writes."""
        try:
            self._writing.say(text, lasting=True)
        except DatabaseRefused as error:
            raise self._refusal(error, text) from None
        except TransactionLost as error:
            raise self._answers.lost(error, [text]) from None

    def _refusal(self, error: DatabaseRefused, statement: str) -> AuroraIamError:
        number, text = error.args
        return statement_failure(self.login.title, DatabaseRefused(number or _UNKNOWN, text), statement)

    def close(self) -> None:
        self._run_lock.held = False
        end_all([self._writing], commit=True)


def _readable(rows: list[Row]) -> list[Row]:
    """Some columns of the server's own are binary, though they hold text."""
    return [tuple(value.decode() if isinstance(value, bytes) else value for value in row) for row in rows]

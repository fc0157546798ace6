# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Transactions of the Data API, and calls that take too long.

https://docs.aws.amazon.com/rdsdataservice/latest/APIReference/API_BeginTransaction.html
https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/data-api.troubleshooting.html
"""

from __future__ import annotations

import contextlib
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.sandbox.aws.data_api_servers import Answer, ApiError, ServerSession, database_error


@dataclass
class Limits:
    """Settable, so that a test need not wait."""

    call_seconds: float = 45.0
    idle_seconds: float = 180.0
    transaction_seconds: float = 86400.0
    response_bytes: int = 1 << 20
    row_bytes: int = 64 * 1024
    request_bytes: int = 4 << 20
    sql_characters: int = 65536


@dataclass
class Transaction:
    session: ServerSession
    owner: tuple[str, str]
    """the ARNs of its cluster and its secret"""
    began: float = field(default_factory=time.monotonic)
    used: float = field(default_factory=time.monotonic)
    busy: threading.Lock = field(default_factory=threading.Lock)


class Transactions:
    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._guard = threading.Lock()
        self._open: dict[str, Transaction] = {}

    def begin(self, session: ServerSession, owner: tuple[str, str]) -> str:
        self.expire()
        session.begin()
        number = secrets.token_urlsafe(96)
        with self._guard:
            self._open[number] = Transaction(session, owner)
        return number

    @contextlib.contextmanager
    def call(self, number: str, owner: tuple[str, str]) -> Any:
        """The transaction, for one call at a time; a call that fails ends it."""
        self.expire()
        with self._guard:
            transaction = self._open.get(number)
        if transaction is None or transaction.owner != owner:
            raise ApiError("TransactionNotFoundException", f"Transaction {number[:16]} is not found", 404)
        if not transaction.busy.acquire(blocking=False):
            raise database_error("Transaction is still running a query")
        try:
            yield transaction
        except StillRunning as running:
            running.then(lambda: self._rest(transaction))
            raise
        except Exception:
            self.drop(number)
            raise
        self._rest(transaction)

    @staticmethod
    def _rest(transaction: Transaction) -> None:
        transaction.used = time.monotonic()
        transaction.busy.release()

    def drop(self, number: str) -> None:
        with self._guard:
            transaction = self._open.pop(number, None)
        if transaction is not None:
            transaction.session.close()

    def expire(self) -> None:
        now = time.monotonic()
        with self._guard:
            gone = [
                number
                for number, transaction in self._open.items()
                if not transaction.busy.locked()
                and (
                    now - transaction.used > self._limits.idle_seconds
                    or now - transaction.began > self._limits.transaction_seconds
                )
            ]
        for number in gone:
            self.drop(number)


class StillRunning(ApiError):
    """The call timed out, and the statement goes on: ``then`` is called when it has ended."""

    def __init__(self, worker: threading.Thread) -> None:
        super().__init__("StatementTimeoutException", "Request timed out")
        self._worker = worker

    def then(self, ended: Callable[[], None]) -> None:
        def wait() -> None:
            self._worker.join()
            ended()

        threading.Thread(target=wait, daemon=True).start()


def execute(
    session: ServerSession, sql: str, parameters: Mapping[str, Mapping[str, Any]], seconds: float, lasting: bool
) -> Answer:
    """Run a statement for so long. ``lasting``: it is not stopped then. Raises ApiError."""
    outcome: list[Answer | Exception] = []

    def work() -> None:
        try:
            outcome.append(session.execute(sql, parameters))
        except Exception as error:
            outcome.append(error)

    worker = threading.Thread(target=work, daemon=True)
    worker.start()
    worker.join(seconds)
    if worker.is_alive():
        if lasting:
            raise StillRunning(worker)
        session.cancel()
        worker.join()
        raise ApiError("StatementTimeoutException", "Request timed out")
    answer = outcome[0]
    if isinstance(answer, Exception):
        raise answer
    return answer

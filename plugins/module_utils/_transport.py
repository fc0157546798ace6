# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""SQL over HTTPS instead of a connection: what an engine may ask of the RDS Data API, without knowing AWS."""

from __future__ import annotations

import re
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

Rows = list[tuple[Any, ...]]

MAX_CALL = 45
"""Seconds after which a call is answered, whether its statement has ended or not.

https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/data-api.limitations.html
"""
MAX_WAIT = 30
"""Seconds that a statement waits for somebody else's lock within one call."""
_STALE, _EXPIRED = 60.0, 150.0
"""Seconds without a call after which a transaction is used once, and after which it is not counted on any more: AWS
ends it after 180. https://docs.aws.amazon.com/rdsdataservice/latest/APIReference/API_BeginTransaction.html"""


class DatabaseRefused(Exception):
    """The database answered with an error. ``args`` are the number (MySQL's, or 0) and the text.

    state  SQLSTATE; empty when it is not known
    hint   what the database added for people
    """

    def __init__(self, number: int, text: str, state: str = "", hint: str = "") -> None:
        super().__init__(number, text)
        self.text = text
        self.state = state
        self.hint = hint


class ResultTooLarge(Exception):
    """More rows than go into one answer (1 MiB), or a row that does not go into any (64 KB)."""


class TransactionLost(Exception):
    """The transaction is gone, or nobody knows what became of the last call: it expired, the server's session ended, or
    the statement still runs."""


class Transport(ABC):
    """Carries one statement at a time. Every method raises AuroraIamError for what AWS refuses, and the exceptions
    above for what the database does."""

    @abstractmethod
    def begin(self, database: str) -> str:
        """Begin a transaction, which is also a session of the server; returns its number."""

    @abstractmethod
    def execute(
        self, sql: str, values: Sequence[Any] = (), database: str = "", transaction: str = "", lasting: bool = False
    ) -> Rows:
        """Run one statement, with a value for each ``%s``: text, whole numbers, truth values or None.

        transaction  in this one; without it, in a session of its own that commits by itself
        lasting      the statement goes on where it takes longer than a call may
        """

    @abstractmethod
    def end(self, transaction: str, commit: bool) -> None:
        """Commit or roll back."""


class Conversation:
    """Statements that meet the same session of the server: a transaction that is begun when something is said.

    setup     what a session begins with, a call for each
    greeting  the rows that the last of ``setup`` gave
    """

    def __init__(self, transport: Transport, database: str = "", setup: Sequence[str] = ()) -> None:
        self._transport, self._database, self._setup = transport, database, setup
        self._number = ""
        self._used = 0.0
        self.greeting: Rows = []

    @property
    def is_open(self) -> bool:
        return bool(self._number)

    def open(self) -> Rows:
        """Begin now, if it is not begun. Returns ``greeting``."""
        if not self._number:
            self._number = self._transport.begin(self._database)
            for text in self._setup:
                self.greeting = self._send(text, (), False)
        return self.greeting

    def say(self, sql: str, values: Sequence[Any] = (), lasting: bool = False) -> Rows:
        """An error ends the transaction, as it does on the other side."""
        self.open()
        return self._send(sql, values, lasting)

    def _send(self, sql: str, values: Sequence[Any], lasting: bool) -> Rows:
        number, self._number = self._number, ""
        rows = self._transport.execute(sql, values, self._database, number, lasting)
        self._number, self._used = number, time.monotonic()
        return rows

    def keep(self) -> None:
        """Do not let it expire. To be called now and then while others are spoken to."""
        if self._number and time.monotonic() - self._used > _STALE:
            self._send("SELECT 1", (), False)

    def forget_if_old(self) -> None:
        """For what holds nothing that another transaction would lack."""
        if self._number and time.monotonic() - self._used > _EXPIRED:
            self._number = ""

    def end(self, commit: bool) -> None:
        if self._number:
            number, self._number = self._number, ""
            self._transport.end(number, commit)


_PLACE = re.compile(r"%(.)")


def named(sql: str, values: Sequence[Any]) -> tuple[str, dict[str, Any]]:
    """From drivers' placeholders (``%s``; ``%%`` for a percent sign) to the names that the Data API knows."""
    if not values:
        return sql, {}
    names = iter(range(1, len(values) + 1))

    def place(found: re.Match[str]) -> str:
        return f":p{next(names)}" if found.group(1) == "s" else "%"

    return _PLACE.sub(place, sql), {f"p{number}": value for number, value in enumerate(values, 1)}

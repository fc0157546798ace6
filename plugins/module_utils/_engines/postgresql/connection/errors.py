# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""What a server's refusal of a statement means to the person who wrote the task, and what the server says beside its
answers: told by SQLSTATE, since lc_messages may be any language.

https://www.postgresql.org/docs/current/errcodes-appendix.html
"""

from __future__ import annotations

import ctypes
import re
import sys
from collections.abc import Iterator
from typing import Any, NamedTuple

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.checks import statement_refused
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import StatementFailed

LOCK_NOT_AVAILABLE, QUERY_CANCELED, DEPENDENT_OBJECTS, NO_PRIVILEGE = "55P03", "57014", "2BP01", "42501"
_ROW_TOO_BIG, _OUT_OF_MEMORY = "54000", "53200"
_ADVICE = {
    LOCK_NOT_AVAILABLE: "Another session holds a lock on it; try again later or raise lock_timeout.",
    _OUT_OF_MEMORY: "Name fewer accounts or objects in one task, or raise max_locks_per_transaction.",
    _ROW_TOO_BIG: "Its access list is full; grant to a group role, and give the accounts that role with roles.",
    "42501": (
        "Log in as the master user, as the owner of the object, or as a role that has the grant option or, for roles, "
        "the ADMIN OPTION."
    ),
    DEPENDENT_OBJECTS: "Drop or revoke what depends on it first, or leave it as it is.",
    "0LP01": "Take one of these grants out of the task.",
    "0L000": "Log in as the role that granted it, or as a member of that role.",
    "42P17": "Take this grant out of the task, or name another object.",
    "3F000": "Create the schema first, or correct its name (as stored: case matters).",
    "42704": "Create it first, or correct its name (as stored: case matters).",
}
"""What to do next, by SQLSTATE."""


def refusal(title: str, message: str, hint: str, code: str, text: str) -> StatementFailed:
    advice = _ADVICE.get(code, "Nothing of this transaction was kept. Correct the cause and run the task again.")
    detail = f" ({' '.join(hint.split())})" if hint else ""
    return statement_refused(title, f"{message}{detail}", code, text, advice)


def with_advice(error: StatementFailed, advice: str) -> str:
    """``advice`` of the statement. Locks, timeouts and full memory have their own."""
    asked = error.code in (DEPENDENT_OBJECTS, NO_PRIVILEGE, *NOT_DONE)
    return f"{error.message} {advice}" if advice and asked else error.message


def lock_not_available(error: StatementFailed, holders: str) -> StatementFailed:
    """``holders``: what is locked and by whom, or nothing."""
    if not holders:
        return error
    error.message += f" {holders}."
    return error


NOT_DONE = ("01006", "01007")
"""GRANT and REVOKE that did nothing, or less than they say, which PostgreSQL only warns of:
https://www.postgresql.org/docs/current/errcodes-appendix.html"""

_VERBOSE = 2
"""PQERRORS_VERBOSE: https://www.postgresql.org/docs/current/libpq-control.html#LIBPQ-PQSETERRORVERBOSITY"""
_NOTICE = re.compile(r"[^:]*:\s+([0-9A-Z]{5}): (.*?)(?:\n|\Z)")
"""Severity, SQLSTATE and message; then detail, hint and the place in the server's source, each on a line."""


class Notice(NamedTuple):
    code: str
    message: str


class Notices:
    """The notices of one connection. psycopg2's own list keeps the last 50 only."""

    def __init__(self) -> None:
        self._texts: list[str] = []

    def append(self, text: str) -> None:
        self._texts.append(text)

    def clear(self) -> None:
        self._texts.clear()

    def __iter__(self) -> Iterator[Notice]:
        for text in self._texts:
            found = _NOTICE.match(text)
            yield Notice(*found.groups()) if found else Notice("", " ".join(text.split()))


def collect_notices(connection: Any) -> None:
    """Let a psycopg2 connection keep them all, with their SQLSTATEs, which libpq leaves out unless it is told."""
    connection.notices = Notices()
    # The libpq that psycopg2 was built with, and through which it has made the connection
    libpq = ctypes.CDLL(sys.modules["psycopg2._psycopg"].__file__)
    libpq.PQsetErrorVerbosity.argtypes = (ctypes.c_void_p, ctypes.c_int)
    libpq.PQsetErrorVerbosity(connection.pgconn_ptr, _VERBOSE)

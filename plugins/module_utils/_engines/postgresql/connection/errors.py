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
import socket
import ssl
import struct
import sys
from collections.abc import Iterator
from typing import Any, NamedTuple

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.certificates import (
    no_tls,
    refused_certificate,
    tls_context,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.checks import statement_refused
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import (
    AuroraIamError,
    CannotConnect,
    ConnectionLost,
    NotWriter,
    Refused,
    StatementFailed,
    Unreachable,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._login import Credentials, Login

LOCK_NOT_AVAILABLE, QUERY_CANCELED, DEPENDENT_OBJECTS, NO_PRIVILEGE = "55P03", "57014", "2BP01", "42501"
READ_ONLY = "25006"
MISSING = ("3F000", "42703", "42704", "42883", "42P01")
"""A schema, a column, a type or role, a routine, a table."""
LOST = ("08", "57P")
"""How SQLSTATEs begin that say that the session is gone."""
CUT_OFF = ("08006", QUERY_CANCELED, "25P03", "25P04", "57P05")
"""By a timeout: a session, or the statement that sets it up."""
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


def statement_failure(login: Login, connection: Any, error: Any, text: str, only_reads: bool) -> AuroraIamError:
    """
    error       the driver's
    only_reads  default_transaction_read_only was on when the session began
    """
    message = " ".join((error.diag.message_primary or str(error)).split())
    code = error.pgcode or ""
    if connection.closed or code.startswith(LOST):
        return ConnectionLost(
            f"The connection to {login.title} broke ({message}); run the task again, it continues where it stopped."
        )
    if code == READ_ONLY and only_reads:
        return Refused(
            f"{login.title} lets {connection.info.user} only read in database {connection.info.dbname}, because "
            "default_transaction_read_only is on there; take it back with ALTER ROLE or ALTER DATABASE … RESET "
            "default_transaction_read_only, and run the task again."
        )
    if code == READ_ONLY:
        return NotWriter(f"{login.title} has become read-only, as after a failover; run the task again.")
    hint = " ".join(part for part in (error.diag.message_detail, error.diag.message_hint) if part)
    return refusal(login.title, message, hint, code, text)


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


_SSL_REQUEST = struct.pack("!ii", 8, 80877103)
"""https://www.postgresql.org/docs/current/protocol-message-formats.html (SSLRequest)"""

# What the text of an OperationalError holds → what to tell. psycopg2 gives no SQLSTATE for a failed connection.
_REASONS: tuple[tuple[str, str], ...] = (
    (
        r"(PAM|LDAP) authentication failed",
        "the server sent {user} to IAM authentication and it was refused; log in with an IAM token if {user} is a "
        "member of rds_iam on purpose, and check that the IAM policy allows rds-db:connect for this name",
    ),
    (
        r"password authentication failed",
        "wrong credentials for {user}; check the name and the password, and that the secret is the current one",
    ),
    (
        r"no pg_hba\.conf entry|pg_hba\.conf rejects",
        "the server accepts no connection of {user} to database {database}; name another one with login_db",
    ),
    (r"role .* is not permitted to log in", "{user} is locked (NOLOGIN); log in as another account"),
    (r"database .* does not exist", "there is no database {database}; name one that exists with login_db"),
    (r"permission denied for database", "{user} may not connect to database {database}; grant it CONNECT"),
    (r"does not support SSL", no_tls()),
    (
        r"too many connections for role",
        "{user} has a CONNECTION LIMIT, and that many sessions are open; raise it, or end idle sessions of {user}",
    ),
    (
        r"too many connections for database",
        "database {database} has a CONNECTION LIMIT, and that many sessions are open; raise it, name another one with "
        "login_db, or end idle sessions",
    ),
    (
        r"too many (clients|connections)|remaining connection slots",
        "the server has no free connection slot; end idle sessions or try again later",
    ),
    (
        r"starting up|shutting down|recovery mode",
        "the server is starting or stopping; try again when it is available",
    ),
    (
        r"Connection refused",
        "nothing listens on {host}:{port}; check host and port, and that the database is available",
    ),
    (
        r"timeout expired|timed out|No route to host|Network is unreachable",
        "{host}:{port} does not answer; check security groups, routing, or the tunnel",
    ),
    (
        r"root certificate file .* does not exist",
        "the file named by ca_cert does not exist; correct its path",
    ),
)

# The same where a token was sent
_REASONS_OF_TOKENS = (
    (
        r"password authentication failed",
        "the server took the IAM token of {user} for a password; check that the role exists in this case and is a "
        "member of rds_iam, and that IAM authentication is on; the token was signed for {signed}",
    ),
    (
        r"(PAM|LDAP) authentication failed",
        "the server refused the IAM token of {user}, signed for {signed}; check that a policy allows rds-db:connect "
        "for this name to the principal that has this access key, and that this is the database's own host, port and "
        "region",
    ),
)

PASSWORD_REFUSED = re.compile("password authentication failed")
_NOBODY_ANSWERS = re.compile(
    "starting up|shutting down|recovery mode|not (yet )?accepting connections"
    "|Connection (refused|reset)|timeout expired|timed out|No route to host|Network is unreachable"
    "|closed (the connection )?unexpectedly|EOF detected|unexpected eof"
)


def connection_failure(login: Login, credentials: Credentials, database: str, text: str) -> CannotConnect:
    kind = Unreachable if _NOBODY_ANSWERS.search(text) else CannotConnect
    return kind(explain(login, credentials, database, text))


def explain(login: Login, credentials: Credentials, database: str, text: str) -> str:
    reason, user = None, credentials.user
    if re.search(r"certificate|SSL error", text) and not re.search(r"root certificate file .* does not exist", text):
        reason = _explain_tls(login)
    told = {"user": user, "database": database, "host": login.host, "port": login.port, "signed": credentials.signed}
    for pattern, sentence in (*(_REASONS_OF_TOKENS if credentials.is_token else ()), *_REASONS):
        if reason is None and re.search(pattern, text, re.DOTALL):
            reason = sentence.format(**told)
    return f"Cannot log in to {login.title}: {reason or ' '.join(text.split())}."


def ended_early(login: Login, user: str, database: str) -> CannotConnect:
    """An account's settings are stronger than those of a database:
    https://www.postgresql.org/docs/current/sql-alterrole.html"""
    return CannotConnect(
        f"Cannot log in to {login.title}: database {database} ends sessions before they are set up; if its "
        "idle_session_timeout, idle_in_transaction_session_timeout or transaction_timeout is a few milliseconds, take "
        f"it back with ALTER DATABASE … RESET, or run ALTER ROLE … SET … = 0 for {user}."
    )


def _explain_tls(login: Login) -> str | None:
    """libpq only says that verification failed: shake hands once more, sending no credentials, to learn why.

    Raises CannotConnect where there is nothing to verify against.
    """
    context = tls_context(login.ssl_mode, login.ca_cert)
    name = login.endpoint.host or login.host
    try:
        with socket.create_connection((login.host, login.port), timeout=login.connect_timeout) as plain:
            plain.sendall(_SSL_REQUEST)
            if plain.recv(1) != b"S":
                return None
            with context.wrap_socket(plain, server_hostname=name):
                return None
    except ssl.SSLCertVerificationError as error:
        return refused_certificate(error, name, login.ca_cert)
    except OSError:
        return None

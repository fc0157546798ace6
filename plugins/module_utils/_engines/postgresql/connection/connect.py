# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""From a Login to a connection, and from what libpq says when there is none to a sentence with the next step.

https://www.postgresql.org/docs/current/libpq-connect.html
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from typing import Any

from ansible_collections.dbops.aurora_iam.plugins.module_utils._address import resolve
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.certificates import (
    no_tls,
    refused_certificate,
    tls_context,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import (
    CannotConnect,
    MissingLibrary,
    Unreachable,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._login import Credentials, Login

try:
    import psycopg2
except ImportError:
    psycopg2 = None  # type: ignore[assignment]

DriverError: type[Exception] = psycopg2.Error if psycopg2 is not None else Exception

_SYSTEM_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
_NO_FILE = "/dev/null/none"
"""Cannot exist. An empty path would mean libpq's own one."""
_NO_FILES = dict.fromkeys(("passfile", "sslcert", "sslkey", "sslrootcert", "sslcrl"), _NO_FILE)
"""Instead of ~/.pgpass and the files in ~/.postgresql:
https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS"""
_DATE_STYLE = "PGDATESTYLE"
"""In the start-up packet. psycopg2 sends SET datestyle before our first message where a database has another one than
ISO: https://github.com/psycopg/psycopg2/blob/master/psycopg/connection_int.c (conn_setup)"""
_ENVIRONMENT = threading.Lock()
"""All threads of a process have the same one."""
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

_UNKNOWN_TO_IAM = (
    "the server took the IAM token of {user} for a password; check that the role exists in this case and is a member "
    "of rds_iam, and that IAM authentication is on"
)

_PASSWORD_REFUSED = re.compile("password authentication failed")
_NOBODY_ANSWERS = re.compile(
    "starting up|shutting down|recovery mode|not (yet )?accepting connections"
    "|Connection (refused|reset)|timeout expired|timed out|No route to host|Network is unreachable"
    "|closed (the connection )?unexpectedly|EOF detected|unexpected eof"
)


def connect(login: Login, database: str) -> Any:
    """A new connection in autocommit mode. Raises CannotConnect, MissingLibrary."""
    if psycopg2 is None:
        raise MissingLibrary(
            f"The Python library psycopg2 is needed to log in to {login.title}; install the package psycopg2-binary "
            "for the Python that runs this task."
        )
    credentials = login.credentials()
    try:
        connection = _dial(login, credentials, database)
    except (psycopg2.Error, ValueError) as error:
        fresh = login.rotated(credentials) if _PASSWORD_REFUSED.search(str(error)) else None
        if fresh is None:
            raise _failure(login, credentials, database, str(error)) from None
        try:
            connection = _dial(login, fresh, database)
        except (psycopg2.Error, ValueError) as again:
            raise _failure(login, fresh, database, str(again)) from None
    connection.autocommit = True
    return connection


def _dial(login: Login, credentials: Credentials, database: str) -> Any:
    login.require_verified(credentials)
    options = {**_NO_FILES, **_address(login), **_tls(login)}
    with _no_environment():
        return psycopg2.connect(
            port=login.port,
            user=credentials.user,
            password=credentials.password,
            dbname=database,
            connect_timeout=login.connect_timeout,
            client_encoding="UTF8",
            application_name="dbops.aurora_iam",
            # libpq tries it before TLS, whatever sslmode says
            gssencmode="disable",
            **options,
        )


@contextlib.contextmanager
def _no_environment() -> Iterator[None]:
    """libpq takes each option that is not given from a variable, and there are more of them in each release:
    https://www.postgresql.org/docs/current/libpq-envars.html"""
    with _ENVIRONMENT:
        said = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("PG")}
        os.environ[_DATE_STYLE] = "ISO"
        try:
            yield
        finally:
            del os.environ[_DATE_STYLE]
            os.environ.update(said)


def _address(login: Login) -> dict[str, Any]:
    """The name that the certificate must be for, and the addresses to dial: the endpoint's own, or a tunnel's.

    libpq takes the name from ``host`` and dials ``hostaddr``, one for one where there are several. Given a name alone
    it would look for more in it than a name. Raises Unreachable where there is no such name.
    """
    if login.unix_socket:
        return {"host": login.unix_socket}
    found = resolve(login.host, login.port, login.title)
    name = login.endpoint.host or login.host
    return {"host": ",".join([name] * len(found)), "hostaddr": ",".join(found)}


def _tls(login: Login) -> dict[str, Any]:
    if login.unix_socket:
        return {}
    options: dict[str, Any] = {"sslmode": login.ssl_mode}
    if login.ssl_mode.startswith("verify-"):
        options["sslrootcert"] = login.ca_cert or system_bundle()
    return options


def system_bundle() -> str:
    """The trust store of this machine as one file.

    libpq's own word for it, ``system``, needs libpq 16, and finds nothing in the wheels of psycopg2-binary, whose
    OpenSSL was built with the paths of another system.
    """
    candidates = (ssl.get_default_verify_paths().cafile, *_SYSTEM_BUNDLES)
    return next((path for path in candidates if path and os.path.exists(path)), "system")


def _failure(login: Login, credentials: Credentials, database: str, text: str) -> CannotConnect:
    kind = Unreachable if _NOBODY_ANSWERS.search(text) else CannotConnect
    return kind(explain(login, credentials, database, text))


def explain(login: Login, credentials: Credentials, database: str, text: str) -> str:
    reason, user = None, credentials.user
    if credentials.is_token and _PASSWORD_REFUSED.search(text):
        reason = _UNKNOWN_TO_IAM.format(user=user)
    if re.search(r"certificate|SSL error", text) and not re.search(r"root certificate file .* does not exist", text):
        reason = _explain_tls(login)
    for pattern, sentence in _REASONS:
        if reason is None and re.search(pattern, text, re.DOTALL):
            reason = sentence.format(user=user, database=database, host=login.host, port=login.port)
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

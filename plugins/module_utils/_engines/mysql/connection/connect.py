# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""One connection with a MySQL server: over TLS, or over a Unix socket."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from typing import Any

from ansible_collections.dbops.aurora_iam.plugins.module_utils._address import resolve
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.certificates import tls_context
from ansible_collections.dbops.aurora_iam.plugins.module_utils._login import Credentials, Login

try:
    import pymysql
    from pymysql.connections import Connection
    from pymysql.constants import CLIENT
except ImportError:
    HAS_PYMYSQL = False
    Connection = object  # type: ignore[assignment,misc]
else:
    HAS_PYMYSQL = True

_CANNOT_CONNECT, MALFORMED = 2003, 2027
"""https://dev.mysql.com/doc/mysql-errors/8.4/en/client-error-reference.html"""


class TlsNotOffered(Exception):
    """The server speaks no TLS."""


class GuardedConnection(Connection):
    """PyMySQL's connection, which alone would log in to a server that offers no TLS (before 1.2).

    Without TLS every method of authentication tells a stranger something: the password itself, encrypted with a key of
    the stranger's choice (caching_sha2_password, sha256_password), or a hash of it that can be guessed at.
    https://dev.mysql.com/doc/refman/8.4/en/caching-sha2-pluggable-authentication.html
    """

    server_capabilities: int
    _read_timeout: float | None

    def _get_server_information(self) -> None:
        super()._get_server_information()  # type: ignore[misc]
        if self.ssl and not self.server_capabilities & CLIENT.SSL:
            raise TlsNotOffered

    def connect(self, sock: Any = None) -> None:
        with _only_errors_of_mysql():
            super().connect(sock)

    def query(self, sql: Any, unbuffered: bool = False) -> int:
        """Also where the server asks for a file of this host, which PyMySQL does not send.

        https://dev.mysql.com/doc/refman/8.4/en/load-data-local-security.html
        """
        with _only_errors_of_mysql():
            return int(super().query(sql, unbuffered))

    def wait_for_answers(self) -> None:
        """From now on, time limits are the server's: a wide statement may take long."""
        self._read_timeout = None


@contextlib.contextmanager
def _only_errors_of_mysql() -> Iterator[None]:
    """PyMySQL takes what it receives for well-formed, and fails in ways of Python where it is not.

    https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_basic_packets.html
    """
    try:
        yield
    except (pymysql.MySQLError, OSError, TlsNotOffered):
        raise
    except Exception as error:
        raise pymysql.err.OperationalError(MALFORMED, f"its server does not answer as MySQL does: {error}") from error


def connect(login: Login, credentials: Credentials, setup: str) -> GuardedConnection:
    """Log in. Raises TlsNotOffered, CannotConnect (also for a CA file that holds none), and what PyMySQL does."""
    encrypted = None if login.unix_socket else tls_context(login.ssl_mode, login.ca_cert)
    # The certificate is checked against the endpoint's own name, also where another address is dialled (a tunnel).
    connection = GuardedConnection(
        host=login.endpoint.host or login.host,
        port=login.port,
        unix_socket=login.unix_socket or None,
        user=credentials.user,
        # A text PyMySQL would send in Latin-1, and fail for what that has not.
        password=credentials.password.encode("utf-8", "surrogatepass"),
        charset="utf8mb4",
        autocommit=True,
        connect_timeout=login.connect_timeout,
        read_timeout=login.connect_timeout,
        init_command=setup,
        ssl=encrypted,
        ssl_disabled=encrypted is None,
        defer_connect=True,
    )
    connection.connect(None if login.unix_socket else _dial(login))
    connection.wait_for_answers()
    return connection


def _dial(login: Login) -> socket.socket:
    """Raises Unreachable, PyMySQL's OperationalError."""
    failure = OSError()
    for address in resolve(login.host, login.port, login.title):
        try:
            dialled = socket.create_connection((address, login.port), login.connect_timeout)
        except OSError as error:
            failure = error
            continue
        dialled.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        dialled.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        return dialled
    raise pymysql.err.OperationalError(_CANNOT_CONNECT, str(failure)) from failure

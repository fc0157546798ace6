# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""One connection with a MySQL server: encrypted as asked, and never a password or token in the clear without TLS."""

from __future__ import annotations

import socket
import ssl
from typing import Any

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

SECURE_TRANSPORT_REQUIRED = 3159


class TlsNotOffered(Exception):
    """The server speaks no TLS."""


class ClearPassword(Exception):
    """The server asked for the password as it is, on a connection that is not encrypted."""


class GuardedConnection(Connection):
    """PyMySQL's connection, which alone would send a password to a server that offers no TLS (before 1.2) or that asks
    for it in the clear."""

    server_capabilities: int
    _secure: bool
    _read_timeout: float | None

    def _get_server_information(self) -> None:
        super()._get_server_information()  # type: ignore[misc]
        if self.ssl and not self.server_capabilities & CLIENT.SSL:
            raise TlsNotOffered

    def _process_auth(self, plugin_name: bytes, *arguments: Any) -> Any:
        if plugin_name in (b"mysql_clear_password", b"dialog") and not self._secure:
            raise ClearPassword
        return super()._process_auth(plugin_name, *arguments)  # type: ignore[misc]

    def wait_for_answers(self) -> None:
        """From now on, time limits are the server's: a wide statement may take long."""
        self._read_timeout = None


def connect(login: Login, credentials: Credentials, setup: str) -> GuardedConnection:
    """Log in with what ``ssl_mode`` permits. Raises PyMySQL's errors, TlsNotOffered, ClearPassword."""
    if login.unix_socket or login.ssl_mode == "disable":
        return _connect(login, credentials, setup, None)
    encrypted = tls_context(login.ssl_mode, login.ca_cert)
    if login.ssl_mode == "prefer":
        try:
            return _connect(login, credentials, setup, encrypted)
        except TlsNotOffered:
            return _connect(login, credentials, setup, None)
    if login.ssl_mode == "allow":
        try:
            return _connect(login, credentials, setup, None)
        except pymysql.err.OperationalError as error:
            if error.args[0] != SECURE_TRANSPORT_REQUIRED:
                raise
    return _connect(login, credentials, setup, encrypted)


def _connect(login: Login, credentials: Credentials, setup: str, encrypted: ssl.SSLContext | None) -> GuardedConnection:
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
        client_flag=CLIENT.MULTI_STATEMENTS,
        ssl=encrypted,
        ssl_disabled=encrypted is None,
        defer_connect=True,
    )
    connection.connect(None if login.unix_socket else _dial(login))
    connection.wait_for_answers()
    return connection


def _dial(login: Login) -> socket.socket:
    try:
        dialled = socket.create_connection((login.host, login.port), login.connect_timeout)
    except (OSError, UnicodeError) as error:  # the latter where a host name has an empty or overlong part
        raise pymysql.err.OperationalError(2003, str(error)) from error
    dialled.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    dialled.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    return dialled

# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""What the driver's errors mean to the person who wrote the task."""

from __future__ import annotations

import ssl

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.certificates import (
    no_tls,
    refused_certificate,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.checks import iam_auth_off, statement_refused
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.connection.connect import (
    MALFORMED,
    TlsNotOffered,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import (
    AuroraIamError,
    CannotConnect,
    ConnectionLost,
    NotWriter,
    Unreachable,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._login import Credentials, Login

ACCESS_DENIED = 1045
_LOCK_WAIT_TIMEOUT = 1205
_PRIVILEGE_LACKING = frozenset((1044, 1142, 1143, 1227))
"""On a database, a table, a column, or beyond one."""
_PLUGIN_NOT_LOADED = 1524
_LOST = frozenset((1053, 2006, 2013, 2014, 2055, MALFORMED, 3169, 4031))
"""The client's own, and those of a server that says goodbye: it stops, or somebody or a time limit ended the session.

https://dev.mysql.com/doc/mysql-errors/8.0/en/server-error-reference.html
"""
_READ_ONLY = frozenset((1290, 1792, 1836))


def statement_failure(title: str, error: Exception, statement: str) -> AuroraIamError:
    code, text = code_and_text(error)
    if code in _LOST or not code:
        return ConnectionLost(
            f"The connection with {title} broke ({text}); what was sent last may have been done, so run the task "
            "again, which does what is missing."
        )
    if code in _READ_ONLY and "read" in text.lower():
        return NotWriter(f"{title} has become read-only ({text}), as after a failover; run the task again.")
    if code == _PLUGIN_NOT_LOADED:
        return iam_auth_off(title, f"error {code}: {text}")
    hint = "Correct the cause and run the task again, which does what is missing."
    if code == _LOCK_WAIT_TIMEOUT:
        hint = (
            "Another session holds a lock, such as FLUSH TABLES WITH READ LOCK or a transaction that has read the "
            "grant tables; end it, or raise lock_timeout, and run the task again."
        )
    elif code in _PRIVILEGE_LACKING:
        hint = (
            "Grant the login what it lacks (to read accounts, SELECT ON mysql.*). What it has by a role counts while "
            "that is active: make it a default role, or turn activate_all_roles_on_login on."
        )
    return statement_refused(title, text, str(code), statement, hint)


def connection_failure(login: Login, credentials: Credentials, error: Exception) -> CannotConnect:
    where = f"{login.title} ({login.unix_socket or f'{login.host}:{login.port}'})"
    if isinstance(error, TlsNotOffered):
        return CannotConnect(f"Cannot log in to {where}: {no_tls()}.")
    origin = _tls_error(error)
    if origin is not None:
        reason = refused_certificate(origin, login.endpoint.host or login.host, login.ca_cert)
        return CannotConnect(f"TLS with {where} failed: {reason}.")
    code, text = code_and_text(error)
    if code == ACCESS_DENIED:
        return CannotConnect(_denied(where, credentials))
    if code and code not in _LOST and not 2000 <= code < 3000:
        return CannotConnect(
            f"{where} refused the session of {credentials.user}: {text} (error {code}). Correct that and try again."
        )
    return Unreachable(f"No connection with {where}: {text}. Check the address, the security group, and that it runs.")


def _denied(where: str, credentials: Credentials) -> str:
    if credentials.is_token:
        return (
            f"{where} refused the IAM token of {credentials.user} (error 1045), signed for {credentials.signed}; check "
            "that the account exists in this case and is IAM-authenticated, that IAM authentication is on, that a "
            "policy allows rds-db:connect to the principal that has this access key, and that this is the database's "
            "own host, port and region."
        )
    return (
        f"{where} refused the password of {credentials.user} (error 1045); check login_user and its password or secret."
    )


def code_and_text(error: BaseException) -> tuple[int, str]:
    arguments = error.args
    if len(arguments) >= 2 and isinstance(arguments[0], int):
        return arguments[0], str(arguments[1])
    return 0, str(error) or type(error).__name__


def _tls_error(error: BaseException) -> ssl.SSLError | None:
    """PyMySQL wraps what the TLS library said. A handshake that the server broke off is not TLS's fault."""
    origin = getattr(error, "original_exception", None) or error.__cause__ or error
    if isinstance(origin, (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)):
        return None
    return origin if isinstance(origin, ssl.SSLError) else None

# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""What the driver's errors mean to the person who wrote the task."""

from __future__ import annotations

import ssl
from collections.abc import Sequence

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.wire import (
    SECURE_TRANSPORT_REQUIRED,
    ClearPassword,
    TlsNotOffered,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import (
    AuroraIamError,
    CannotConnect,
    ConnectionLost,
    IamAuthDisabled,
    NotWriter,
    StatementFailed,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._login import Credentials, Login

ACCESS_DENIED = 1045
_LOCK_WAIT_TIMEOUT = 1205
_PLUGIN_NOT_LOADED = 1524
_LOST = frozenset((2006, 2013, 2014, 2055))
_READ_ONLY = frozenset((1290, 1792, 1836))


def statement_failure(title: str, error: Exception, statement: str, executed: Sequence[str] = ()) -> AuroraIamError:
    """``executed``: what ran in the same step before it."""
    code, text = code_and_text(error)
    if code in _LOST or not code:
        return ConnectionLost(
            f"The connection with {title} broke ({text}); what was sent last may have been done, so run the task "
            "again, which does what is missing.",
            statements_executed=list(executed),
        )
    if code in _READ_ONLY and "read" in text.lower():
        return NotWriter(
            f"{title} has become read-only ({text}), as after a failover; run the task again.",
            statements_executed=list(executed),
        )
    if code == _PLUGIN_NOT_LOADED:
        return IamAuthDisabled(
            f"IAM authentication is off on {title} (error {code}: {text}). Turn it on with "
            "dbops.aurora_iam.aurora_iam_cluster.",
            statements_executed=list(executed),
        )
    hint = "Correct the cause and run the task again, which does what is missing."
    if code == _LOCK_WAIT_TIMEOUT:
        hint = (
            "Another session holds a lock, such as FLUSH TABLES WITH READ LOCK or a transaction that has read the "
            "grant tables; end it, or raise lock_timeout, and run the task again."
        )
    return StatementFailed(
        f"{title} refused a statement: {text} (error {code}). {hint}",
        str(code),
        statement,
        executed_in_step=list(executed),
    )


def connection_failure(login: Login, credentials: Credentials, error: Exception) -> CannotConnect:
    where = f"{login.title} ({login.unix_socket or f'{login.host}:{login.port}'})"
    if isinstance(error, TlsNotOffered):
        return CannotConnect(f"{where} offers no TLS, which ssl_mode {login.ssl_mode} needs; check host and port.")
    if isinstance(error, ClearPassword):
        return CannotConnect(
            f"{where} asks for the password of {credentials.user} in the clear, which is sent only over TLS; set "
            "ssl_mode: verify-full."
        )
    origin = _tls_error(error)
    if origin is not None:
        return CannotConnect(f"TLS with {where} failed: {_tls_sentence(origin, login)}")
    code, text = code_and_text(error)
    if code == ACCESS_DENIED:
        return CannotConnect(_denied(where, credentials))
    if code == SECURE_TRANSPORT_REQUIRED:
        return CannotConnect(f"{where} takes only encrypted sessions (error {code}); set ssl_mode: verify-full.")
    if code and not 2000 <= code < 3000:
        return CannotConnect(
            f"{where} refused the session of {credentials.user}: {text} (error {code}). Correct that and try again."
        )
    return CannotConnect(
        f"No connection with {where}: {text}. Check the address, the security group, and that it runs."
    )


def _denied(where: str, credentials: Credentials) -> str:
    if credentials.is_token:
        return (
            f"{where} refused the IAM token of {credentials.user} (error 1045); check that the account exists in this "
            "case and is IAM-authenticated, that IAM authentication is on, and that a policy allows rds-db:connect."
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
    """PyMySQL wraps what the TLS library said."""
    origin = getattr(error, "original_exception", None) or error.__cause__ or error
    return origin if isinstance(origin, ssl.SSLError) else None


_TLS_SENTENCES = {
    10: "its certificate has expired; check the clock of this host, or rotate the certificate.",
    18: "its certificate is self-signed and not in the trusted set; set ca_cert to the file of the CA that issued it.",
    19: "its certificate comes from a CA that is not trusted; set ca_cert to that CA's file (for RDS, the bundle "
    "global-bundle.pem).",
    20: "its certificate comes from a CA that is not trusted; set ca_cert to that CA's file (for RDS, the bundle "
    "global-bundle.pem).",
}


def _tls_sentence(error: ssl.SSLError, login: Login) -> str:
    code = getattr(error, "verify_code", 0)
    if code in (62, 64):
        return (
            f"its certificate is not for {login.endpoint.host or login.host}; use the endpoint's own name as "
            "login_host, or name the cluster so that the name is known."
        )
    return _TLS_SENTENCES.get(code, f"{error}. Check ssl_mode and ca_cert.")

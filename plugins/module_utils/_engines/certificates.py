# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""How a server's certificate is verified, and what it means to who wrote the task when it is not accepted."""

from __future__ import annotations

import ssl

from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import CannotConnect

RDS_BUNDLE = "https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem"

# https://docs.openssl.org/master/man3/X509_STORE_CTX_get_error/
_NOT_YET_VALID, _EXPIRED, _SELF_SIGNED = 9, 10, 18
_UNTRUSTED = frozenset((2, 19, 20, 21))
_ANOTHER_NAME = frozenset((62, 64))


def tls_context(ssl_mode: str, ca_cert: str) -> ssl.SSLContext:
    """``verify-full`` checks CA and host name, ``verify-ca`` the CA, anything less nothing.

    ca_cert  a file; empty for the certificate authorities that the system trusts
    Raises CannotConnect for a file that holds none.
    """
    try:
        context = ssl.create_default_context(cafile=ca_cert or None)
    except (OSError, ssl.SSLError):
        raise CannotConnect(
            f"The file {ca_cert} holds no CA certificates; set ca_cert to one that does, for RDS {RDS_BUNDLE}."
        ) from None
    # Python 3.13 began to insist on extensions that the certificates of RDS do not all have.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    # Python obeys SSLKEYLOGFILE, and with the keys of a session anybody reads its password:
    # https://docs.python.org/3/library/ssl.html#ssl.SSLContext.keylog_filename
    context.keylog_filename = None  # type: ignore[assignment]
    context.check_hostname = ssl_mode == "verify-full"
    if not ssl_mode.startswith("verify-"):
        context.verify_mode = ssl.CERT_NONE
    return context


def no_tls() -> str:
    """Why a server without TLS is not logged in to, as the second half of a sentence without its full stop."""
    return (
        "the server there offers no TLS, and nothing secret is sent without; every RDS and Aurora endpoint offers TLS, "
        "so check that host and port, or the tunnel, lead to the database"
    )


def refused_certificate(error: ssl.SSLError, name: str, ca_cert: str) -> str:
    """Why a server's certificate was not accepted and what to do, as the second half of a sentence without its full
    stop.

    name     the one that the certificate should be for
    ca_cert  the file that it was checked against; empty for the system's
    """
    code = getattr(error, "verify_code", 0)
    if code in _ANOTHER_NAME:
        return (
            f"its certificate is not for {name}; use the endpoint's own name as login_host, or name the cluster so "
            "that the name is known"
        )
    if code == _EXPIRED:
        return "its certificate has expired; check the clock of this host, or have the certificate rotated"
    if code == _NOT_YET_VALID:
        return "its certificate is not valid yet; check the clock of this host"
    if code == _SELF_SIGNED:
        return (
            "its certificate is self-signed and not in the trusted set; make sure that this is the right server, and "
            "set ca_cert to the file of a certificate that you trust"
        )
    if code in _UNTRUSTED:
        return (
            "its certificate comes from a CA that is not trusted; set ca_cert to that CA's file (for RDS, "
            f"{RDS_BUNDLE}) instead of {ca_cert or 'what this host trusts by itself'}"
        )
    return f"{error}; check that host and port, or the tunnel, lead to the database"

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
import ssl
import threading
from collections.abc import Iterator
from typing import Any

from ansible_collections.dbops.aurora_iam.plugins.module_utils._address import resolve
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.connection.errors import (
    PASSWORD_REFUSED,
    connection_failure,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import (
    MissingLibrary,
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
        fresh = login.rotated(credentials) if PASSWORD_REFUSED.search(str(error)) else None
        if fresh is None:
            raise connection_failure(login, credentials, database, str(error)) from None
        try:
            connection = _dial(login, fresh, database)
        except (psycopg2.Error, ValueError) as again:
            raise connection_failure(login, fresh, database, str(again)) from None
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

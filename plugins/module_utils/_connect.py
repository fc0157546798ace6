# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""From connection options to an engine and a login: which endpoint, which credentials, how verified."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any, Callable

from ansible_collections.dbops.aurora_iam.plugins.module_utils._address import check_host, check_port, check_socket
from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.calls import Clients
from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.credentials import (
    secret_credentials,
    token_credentials,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.data_api import DataApi
from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.endpoint import (
    cluster_endpoint,
    instance_endpoint,
    proxy_endpoint,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.base import Engine
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.registry import engine_for
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import InvalidOption, Refused
from ansible_collections.dbops.aurora_iam.plugins.module_utils._login import Credentials, Endpoint, Login

RDS_BUNDLE_PLACES = (
    "~/.aws/rds/global-bundle.pem",
    "/etc/pki/rds/global-bundle.pem",
    "/etc/ssl/rds/global-bundle.pem",
)
"""Where the bundle of RDS's certificate authorities is looked for when ``ca_cert`` is left out.

https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/UsingWithRDS.SSL.html
"""

_CLUSTER_NAME = re.compile(
    r"\.cluster-(?!ro-|custom-)[a-z0-9]+\.([a-z0-9-]+\.rds|rds\.[a-z0-9-]+)\.[a-z0-9.-]+\Z", re.IGNORECASE
)
"""A cluster's writer endpoint, neither its reader endpoint nor a custom one, in any of AWS's partitions.

https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Aurora.Overview.Endpoints.html
"""

MAX_PATIENCE = 24 * 60 * 60
"""Seconds; every limit that the servers and their libraries have is longer."""

CredentialSource = Callable[[], Credentials]

DATA_API = "data_api"
_DIALLED = ("login_host", "login_port", "login_unix_socket", "login_user", "login_password")
"""Options about a connection, which there is none of over the Data API."""


def connection(options: Mapping[str, Any], clients: Clients) -> tuple[Engine[Any], Login]:
    """Find the database and the way to log in; opens nothing. Raises InvalidOption, CloudError, Refused."""
    _check_patience(options)
    _check_addresses(options)
    endpoint = find_endpoint(options, clients)
    engine = engine_for(endpoint.engine)
    port = options["login_port"] or endpoint.port or engine.capabilities.port
    method = _method(options, endpoint)
    if options["login_user"]:
        engine.check_account_name(options["login_user"], "login_user")
    if options["login_db"]:
        engine.check_database_name(options["login_db"], "login_db")
    if method == DATA_API:
        return engine, _over_data_api(options, endpoint, clients, port)
    _require_verified_tls(options, method)
    return engine, Login(
        endpoint=endpoint,
        host=options["login_host"] or endpoint.host,
        port=port,
        credentials=_checked(engine, _CREDENTIALS[method](options, endpoint, clients)),
        unix_socket=options["login_unix_socket"] or "",
        database=options["login_db"] or endpoint.database,
        ssl_mode=options["ssl_mode"],
        ca_cert=_ca_cert(options, endpoint),
        connect_timeout=options["connect_timeout"],
        lock_timeout=options["lock_timeout"],
    )


def _check_patience(options: Mapping[str, Any]) -> None:
    """To the servers and their libraries, 0 and -1 mean "at once", "for ever" or nothing, each in its own way."""
    for name in ("connect_timeout", "lock_timeout"):
        if not 1 <= options[name] <= MAX_PATIENCE:
            raise InvalidOption(f"{name} is {options[name]}; give 1 to {MAX_PATIENCE} seconds.")


def _check_addresses(options: Mapping[str, Any]) -> None:
    """Before anything is resolved, dialled or asked of AWS. Raises InvalidOption."""
    if options["login_host"]:
        check_host(options["login_host"], "login_host")
    if options["login_port"] is not None:
        check_port(options["login_port"])
    if options["login_unix_socket"]:
        check_socket(options["login_unix_socket"])


def _checked(engine: Engine[Any], source: CredentialSource) -> CredentialSource:
    """The source, of whose credentials nothing is cut off or left out on the way to the server.

    The result raises InvalidOption.
    """

    def credentials() -> Credentials:
        found = source()
        engine.check_account_name(found.user, "The user that the task logs in as")
        if "\0" in found.password:
            raise InvalidOption(
                f"The password of {found.user} contains a NUL character, where a server ends it; set another one."
            )
        return found

    return credentials


def _over_data_api(options: Mapping[str, Any], endpoint: Endpoint, clients: Clients, port: int) -> Login:
    """AWS dials the writer itself, as the secret's user."""
    if not options["cluster"]:
        raise InvalidOption("login_method is data_api, which reaches clusters only; set cluster.")
    beside = [name for name in _DIALLED if options[name] not in (None, "")]
    if beside:
        raise InvalidOption(
            f"login_method is data_api, through which AWS logs in to {endpoint.title} with a secret; leave out "
            f"{', '.join(beside)}, and name another user by login_secret."
        )
    secret = _secret_name(options, endpoint, DATA_API)
    return Login(
        endpoint=endpoint,
        host=endpoint.host,
        port=port,
        credentials=lambda: secret_credentials(clients, secret),
        database=options["login_db"] or endpoint.database,
        lock_timeout=options["lock_timeout"],
        transport=DataApi(clients, endpoint, secret),
    )


def find_endpoint(options: Mapping[str, Any], clients: Clients) -> Endpoint:
    """The database that the options name, as AWS or the options describe it. Raises InvalidOption, CloudError."""
    found = {"cluster": cluster_endpoint, "instance": instance_endpoint, "proxy": proxy_endpoint}
    named = [option for option in found if options[option]]
    if len(named) > 1:
        raise InvalidOption(f"Both {' and '.join(named)} are set; an account lives on one of them, so leave one out.")
    for option in named:
        endpoint = found[option](clients, options[option])
        check_host(endpoint.host, f"The endpoint of {endpoint.title}")
        return endpoint
    return _endpoint_as_given(options)


def _endpoint_as_given(options: Mapping[str, Any]) -> Endpoint:
    """By address and engine, without AWS."""
    host, path = options["login_host"] or "", options["login_unix_socket"]
    if not ((host or path) and options["engine"]):
        raise InvalidOption("No database is named; set cluster (or instance, or proxy), or login_host and engine.")
    port = options["login_port"] or engine_for(options["engine"]).capabilities.port
    title = f"{host or path}:{port}"
    return Endpoint(title, options["engine"], host, port, follows=bool(_CLUSTER_NAME.search(host)))


def _method(options: Mapping[str, Any], endpoint: Endpoint) -> str:
    """What ``login_method: auto`` means here.

    The managed secret is the master user's, so it serves only when no other user is asked for.
    """
    if options["login_method"] != "auto":
        return str(options["login_method"])
    if options["login_password"] is not None:
        return "password"
    if options["login_secret"] or (endpoint.secret and options["login_user"] in (None, "", endpoint.master_user)):
        return "secret"
    return "iam"


def _require_verified_tls(options: Mapping[str, Any], method: str) -> None:
    """A token needs host name and CA verified, a secret's password the CA: whoever receives it can use it."""
    enough = {"iam": ("verify-full",), "secret": ("verify-ca", "verify-full")}.get(method)
    if enough and options["ssl_mode"] not in enough and not (method == "secret" and options["login_unix_socket"]):
        raise Refused(
            f"login_method {method} with ssl_mode {options['ssl_mode']} would send the "
            f"{'token' if method == 'iam' else 'password'} to a server whose identity is not verified; "
            f"set ssl_mode: {enough[-1]} and, if need be, ca_cert."
        )


def _password(options: Mapping[str, Any], endpoint: Endpoint, _clients: Clients) -> CredentialSource:
    if options["login_password"] is None:
        raise InvalidOption("login_method is password, but login_password is not set.")
    credentials = Credentials(_login_user(options, endpoint), options["login_password"])
    return lambda: credentials


def _secret(options: Mapping[str, Any], endpoint: Endpoint, clients: Clients) -> CredentialSource:
    secret = _secret_name(options, endpoint, "secret")
    return lambda: _of_user(options["login_user"], secret, secret_credentials(clients, secret))


def _of_user(user: str | None, secret: str, credentials: Credentials) -> Credentials:
    """Raises InvalidOption where the task asks for another user than it would be."""
    if user in (None, "", credentials.user):
        return credentials
    raise InvalidOption(
        f"login_user is {user}, but the secret {secret} is of {credentials.user}; leave login_user out, or name the "
        f"secret of {user} with login_secret."
    )


def _secret_name(options: Mapping[str, Any], endpoint: Endpoint, method: str) -> str:
    secret: str = options["login_secret"] or endpoint.secret
    if not secret:
        raise InvalidOption(
            f"login_method is {method}, but {endpoint.title} has no managed master secret; set login_secret to the ARN "
            "or name of one."
        )
    return secret


def _iam(options: Mapping[str, Any], endpoint: Endpoint, clients: Clients) -> CredentialSource:
    user = _login_user(options, endpoint)
    return lambda: token_credentials(clients, endpoint, user)


def _login_user(options: Mapping[str, Any], endpoint: Endpoint) -> str:
    user = options["login_user"] or endpoint.master_user
    if not user:
        raise InvalidOption(f"No user to log in to {endpoint.title} with; set login_user.")
    return str(user)


_CREDENTIALS: dict[str, Callable[[Mapping[str, Any], Endpoint, Clients], CredentialSource]] = {
    "iam": _iam,
    "password": _password,
    "secret": _secret,
}


def _ca_cert(options: Mapping[str, Any], endpoint: Endpoint) -> str:
    """A proxy's certificate comes from a public authority, which RDS's bundle does not have.

    https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/rds-proxy.howitworks.html#rds-proxy-security.tls
    """
    if options["ca_cert"]:
        # Absolute, because libpq takes the file name "system" for the authorities that OpenSSL trusts
        path = os.path.abspath(os.path.expanduser(str(options["ca_cert"])))
        if not os.path.isfile(path):
            raise InvalidOption(f"ca_cert {path} is not a file on the host where the task runs.")
        return path
    if endpoint.is_proxy:
        return ""
    return next((path for path in map(os.path.expanduser, RDS_BUNDLE_PLACES) if os.path.isfile(path)), "")

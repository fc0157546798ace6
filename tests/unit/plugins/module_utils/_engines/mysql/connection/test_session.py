# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import ssl

import pymysql
import pytest

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.connection import session
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.connection.connect import (
    TlsNotOffered,
    tls_context,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.connection.errors import (
    connection_failure,
    statement_failure,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import (
    AuroraIamError,
    CannotConnect,
    ConnectionLost,
    IamAuthDisabled,
    NotWriter,
    Refused,
    StatementFailed,
    Unreachable,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._login import Credentials, Endpoint, Login

ENDPOINT = Endpoint("cluster orders", "aurora-mysql", "orders.cluster-x.example.org", 3306)
PASSWORD, TOKEN = Credentials("admin", "hunter2"), Credentials("admin", "token", is_token=True, signed="S")


def login(credentials: Credentials = PASSWORD, **options) -> Login:
    return Login(ENDPOINT, ENDPOINT.host, ENDPOINT.port, lambda: credentials, **options)


def sentence(error: Exception, credentials: Credentials = PASSWORD, **options) -> str:
    return connection_failure(login(credentials, **options), credentials, error).message


def refusal(code: int, text: str) -> pymysql.err.OperationalError:
    return pymysql.err.OperationalError(code, text)


def certificate_error(code: int) -> pymysql.err.OperationalError:
    origin = ssl.SSLCertVerificationError(1, "certificate verify failed")
    origin.verify_code = code
    error = refusal(2003, "Can't connect")
    error.original_exception = origin
    return error


@pytest.mark.parametrize(
    ("code", "says"),
    [(10, "expired"), (18, "self-signed"), (19, "not trusted"), (20, "not trusted"), (62, "not for orders.cluster-x")],
)
def test_each_way_in_which_a_certificate_is_not_accepted_has_its_words(code, says):
    assert says in sentence(certificate_error(code))


def test_refused_credentials_name_the_user_and_never_the_secret():
    denied = refusal(1045, "Access denied for user 'admin'@'10.0.0.1' (using password: YES)")
    assert "refused the password of admin" in sentence(denied)
    assert "hunter2" not in sentence(denied)
    assert "refused the IAM token of admin (error 1045), signed for S; check that" in sentence(denied, TOKEN)


def test_the_network_and_a_server_without_tls():
    assert "Account is locked (error 3118)" in sentence(refusal(3118, "Account is locked"))
    assert "security group" in sentence(refusal(2003, "timed out"))
    assert "offers no TLS, and nothing secret is sent without" in sentence(TlsNotOffered(), ssl_mode="require")


@pytest.mark.parametrize("options", [{"ssl_mode": "verify-ca"}, {"ssl_mode": "require"}, {"unix_socket": "/tmp/mysql"}])
def test_a_token_goes_only_to_a_server_whose_name_is_verified(options):
    with pytest.raises(Refused, match="verify-full"):
        session.MySQLSession(login(TOKEN, **options))


def test_a_file_without_certificates_is_named(tmp_path):
    empty = tmp_path / "empty.pem"
    empty.write_text("no certificate\n")
    with pytest.raises(CannotConnect, match=f"^The file {empty} holds no CA certificates; set ca_cert"):
        tls_context("verify-full", str(empty))


def test_the_environment_does_not_have_keys_of_sessions_written(tmp_path, monkeypatch):
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    assert ssl.create_default_context().keylog_filename
    assert not tls_context("verify-full", "").keylog_filename


@pytest.mark.parametrize(
    ("mode", "checks_name", "verifies"),
    [
        ("verify-full", True, ssl.CERT_REQUIRED),
        ("verify-ca", False, ssl.CERT_REQUIRED),
        ("require", False, ssl.CERT_NONE),
    ],
)
def test_what_each_ssl_mode_verifies(mode, checks_name, verifies):
    context = tls_context(mode, "")
    assert (context.check_hostname, context.verify_mode) == (checks_name, verifies)


@pytest.mark.parametrize(
    ("code", "text", "kind", "says"),
    [
        (1290, "running with the --super-read-only option", NotWriter, "has become read-only"),
        (1290, "running with the --skip-grant-tables option", StatementFailed, "skip-grant-tables"),
        (1524, "Plugin 'AWSAuthenticationPlugin' is not loaded", IamAuthDisabled, "error 1524"),
        (2013, "Lost connection", ConnectionLost, "may have been done"),
        (1053, "Server shutdown in progress", ConnectionLost, "may have been done"),
        (1205, "Lock wait timeout exceeded", StatementFailed, "Another session holds a lock"),
        (1396, "Operation CREATE USER failed", StatementFailed, "run the task again"),
    ],
)
def test_an_error_during_the_work_says_what_it_means(code: int, text: str, kind: type[AuroraIamError], says: str):
    error = statement_failure("cluster orders", refusal(code, text), "DROP USER x")
    assert isinstance(error, kind)
    assert says in error.message


def test_a_closed_connection_is_a_lost_one():
    assert isinstance(
        statement_failure("cluster orders", pymysql.err.InterfaceError(0, ""), "SELECT 1"), ConnectionLost
    )


@pytest.mark.parametrize(
    ("code", "kind"), [(2003, Unreachable), (2013, Unreachable), (1053, Unreachable), (3118, CannotConnect)]
)
def test_only_a_server_that_does_not_answer_is_unreachable(code, kind):
    assert connection_failure(login(), PASSWORD, refusal(code, "x")).__class__ is kind

# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a session with MySQL begins, and how it fails: TLS, credentials, readers, locks, statements."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import certifi
import pytest

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.connection.session import MySQLSession
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import (
    AuroraIamError,
    CannotConnect,
    NotWriter,
    Refused,
    StatementFailed,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._login import Credentials, Login
from ansible_collections.dbops.aurora_iam.plugins.module_utils._plan import Statement, Step
from tests.integration.administration import Administration
from tests.integration.master import direct_options, master_login
from tests.integration.tasks import TaskFailed, Tasks
from tests.sandbox.clients import State

pytestmark = pytest.mark.direct("is about connections")

CLUSTER = "orders"


@pytest.fixture(scope="module")
def login(state: State) -> Login:
    return master_login(state, CLUSTER)


def cipher(login: Login) -> str:
    session = MySQLSession(login)
    try:
        return str(session.query("SHOW SESSION STATUS LIKE 'Ssl_cipher'")[0][1])
    finally:
        session.close()


def failure(login: Login) -> AuroraIamError:
    with pytest.raises(AuroraIamError) as caught:
        MySQLSession(login).close()
    return caught.value


def test_verified_tls_is_the_default(login):
    assert cipher(login)


@pytest.mark.parametrize("mode", ["require", "verify-ca", "verify-full"])
def test_each_ssl_mode_encrypts(login, mode):
    assert cipher(replace(login, ssl_mode=mode))


def test_a_tunnel_is_verified_by_the_name_of_the_endpoint(login):
    assert cipher(replace(login, host="127.0.0.1"))
    elsewhere = replace(login.endpoint, host="orders.cluster-x.example.org")
    error = failure(replace(login, host="127.0.0.1", endpoint=elsewhere))
    assert isinstance(error, CannotConnect)
    assert "its certificate is not for orders.cluster-x.example.org" in error.message


def test_a_certificate_of_an_unknown_authority(login):
    error = failure(replace(login, ca_cert=certifi.where()))
    assert "comes from a CA that is not trusted; set ca_cert" in error.message


def test_wrong_credentials(login):
    error = failure(replace(login, credentials=lambda: Credentials("admin", "hunter2")))
    assert "refused the password of admin (error 1045)" in error.message
    assert "hunter2" not in repr(error) + str(error.details)


@pytest.mark.parametrize("password", ["pässword", "pa€word", "\udcff"])
def test_a_password_is_sent_as_other_clients_send_it(login, admin: Administration, account: str, password: str):
    admin.sql(CLUSTER, f"CREATE USER {account} IDENTIFIED BY 'pässword'")
    mine = replace(login, credentials=lambda: Credentials(account, password))
    if password == "pässword":
        assert cipher(mine)
    else:
        assert "error 1045" in failure(mine).message
    admin.sql(CLUSTER, f"DROP USER {account}")


def test_a_secret_that_is_rotated_meanwhile_is_read_once_more(login):
    answers = [Credentials("admin", "stale"), login.credentials()]
    assert cipher(replace(login, credentials=lambda: answers.pop(0)))
    assert answers == []


def test_nobody_listens(login):
    error = failure(replace(login, port=1))
    assert isinstance(error, CannotConnect)
    assert "security group" in error.message


def test_what_a_login_lacks_is_named(state: State, admin: Administration, tasks: Tasks, account: str):
    """In check mode too. What it has through a role counts while the role is active."""
    options = {**direct_options(state, CLUSTER), "login_user": account, "login_password": "s3cret"}
    admin.sql(CLUSTER, f"CREATE USER {account} IDENTIFIED BY 's3cret'; GRANT rds_superuser_role TO {account}")
    for check in (True, False):
        with pytest.raises(TaskFailed, match=r"1142\).*SELECT ON mysql\.\*.*make it a default role"):
            tasks.user(name=f"{account}_2", check=check, **options)
    admin.sql(CLUSTER, f"GRANT SELECT ON mysql.* TO {account}")
    for check in (True, False):
        with pytest.raises(
            TaskFailed,
            match=rf"{account}_2: {account}@% may not create, alter or drop.*CREATE USER ON",
        ):
            tasks.user(name=f"{account}_2", check=check, **options)
    hidden = [{"privileges": ["SELECT"], "on": f"{CLUSTER}.*"}]
    for check in (True, False):
        with pytest.raises(
            TaskFailed, match=rf"database {CLUSTER} does not exist on .*, or {account}@% may not see it\."
        ):
            tasks.user(name=f"{account}_2", grants=hidden, check=check, **options)
    admin.sql(CLUSTER, f"GRANT SELECT ON {CLUSTER}.* TO {account}")
    with pytest.raises(TaskFailed, match="may not create, alter or drop"):
        tasks.user(name=f"{account}_2", grants=hidden, **options)
    admin.sql(CLUSTER, f"DROP USER {account}")


@pytest.mark.parametrize("host", ["orders..example.org", "x" * 64 + ".example.org"])
def test_a_host_name_that_cannot_be(login, host):
    assert (
        f"Cannot log in to cluster orders: the name {host} cannot be resolved"
        in failure(replace(login, host=host)).message
    )


def test_a_reader_is_named(login):
    error = failure(replace(login, host="127.0.0.2"))
    assert isinstance(error, NotWriter)
    assert "127.0.0.2 answers as a read-only server of cluster orders" in error.message


def test_one_run_at_a_time(login):
    first, second = MySQLSession(login), MySQLSession(replace(login, lock_timeout=1))
    try:
        first.lock()
        with pytest.raises(Refused, match=r"Another run of dbops\.aurora_iam.*more than 1 s"):
            second.lock()
        first.close()
        second.lock()
    finally:
        first.close()
        second.close()


def run(login: Login, *texts: str) -> Any:
    session = MySQLSession(login)
    try:
        session.run(Step(tuple(map(Statement, texts))))
    finally:
        session.close()


def test_a_failure_says_what_was_done_before_it(login, account: str):
    create, drop = f"CREATE USER {account}", f"DROP USER {account}"
    with pytest.raises(StatementFailed, match=r"refused a statement: .*1396") as caught:
        run(login, create, create, drop)
    assert caught.value.statement == create
    assert caught.value.done == (create,)
    run(login, drop)


def test_a_warning_that_something_was_not_done_is_a_failure(login, account: str):
    create, drop = f"CREATE USER `{account} `", f"DROP USER {account}"
    with pytest.raises(StatementFailed, match=r"only warned: .*trimmed") as caught:
        run(login, create, drop)
    assert caught.value.done == (create,)
    run(login, drop)


@pytest.mark.parametrize("text", ["SELECT 1; CREATE USER {0}", "DO 1; CREATE USER {0}", "DO 1;\n;CREATE USER {0}"])
def test_a_message_is_one_statement(login, admin: Administration, account: str, text: str):
    """Whatever the server takes for the end of a statement, nothing after it is executed."""
    session = MySQLSession(login)
    for send in (session.query, lambda statement: session.run(Step((Statement(statement),)))):
        with pytest.raises(StatementFailed, match=r"error 1064"):
            send(text.format(account))
    session.close()
    assert admin.sql(CLUSTER, f"SELECT 1 FROM mysql.user WHERE User = '{account}'") == []


def test_a_lock_of_another_session_is_waited_for_no_longer_than_asked(login, account: str):
    other = MySQLSession(login)
    try:
        other.query("FLUSH TABLES WITH READ LOCK")
        with pytest.raises(StatementFailed, match=r"1205.*Another session holds a lock"):
            run(replace(login, lock_timeout=1), f"CREATE USER {account}")
    finally:
        other.close()
    run(login, f"CREATE USER {account}", f"DROP USER {account}")


@pytest.mark.parametrize(
    ("variable", "narrow", "usual"),
    [("sql_select_limit", 1, 2**64 - 1), ("max_join_size", 1, 2**64 - 1), ("max_execution_time", 1, 0)],
)
def test_limits_on_select_neither_cut_nor_refuse_what_is_read(
    login, admin: Administration, variable: str, narrow: int, usual: int
):
    admin.sql(CLUSTER, f"SET GLOBAL {variable} = {narrow}")
    try:
        session = MySQLSession(login)
        engines = "information_schema.ENGINES"
        assert len(session.query(f"SELECT SLEEP(0.001) FROM {engines} a, {engines} b")) > 9
        session.close()
    finally:
        admin.sql(CLUSTER, f"SET GLOBAL {variable} = {usual}")

# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts of accounts: what no client can match is not created, and the server has the say of what that is."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any

import pymysql
import pytest

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.clients import (
    Client,
    matches_client,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.hosts import unreachable
from tests.integration.administration import Administration
from tests.integration.master import direct_options
from tests.integration.tasks import Result, Tasks, assert_settled, converge, refused_alike
from tests.sandbox.clients import State

pytestmark = [pytest.mark.mysql, pytest.mark.direct("logs in by a connection")]
CLUSTER = "orders"
CLIENTS = ("127.0.0.1", "127.0.0.5", "127.9.0.5")


@pytest.fixture
def user(tasks: Tasks, state: State, account: str) -> Callable[..., Result]:
    return partial(tasks.user, name=account, **direct_options(state, CLUSTER))


@pytest.fixture
def sql(admin: Administration) -> Callable[[str], Any]:
    return lambda statement: admin.sql(CLUSTER, statement)


@pytest.fixture
def clients(state: State, sql, account: str) -> Callable[[str], list[str]]:
    """Makes the account with a host, and tells which clients can log in as it."""

    def logged_in(host: str) -> list[str]:
        sql(f"CREATE USER {account}@'{host}' IDENTIFIED BY 'pw'")
        found = [client for client in CLIENTS if login(state, client, account, f"{account}@{host}")]
        sql(f"DROP USER {account}@'{host}'")
        return found

    return logged_in


def login(state: State, client: str, user: str, expected: str) -> bool:
    described = state["clusters"][CLUSTER]
    where = {"host": described["host"], "port": described["port"], "bind_address": client}
    try:
        connection = pymysql.connect(user=user, password="pw", ssl={"ca": state["ca_cert"]}, **where)
    except pymysql.err.OperationalError:
        return False
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT CURRENT_USER()")
        assert cursor.fetchone() == (expected,)
    return True


@pytest.mark.parametrize(
    ("host", "reason", "instead"),
    [
        ("*", r"\* is neither part of an address nor a wildcard", "%"),
        ("127.*", r"\* is neither", "127.%"),
        ("[::1]", r"\[ is neither", "::1"),
        ("127.1.2.3/8", r"127\.1\.2\.3 has bits that the mask leaves out", "127.0.0.0/8"),
        ("127.0.0.1/255.0.0.0", "has bits that the mask leaves out", "127.0.0.0/255.0.0.0"),
        ("0.0.0.0/0", "a mask of no bits", "%"),
        ("0.0.0.0/0.0.0.0", "a mask of no bits", "%"),
        ("127.0.0.0/255.0.255.0", "are no IPv4 address and mask", "10.0.0.0/8"),
        ("127.0.0.0/0.255.255.255", "are no IPv4 address and mask", "10.0.0.0/8"),
        ("127.0.0.0/33", "are no IPv4 address and mask", "10.0.0.0/8"),
        ("127.%/8", "are no IPv4 address and mask", "10.0.0.0/8"),
        ("127.0", "is no IPv4 address", "10.0.%"),
        ("300.1.1.1", "is no IPv4 address", "10.0.%"),
        ("127.0.0.1:3306", "is no IPv6 address", "an address"),
        ("::ffff:127.0.0.1", "knows a client with an IPv4 address by that", "the IPv4 address"),
        ("0:0:0:0:0:0:0:1", "in their short form", "::1"),
        ("::1/128", "has no masks for IPv6", "fd00::%"),
        ("localhost", "is the database server itself", "%"),
        ("app1.example.org", r"does not resolve host names \(skip_name_resolve is ON\)", "%"),
        ("%.example.org", r"does not resolve host names \(skip_name_resolve is ON\)", "%"),
    ],
)
def test_a_host_that_no_client_matches(user, sql, clients, account: str, host: str, reason: str, instead: str):
    assert clients(host) == []
    assert not any(matches_client(host, Client(address=client)) for client in CLIENTS)
    message = refused_alike(partial(user, host=host))
    assert re.search(f"Nobody could log in as .*{reason}.* Write another host: .*{re.escape(instead)}", message)
    assert sql(f"SELECT 1 FROM mysql.user WHERE User = '{account}'") == []
    sql(f"CREATE USER {account}@'{host}' IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS' REQUIRE SSL")
    converge(partial(user, host=host, state="absent"))


@pytest.mark.parametrize(
    ("host", "matched"),
    [
        ("%", CLIENTS),
        ("127.%", CLIENTS),
        ("127.0.0.0/8", CLIENTS),
        ("127.0.0.0/08", CLIENTS),
        ("127.0.0.0/255.0.0.0", CLIENTS),
        ("127.0.0.0/24", CLIENTS[:2]),
        ("127.0.0._", CLIENTS[:2]),
        ("127.0.0.5/32", ("127.0.0.5",)),
        ("127.000.000.005", ("127.0.0.5",)),
        ("%.0.5", ("127.0.0.5", "127.9.0.5")),
    ],
)
def test_a_host_that_clients_match(user, clients, host: str, matched: tuple[str, ...]):
    assert clients(host) == list(matched)
    assert [client for client in CLIENTS if matches_client(host, Client(address=client))] == list(matched)
    assert unreachable(host, False) is None
    converge(partial(user, host=host))
    converge(partial(user, host=host, state="absent"))


def test_an_empty_host_is_a_host_of_its_own(user, tasks: Tasks, state: State, sql, account: str):
    """Facts, and every kind of change, beside the account with %, which stays as it is."""
    iam = "IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS' REQUIRE SSL"
    sql(f"CREATE USER {account}@'' {iam}; CREATE USER {account}@'%' {iam}; GRANT SELECT ON orders.* TO {account}@''")
    found = tasks.facts(names=[account], **direct_options(state, CLUSTER))["accounts"]
    assert sorted((each["host"], len(each["grants"])) for each in found) == [("", 1), ("%", 0)]
    by_host = {each["host"]: each for each in found}
    fed_back = {key: by_host[""][key] for key in ("host", "grants", "roles", "locked", "comment", "require_tls")}
    assert_settled(partial(user, **fed_back))
    grants = [{"privileges": ["INSERT"], "on": "orders.*"}]
    converge(partial(user, host="", grants=grants, locked=True, comment="x", connection_limit=3))
    sql(f"CREATE DEFINER={account}@'' VIEW orders.{account} AS SELECT 1 AS one")
    assert f"view orders.{account}" in refused_alike(partial(user, host="", state="absent"))
    converge(partial(user, host="", state="absent", owned_objects="drop"))
    left = sql(f"SELECT Host, account_locked FROM mysql.user WHERE User = '{account}'")
    assert left == [("%", "N")]
    converge(partial(user, state="absent"))


def test_no_account_is_created_with_an_empty_host(user, account: str):
    assert "Leave host out" in refused_alike(partial(user, host=""))


def test_a_role_with_an_empty_host(user, sql, account: str):
    sql(f"CREATE ROLE {account}_r@'', {account}_r@'%'")
    made = converge(partial(user, roles=[f"{account}_r@"]))
    assert made["account"]["roles"] == [f"{account}_r@"]
    assert sql(f"SELECT FROM_HOST FROM mysql.role_edges WHERE TO_USER = '{account}'") == [("",)]
    assert_settled(partial(user, roles=made["account"]["roles"]))


@pytest.mark.parametrize(
    ("written", "name", "host"),
    [
        ("{0}@%", "{0}", " and host: '%'"),
        ("'{0}'@'%'", "{0}", " and host: '%'"),
        ("{0}@10.%", "{0}", " and host: '10.%'"),
        ("{0}@localhost", "{0}", " and host: 'localhost'"),
        ("'{0}'", "{0}", ""),
    ],
)
def test_an_account_as_sql_writes_it_is_no_name(tasks: Tasks, state: State, sql, account, written, name, host):
    """The server takes it for one. So an account of such a name, which is there, can be dropped."""
    options = {**direct_options(state, CLUSTER), "name": written.format(account)}
    message = f"Write name: {name.format(account)}{host}."
    assert message in refused_alike(partial(tasks.user, **options))
    assert message in str(tasks.user(state="absent", **options)["warnings"])
    quoted = options["name"].replace("'", "''")
    sql(f"CREATE USER '{quoted}' IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS' REQUIRE SSL")
    converge(partial(tasks.user, state="absent", **options))


def test_an_e_mail_address_is_a_name(tasks: Tasks, state: State, account: str):
    options = {**direct_options(state, CLUSTER), "name": f"{account}@corp.com"}
    converge(partial(tasks.user, **options))
    converge(partial(tasks.user, state="absent", **options))


@pytest.mark.direct("over the Data API, the client is the service")
def test_an_account_does_not_take_logins_from_the_login_of_the_task(tasks: Tasks, state: State, sql, account: str):
    """On the server it does: a client logs in as the account with the most specific host."""
    sql(
        f"CREATE USER {account} IDENTIFIED BY 'pw'; GRANT CREATE USER ON *.* TO {account}; "
        f"GRANT SELECT ON mysql.* TO {account}"
    )
    options = {**direct_options(state, CLUSTER), "login_user": account, "login_password": "pw", "name": account}
    for host in ("127.0.0.%", "127.0.0.0/8"):
        assert f"the login of this task ({account}@%)" in refused_alike(partial(tasks.user, host=host, **options))
        sql(f"CREATE USER {account}@'{host}' IDENTIFIED BY 'pw'")
        assert login(state, "127.0.0.1", account, f"{account}@{host}")
        sql(f"DROP USER {account}@'{host}'")
    for host in ("10.%", "127.9.%"):
        converge(partial(tasks.user, host=host, **options))


def test_nobody_takes_logins_from_the_master_user(tasks: Tasks, admin: Administration):
    message = refused_alike(partial(tasks.user, cluster=CLUSTER, name="admin", host="10.%"))
    assert "no longer log in as the master user of cluster orders" in message


def test_an_anonymous_account_that_hides_another(user, tasks: Tasks, state: State, sql, account: str):
    sql(f"CREATE USER {account} IDENTIFIED BY 'pw'; CREATE USER ''@'127.0.0.5' IDENTIFIED BY 'pw'")
    try:
        assert login(state, "127.0.0.5", account, "@127.0.0.5")
        message = f"match the anonymous account ''@'127.0.0.5' log in as that, and not as {account}@%"
        for check in (True, False):
            assert message in str(user(convert=True, check=check)["warnings"])
        facts = tasks.facts(names=[account], gather_subset=["findings"], **direct_options(state, CLUSTER))
        (finding,) = (each for each in facts["findings"] if each["code"] == "account_hidden")
        assert message in finding["message"]
        assert f"not as {account}@127.0.0.9" not in str(user(host="127.0.0.9").get("warnings"))
    finally:
        sql("DROP USER ''@'127.0.0.5'")

# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.clients import (
    Client,
    client_of,
    host_order,
    logs_in_as,
    matches_client,
    may_share_clients,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import AccountName

OFFICE = Client(address="10.1.2.3")
NAMED = Client("pc1.corp", "10.1.2.3")
SOCKET = Client("localhost")


@pytest.mark.parametrize(
    ("host", "client", "matched"),
    [
        ("", SOCKET, True),
        ("%", SOCKET, True),
        ("10.%", OFFICE, True),
        ("10.1.2._", OFFICE, True),
        ("10.0.0.0/8", OFFICE, True),
        ("10.0.0.0/255.0.0.0", OFFICE, True),
        ("10.0.0.0/255.0.0.0", SOCKET, False),
        ("10.0.0.1/8", OFFICE, False),
        ("0.0.0.0/0", OFFICE, False),
        ("PC_.corp", NAMED, True),
        ("pc_.corp", OFFICE, False),
        ("localhost", SOCKET, True),
        ("127.%", SOCKET, False),
        ("::1", Client(address="::1"), True),
    ],
)
def test_a_host_matches_by_name_and_by_address(host, client, matched):
    assert matches_client(host, client) is matched


def test_the_most_specific_host_comes_first():
    hosts = ["10.1.2.3", "10.1.2.0/24", "10.0.0.0/8", "10.1.0.0/255.255.0.0", "10.0.0.0/255.0.0.0", "localhost"]
    hosts += ["10.1.2.%", "10.1.%", "10.%", "_0.%", "%", ""]
    assert sorted(hosts, key=host_order, reverse=True) == hosts
    assert host_order("%.1") == host_order("_0.%") < host_order("1_.%")


def test_a_client_logs_in_as_the_account_with_the_most_specific_host():
    wide, narrow, anonymous = AccountName("joe", "%"), AccountName("joe", "10.%"), AccountName("", "10.1.%")
    accounts = [wide, narrow, anonymous, AccountName("jane", "10.1.2.3")]
    assert logs_in_as("joe", OFFICE, accounts) == anonymous
    assert logs_in_as("joe", Client(address="10.2.3.4"), accounts) == narrow
    assert logs_in_as("joe", SOCKET, accounts) == wide
    assert logs_in_as("bob", SOCKET, accounts) is None
    assert logs_in_as("joe", OFFICE, [AccountName("", "%"), wide]) == wide


def test_the_session_s_own_client_is_a_name_or_an_address():
    assert client_of("jane@corp@10.1.2.3") == OFFICE
    assert client_of("jane@localhost") == SOCKET


@pytest.mark.parametrize(
    ("host", "other", "shared"),
    [
        ("10.%", "%.3", True),
        ("10.%", "11.%", False),
        ("10.1.%", "10.%", True),
        ("10.0.0.0/8", "10.1.%", True),
        ("10.0.0.0/8", "11.1.0.0/16", False),
        ("10.0.0.0/9", "10.200.0.1", True),
        ("a%b_c", "ab%Xc", True),
        ("a%b", "a%c", False),
        ("%%", "x", True),
        ("", "10.1.2.3", True),
        ("db_.corp", "db1.corp", True),
        ("db1.corp", "10.%", False),
    ],
)
def test_hosts_may_share_clients(host, other, shared):
    assert may_share_clients(host, other, resolves_hosts=False) is shared
    assert may_share_clients(other, host, resolves_hosts=False) is shared


def test_a_client_has_a_name_and_an_address_where_names_are_resolved():
    assert may_share_clients("db1.corp", "10.%", resolves_hosts=True)
    assert not may_share_clients("db1.corp", "db2.corp", resolves_hosts=True)

# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose sessions are open."""

from __future__ import annotations

import pytest

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.drop.sessions import assign
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import AccountName


def joe(*hosts: str) -> list[AccountName]:
    return [AccountName("joe", host) for host in hosts]


@pytest.mark.parametrize(
    ("hosts", "client", "host"),
    [
        (["%"], "pc1.corp:33", "%"),
        (["10.%"], "anything:1", "10.%"),
        (["%", "10.%", "10.1.2.3"], "10.1.2.3:5", "10.1.2.3"),
        (["%", "10.%", "10.1.%"], "10.1.2.3:5", "10.1.%"),
        (["%", "10.%", "10.1.%"], "10.2.2.3:5", "10.%"),
        (["%", "10.%", "10.1.%"], "192.168.0.1:5", "%"),
        (["%", "10.0.0.0/255.0.0.0", "10.1.0.0/16"], "10.1.2.3:5", "10.1.0.0/16"),
        (["%", "10.0.0.0/255.0.0.0", "10.1.2.%"], "10.1.2.3:5", "10.0.0.0/255.0.0.0"),
        (["%", "localhost"], "localhost", "localhost"),
        (["%", "127.0.0.1"], "localhost:77", "127.0.0.1"),
        (["%", "127.0.0.1"], "localhost", "%"),
        (["%", "pc_.CORP"], "pc1.corp:33", "pc_.CORP"),
        (["%", "pc\\_.corp"], "pc1.corp:33", "%"),
        (["%", "::1"], "::1:33", "::1"),
    ],
)
def test_a_session_is_of_the_account_that_the_server_matched(hosts, client, host):
    assert assign([(7, "joe", client)], joe(*hosts)) == ({7: AccountName("joe", host)}, [])


def test_a_session_that_no_pattern_is_seen_to_match_is_unclear():
    assert assign([(7, "joe", "pc1.corp:33")], joe("10.%", "192.168.%")) == ({}, ["joe from pc1.corp:33"])


def test_an_account_without_a_name_takes_sessions_from_a_less_specific_one():
    nameless = AccountName("", "localhost")
    assert assign([(7, "joe", "localhost:1")], [*joe("%"), nameless]) == ({7: nameless}, [])
    assert assign([(7, "joe", "localhost:1")], [*joe("localhost"), nameless]) == ({7: joe("localhost")[0]}, [])

# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose sessions are open, and who has more rights than whom."""

from __future__ import annotations

import pytest

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.leaving.rights import Rights, with_roles
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.leaving.sessions import assign
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.privileges import USAGE
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.scope import GLOBAL
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import AccountName, Grant, Scope

SELECT, INSERT = Grant("SELECT", GLOBAL), Grant("INSERT", GLOBAL)
ORDERS = Scope("DATABASE", path=("orders",))
TABLE = Scope("TABLE", path=("orders", "t"))


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


def rights(*grants: Grant, restrictions: dict[str, frozenset[str]] | None = None) -> Rights:
    return Rights([(frozenset(grants), restrictions or {})])


def test_rights_that_the_other_has_not():
    assert rights(SELECT).beyond(rights(SELECT, INSERT)) == []
    assert rights(SELECT, INSERT).beyond(rights(SELECT)) == [INSERT]
    assert rights(Grant("SELECT", TABLE)).beyond(rights(Grant("SELECT", ORDERS))) == []
    assert rights(Grant("SELECT", ORDERS)).beyond(rights(Grant("SELECT", TABLE))) == [Grant("SELECT", ORDERS)]
    assert rights(Grant(USAGE, ORDERS, True)).beyond(rights()) == [Grant(USAGE, ORDERS, True)]
    assert rights(Grant("BACKUP_ADMIN", GLOBAL)).beyond(rights(SELECT)) == [Grant("BACKUP_ADMIN", GLOBAL)]


def test_a_partial_revoke_counts():
    restricted = rights(SELECT, restrictions={"mysql": frozenset({"SELECT"})})
    assert rights(SELECT).beyond(restricted) == [SELECT]
    assert restricted.beyond(rights(SELECT)) == []
    assert rights(Grant("SELECT", Scope("DATABASE", path=("mysql",)))).beyond(restricted) != []


def test_roles_of_roles_count():
    names = joe("%", "a", "b", "c")
    edges = {names[0]: {names[1]}, names[1]: {names[2]}, names[2]: {names[0]}}
    assert with_roles(names[0], edges) == set(names[:3])

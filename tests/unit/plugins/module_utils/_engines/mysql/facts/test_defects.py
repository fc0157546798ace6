# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.access import Row
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.facts.defects import find_defects
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import (
    IAM,
    IAM_BROKEN,
    PASSWORD,
    Account,
    AccountName,
    Grant,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._survey import SurveyedAccount
from tests.unit.plugins.module_utils._engines.mysql.scenes import ORDERS


def defects(name: str = "jane", host: str = "%", authentication: str = IAM, resolves: bool = False) -> list[str]:
    account = SurveyedAccount(Account(AccountName(name, host), authentication))
    return [defect.code for defect in find_defects([account], {}, resolves)]


@pytest.mark.parametrize(
    ("anonymous", "host", "hidden"),
    [
        ("localhost", "%", True),
        ("10.%", "%", True),
        ("10.1.%", "10.%", True),
        ("%", "", True),
        ("%", "%", False),
        ("10.%", "10.%", False),
        ("10.%", "192.168.%", False),
        ("%", "10.%", False),
    ],
)
def test_an_anonymous_account_with_a_more_specific_host(anonymous: str, host: str, hidden: bool) -> None:
    accounts = [
        SurveyedAccount(Account(AccountName("", anonymous), PASSWORD, locked=True)),
        SurveyedAccount(Account(AccountName("jane", host))),
    ]
    assert [defect.code for defect in find_defects(accounts, {}, False)] == ["account_hidden"] * hidden


def test_a_sound_account() -> None:
    assert defects() == []


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1", "::1", "db1.example.org", "%.org", "10.0.0.7/255.255.0.0", "*"]
)
def test_hosts_that_nobody_has(host: str) -> None:
    assert defects(host=host) == ["host_unreachable"]
    assert defects(host=host, authentication=PASSWORD) == []


@pytest.mark.parametrize("host", ["10.0.%", "10.0.0.0/255.255.0.0", "10.0.0.0/16", "fe80::%", "10.1.2.3", ""])
def test_hosts_that_clients_have(host: str) -> None:
    assert defects(host=host) == []


def test_a_server_that_resolves_names() -> None:
    assert defects(host="db1.example.org", resolves=True) == []


def test_rows_of_the_same_name_that_count() -> None:
    name, wide, anybody = (AccountName(user, host) for user, host in (("jane", "10.%"), ("jane", "%"), ("", "%")))
    rows = [Row(owner, ORDERS, "orders", (Grant("SELECT", ORDERS),)) for owner in (wide, anybody)]
    (defect,) = find_defects([SurveyedAccount(Account(name))], {name: rows}, False)
    assert (defect.code, defect.account) == ("foreign_grants", name)
    assert "jane@10.% also has SELECT on orders.* of jane@%, because" in defect.message
    for locked, found in ((True, rows), (False, rows[1:])):
        assert list(find_defects([SurveyedAccount(Account(name, locked=locked))], {name: found}, False)) == []


def test_another_authentication_string() -> None:
    assert defects(authentication=IAM_BROKEN) == ["auth_string"]

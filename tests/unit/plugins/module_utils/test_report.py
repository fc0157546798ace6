# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
import yaml

from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import Account, AccountName, Capabilities
from ansible_collections.dbops.aurora_iam.plugins.module_utils._report import describe_account, diff_side, to_yaml


@pytest.mark.parametrize(
    "value",
    [
        [],
        {},
        [{"name": "jane", "grants": [{"privileges": ["SELECT"], "on": "`orders`.*"}], "roles": []}, {"name": "x"}],
        {"a": {"b": {"c": [1, True, None, -1]}}, "d": [["e"], ["f", {"g": "h"}]]},
        ["yes", "No", "null", "on", "1", "1e3", "0x1F", "a: b", "- a", "#c", "'", '"', "é", "line\nbreak", "", " a "],
    ],
)
def test_any_yaml_reader_reads_the_same_back(value):
    assert yaml.safe_load(to_yaml(value)) == value


def test_plain_words_stay_plain():
    assert to_yaml([{"name": "jane_doe", "grants": [{"on": "orders.*"}]}]) == (
        '- name: jane_doe\n  grants:\n    - "on": "orders.*"\n'
    )


def test_an_account_is_described_in_the_words_of_the_options():
    account = Account(
        AccountName("jane", "%"), tls="ANY", roles=frozenset({AccountName("b", "%"), AccountName("a", "h")})
    )
    described = describe_account(account, Capabilities(True, True, True, 3306, 32), lambda grants: [])
    assert described == {
        "name": "jane",
        "host": "%",
        "require_tls": True,
        "locked": False,
        "connection_limit": -1,
        "comment": "",
        "roles": ["a@h", "b"],
        "grants": [],
    }


def test_no_accounts_make_an_empty_side():
    assert diff_side({}, Capabilities(True, True, True, 3306, 32), lambda grants: []) == ""

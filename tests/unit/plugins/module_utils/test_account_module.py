# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.dbops.aurora_iam.plugins.module_utils._account_module import compare_names
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.registry import engine_for
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import InvalidOption
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import AccountRequest


def parsed(engine, *names):
    requests = [AccountRequest(name, host=host, position=f"users[{index}]") for index, (name, host) in enumerate(names)]
    return [engine_for(engine).parse(request) for request in requests]


@pytest.mark.parametrize(
    ("engine", "names"),
    [
        ("aurora-postgresql", [("a", None), ("b", None), ("a", None)]),
        ("aurora-mysql", [("a", None), ("b", None), ("a", "%")]),
        ("aurora-mysql", [("a", "Web"), ("b", None), ("a", "web")]),
    ],
)
def test_one_account_listed_twice_is_refused(engine, names):
    with pytest.raises(InvalidOption, match=r"^account a.* \(users\[2\]\): a.* is already users\[0\]"):
        compare_names(parsed(engine, *names))


def test_the_same_name_with_another_host_is_another_account():
    assert compare_names(parsed("aurora-mysql", ("a", None), ("a", "10.%"))) == []


@pytest.mark.parametrize("engine", ["aurora-mysql", "aurora-postgresql"])
def test_names_that_differ_only_in_case_are_two_accounts_and_a_warning(engine):
    (warning,) = compare_names(parsed(engine, ("jane", None), ("Jane", None), ("john", None)))
    assert "differ only in case" in warning

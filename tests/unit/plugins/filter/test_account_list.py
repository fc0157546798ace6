# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.dbops.aurora_iam.plugins.filter.account_list import FilterModule

account_list = FilterModule().filters()["account_list"]
BOTH = [{"name": "jane"}, {"name": "ann"}]


@pytest.mark.parametrize(
    "value", ["jane,ann", " jane , ann", ["jane", "ann"], BOTH, [*BOTH, "jane"], ["jane", BOTH[1]]]
)
def test_names_a_comma_list_and_dictionaries_are_the_same(value: Any) -> None:
    assert account_list(value, "offboard") == BOTH


def test_options_are_kept_and_typed() -> None:
    given = {"name": "jane", "owned_objects": "reassign", "reassign_owned_to": "ann", "reassign_code": "yes"}
    assert account_list(given, "offboard") == [{**given, "reassign_code": True}]
    assert account_list([], "offboard") == []


MISTAKES = [
    ("", "aurora_iam_offboard has an empty name"),
    ("jane,,ann", "has an empty name"),
    (["jane", {"name": "jane", "owned_objects": "drop"}], "lists jane twice, with different options"),
    ([{"name": "jane", "owned_objects": "keep"}], "value of owned_objects must be one of: fail, reassign, drop"),
    ([{"name": "jane", "owned": "drop"}], "owned. Supported parameters include"),
    ([{"owned_objects": "drop"}], "missing required arguments: name"),
    ([["jane"]], r"\['jane'\] is no name"),
    ([{"name": "x\x1b", "owned": 1}, "jane"], "owned. Supported"),
    (7, "must be a list of names"),
    (None, "must be a list of names"),
]


@pytest.mark.parametrize(("value", "message"), MISTAKES)
def test_mistakes(value: Any, message: str) -> None:
    with pytest.raises(AnsibleFilterError, match=message):
        account_list(value, "offboard")


def test_consent_to_a_conversion_is_for_one_name() -> None:
    given = ["svc_*", {"name": "svc_old", "convert_unchecked": True}]
    assert account_list(given, "convert") == [{"name": "svc_*"}, given[1]]
    with pytest.raises(AnsibleFilterError, match=r"svc_\* is a glob"):
        account_list([{"name": "svc_*", "convert_unchecked": True}], "convert")

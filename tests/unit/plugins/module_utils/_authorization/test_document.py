# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The names of policies, and which policies are the collection's own."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.dbops.aurora_iam.plugins.module_utils._authorization.document import (
    connect_policy,
    connect_policy_name,
    foreign,
    named_resources,
    policy_size,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import InvalidOption
from ansible_collections.dbops.aurora_iam.plugins.module_utils._login import Endpoint

ORDERS = Endpoint(
    "cluster orders", "aurora-mysql", "h", 3306, "cluster-ABC", "arn:aws:rds:eu-central-1:123456789012:cluster:orders"
)
ELSEWHERE = replace(ORDERS, arn=ORDERS.arn.replace("eu-central-1", "us-west-2"))
ANOTHER = replace(ORDERS, resource_id="cluster-XYZ")
PLACES = (ORDERS, ELSEWHERE, ANOTHER, replace(ORDERS, resource_id="prx-0a1"), replace(ORDERS, resource_id="db-ABC"))
# What an IAM name may have: https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html
NAMES = st.text("aB1_+=,.@-", min_size=1, max_size=128)
PRINCIPALS = st.tuples(
    st.sampled_from(["a", "a-b"]), st.sampled_from(PLACES), st.sampled_from(["user", "group", "role"]), NAMES
)


def test_the_name_has_all_that_tells_two_policies_apart() -> None:
    assert connect_policy_name("aurora-iam", ORDERS, "role", "a.b") == "aurora-iam.eu-central-1.cluster-ABC.role.a.b"


@given(one=PRINCIPALS, other=PRINCIPALS)
def test_no_two_have_the_same_name(one: Any, other: Any) -> None:
    names = [connect_policy_name(*each) for each in (one, other)]
    assert (names[0] == names[1]) == (one == other)
    assert max(map(len, names)) <= 128


def test_a_long_name_ends_in_a_hash_that_no_other_name_can_have() -> None:
    long, longer = (
        connect_policy_name("a", ORDERS, "group", "g" * 127),
        connect_policy_name("a", ORDERS, "group", "g" * 128),
    )
    assert long.startswith("a.eu-central-1.cluster-ABC.group-sha256.")
    assert long != longer
    assert connect_policy_name("a", ORDERS, "group", long.rpartition(".")[2]) != long


@pytest.mark.parametrize("prefix", ["", "a.b", "ä", "a b", "a" * 33])
def test_what_a_name_cannot_begin_with(prefix: str) -> None:
    with pytest.raises(InvalidOption, match="cannot begin with"):
        connect_policy_name(prefix, ORDERS, "user", "jane")


def document(*databases: Endpoint, **changes: Any) -> dict[str, Any]:
    written = connect_policy([ORDERS.connect_arn("jane")])
    statement = {**written["Statement"][0], "Resource": [each.connect_arn("jane") for each in databases], **changes}
    return {**written, "Statement": [{key: value for key, value in statement.items() if value is not None}]}


def test_a_policy_of_the_collection() -> None:
    arn = ORDERS.connect_arn("jane")
    for own in (document(ORDERS), document(Resource=arn)):
        assert foreign(own, ORDERS) == ""
        assert named_resources(own) == {arn}
    single = {**document(ORDERS), "Statement": document(ORDERS)["Statement"][0]}
    assert foreign(single, ORDERS) == ""


@pytest.mark.parametrize("other", [ELSEWHERE, ANOTHER])
def test_a_policy_that_speaks_of_another_database(other: Endpoint) -> None:
    assert foreign(document(ORDERS, other), ORDERS).startswith(f"speaks of {other.connect_arn('jane')}, which")


@pytest.mark.parametrize(
    "changes",
    [
        {"Sid": "Mine"},
        {"Sid": None},
        {"Effect": "Deny"},
        {"Action": "*"},
        {"Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}},
        {"Resource": None, "NotResource": "x"},
    ],
)
def test_a_policy_that_somebody_else_has_written(changes: dict[str, Any]) -> None:
    assert foreign(document(ORDERS, **changes), ORDERS) == "was not written by this collection"
    two = document(ORDERS)
    assert foreign({**two, "Statement": two["Statement"] * 2}, ORDERS) == "was not written by this collection"
    assert foreign({}, ORDERS) == "was not written by this collection"


def test_white_space_between_elements_does_not_count() -> None:
    written = document(ORDERS)
    assert policy_size(written) < len(json.dumps(written, indent=2))
    assert policy_size(written) == len(json.dumps(written, separators=(",", ":")))

# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which conditions are met, derived by hand from the IAM manual."""

from __future__ import annotations

import calendar
from typing import Any

import pytest

from ansible_collections.dbops.aurora_iam.plugins.module_utils._authorization.decide import (
    ALLOWED,
    CONDITIONAL,
    DENIED,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._authorization.policies import (
    INEFFECTIVE_KEYS,
    read_statements,
)

from .scenes import ACCOUNT_ID, REGION, document, outcome, role, statement, user, verdict

MFA = "aws:MultiFactorAuthPresent"


# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
@pytest.mark.parametrize(
    ("condition", "met"),
    [
        ({"StringEquals": {"aws:username": ["ann", "joe"]}}, True),
        ({"StringEquals": {"AWS:UserName": "Joe"}}, False),
        ({"StringEquals": {"aws:username": "j*"}}, False),
        ({"StringEqualsIgnoreCase": {"aws:username": "JOE"}}, True),
        ({"StringNotEqualsIgnoreCase": {"aws:username": "JOE"}}, False),
        ({"StringLike": {"aws:username": "j?e"}}, True),
        ({"StringNotLike": {"aws:username": ["a*", "j*"]}}, False),
        ({"StringNotEquals": {"aws:username": ["ann", "bob"]}}, True),
        ({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:user/j*"}}, True),
        ({"ArnNotEquals": {"aws:PrincipalArn": "arn:aws:iam::*:role/*"}}, True),
        ({"StringEquals": {"aws:PrincipalAccount": ACCOUNT_ID}}, True),
        ({"StringEquals": {"aws:PrincipalType": "User"}}, True),
        ({"StringEquals": {"aws:PrincipalTag/Team": "data"}}, True),
        ({"StringEquals": {"aws:PrincipalTag/Team": "Data"}}, False),
        ({"StringEquals": {"aws:PrincipalTag/none": "data"}}, False),
        ({"StringNotEquals": {"aws:PrincipalTag/none": "data"}}, True),
        ({"StringEqualsIfExists": {"aws:PrincipalTag/none": "data"}}, True),
        ({"StringEqualsIfExists": {"aws:PrincipalTag/team": "other"}}, False),
        ({"ForAllValues:StringEquals": {"aws:PrincipalTag/none": "data"}}, True),
        ({"ForAnyValue:StringEquals": {"aws:PrincipalTag/none": "data"}}, False),
        ({"ForAnyValue:StringNotEquals": {"aws:PrincipalTag/none": "data"}}, False),
        ({"ForAnyValue:StringEquals": {"aws:username": ["ann", "joe"]}}, True),
        ({"Null": {"aws:PrincipalTag/none": "true"}}, True),
        ({"Null": {"aws:PrincipalTag/none": False}}, False),
        ({"Null": {"aws:username": [True]}}, False),
        ({"Bool": {"aws:SecureTransport": "true"}}, True),
        ({"Bool": {"aws:SecureTransport": False}}, False),
        ({"StringEquals": {"aws:RequestedRegion": [REGION]}}, True),
        ({"StringNotEquals": {"aws:RequestedRegion": [REGION]}}, False),
        # Variables: one without a value equals nothing
        ({"StringEquals": {"aws:username": "${aws:PrincipalTag/owner}"}}, True),
        ({"StringEquals": {"aws:username": "${aws:PrincipalTag/none}"}}, False),
        ({"StringNotEquals": {"aws:username": "${aws:PrincipalTag/none}"}}, True),
        ({"StringLike": {"aws:username": "${aws:PrincipalTag/none, 'j'}*"}}, True),
        ({"StringEquals": {"aws:username": "${aws:SourceIdentity}"}}, None),
        ({"StringLike": {"aws:username": "ann${aws:SourceIdentity}"}}, False),
        # What is only known at the login
        ({"Bool": {MFA: "true"}}, None),
        ({"BoolIfExists": {MFA: "false"}}, None),
        ({"Null": {MFA: "true"}}, None),
        ({"DateGreaterThan": {"aws:CurrentTime": "2026-01-01T00:00:00Z"}}, None),
        ({"NumericLessThan": {"aws:MultiFactorAuthAge": 3600}}, None),
        ({"StringEquals": {"aws:PrincipalOrgID": "o-1"}}, None),
        ({"StringSpelledWrong": {"aws:username": "joe"}}, None),
        # One that is not met decides, whatever else there is
        ({"Bool": {MFA: "true"}, "StringEquals": {"aws:username": "ann"}}, False),
        ({"Bool": {MFA: "true"}, "StringEquals": {"aws:username": "joe"}}, None),
        ({}, True),
    ],
)
def test_conditions(condition: dict[str, dict[str, Any]], met: bool | None) -> None:
    tags = {"team": "data", "owner": "joe"}
    allow, deny = statement(Condition=condition), statement("Deny", Condition=condition)
    unsure = {True: ALLOWED, False: DENIED, None: CONDITIONAL}
    assert outcome(user(document(allow), tags=tags)) == unsure[met]
    denied = {True: DENIED, False: ALLOWED, None: CONDITIONAL}
    assert outcome(user(document(statement(), deny), tags=tags)) == denied[met]


PAST, NOW, FUTURE = "2026-05-31T00:00:00Z", float(calendar.timegm((2026, 6, 1, 0, 0, 0))), "2026-06-02"


@pytest.mark.parametrize("key", ["aws:CurrentTime", "aws:EpochTime"])
@pytest.mark.parametrize(
    ("operator", "past", "future"),
    [
        # A login comes now or later: what is over stays over, and what is to come is not known
        ("DateLessThan", False, None),
        ("DateLessThanEquals", False, None),
        ("DateGreaterThan", True, None),
        ("DateGreaterThanEquals", True, None),
        ("DateEquals", False, None),
        ("DateNotEquals", True, None),
        ("DateLessThanIfExists", False, None),
    ],
)
def test_dates_that_are_over(key: str, operator: str, past: bool, future: bool | None) -> None:
    outcomes = {True: ALLOWED, False: DENIED, None: CONDITIONAL}
    for wanted, met in ((PAST, past), (FUTURE, future), ("1780185600", past), ("someday", None)):
        allow = document(statement(Condition={operator: {key: wanted}}))
        assert outcome(user(allow), now=NOW) == outcomes[met], wanted
        assert outcome(user(allow)) == CONDITIONAL, "without a moment, dates are left open"


def test_seconds_that_are_over() -> None:
    over = {"NumericLessThan": {"aws:EpochTime": 1780185600}}
    assert outcome(user(document(statement(Condition=over))), now=NOW) == DENIED
    deny = statement("Deny", Condition={"DateLessThan": {"aws:CurrentTime": [PAST, "2026-05-01"]}})
    assert outcome(user(document(statement(), deny)), now=NOW) == ALLOWED


def test_sessions_that_were_revoked_long_ago() -> None:
    """IAM revokes a role's sessions by a Deny for those that are older than the moment at which it is asked."""
    for revoked, expected in (("2026-05-30T00:00:00Z", ALLOWED), ("2026-05-31T23:00:00Z", CONDITIONAL)):
        deny = statement("Deny", Condition={"DateLessThan": {"aws:TokenIssueTime": revoked}})
        assert outcome(role(document(statement(), deny)), now=NOW) == expected


def test_a_conditional_verdict_names_the_keys() -> None:
    condition = {"Bool": {MFA: "true"}, "StringLike": {"aws:username": "${aws:SourceIdentity}*"}}
    reason = verdict(user(document(statement(Condition=condition)))).reason
    assert reason is not None
    assert [key.lower() for key in reason.keys] == [MFA.lower(), "aws:sourceidentity"]


@pytest.mark.parametrize(
    ("condition", "met"),
    [
        ({"StringLike": {"aws:userid": "AROAJOE:*"}}, True),
        ({"StringNotLike": {"aws:userid": ["AROAJOE:*", ACCOUNT_ID]}}, False),
        ({"StringLike": {"aws:userid": "*"}}, True),
        ({"StringLike": {"aws:userid": "AROAANN:*"}}, False),
        ({"StringLike": {"aws:userid": "*:deploy"}}, None),
        ({"StringEquals": {"aws:userid": "AROAJOE:deploy"}}, None),
        ({"StringEquals": {"aws:userid": "AROAJOE"}}, False),
        ({"Null": {"aws:userid": "false"}}, True),
        ({"StringEquals": {"aws:PrincipalType": "AssumedRole"}}, True),
        ({"ArnEquals": {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT_ID}:role/joe"}}, True),
        ({"StringEquals": {"aws:username": "joe"}}, False),
    ],
)
def test_conditions_on_a_session_of_a_role(condition: dict[str, dict[str, Any]], met: bool | None) -> None:
    expected = {True: ALLOWED, False: DENIED, None: CONDITIONAL}[met]
    assert outcome(role(document(statement(Condition=condition)))) == expected


@pytest.mark.parametrize(
    "condition",
    [
        {"StringEquals": {"aws:PrincipalTag/team": "data"}},
        {"StringNotEquals": {"aws:PrincipalTag/team": "data"}},
        {"Null": {"aws:PrincipalTag/team": "true"}},
    ],
)
def test_a_deny_on_tags_that_sessions_may_bring(condition: dict[str, dict[str, Any]]) -> None:
    """The role's own tag counts only where no session can replace it."""
    documents = document(statement(), statement("Deny", Condition=condition))
    assert outcome(role(documents, tags={"team": "data"}, session_tags=True)) == CONDITIONAL
    assert outcome(role(documents, tags={"team": "data"})) != CONDITIONAL


# https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/UsingWithRDS.IAMDBAuth.html
@pytest.mark.parametrize("key", sorted(INEFFECTIVE_KEYS))
def test_a_key_that_iam_database_authentication_lacks_is_absent(key: str) -> None:
    allow = {"StringEquals": {key: "10.0.0.1"}}
    assert outcome(user(document(statement(Condition=allow)))) == DENIED
    assert outcome(user(document(statement(), statement("Deny", Condition=allow)))) == ALLOWED
    assert outcome(user(document(statement(Condition={"StringNotEquals": {key: "x"}})))) == ALLOWED
    assert outcome(user(document(statement(Condition={"StringEqualsIfExists": {key: "x"}})))) == ALLOWED
    assert outcome(user(document(statement(Condition={"Null": {key: "true"}})))) == ALLOWED
    (named,) = read_statements(document(statement(Condition=allow)))
    assert named.ineffective_keys == (key,)


def test_addresses() -> None:
    outside = {"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}}
    inside = {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}
    assert outcome(user(document(statement(Condition=inside)))) == DENIED
    assert outcome(user(document(statement(), statement("Deny", Condition=outside)))) == DENIED

# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from tests.sandbox.aws.policy import Decision, evaluate

from .scenes import policy, statement

ARN = "arn:aws:rds-db:eu-central-1:123456789012:dbuser:cluster-ABC/joe"
CONTEXT = {"aws:username": "joe", "aws:securetransport": "true", "aws:currenttime": "2026-01-31T12:00:00+00:00"}
ALLOWED, DENIED, NEITHER = Decision.ALLOWED, Decision.EXPLICIT_DENY, Decision.IMPLICIT_DENY


def decide(*documents: str, resource: str = ARN) -> Decision:
    return evaluate(documents, "rds-db:connect", resource, CONTEXT)


@pytest.mark.parametrize(
    ("pattern", "decision"),
    [
        (ARN, ALLOWED),
        ("*", ALLOWED),
        ("arn:aws:rds-db:*", ALLOWED),
        ("arn:aws:rds-db:*:*:dbuser:*/*", ALLOWED),
        ("arn:aws:rds-db:eu-central-1:123456789012:dbuser:*/joe", ALLOWED),
        ("arn:aws:rds-db:eu-*-1:123456789012:dbuser:cluster-ABC/j*", ALLOWED),
        ("arn:aws:rds-db:eu-central-?:123456789012:dbuser:cluster-???/jo?", ALLOWED),
        ("arn:aws:rds-db:eu-central-1:123456789012:dbuser:cluster-ABC/JOE", NEITHER),
        ("arn:aws:rds-db:eu-central-1:123456789012:dbuser:cluster-abc/joe", NEITHER),
        ("arn:aws:rds-db:eu-central-1:123456789012:dbuser:cluster-ABC/jo", NEITHER),
        ("arn:aws:rds-db:eu-central-1:123456789012:dbuser:cluster-ABC/joey*", NEITHER),
        ("arn:aws:rds-db:eu-central-1:123456789012:dbuser:cluster-ABC/j?", NEITHER),
        ("arn:aws:rds-db:eu-central-1:123456789012:dbuser:cluster.ABC/joe", NEITHER),
        ("arn:aws:rds-db:us-*-1:123456789012:dbuser:cluster-ABC/joe", NEITHER),
        ("arn:aws:rds-db:eu-*12:dbuser:cluster-ABC/joe", NEITHER),
    ],
)
def test_resources_are_matched_by_case_and_by_segment(pattern: str, decision: Decision) -> None:
    assert decide(policy(statement("Allow", pattern))) is decision


@pytest.mark.parametrize(
    ("action", "decision"),
    [
        ("rds-db:connect", ALLOWED),
        ("RDS-DB:Connect", ALLOWED),
        ("rds-db:*", ALLOWED),
        ("*", ALLOWED),
        ("rds:*", NEITHER),
        ("rds-db:conn", NEITHER),
    ],
)
def test_actions_are_matched_in_any_case(action: str, decision: Decision) -> None:
    assert decide(policy(statement("Allow", "*", action))) is decision


def test_an_explicit_deny_wins_wherever_it_stands() -> None:
    allow, deny = policy(statement("Allow", "*")), policy(statement("Deny", ARN))
    assert decide(allow, deny) is DENIED
    assert decide(deny, allow) is DENIED
    assert decide(policy(statement("Allow", "*"), statement("Deny", "arn:aws:rds-db:*:*:dbuser:*/ann"))) is ALLOWED


def test_no_policy_allows_nothing() -> None:
    assert decide() is NEITHER
    assert decide("{}") is NEITHER


def test_lists_and_single_elements_mean_the_same() -> None:
    assert (
        decide('{"Statement": {"Effect": "Allow", "Action": ["a:b", "rds-db:*"], "Resource": ["x", "*"]}}') is ALLOWED
    )


def test_not_action_and_not_resource() -> None:
    not_action = {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}
    assert decide(policy(not_action)) is ALLOWED
    assert decide(policy({**not_action, "NotAction": ["iam:*", "RDS-DB:*"]})) is NEITHER
    not_resource = {"Effect": "Deny", "Action": "rds-db:connect", "NotResource": "arn:aws:rds-db:*:*:dbuser:*/joe"}
    everything = statement("Allow", "*")
    assert decide(policy(everything, not_resource)) is ALLOWED
    assert decide(policy(everything, not_resource), resource=ARN.replace("joe", "ann")) is DENIED


def test_a_statement_without_a_resource_covers_nothing() -> None:
    assert decide(policy({"Effect": "Allow", "Action": "*"})) is NEITHER


def test_policy_variables() -> None:
    own_account = statement("Allow", "arn:aws:rds-db:*:*:dbuser:*/${aws:UserName}")
    assert decide(policy(own_account)) is ALLOWED
    assert decide(policy(own_account), resource=ARN.replace("joe", "ann")) is NEITHER
    assert decide(policy(own_account, version="2008-10-17")) is NEITHER
    assert decide(policy(statement("Allow", "arn:aws:rds-db:*:*:dbuser:*/${aws:PrincipalTag/team}"))) is NEITHER
    defaulted = "arn:aws:rds-db:*:*:dbuser:*/${aws:PrincipalTag/team, 'joe'}"
    assert decide(policy(statement("Allow", defaulted))) is ALLOWED


def test_a_literal_wildcard_is_no_wildcard() -> None:
    star = policy(statement("Allow", "arn:aws:rds-db:*:*:dbuser:*/${*}"))
    assert decide(star) is NEITHER
    assert decide(star, resource=ARN.replace("joe", "*")) is ALLOWED


@pytest.mark.parametrize(
    ("condition", "met"),
    [
        ({"StringEquals": {"aws:username": ["ann", "joe"]}}, True),
        ({"StringEquals": {"aws:username": "Joe"}}, False),
        ({"StringEqualsIgnoreCase": {"aws:UserName": "Joe"}}, True),
        ({"StringNotLike": {"aws:username": "j*"}}, False),
        ({"StringNotEquals": {"aws:absent": "x"}}, True),
        ({"StringEquals": {"aws:absent": "x"}}, False),
        ({"StringEqualsIfExists": {"aws:absent": "x"}}, True),
        ({"Bool": {"aws:SecureTransport": True}}, True),
        ({"Bool": {"aws:SecureTransport": "false"}}, False),
        ({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, False),
        ({"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, True),
        ({"Null": {"aws:absent": "true"}}, True),
        ({"Null": {"aws:username": "true"}}, False),
        ({"DateLessThan": {"aws:CurrentTime": "2026-02-01T00:00:00Z"}}, True),
        ({"DateGreaterThan": {"aws:CurrentTime": "2026-02-01"}}, False),
        ({"Bool": {"aws:SecureTransport": "true"}, "StringEquals": {"aws:username": "ann"}}, False),
    ],
)
def test_conditions(condition: dict[str, dict[str, object]], met: bool) -> None:
    allow, deny = (statement(effect, "*", Condition=condition) for effect in ("Allow", "Deny"))
    assert decide(policy(allow)) is (ALLOWED if met else NEITHER)
    assert decide(policy(statement("Allow", "*"), deny)) is (DENIED if met else ALLOWED)


@pytest.mark.parametrize(
    "condition",
    [
        {"NumericEquals": {"aws:username": "7"}},
        {"ForAnyValue:StringEquals": {"aws:TagKeys": "x"}},
        {"StringEquals": {"aws:username": "${aws:PrincipalTag/owner}"}},
        {"DateLessThan": {"aws:CurrentTime": "soon"}},
    ],
)
def test_what_cannot_be_judged_never_opens(condition: dict[str, dict[str, object]]) -> None:
    allow, deny = (statement(effect, "*", Condition=condition) for effect in ("Allow", "Deny"))
    assert decide(policy(allow)) is NEITHER
    assert decide(policy(statement("Allow", "*"), deny)) is DENIED

# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same verdicts as two other evaluators, on thousands of generated policies.

The sandbox's own (tests/sandbox/aws/policy.py) shares no code with the collection's. moto's is asked where it is right:
it reads NotResource, ``?``, variables and unmet conditions differently from IAM.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from moto.iam.access_control import IAMPolicy, PermissionResult

from ansible_collections.dbops.aurora_iam.plugins.filter.connect_policy import FilterModule
from ansible_collections.dbops.aurora_iam.plugins.module_utils._authorization.coverage import STAR
from ansible_collections.dbops.aurora_iam.plugins.module_utils._authorization.decide import (
    ALLOWED,
    CONDITIONAL,
    DENIED,
    decide,
)
from tests.sandbox.aws.policy import Decision, evaluate
from tests.unit.plugins.module_utils._authorization.scenes import ACCOUNT_ID, PREFIX, REGION, document, role, user

ACTION = "rds-db:connect"
EXAMPLES = 1000
TAGS = {"team": "data", "db": "joe"}
NAMES = ["joe", "ann", "Joe", "a*b", "a?b", "a.b", "a:b", "joe_admin"]
ARNS = [
    f"arn:aws:rds-db:{REGION}:{ACCOUNT_ID}:dbuser:{where}/{name}" for where in ("cluster-ABC", "db-X") for name in NAMES
]

WHERE = ("cluster-ABC", "db-X", "*", "cluster-*", "cluster-???", "prx-1")
WHOM = [*NAMES, "*", "j*", "?oe", "*_admin", "a${*}b", "a${?}b", "jo*e*", "**"]
VARIABLES = ["${aws:username}", "${aws:PrincipalTag/db}", "${aws:PrincipalTag/none}", "${aws:PrincipalTag/none, 'ann'}"]
PLACES = [f"{REGION}:{ACCOUNT_ID}", "*:*", f"eu-*-1:{ACCOUNT_ID}", f"{REGION}:*", f"us-east-1:{ACCOUNT_ID}", "*"]


def resources(whom: list[str], where: Sequence[str] = WHERE) -> st.SearchStrategy[Any]:
    one = st.one_of(
        st.sampled_from(["*", "arn:aws:rds-db:*", "arn:*"]),
        st.builds("arn:aws:rds-db:{}:dbuser:{}/{}".format, *map(st.sampled_from, (PLACES, where, whom))),
    )
    return st.one_of(one, st.lists(one, min_size=1, max_size=3))


ACTIONS = st.sampled_from(
    [ACTION, "RDS-DB:Connect", "rds-db:*", "*", "rds:*", "rds-db:c*t", "rds-db:?onnect", ["s3:*", ACTION], ["s3:*"]]
)
KNOWN = st.fixed_dictionaries(
    {
        "operator": st.sampled_from(
            ["StringEquals", "StringNotEquals", "StringLike", "StringNotLike", "StringEqualsIgnoreCase", "ArnLike"]
        ),
        "suffix": st.sampled_from(["", "IfExists"]),
        "key": st.sampled_from(
            ["aws:username", "AWS:PrincipalTag/Team", "aws:PrincipalTag/none", "aws:SourceIp", "aws:PrincipalType"]
            + ["aws:PrincipalArn", "aws:PrincipalAccount", "aws:RequestedRegion", "aws:SecureTransport"]
        ),
        "values": st.lists(
            st.sampled_from(
                ["joe", "JOE", "j*", "data", "User", "AssumedRole", ACCOUNT_ID, REGION, "true", "*", "arn:*"]
            ),
            min_size=1,
            max_size=2,
        ),
    }
).map(lambda drawn: {drawn["operator"] + drawn["suffix"]: {drawn["key"]: drawn["values"]}})
NULL = st.builds(
    lambda key, value: {"Null": {key: value}},
    st.sampled_from(["aws:username", "aws:PrincipalTag/none", "aws:SourceVpc"]),
    st.sampled_from(["true", "false", True]),
)
ADDRESS = st.sampled_from([{operator: {"aws:SourceIp": "10.0.0.0/8"}} for operator in ("IpAddress", "NotIpAddress")])
OPEN = st.sampled_from(
    [
        {"Bool": {"aws:MultiFactorAuthPresent": "true"}},
        {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}},
        {"Null": {"aws:MultiFactorAuthPresent": "true"}},
        {"DateLessThan": {"aws:CurrentTime": "2026-06-01T00:00:00Z"}},
        {"StringLike": {"aws:SourceIdentity": ["j*", "ann"]}},
        {"StringNotEquals": {"aws:SourceIdentity": "joe"}},
    ]
)
"""conditions on what is only known at the login"""


def statements(
    *conditions: st.SearchStrategy[Any], whom: list[str], where: Sequence[str] = WHERE
) -> st.SearchStrategy[Any]:
    condition = st.one_of(st.none(), *conditions)
    return st.builds(
        lambda effect, action_element, action, resource_element, resource, condition: {
            "Effect": effect,
            action_element: action,
            resource_element: resource,
            **({} if condition is None else {"Condition": condition}),
        },
        st.sampled_from(["Allow", "Allow", "Allow", "Deny"]),
        st.sampled_from(["Action", "Action", "Action", "NotAction"]),
        ACTIONS,
        st.sampled_from(["Resource", "Resource", "Resource", "NotResource"]),
        resources(whom, where),
        condition,
    )


def documents(statement: st.SearchStrategy[Any]) -> st.SearchStrategy[list[dict[str, Any]]]:
    one = st.lists(statement, min_size=1, max_size=3).map(lambda listed: document(*listed))
    return st.lists(one, min_size=1, max_size=3)


def context(kind: str) -> dict[str, str]:
    common = {
        "aws:principalaccount": ACCOUNT_ID,
        "aws:requestedregion": REGION,
        "aws:securetransport": "true",
        "aws:principalarn": f"arn:aws:iam::{ACCOUNT_ID}:{kind}/joe",
        **{f"aws:principaltag/{key}": value for key, value in TAGS.items()},
    }
    by_kind = {
        "user": {"aws:username": "joe", "aws:userid": "AIDAJOE", "aws:principaltype": "User"},
        "role": {"aws:userid": "AROAJOE:session", "aws:principaltype": "AssumedRole"},
    }
    return common | by_kind[kind]


def expected(policies: list[dict[str, Any]], boundary: dict[str, Any] | None, arn: str, values: dict[str, str]) -> str:
    identity = evaluate(map(json.dumps, policies), ACTION, arn, values)
    ceiling = Decision.ALLOWED if boundary is None else evaluate([json.dumps(boundary)], ACTION, arn, values)
    return ALLOWED if identity is ceiling is Decision.ALLOWED else DENIED


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    policies=documents(statements(KNOWN, NULL, ADDRESS, whom=WHOM + VARIABLES)),
    boundary=st.none() | documents(statements(KNOWN, whom=WHOM)).map(lambda drawn: drawn[0]),
    kind=st.sampled_from(["user", "role"]),
)
def test_the_sandbox_judges_alike(policies: list[dict[str, Any]], boundary: dict[str, Any] | None, kind: str) -> None:
    """Everything is known, so that nothing is conditional but for a star that can be read either way, as in a*b for
    the account a:b."""
    principal = {"user": user, "role": role}[kind](*policies, boundary=boundary, tags=TAGS)
    authorization = decide([principal], ARNS)
    for arn in ARNS:
        verdict = authorization.verdict(principal.arn, arn)
        event(verdict.outcome)
        if verdict.outcome == CONDITIONAL:
            assert "a:b" in arn
            assert verdict.describe()["depends_on"] == [STAR]
        else:
            assert verdict.outcome == expected(policies, boundary, arn, context(kind)), arn


MOMENTS = [
    {},
    {"aws:multifactorauthpresent": "true", "aws:currenttime": "2026-01-01T00:00:00+00:00"},
    {"aws:multifactorauthpresent": "false", "aws:sourceidentity": "joe"},
    {"aws:currenttime": "2026-12-01T00:00:00+00:00", "aws:sourceidentity": "jim"},
]


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(policies=documents(statements(OPEN, KNOWN, whom=WHOM)))
def test_a_verdict_that_is_not_conditional_holds_at_every_login(policies: list[dict[str, Any]]) -> None:
    joe = user(*policies, tags=TAGS)
    authorization = decide([joe], ARNS)
    for arn in ARNS:
        verdict = authorization.verdict(joe.arn, arn)
        at_logins = {expected(policies, None, arn, context("user") | moment) for moment in MOMENTS}
        event(f"{verdict.outcome}, {len(at_logins)}")
        if verdict.outcome == CONDITIONAL:
            assert verdict.reason is not None
            assert verdict.reason.keys
        else:
            assert at_logins == {verdict.outcome}, arn


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    listed=st.lists(
        st.builds(
            lambda effect, element, action, resource: {"Effect": effect, element: action, "Resource": resource},
            st.sampled_from(["Allow", "Allow", "Deny"]),
            st.sampled_from(["Action", "NotAction"]),
            st.sampled_from([ACTION, "rds-db:*", "*", "rds:*", "s3:*"]),
            resources(["joe", "ann", "*", "j*", "*oe"], ("cluster-ABC", "cluster-*", "*", "db-X")),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_moto_judges_alike_where_it_is_right(listed: list[dict[str, Any]]) -> None:
    joe = user(document(*listed))
    text = json.dumps(document(*listed))
    for arn in (PREFIX + "joe", PREFIX + "ann", PREFIX.replace("cluster-ABC", "db-X") + "joe_admin"):
        permitted = IAMPolicy({"policy_document": text}).is_action_permitted(ACTION, arn) is PermissionResult.PERMITTED
        assert (decide([joe], [arn]).verdict(joe.arn, arn).outcome == ALLOWED) == permitted, arn


connect_policy = FilterModule().filters()["connect_policy"]
CLUSTER = {"arn": f"arn:aws:rds:{REGION}:{ACCOUNT_ID}:cluster:orders", "resource_id": "cluster-ABC"}
NAMES = st.text("aA*?${}:/. %é", min_size=1, max_size=6)


@given(name=NAMES, other=NAMES)
def test_a_connect_policy_lets_in_as_the_account_and_as_nobody_else(name: str, other: str) -> None:
    written = json.dumps(connect_policy(name, CLUSTER))
    assert evaluate([written], ACTION, PREFIX + name, {}) is Decision.ALLOWED
    assert (evaluate([written], ACTION, PREFIX + other, {}) is Decision.ALLOWED) == (name == other)

# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading who has which policies, from answers in the shape of the IAM API."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest

from ansible_collections.dbops.aurora_iam.plugins.module_utils._authorization.principals import ROLE, USER
from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.authorization import read_principals
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import CloudError

ACCOUNT = "arn:aws:iam::123456789012:"
CONNECT = {"Version": "2012-10-17", "Statement": {"Sid": "Connect", "Effect": "Allow", "Action": "*", "Resource": "*"}}
OTHER = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}


class Iam:
    """Answers page after page, and notes what it was asked."""

    def __init__(self, *pages: dict[str, Any]) -> None:
        self._pages = pages
        self.asked: list[dict[str, Any]] = []

    def get_account_authorization_details(self, **arguments: Any) -> dict[str, Any]:
        self.asked.append(arguments)
        number = int(arguments.get("Marker", 0))
        last = number == len(self._pages) - 1
        return {**self._pages[number], **({} if last else {"IsTruncated": True, "Marker": str(number + 1)})}


def managed(name: str, *documents: Any) -> dict[str, Any]:
    versions = [
        {"VersionId": f"v{number}", "Document": document, "IsDefaultVersion": number == len(documents)}
        for number, document in enumerate(documents, start=1)
    ]
    return {"PolicyName": name, "Arn": f"{ACCOUNT}policy/{name}", "PolicyVersionList": versions}


def attached(*names: str) -> list[dict[str, str]]:
    return [{"PolicyName": name, "PolicyArn": f"{ACCOUNT}policy/{name}"} for name in names]


def user(name: str, **more: Any) -> dict[str, Any]:
    return {"UserName": name, "UserId": f"AIDA{name}", "Arn": f"{ACCOUNT}user/{name}", **more}


def role(name: str, trusted: str = "sts:AssumeRole", **more: Any) -> dict[str, Any]:
    trust = {"Statement": [{"Effect": "Allow", "Action": trusted, "Principal": "*"}]}
    return {
        "RoleName": name,
        "RoleId": f"AROA{name}",
        "Arn": f"{ACCOUNT}role/{name}",
        "AssumeRolePolicyDocument": trust,
        **more,
    }


def test_policies_of_users_groups_and_roles_in_pages() -> None:
    boundary = {"PermissionsBoundary": {"PermissionsBoundaryArn": f"{ACCOUNT}policy/ceiling"}}
    iam = Iam(
        {
            "UserDetailList": [
                user("joe", GroupList=["dba"], AttachedManagedPolicies=attached("shared"), **boundary),
                user("ann", UserPolicyList=[{"PolicyName": "own", "PolicyDocument": quote(json.dumps(CONNECT))}]),
            ],
        },
        {
            "GroupDetailList": [
                {
                    "GroupName": "dba",
                    "Arn": f"{ACCOUNT}group/dba",
                    "GroupPolicyList": [{"PolicyName": "in", "PolicyDocument": CONNECT}],
                    "AttachedManagedPolicies": attached("shared"),
                }
            ],
            "RoleDetailList": [role("app", Tags=[{"Key": "team", "Value": "data"}])],
            "Policies": [managed("shared", CONNECT, OTHER), managed("ceiling", OTHER, CONNECT)],
        },
    )
    ann, joe, app = read_principals(lambda _service: iam)
    assert [asked.get("Marker") for asked in iam.asked] == [None, "1"]
    assert (ann.kind, joe.kind, app.kind) == (USER, USER, ROLE)
    assert [policy.title for policy in ann.policies] == ["inline policy own of user ann"]
    assert [policy.title for policy in joe.policies] == [
        f"policy {ACCOUNT}policy/shared of user joe",
        "inline policy in of group dba",
        f"policy {ACCOUNT}policy/shared of group dba",
    ]
    # The default version counts, and only what speaks of connecting
    assert [len(policy.statements) for policy in joe.policies] == [0, 1, 0]
    assert joe.boundary is not None
    assert [each.label for each in joe.boundary.statements] == ["Connect"]
    assert (joe.groups, joe.id, joe.account, joe.partition) == (("dba",), "AIDAjoe", "123456789012", "aws")
    assert (app.tags, app.session_tags, app.boundary, app.policies) == ({"team": "data"}, False, None, ())


@pytest.mark.parametrize("trusted", ["sts:TagSession", "sts:*", "*"])
def test_a_role_whose_sessions_may_bring_tags(trusted: str) -> None:
    (app,) = read_principals(lambda _service: Iam({"RoleDetailList": [role("app", trusted)]}))
    assert app.session_tags


@pytest.mark.parametrize(
    ("deny", "tags"),
    [
        ({}, False),
        ({"Principal": {"AWS": "*"}}, False),
        ({"Principal": {"AWS": "123456789012"}}, True),
        ({"Condition": {"Null": {"aws:RequestTag/db": "true"}}}, True),
        ({"Action": "sts:AssumeRole"}, True),
    ],
)
def test_a_role_whose_trust_policy_denies_tags(deny: dict[str, Any], tags: bool) -> None:
    given = role("app", "sts:*")
    refusal = {"Effect": "Deny", "Action": "sts:TagSession", "Principal": "*", **deny}
    given["AssumeRolePolicyDocument"]["Statement"].append(refusal)
    (app,) = read_principals(lambda _service: Iam({"RoleDetailList": [given]}))
    assert app.session_tags == tags


def test_a_managed_policy_that_is_not_in_the_answer() -> None:
    (joe,) = read_principals(
        lambda _service: Iam({"UserDetailList": [user("joe", AttachedManagedPolicies=attached("gone"))]})
    )
    assert [policy.unread for policy in joe.policies] == [True]


@pytest.mark.parametrize("document", ["not JSON", '"a text"', {"Statement": ["a text"]}])
def test_a_policy_that_cannot_be_read(document: Any) -> None:
    iam = Iam({"UserDetailList": [user("joe", UserPolicyList=[{"PolicyName": "own", "PolicyDocument": document}])]})
    with pytest.raises(CloudError, match=r"^The policy own in arn:aws:iam::123456789012:user/joe cannot be read .*\.$"):
        read_principals(lambda _service: iam)

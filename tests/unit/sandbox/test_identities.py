# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""IAM and STS as the verifier reads them: every way in which a principal comes by a policy."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.sandbox.aws.identities import find_credential
from tests.sandbox.login.verifier import Credential, Login, RefusedError, Verifier, connect_arn
from tests.sandbox.servers.clusters import ACCOUNT_ID

from .endpoint import Endpoint
from .scenes import RUNNING, policy, sign, statement

ORDERS = RUNNING["orders"]


def login(user: str, **signing: Any) -> None:
    """Raises RefusedError where a user with these credentials is not let in to orders."""
    token = sign(user, port=ORDERS.writer.port, **signing)
    Verifier(RUNNING, find_credential).check(Login("orders", user, token, True), datetime.now(UTC))


def new_user(iam: Any, name: str) -> dict[str, str]:
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return {"key": key["AccessKeyId"], "secret": key["SecretAccessKey"]}


def test_users_and_their_policies(endpoint: Endpoint) -> None:
    iam = endpoint.client("iam")
    joe = new_user(iam, "joe")
    with pytest.raises(RefusedError, match="not allowed"):
        login("joe", **joe)
    may = policy(statement("Allow", connect_arn(ORDERS.resource_id, "${aws:username}")))
    iam.put_user_policy(UserName="joe", PolicyName="inline", PolicyDocument=may)
    login("joe", **joe)
    iam.delete_user_policy(UserName="joe", PolicyName="inline")
    arn = iam.create_policy(PolicyName="attached", PolicyDocument=may)["Policy"]["Arn"]
    iam.attach_user_policy(UserName="joe", PolicyArn=arn)
    login("joe", **joe)
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=policy(statement("Allow", "*", "s3:*")), SetAsDefault=True)
    with pytest.raises(RefusedError, match="not allowed"):
        login("joe", **joe)
    iam.create_group(GroupName="dba")
    iam.put_group_policy(GroupName="dba", PolicyName="inline", PolicyDocument=may)
    iam.add_user_to_group(GroupName="dba", UserName="joe")
    login("joe", **joe)
    deny = policy(statement("Deny", "*"))
    denying = iam.create_policy(PolicyName="denying", PolicyDocument=deny)["Policy"]["Arn"]
    iam.attach_group_policy(GroupName="dba", PolicyArn=denying)
    with pytest.raises(RefusedError, match="explicitly denied"):
        login("joe", **joe)
    iam.detach_group_policy(GroupName="dba", PolicyArn=denying)
    iam.update_access_key(UserName="joe", AccessKeyId=joe["key"], Status="Inactive")
    with pytest.raises(RefusedError, match="not active"):
        login("joe", **joe)
    iam.delete_access_key(UserName="joe", AccessKeyId=joe["key"])
    with pytest.raises(RefusedError, match="No access key"):
        login("joe", **joe)


def assume(endpoint: Endpoint, arn: str, **more: str) -> dict[str, str]:
    answer = endpoint.client("sts").assume_role(RoleArn=arn, RoleSessionName="deploy", **more)["Credentials"]
    return {
        "key": answer["AccessKeyId"],
        "secret": answer["SecretAccessKey"],
        "session_token": answer["SessionToken"],
    }


def test_assumed_roles_and_their_ceilings(endpoint: Endpoint) -> None:
    iam = endpoint.client("iam")
    role = iam.create_role(RoleName="app", Path="/team/", AssumeRolePolicyDocument=policy())["Role"]["Arn"]
    session = assume(endpoint, role)
    with pytest.raises(RefusedError, match="assumed-role/app/deploy by its identity policies"):
        login("app", **session)
    may = policy(statement("Allow", connect_arn(ORDERS.resource_id, "*")))
    iam.put_role_policy(RoleName="app", PolicyName="inline", PolicyDocument=may)
    login("app", **session)
    with pytest.raises(RefusedError, match="session token"):
        login("app", **{**session, "session_token": "another"})
    with pytest.raises(RefusedError, match="by its session policy"):
        login("app", **assume(endpoint, role, Policy=policy(statement("Allow", "*", "s3:*"))))
    boundary = policy(statement("Allow", connect_arn(ORDERS.resource_id, "app")))
    arn = iam.create_policy(PolicyName="boundary", PolicyDocument=boundary)["Policy"]["Arn"]
    iam.put_role_permissions_boundary(RoleName="app", PermissionsBoundary=arn)
    login("app", **session)
    with pytest.raises(RefusedError, match="by its permissions boundary"):
        login("ann", **session)
    with pytest.raises(RefusedError, match="not allowed"):
        login("app", **assume(endpoint, f"arn:aws:iam::{ACCOUNT_ID}:role/nobody"))


def test_the_operator_may_everything_and_aws_policies_are_there(endpoint: Endpoint) -> None:
    identity = endpoint.client("sts").get_caller_identity()
    assert identity["Arn"] == f"arn:aws:iam::{ACCOUNT_ID}:user/operator"
    key = next(iter(endpoint.client("iam").list_access_keys(UserName="operator")["AccessKeyMetadata"]))
    credential = find_credential(key["AccessKeyId"])
    assert isinstance(credential, Credential)
    login("anybody", key=key["AccessKeyId"], secret=credential.secret_key)

# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What policies say of who may connect, against who is let in."""

from __future__ import annotations

import json
import uuid
from itertools import product
from typing import Any

import pytest
from ansible_collections.amazon.aws.plugins.module_utils.retries import AWSRetry, RetryingBotoClientWrapper

from ansible_collections.dbops.aurora_iam.plugins.filter.connect_policy import policy_for
from ansible_collections.dbops.aurora_iam.plugins.module_utils._authorization.decide import (
    ALLOWED,
    CONDITIONAL,
    DENIED,
    decide,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.authorization import read_principals
from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.simulation import simulate
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import CloudError
from tests.integration.tasks import Tasks
from tests.sandbox.clients import LoginRefused, Principal, State, aws_client, create_principal, login

pytestmark = pytest.mark.direct("is about IAM")

ODD = ["plain", "Plain", "we*ird", "we?ird", "weXird", "$a{b}", "${*}", "a/b", "a b", "a:b", "a.b"]


def is_let_in(state: State, cluster: str, user: str, principal: Principal) -> bool:
    try:
        login(state, cluster, user, principal)
    except LoginRefused:
        return False
    return True


@pytest.mark.parametrize("cluster", ["orders", "ledger"])
def test_who_has_the_policy_may_connect_as_the_account_and_as_no_other(state: State, tasks: Tasks, cluster: str):
    mark = uuid.uuid4().hex[:8]
    names = [f"{mark}{name}" for name in ODD]
    accounts = tasks.users(cluster=cluster, users=[{"name": name} for name in names])["accounts"]
    facts = tasks.facts(cluster=cluster, names=[f"{mark}*"])
    arns = {account["name"]: account["connect_arn"] for account in accounts}
    assert {account["name"]: account["connect_arn"] for account in facts["accounts"]} == arns
    advice = {each["subject"].split("@")[0]: each["message"] for each in facts["findings"] if "orphan" in each["code"]}
    assert [name for name, arn in arns.items() if f"{arn} to " not in advice[name]] == []
    for account in accounts:
        document = policy_for(account)
        assert document["Statement"][0]["Resource"] == [account["connect_arn"]]
        principal = create_principal(state, f"least-{uuid.uuid4().hex}", *document["Statement"])
        assert [name for name in names if is_let_in(state, cluster, name, principal)] == [account["name"]]


def test_verdicts_are_what_happens_at_the_login(state: State, tasks: Tasks):
    """Users, a group, roles, inline and attached policies, a boundary, an administrator, wildcards and a Deny."""
    mark = f"estate-{uuid.uuid4().hex[:8]}"
    names = [f"{mark}_{name}" for name in ("joe", "ann", "app")]
    arns = {}
    for cluster in ("orders", "ledger"):
        made = tasks.users(cluster=cluster, users=[{"name": name} for name in names])["accounts"]
        arns.update({(cluster, account["name"]): account["connect_arn"] for account in made})
    estate = Estate(state, mark)
    by_name = [arn for (_cluster, name), arn in arns.items() if name == names[0]]
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    nowhere = {"StringLike": {"aws:SourceIp": "*"}}
    itself = {"ArnEquals": {"aws:PrincipalArn": estate.arn("itself")}}
    users = {
        "named": estate.user("named", allow(by_name)),
        "wildcard": estate.user("wildcard", allow(f"arn:aws:rds-db:*:*:dbuser:*/{mark}_?nn")),
        "administrator": estate.user("administrator", everything),
        "grouped": estate.user("grouped", group=[everything, {**allow(by_name), "Effect": "Deny"}]),
        "addressed": estate.user("addressed", {**everything, "Condition": nowhere}),
        "excepted": estate.user("excepted", {"Effect": "Allow", "NotAction": "iam:*", "NotResource": by_name}),
        "nothing": estate.user("nothing"),
    }
    roles = {
        "plain": estate.role("plain", attached=allow(by_name)),
        "bounded": estate.role("bounded", everything, boundary=allow(by_name)),
        "tagged": estate.role("tagged", allow("arn:aws:rds-db:*:*:dbuser:*/${aws:PrincipalTag/db}")),
        "itself": estate.role("itself", {**everything, "Condition": itself}),
    }
    keys = {arn: estate.key(name) for name, arn in users.items()}
    keys.update({arn: estate.session(name) for name, arn in roles.items()})
    authorization = decide(read_principals(lambda service: retried(state, service)), arns.values())
    outcomes = {
        (principal.split("/")[-1], cluster, name): authorization.verdict(principal, arn).outcome
        for principal, ((cluster, name), arn) in product(keys, arns.items())
    }
    logins = {
        (principal.split("/")[-1], cluster, name): ALLOWED if is_let_in(state, cluster, name, key) else DENIED
        for (principal, key), (cluster, name) in product(keys.items(), arns)
    }
    assert outcomes == logins
    assert set(logins.values()) == {ALLOWED, DENIED}
    # A policy for all accounts but these is a grave finding wherever somebody looks for one
    aws_client(state, "iam").delete_user_policy(UserName=f"{mark}-excepted", PolicyName="own")


def allow(resource: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": "rds-db:connect", "Resource": resource}


class Estate:
    """IAM users and roles, made as an administrator would."""

    def __init__(self, state: State, mark: str) -> None:
        self._state = state
        self._mark = mark
        self._iam = aws_client(state, "iam")

    def arn(self, role: str) -> str:
        return f"arn:aws:iam::123456789012:role/{self._mark}-{role}"

    def user(self, name: str, *statements: dict[str, Any], group: list[dict[str, Any]] | None = None) -> str:
        """Its ARN."""
        full = f"{self._mark}-{name}"
        arn: str = self._iam.create_user(UserName=full)["User"]["Arn"]
        if statements:
            self._iam.put_user_policy(UserName=full, PolicyName="own", PolicyDocument=document(statements))
        if group:
            self._iam.create_group(GroupName=full)
            self._iam.put_group_policy(GroupName=full, PolicyName="shared", PolicyDocument=document(group))
            self._iam.add_user_to_group(GroupName=full, UserName=full)
        return arn

    def key(self, user: str) -> Principal:
        key = self._iam.create_access_key(UserName=f"{self._mark}-{user}")["AccessKey"]
        return Principal(key["AccessKeyId"], key["SecretAccessKey"])

    def role(
        self,
        name: str,
        *statements: dict[str, Any],
        attached: dict[str, Any] | None = None,
        boundary: dict[str, Any] | None = None,
    ) -> str:
        """Its ARN. It is tagged ``db`` with the name of the first account."""
        full = f"{self._mark}-{name}"
        trust = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
        more = {"PermissionsBoundary": self._managed(f"{full}-boundary", boundary)} if boundary else {}
        tags = [{"Key": "db", "Value": f"{self._mark}_joe"}]
        answer = self._iam.create_role(RoleName=full, AssumeRolePolicyDocument=document([trust]), Tags=tags, **more)
        if statements:
            self._iam.put_role_policy(RoleName=full, PolicyName="own", PolicyDocument=document(statements))
        if attached:
            self._iam.attach_role_policy(RoleName=full, PolicyArn=self._managed(full, attached))
        arn: str = answer["Role"]["Arn"]
        return arn

    def session(self, role: str) -> Principal:
        sts = aws_client(self._state, "sts")
        given = sts.assume_role(RoleArn=self.arn(role), RoleSessionName="test")["Credentials"]
        return Principal(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])

    def _managed(self, name: str, statement: dict[str, Any]) -> str:
        """A policy whose first version allows nothing, and whose default version is the second."""
        nothing = {"Effect": "Deny", "Action": "*", "Resource": "*"}
        arn: str = self._iam.create_policy(PolicyName=name, PolicyDocument=document([nothing]))["Policy"]["Arn"]
        self._iam.create_policy_version(PolicyArn=arn, PolicyDocument=document([statement]), SetAsDefault=True)
        return arn


def document(statements: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def test_the_simulator(state: State):
    """The sandbox's simulator answers as IAM's does, without an organization."""
    mark = f"simulated-{uuid.uuid4().hex[:8]}"
    estate = Estate(state, mark)
    prefix = state["clusters"]["orders"]["arn"].replace(":rds:", ":rds-db:").rsplit("cluster:", 1)[0]
    joe, ann = (f"{prefix}dbuser:{state['clusters']['orders']['resource_id']}/{name}" for name in ("joe", "ann"))
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    mfa = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
    arns = [
        estate.user("named", allow(joe)),
        estate.user("denied", everything, {**allow(joe), "Effect": "Deny"}),
        estate.user("asked", {**everything, "Condition": mfa}),
        estate.user("own", allow(f"{prefix}dbuser:*/${{aws:username}}")),
        estate.user("nothing"),
        estate.role("bounded", everything, boundary=allow(ann)),
    ]
    found = simulate(lambda service: retried(state, service), arns, [joe, ann, "", f"{joe}{'x' * 20}"])
    assert {
        arn.rsplit("/")[-1]: [(each.principal_arn.rsplit("-")[-1], each.outcome) for each in verdicts]
        for arn, verdicts in list(found.items())[:2]
    } == {
        "joe": [("named", ALLOWED), ("denied", DENIED), ("asked", CONDITIONAL), ("bounded", DENIED)],
        "ann": [("denied", ALLOWED), ("asked", CONDITIONAL), ("bounded", ALLOWED)],
    }
    reasons = {each.principal_arn: each.describe() for each in found[joe]}
    assert reasons[arns[2]]["depends_on"] == ["aws:multifactorauthpresent"]
    assert reasons[arns[5]]["policy"].startswith("policy (permissions boundary) of role ")
    with pytest.raises(CloudError, match=r"^There is no arn:aws:iam::\d+:user/nobody; check the name"):
        simulate(lambda service: retried(state, service), [arns[0].replace(f"{mark}-named", "nobody")], [joe])


def retried(state: State, service: str) -> Any:
    """A client as amazon.aws makes it."""
    return RetryingBotoClientWrapper(aws_client(state, service), AWSRetry.jittered_backoff())

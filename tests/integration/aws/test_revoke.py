# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Accounts are taken out of policies, and nothing else of IAM changes."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.dbops.aurora_iam.plugins.filter.connect_policy import policy_for
from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws import connect_policies
from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.connect_policies import InlinePolicy
from tests.integration.aws.proxies import require_proxy
from tests.integration.hook import Hook
from tests.integration.tasks import Result, TaskFailed, Tasks
from tests.sandbox.clients import State, aws_client

pytestmark = pytest.mark.direct("is about IAM")

TRUST = '{"Version": "2012-10-17", "Statement": []}'
NAME = "aurora-iam-orders"


class Estate:
    """A user, a group and a role of one name."""

    def __init__(self, state: State, tasks: Tasks) -> None:
        self.iam = aws_client(state, "iam")
        self.name = f"estate_{uuid.uuid4().hex[:8]}"
        self.jane, self.ann = f"{self.name}_jane", f"{self.name}_ann"
        self._state, self._tasks = state, tasks
        self.iam.create_user(UserName=self.name)
        self.iam.create_group(GroupName=self.name)
        self.iam.create_role(RoleName=self.name, AssumeRolePolicyDocument=TRUST)

    def policy(self, *accounts: str, cluster: str = "orders") -> dict[str, Any]:
        return policy_for(list(accounts), self._state["clusters"][cluster])

    def write(self, kind: str, document: dict[str, Any], name: str = NAME) -> None:
        put = getattr(self.iam, f"put_{kind}_policy")
        put(**{f"{kind.capitalize()}Name": self.name}, PolicyName=name, PolicyDocument=json.dumps(document))

    def read(self, kind: str, name: str = NAME) -> Any:
        """None where there is none."""
        get = getattr(self.iam, f"get_{kind}_policy")
        try:
            return get(**{f"{kind.capitalize()}Name": self.name}, PolicyName=name)["PolicyDocument"]
        except self.iam.exceptions.NoSuchEntityException:
            return None

    def create_managed(self, name: str, *documents: dict[str, Any]) -> str:
        first, *more = map(json.dumps, documents)
        arn: str = self.iam.create_policy(PolicyName=name, PolicyDocument=first)["Policy"]["Arn"]
        for document in more:
            self.iam.create_policy_version(PolicyArn=arn, PolicyDocument=document, SetAsDefault=True)
        return arn

    def managed(self, arn: str) -> Any:
        """The texts of all versions; None where there is no policy."""
        try:
            versions = self.iam.list_policy_versions(PolicyArn=arn)["Versions"]
        except self.iam.exceptions.NoSuchEntityException:
            return None
        ids = [version["VersionId"] for version in versions]
        read = self.iam.get_policy_version
        return [read(PolicyArn=arn, VersionId=each)["PolicyVersion"]["Document"] for each in ids]

    def revoke(self, *kinds: str, check: bool = False, **more: Any) -> Result:
        """Take Jane out of the policies of principals that are listed with her and Ann."""
        listed = {"name": self.name, "accounts": [self.jane, self.ann], **more}
        return self._tasks.run(
            "aurora_iam_revoke",
            check=check,
            cluster="orders",
            accounts=[self.jane],
            principals=[{"type": kind, **listed} for kind in kinds],
        )

    def converge(self, *kinds: str, **more: Any) -> list[str]:
        """The policies that change: in a check, and in the run, but not in the next one."""
        checked = self.revoke(*kinds, check=True, **more)
        run = self.revoke(*kinds, **more)
        assert checked == run
        again = self.revoke(*kinds, **more)
        assert (again["changed"], again["revoked"]) == (False, [])
        return [each["policy"] for each in run["revoked"]]


@pytest.fixture
def estate(state: State, tasks: Tasks) -> Estate:
    return Estate(state, tasks)


@pytest.mark.parametrize("kind", ["user", "group", "role"])
def test_an_account_is_taken_out_of_an_inline_policy(estate: Estate, kind: str):
    for name, accounts in (("both", (estate.jane, estate.ann)), ("jane", (estate.jane,)), ("ann", (estate.ann,))):
        estate.write(kind, estate.policy(*accounts), name)
    assert estate.converge(kind) == [f"inline policy {name} of {kind} {estate.name}" for name in ("both", "jane")]
    assert estate.read(kind, "both") == estate.read(kind, "ann") == estate.policy(estate.ann)
    assert estate.read(kind, "jane") is None


def test_a_policy_that_somebody_has_removed_is_not_written_again(estate: Estate):
    """The principal keeps nothing that it does not have."""
    assert estate.converge("user") == []
    assert estate.iam.list_user_policies(UserName=estate.name)["PolicyNames"] == []


def test_a_policy_about_more_than_the_database_is_left_and_named(estate: Estate):
    elsewhere = estate.policy(estate.jane, cluster="ledger")
    (allowed,) = estate.policy(estate.jane)["Statement"]
    both = {**elsewhere, "Statement": [*elsewhere["Statement"], {**allowed, "Sid": "Orders"}]}
    estate.write("user", both, "by-hand")
    estate.write("user", elsewhere, "aurora-iam-ledger")
    assert estate.converge("user") == []
    (left,) = estate.revoke("user")["left"]
    assert (left["policy"], left["accounts"]) == (f"inline policy by-hand of user {estate.name}", [estate.jane])
    assert (estate.read("user", "by-hand"), estate.read("user", "aurora-iam-ledger")) == (both, elsewhere)


@pytest.mark.parametrize("kind", ["user", "group", "role"])
def test_attached_managed_policies(estate: Estate, kind: str):
    both = estate.create_managed(f"{estate.name}-both", *[estate.policy(estate.jane, estate.ann)] * 5)
    jane = estate.create_managed(
        f"{estate.name}-jane", estate.policy(estate.jane, estate.ann), estate.policy(estate.jane)
    )
    holder = {f"{kind.capitalize()}Name": estate.name}
    for arn in (both, jane, "arn:aws:iam::aws:policy/ReadOnlyAccess"):
        getattr(estate.iam, f"attach_{kind}_policy")(PolicyArn=arn, **holder)
    assert estate.converge(kind) == []
    assert len(estate.converge(kind, managed=True)) == 2
    assert (estate.managed(both), estate.managed(jane)) == ([estate.policy(estate.ann)], None)


@pytest.fixture
def unattached(estate: Estate, state: State) -> Iterator[str]:
    """The managed policy that is found by its name: its principal is a permission set, and not in IAM."""
    resource_id = state["clusters"]["orders"]["resource_id"]
    name = f"aurora-iam.eu-central-1.{resource_id}.role.permission-set"
    arn = estate.create_managed(name, estate.policy(estate.jane, estate.ann))
    yield arn
    estate.iam.delete_policy(PolicyArn=arn)


def test_a_managed_policy_of_nobody(estate: Estate, unattached: str):
    assert len(estate.converge("role", name="permission-set", managed=True)) == 1
    assert estate.managed(unattached) == [estate.policy(estate.ann)]
    gone = {"principal": "role permission-set", "accounts": [estate.jane]}
    assert estate.revoke("role", name="permission-set", managed=True)["gone"] == [gone]


def test_what_fails_does_not_keep_the_rest_from_being_done(estate: Estate, hook: Hook):
    for kind in ("user", "group", "role"):
        estate.write(kind, estate.policy(estate.jane))
    hook.fail("ListUserPolicies", kind="error", code="AccessDenied", status=403, message="not authorized")
    hook.fail("DeleteGroupPolicy", kind="error", code="AccessDenied", status=403, message="not authorized")
    with pytest.raises(TaskFailed, match=r"iam:ListUserPolicies.* iam:DeleteGroupPolicy") as failure:
        estate.revoke("user", "group", "role")
    told = failure.value.result
    assert [each["principal"] for each in told["revoked"]] == [f"role {estate.name}"]
    assert [(each["principal"], each["policy"], each["accounts"]) for each in told["left"]] == [
        (f"user {estate.name}", "", [estate.jane]),
        (f"group {estate.name}", f"inline policy {NAME} of group {estate.name}", [estate.jane]),
    ]
    assert len(estate.converge("user", "group", "role")) == 2


def test_what_iam_accepts_and_does_not_do_is_an_error(estate: Estate, monkeypatch: pytest.MonkeyPatch):
    estate.write("user", estate.policy(estate.jane, estate.ann))
    monkeypatch.setattr(connect_policies, "PAUSE", 0)
    monkeypatch.setattr(InlinePolicy, "replace", lambda _policy, _document: None)
    with pytest.raises(TaskFailed, match="and still shows the accounts"):
        estate.revoke("user")


def test_a_cluster_that_is_not_available_has_policies(estate: Estate, hook: Hook):
    estate.write("user", estate.policy(estate.jane))
    with hook.held(orders="stopped"):
        assert len(estate.converge("user")) == 1


def test_policies_for_its_proxies(state: State, estate: Estate, hook: Hook):
    """AWS is asked for proxies only where a policy names one. The proxy of another cluster is not meant."""
    for proxy in ("orders-proxy", "ledger-proxy"):
        require_proxy(state, proxy)
        for kind in ("user", "role"):
            estate.write(kind, policy_for([estate.jane, estate.ann], state["proxies"][proxy]), proxy)
    assert estate.converge("user", "role") == [
        f"inline policy orders-proxy of {kind} {estate.name}" for kind in ("user", "role")
    ]
    for kind in ("user", "role"):
        assert estate.read(kind, "orders-proxy") == policy_for([estate.ann], state["proxies"]["orders-proxy"])
        assert len(estate.read(kind, "ledger-proxy")["Statement"][0]["Resource"]) == 2
    hook.forget()
    estate.write("group", estate.policy(estate.jane))
    assert len(estate.converge("group")) == 1
    assert "DescribeDBProxies" not in hook.calls()


def test_proxies_that_cannot_be_looked_at(state: State, estate: Estate, hook: Hook):
    require_proxy(state, "orders-proxy")
    estate.write("user", policy_for([estate.jane], state["proxies"]["orders-proxy"]), "a")
    estate.write("user", estate.policy(estate.jane), "b")
    hook.fail("DescribeDBProxies", kind="error", code="AccessDenied", status=403, message="not authorized")
    with pytest.raises(TaskFailed, match="AWS denied rds:DescribeDBProxies on the proxies of the region") as failure:
        estate.revoke("user")
    assert [each["policy"] for each in failure.value.result["left"]] == [f"inline policy a of user {estate.name}"]
    assert estate.read("user", "b") is None


MISTAKES: list[tuple[Any, str]] = [
    ({"name": "x"}, r"^The principal .* is not complete; give each a type"),
    ("x", r"^The principal x is not complete"),
    ({"type": "user", "name": "x", "accounts": "jane"}, "^The accounts of user x must be a list of names"),
]


@pytest.mark.parametrize(("principal", "message"), MISTAKES)
def test_mistakes(tasks: Tasks, principal: Any, message: str):
    options = {"accounts": ["jane"], "principals": [principal]}
    with pytest.raises(TaskFailed, match=message):
        tasks.run("aurora_iam_revoke", cluster="orders", **options)


def test_one_cluster_or_instance_is_needed(tasks: Tasks):
    principal = {"type": "user", "name": "x", "accounts": ["jane"]}
    for where in ({}, {"cluster": "orders", "instance": "billing"}, {"cluster": "orders", "proxy": "orders-proxy"}):
        with pytest.raises(TaskFailed, match="set either cluster or instance"):
            tasks.run("aurora_iam_revoke", accounts=["jane"], principals=[principal], **where)

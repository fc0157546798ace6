# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Policies for principals: written once, read back, and refused before anything is written."""

from __future__ import annotations

import json
import uuid
from itertools import product
from typing import Any

import pytest

from tests.integration.hook import Hook
from tests.integration.tasks import Result, TaskFailed, Tasks, refused_alike
from tests.sandbox.clients import LoginRefused, Principal, State, aws_client, login
from tests.sandbox.servers.clusters import TWIN_REGION

pytestmark = pytest.mark.direct("is about IAM")

TRUST = '{"Version": "2012-10-17", "Statement": []}'
KINDS = ("user", "group", "role")
EVERYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


class Estate:
    """A user, a group and a role of one name."""

    def __init__(self, state: State, tasks: Tasks) -> None:
        self.iam = aws_client(state, "iam")
        self.name = f"estate-{uuid.uuid4().hex[:8]}"
        self._tasks, self._state = tasks, state
        self.iam.create_user(UserName=self.name)
        self.iam.create_group(GroupName=self.name)
        self.iam.create_role(RoleName=self.name, AssumeRolePolicyDocument=TRUST)

    def key(self) -> Principal:
        key = self.iam.create_access_key(UserName=self.name)["AccessKey"]
        return Principal(key["AccessKeyId"], key["SecretAccessKey"])

    def session(self) -> Principal:
        arn = f"arn:aws:iam::123456789012:role/{self.name}"
        given = aws_client(self._state, "sts").assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
        return Principal(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])

    def policy_name(self, kind: str, place: str = "orders") -> str:
        resource_id = {**self._state["clusters"], **self._state["proxies"]}[place]["resource_id"]
        return f"aurora-iam.eu-central-1.{resource_id}.{kind}.{self.name}"

    def listed(self, *kinds: str, **more: Any) -> list[Result]:
        return [{"type": kind, "name": self.name, "accounts": ["jane", "ann"], **more} for kind in kinds]

    def run(self, principals: list[Any], *, check: bool = False, **more: Any) -> Result:
        options = {"principals": principals, **({} if "proxy" in more else {"cluster": "orders"}), **more}
        return self._tasks.run("aurora_iam_connect_policy", check=check, **options)

    def converge(self, principals: list[Any], **more: Any) -> Result:
        """What it returned: in a check and in the run the same, and in the next one nothing that has changed."""
        checked, run = self.run(principals, check=True, **more), self.run(principals, **more)
        assert checked == run
        assert run["changed"]
        again = self.run(principals, **more)
        assert (again["changed"], again["diff"]["after"]) == (False, "")
        return run

    def document(self, kind: str, name: str) -> Any:
        """Of an inline policy; None where there is none."""
        get = getattr(self.iam, f"get_{kind}_policy")
        try:
            return get(**{f"{kind.capitalize()}Name": self.name}, PolicyName=name)["PolicyDocument"]
        except self.iam.exceptions.NoSuchEntityException:
            return None

    def put(self, kind: str, name: str, document: Any) -> None:
        put = getattr(self.iam, f"put_{kind}_policy")
        put(**{f"{kind.capitalize()}Name": self.name}, PolicyName=name, PolicyDocument=json.dumps(document))

    def managed(self, name: str) -> Any:
        arn = f"arn:aws:iam::123456789012:policy/{name}"
        try:
            version = self.iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        except self.iam.exceptions.NoSuchEntityException:
            return None
        assert len(self.iam.list_policy_versions(PolicyArn=arn)["Versions"]) == 1
        return self.iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]


@pytest.fixture
def estate(state: State, tasks: Tasks) -> Estate:
    return Estate(state, tasks)


def names(document: Any) -> list[str]:
    return [arn.partition("/")[2] for arn in document["Statement"][0]["Resource"]]


def test_user_group_and_role_of_one_name_have_a_policy_each(estate: Estate):
    for managed in (False, True):
        listed = [
            {**each, "accounts": [f"{each['type']}_account"], "managed": managed} for each in estate.listed(*KINDS)
        ]
        estate.converge(listed)
        for kind in KINDS:
            name = estate.policy_name(kind)
            found = estate.managed(name) if managed else estate.document(kind, name)
            assert names(found) == [f"{kind}_account"]


@pytest.mark.parametrize("managed", [False, True])
def test_the_life_of_a_policy(estate: Estate, managed: bool):
    """Written, drifted, repaired, changed, deleted; once for the cluster and once for its proxy."""
    name, proxy = estate.policy_name("role"), estate.policy_name("role", "orders-proxy")

    def found(called: str = name) -> Any:
        return estate.managed(called) if managed else estate.document("role", called)

    made = estate.converge(estate.listed("role", managed=managed))
    assert [(each["policy"], each["accounts"]) for each in made["policies"]] == [(name, ["ann", "jane"])]
    through = estate.converge(estate.listed("role", managed=managed), proxy="orders-proxy", cluster=None)
    assert [each["policy"] for each in through["policies"]] == [proxy]
    assert ":dbuser:prx-" in json.dumps(found(proxy))

    estate.converge(estate.listed("role", managed=managed, accounts=["jane", "eve"]))
    estate.converge(estate.listed("role", managed=managed))
    assert names(found()) == ["ann", "jane"]
    if managed:
        estate.iam.attach_role_policy(RoleName=estate.name, PolicyArn=f"arn:aws:iam::123456789012:policy/{name}")
    gone = estate.converge(estate.listed("role", accounts=[]))
    assert (found(), gone["policies"][0]["accounts"]) == (None, [])
    assert names(found(proxy)) == ["ann", "jane"]


def test_nothing_is_written_if_anything_is_wrong(estate: Estate, hook: Hook):
    """All mistakes at once, in a check and in the run."""
    long = [f"{'x' * 28}{number:04}" for number in range(300)]
    wrong: list[Any] = [
        *estate.listed("user"),
        {"type": "role", "name": "nobody-of-this-name", "accounts": ["jane"]},
        *estate.listed("group", accounts=["jane", "jean", "Ann"]),
        *estate.listed("role", accounts=long[:100]),
        {"type": "role", "name": f"{estate.name}-managed", "accounts": long, "managed": True},
    ]
    estate.iam.create_role(RoleName=f"{estate.name}-managed", AssumeRolePolicyDocument=TRUST)
    text = refused_alike(lambda **mode: estate.run(wrong, known_accounts=["jane", "ann", *long], **mode))
    assert "principals[1]: There is no role nobody-of-this-name in IAM" in text
    assert "principals[2]: cluster orders has no account jean, Ann, which group estate-" in text
    assert "IAM takes 10240 in all inline policies of a role; set managed: true" in text
    assert "principals[4]: The managed policy of role" in text
    assert "and IAM takes 6144; list fewer accounts" in text
    assert "principals[0]" not in text
    assert not {"PutUserPolicy", "PutRolePolicy", "CreatePolicy"} & hook.calls().keys()
    assert estate.document("user", estate.policy_name("user")) is None


def test_other_inline_policies_count(estate: Estate):
    """2,048 characters for a user, without the white space of a document."""
    statement = {"Effect": "Allow", "Action": "s3:*", "Resource": f"arn:aws:s3:::{'b' * 1500}/*"}
    estate.put("user", "other", {"Version": "2012-10-17", "Statement": [statement]})
    assert estate.converge(estate.listed("user", accounts=["jane"]))["changed"]
    text = refused_alike(lambda **mode: estate.run(estate.listed("user", accounts=list("abcdef")), **mode))
    assert "characters, and its other inline policies 1" in text
    assert names(estate.document("user", estate.policy_name("user"))) == ["jane"]


@pytest.mark.parametrize("managed", [False, True])
@pytest.mark.parametrize("accounts", [["jane"], []])
def test_what_was_not_written_for_this_database_stays(estate: Estate, managed: bool, accounts: list[str]):
    name = estate.policy_name("user")
    estate.run(estate.listed("user"), cluster="ledger")
    ledger = estate.document("user", estate.policy_name("user", "ledger"))
    for document, why in ((EVERYTHING, "was not written by this collection"), (ledger, "speaks of arn:aws:rds-db:")):
        if managed:
            arn = estate.iam.create_policy(PolicyName=name, PolicyDocument=json.dumps(document))["Policy"]["Arn"]
        else:
            estate.put("user", name, document)
        listed = estate.listed("user", managed=managed, accounts=accounts)
        text = refused_alike(lambda listed=listed, **mode: estate.run(listed, **mode))
        assert why in text
        assert f"policy {name}" in text
        assert (estate.managed(name) if managed else estate.document("user", name)) == document
        if managed:
            estate.iam.delete_policy(PolicyArn=arn)


DENIED = {"kind": "error", "code": "AccessDenied", "status": 403, "count": 9}


@pytest.mark.parametrize("action", ["ListUserPolicies", "GetUserPolicy", "PutUserPolicy"])
def test_a_denied_call_fails(estate: Estate, hook: Hook, action: str):
    estate.run(estate.listed("user", accounts=["ann"]))
    hook.fail(action, **DENIED)
    with pytest.raises(TaskFailed, match=f"iam:{action}"):
        estate.run(estate.listed("user"))


def test_a_policy_that_cannot_be_read_back_fails(estate: Estate, hook: Hook):
    hook.fail("GetUserPolicy", **DENIED)
    with pytest.raises(TaskFailed, match="iam:GetUserPolicy"):
        estate.run(estate.listed("user"))
    hook.forget()
    assert names(estate.document("user", estate.policy_name("user"))) == ["ann", "jane"], "it was written"


WRONG: list[tuple[Any, str]] = [
    ({"type": "person", "name": "x"}, "is not complete; give each a type"),
    ({"name": "x"}, "is not complete; give each a type"),
    ("x", "The principal x is not complete"),
    ({"type": "user", "name": "x", "accounts": "jane"}, "The accounts of user x must be a list of names"),
    ({"type": "user", "name": "v", "accounts": ""}, "The accounts of user v must be a list of names"),
    ({"type": "user", "name": "u", "account": ["jane"]}, "The user u has account; a principal has only type, name, "),
    ({"type": "role", "name": "a/path/t"}, "a slash; give the name without path and ARN: t."),
    ({"type": "user", "name": "s", "managed": "maybe"}, "The value maybe of managed of user s must be true or false"),
]


def test_what_is_listed_wrong_is_named(estate: Estate):
    listed = [each for each, _sentence in WRONG] + [{"type": "user", "name": "y"}] * 2
    text = refused_alike(lambda **mode: estate.run(listed, **mode))
    assert all(sentence in text for _each, sentence in WRONG)
    assert "The user y is listed more than once" in text


def test_who_is_gone_needs_no_policy(estate: Estate):
    assert estate.run([{"type": "user", "name": "nobody-of-this-name"}])["policies"] == []


def test_two_regions_with_the_same_identifiers_and_a_user_and_a_role_of_one_name(state: State, tasks: Tasks):
    """Each of the four has an account of its own, and logs in as that one and as no other, in its region only."""
    estate = Estate(state, tasks)
    places = [(kind, region) for kind in ("user", "role") for region in (state["region"], TWIN_REGION)]
    accounts = {place: f"{estate.name}_{number}".replace("-", "_") for number, place in enumerate(places)}
    tasks.users(cluster="orders", users=[{"name": name} for name in accounts.values()])
    for region in (state["region"], TWIN_REGION):
        listed = [
            {"type": kind, "name": estate.name, "accounts": [accounts[kind, region]]} for kind in ("user", "role")
        ]
        assert estate.run(listed, region=region)["changed"]
    for region in (state["region"], TWIN_REGION):
        listed = [
            {"type": kind, "name": estate.name, "accounts": [accounts[kind, region]]} for kind in ("user", "role")
        ]
        assert not estate.run(listed, region=region)["changed"]

    keys = {"user": estate.key(), "role": estate.session()}
    logins = {
        (kind, region, name)
        for (kind, region), name in product(places, accounts.values())
        if is_let_in({**state, "region": region}, name, keys[kind])
    }
    assert logins == {(*place, name) for place, name in accounts.items()}
    estate.run([{"type": "user", "name": estate.name}], region=TWIN_REGION)
    assert is_let_in(state, accounts["user", state["region"]], keys["user"]), "the other region's policy stays"
    tasks.users(cluster="orders", users=[{"name": name, "state": "absent"} for name in accounts.values()])


def is_let_in(state: State, user: str, principal: Principal) -> bool:
    try:
        return login(state, "orders", user, principal).startswith(user)
    except LoginRefused:
        return False

# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The join proved end to end: who the facts say may connect gets in with a real token, and nobody else does."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest

from tests.integration.tasks import Tasks
from tests.sandbox.clients import LoginRefused, Principal, State, aws_client, connect_statement, login

pytestmark = pytest.mark.direct("is about logins with a token")

NAMES = ("jane", "Jane", "svc_billing", "svc_orders", "o'hara.x")
Statement = dict[str, Any]


@dataclass(frozen=True)
class Estate:
    """
    accounts    as they are in the database
    principals  ARN → its keys
    """

    cluster: str
    accounts: list[str]
    principals: dict[str, Principal]


class Builder:
    """Makes IAM users and roles with policies, and forgets none."""

    def __init__(self, state: State, cluster: str, prefix: str) -> None:
        self._state, self._cluster, self._prefix = state, cluster, prefix
        self._iam = aws_client(state, "iam")
        self._undo: list[tuple[Any, dict[str, Any]]] = []
        self.principals: dict[str, Principal] = {}

    def do(self, operation: str, undo: str = "", **arguments: Any) -> Any:
        answer = getattr(self._iam, operation)(**arguments)
        if undo:
            kept = ("UserName", "GroupName", "RoleName", "PolicyName", "PolicyArn")
            self._undo.append((undo, {key: value for key, value in arguments.items() if key in kept}))
        return answer

    def undo(self) -> None:
        for operation, arguments in reversed(self._undo):
            getattr(self._iam, operation)(**arguments)

    def name(self, suffix: str) -> str:
        return f"{self._prefix}-{suffix}".replace("_", "-")

    def managed(self, suffix: str, *statements: Statement) -> str:
        answer = self.do("create_policy", PolicyName=self.name(suffix), PolicyDocument=document(*statements))
        arn: str = answer["Policy"]["Arn"]
        self._undo.append(("delete_policy", {"PolicyArn": arn}))
        return arn

    def group(self, suffix: str, *statements: Statement) -> str:
        name = self.name(suffix)
        self.do("create_group", "delete_group", GroupName=name)
        self._inline("group", "GroupName", name, statements)
        return name

    def user(self, suffix: str, *statements: Statement, group: str = "", attached: str = "") -> None:
        name = self.name(suffix)
        arn = self.do("create_user", "delete_user", UserName=name)["User"]["Arn"]
        self._inline("user", "UserName", name, statements)
        if group:
            self.do("add_user_to_group", "remove_user_from_group", UserName=name, GroupName=group)
        if attached:
            self.do("attach_user_policy", "detach_user_policy", UserName=name, PolicyArn=attached)
        key = self.do("create_access_key", UserName=name)["AccessKey"]
        self._undo.append(("delete_access_key", {"UserName": name, "AccessKeyId": key["AccessKeyId"]}))
        self.principals[arn] = Principal(key["AccessKeyId"], key["SecretAccessKey"])

    def role(self, suffix: str, *statements: Statement, boundary: str = "") -> None:
        name = self.name(suffix)
        trust = document({"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"})
        extra = {"PermissionsBoundary": boundary} if boundary else {}
        answer = self.do("create_role", "delete_role", RoleName=name, AssumeRolePolicyDocument=trust, **extra)
        arn = answer["Role"]["Arn"]
        self._inline("role", "RoleName", name, statements)
        keys = aws_client(self._state, "sts").assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
        self.principals[arn] = Principal(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])

    def _inline(self, kind: str, key: str, name: str, statements: tuple[Statement, ...]) -> None:
        for number, statement in enumerate(statements):
            named = {key: name, "PolicyName": f"p{number}"}
            self.do(f"put_{kind}_policy", f"delete_{kind}_policy", PolicyDocument=document(statement), **named)


def document(*statements: Statement) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def populate(build: Builder, state: State, cluster: str, account: str) -> None:
    """Principals of every kind whose policies say it in every way; and some at random."""

    def allow(name: str) -> Statement:
        return connect_statement(state, cluster, name)

    def deny(name: str) -> Statement:
        return connect_statement(state, cluster, name, "Deny")

    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    build.user("nothing")
    build.user("jane", allow(f"{account}jane"))
    build.user("services", allow(f"{account}svc_*"), deny(f"{account}svc_billing"))
    build.user("admin", everything, deny(f"{account}Jane"))
    build.user("star-action", {**everything, "Action": "rds-db:*"}, deny(f"{account}?ane"))
    build.user("question", allow(f"{account}?ane"))
    build.user("by-name", allow("${aws:username}"))  # there is an account with the user's name
    build.user("elsewhere", allow(f"{account}jane") | {"Resource": "arn:aws:rds-db:us-east-1:*:dbuser:*/*"})
    build.user("wrong-case", allow(f"{account}JANE"))
    without = {key: value for key, value in allow(f"{account}jane").items() if key != "Resource"}
    build.user("except", {**without, "NotResource": allow(f"{account}jane")["Resource"]})
    build.user("not-action", {"Effect": "Allow", "NotAction": "rds-db:connect", "Resource": "*"})
    build.user("grouped", deny(f"{account}jane"), group=build.group("readers", allow(f"{account}*")))
    build.user("attached", attached=build.managed("managed", allow(f"{account}svc_orders")))
    ceiling = build.managed("ceiling", allow(f"{account}svc_*"))
    build.role("bounded", allow(f"{account}*"), boundary=ceiling)
    build.role("plain", allow(f"{account}o'hara.x"))
    chance = random.Random(4711)  # noqa: S311 - nothing secret
    for number in range(6):
        patterns = [account + chance.choice(("*", "j*", "?ane", "svc_*", "*x", *NAMES)) for _pattern in range(3)]
        build.user(f"chance-{number}", *(chance.choice((allow, allow, deny))(pattern) for pattern in patterns))


@pytest.fixture(params=["orders", "ledger", "archive"])
def estate(request: pytest.FixtureRequest, state: State, tasks: Tasks, account: str) -> Iterator[Estate]:
    cluster = request.param
    accounts = [*(account + name for name in NAMES), f"{account}-by-name".replace("_", "-")]
    tasks.users(cluster=cluster, users=[{"name": name} for name in accounts])
    build = Builder(state, cluster, account)
    try:
        populate(build, state, cluster, account)
        yield Estate(cluster, accounts, build.principals)
    finally:
        build.undo()
        tasks.users(cluster=cluster, users=[{"name": name, "state": "absent"} for name in accounts])


def gets_in(state: State, cluster: str, account: str, principal: Principal) -> bool:
    try:
        return login(state, cluster, account, principal).partition("@")[0] == account
    except LoginRefused:
        return False


def test_the_facts_say_who_gets_in(estate: Estate, state: State, tasks: Tasks, account: str) -> None:
    facts = tasks.facts(cluster=estate.cluster, gather_subset=["authorization"], names=estate.accounts)
    assert facts["unseen"] == []
    outcomes = {
        (entry["principal"], name): entry["outcome"] for entry in facts["authorization"] for name in entry["accounts"]
    }
    pairs = list(itertools.product(estate.principals, estate.accounts))
    assert not {outcomes.get(pair, "denied") for pair in pairs} - {"allowed", "denied"}, "nothing here has conditions"
    said = {pair: outcomes.get(pair) == "allowed" for pair in pairs}
    with ThreadPoolExecutor(4) as pool:
        tried = pool.map(lambda pair: gets_in(state, estate.cluster, pair[1], estate.principals[pair[0]]), pairs)
        assert dict(zip(pairs, tried, strict=True)) == said
    assert 20 < sum(said.values()) < len(pairs) - 20, "the estate has both kinds of pairs"

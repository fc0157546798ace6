# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulator's answers, in the shapes that its API documents."""

from __future__ import annotations

from typing import Any

from ansible_collections.dbops.aurora_iam.plugins.module_utils._authorization.decide import (
    ALLOWED,
    CONDITIONAL,
    DENIED,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.simulation import simulate

JOE = "arn:aws:iam::123456789012:user/people/joe"
PREFIX = "arn:aws:rds-db:eu-central-1:123456789012:dbuser:cluster-ABC/"


class Iam:
    """Answers from the decisions it is given for each resource, two results a page, and notes what it was asked."""

    def __init__(self, **decisions: dict[str, Any]) -> None:
        self._decisions = decisions
        self.asked: list[dict[str, Any]] = []

    def simulate_principal_policy(self, **arguments: Any) -> dict[str, Any]:
        self.asked.append(arguments)
        start = int(arguments.get("Marker", 0))
        page = arguments["ResourceArns"][start : start + 2]
        results = [{"EvalResourceName": arn, **self._decisions[arn.removeprefix(PREFIX)]} for arn in page]
        more = start + 2 < len(arguments["ResourceArns"])
        return {"EvaluationResults": results, **({"IsTruncated": True, "Marker": str(start + 2)} if more else {})}


def decision(word: str, *policies: str, **more: Any) -> dict[str, Any]:
    return {"EvalDecision": word, "MatchedStatements": [{"SourcePolicyId": each} for each in policies], **more}


def test_every_kind_of_answer() -> None:
    iam = Iam(
        joe=decision("allowed", "connect"),
        silent=decision("allowed"),
        ann=decision("explicitDeny", "guard"),
        eve=decision("implicitDeny"),
        org=decision("explicitDeny", OrganizationsDecisionDetail={"AllowedByOrganizations": False}),
        edge=decision("implicitDeny", PermissionsBoundaryDecisionDetail={"AllowedByPermissionsBoundary": False}),
        mfa=decision("implicitDeny", MissingContextValues=["aws:MultiFactorAuthPresent"]),
    )
    names = ("joe", "silent", "ann", "eve", "org", "edge", "mfa")
    found = simulate(lambda _service: iam, [JOE], [PREFIX + name for name in names])
    described = {
        arn.removeprefix(PREFIX): [(each.outcome, each.describe()["policy"]) for each in verdicts]
        for arn, verdicts in found.items()
    }
    assert described == {
        "joe": [(ALLOWED, "policy connect of user joe")],
        "silent": [(ALLOWED, "policy (not named by the simulator) of user joe")],
        "ann": [(DENIED, "policy guard of user joe")],
        "eve": [],
        "org": [(DENIED, "policy (service control policy) of user joe")],
        "edge": [(DENIED, "policy (permissions boundary) of user joe")],
        "mfa": [(CONDITIONAL, "policy (not named by the simulator) of user joe")],
    }
    assert [asked.get("Marker") for asked in iam.asked] == [None, "2", "4", "6"]
    told = {entry["ContextKeyName"]: entry["ContextKeyValues"] for entry in iam.asked[0]["ContextEntries"]}
    assert told["aws:username"] == ["joe"]
    assert told["aws:RequestedRegion"] == ["eu-central-1"]


def test_one_answer_about_several_resources() -> None:
    specific = {"EvalResourceName": PREFIX + "joe", "EvalResourceDecision": "allowed", "MatchedStatements": []}

    class OneAnswer(Iam):
        def simulate_principal_policy(self, **_arguments: Any) -> dict[str, Any]:
            return {"EvaluationResults": [{**decision("implicitDeny"), "ResourceSpecificResults": [specific]}]}

    found = simulate(lambda _service: OneAnswer(), [JOE], [PREFIX + "joe", PREFIX + "ann"])
    assert {arn.removeprefix(PREFIX): len(verdicts) for arn, verdicts in found.items()} == {"joe": 1, "ann": 0}


def test_accounts_are_asked_about_in_hundreds() -> None:
    names = [f"account_{number}" for number in range(150)]
    iam = Iam(**{name: decision("allowed", "connect") for name in names})
    simulate(lambda _service: iam, [JOE], [PREFIX + name for name in names])
    assert {len(asked["ResourceArns"]) for asked in iam.asked} == {100, 50}

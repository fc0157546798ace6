# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Ask IAM's policy simulator who may connect, which knows service control policies too.

Its answers are advice: it does not know session policies and resource control policies, and makes no login.
https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.dbops.aurora_iam.plugins.module_utils._authorization.decide import (
    ALLOWED,
    CONDITIONAL,
    DENIED,
    Reason,
    Verdict,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._authorization.policies import ACTION, Policy
from ansible_collections.dbops.aurora_iam.plugins.module_utils._authorization.principals import (
    ROLE,
    USER,
    Principal,
    values_at_login,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.calls import Clients, call

_BATCH = 100
"""ARNs in one call"""

_CONTEXT = {
    "aws:PrincipalAccount": "string",
    "aws:PrincipalArn": "string",
    "aws:PrincipalType": "string",
    "aws:RequestedRegion": "string",
    "aws:SecureTransport": "boolean",
    "aws:username": "string",
}
"""What the simulator is told of the login, and the type of it"""

_SERVICE_CONTROL = "(service control policy)"
_BOUNDARY = "(permissions boundary)"
_UNNAMED = "(not named by the simulator)"


def simulate(clients: Clients, principal_arns: Sequence[str], connect_arns: Sequence[str]) -> dict[str, list[Verdict]]:
    """The simulator's verdicts, as :func:`decide` gives them in ``Authorization.verdicts``. Raises CloudError.

    One call for each principal and 100 accounts. Conditional is what depends on a key that the simulator was not told.
    """
    verdicts: dict[str, list[Verdict]] = {arn: [] for arn in connect_arns if arn}
    by_region: dict[str, list[str]] = {}
    for arn in verdicts:
        by_region.setdefault(arn.split(":")[3], []).append(arn)
    for principal_arn in principal_arns:
        for region, arns in by_region.items():
            for start in range(0, len(arns), _BATCH):
                for arn, result in _results(clients, principal_arn, region, arns[start : start + _BATCH]):
                    verdict = _verdict(principal_arn, result)
                    if verdict.reason:
                        verdicts[arn].append(verdict)
    return verdicts


def _results(
    clients: Clients, principal_arn: str, region: str, arns: Sequence[str]
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    more: dict[str, Any] = {}
    while True:
        page = call(
            clients,
            "simulate_principal_policy",
            "iam:SimulatePrincipalPolicy",
            principal_arn,
            missing={"NoSuchEntity": f"There is no {principal_arn}; check the name of the user or role."},
            PolicySourceArn=principal_arn,
            ActionNames=[ACTION],
            ResourceArns=list(arns),
            ContextEntries=_context(principal_arn, region),
            **more,
        )
        for result in page["EvaluationResults"]:
            yield from _by_resource(result)
        if not page.get("IsTruncated"):
            return
        more = {"Marker": page["Marker"]}


def _by_resource(result: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """A result for each resource, of an answer that is about one, or about several."""
    for specific in result.get("ResourceSpecificResults", []):
        yield specific["EvalResourceName"], {**result, **specific, "EvalDecision": specific["EvalResourceDecision"]}
    if not result.get("ResourceSpecificResults"):
        yield result["EvalResourceName"], result


def _context(principal_arn: str, region: str) -> list[dict[str, Any]]:
    kind, _slash, path = principal_arn.split(":", 5)[5].partition("/")
    principal = Principal(principal_arn, USER if kind == USER else ROLE, path.split("/")[-1], "", ())
    values = values_at_login(principal, region)
    known = {key: values(key.lower()) for key in _CONTEXT}
    return [
        {"ContextKeyName": key, "ContextKeyValues": [value], "ContextKeyType": _CONTEXT[key]}
        for key, value in known.items()
        if isinstance(value, str)
    ]


def _verdict(principal_arn: str, result: Mapping[str, Any]) -> Verdict:
    """Without a reason where nothing allows."""
    allowed = result["EvalDecision"] == "allowed"
    if not allowed and not result.get("OrganizationsDecisionDetail", {}).get("AllowedByOrganizations", True):
        return Verdict(principal_arn, DENIED, _reason(_SERVICE_CONTROL, principal_arn))
    if not allowed and not result.get("PermissionsBoundaryDecisionDetail", {}).get(
        "AllowedByPermissionsBoundary", True
    ):
        return Verdict(principal_arn, DENIED, _reason(_BOUNDARY, principal_arn))
    matched = [statement["SourcePolicyId"] for statement in result.get("MatchedStatements", [])]
    policy = matched[0] if matched else _UNNAMED
    missing = tuple(result.get("MissingContextValues", []))
    if missing:
        return Verdict(principal_arn, CONDITIONAL, _reason(policy, principal_arn, missing))
    if allowed:
        return Verdict(principal_arn, ALLOWED, _reason(policy, principal_arn))
    return Verdict(principal_arn, DENIED, _reason(policy, principal_arn) if matched else None)


def _reason(policy: str, principal_arn: str, keys: tuple[str, ...] = ()) -> Reason:
    return Reason(Policy(policy, policy, principal_arn, ()), "", keys)

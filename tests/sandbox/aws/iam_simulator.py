# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""IAM's policy simulator, which moto lacks, on the sandbox's own judgement of policies. No organization, so no SCPs.

https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from moto.core.responses import ActionResult
from moto.iam.exceptions import NotFoundException
from moto.iam.responses import IamResponse

from tests.sandbox.aws.identities import find_principal
from tests.sandbox.aws.policy import Decision, evaluate
from tests.sandbox.login.verifier import Principal

_VARIABLE = re.compile(r"\$\{([\w:/-]+)")


def install() -> None:
    """Lets moto's IAM answer SimulatePrincipalPolicy."""
    IamResponse.simulate_principal_policy = _simulate_principal_policy


def _simulate_principal_policy(self: IamResponse) -> ActionResult:
    arn = self._get_param("PolicySourceArn")
    principal = find_principal(arn)
    if principal is None:
        raise NotFoundException(f"The entity {arn} cannot be found.")
    context = {
        entry["ContextKeyName"].lower(): entry["ContextKeyValues"][0] for entry in self._get_param("ContextEntries", [])
    }
    results = [
        _result(principal, action, resource, context)
        for action in self._get_param("ActionNames", [])
        for resource in self._get_param("ResourceArns", ["*"])
    ]
    return ActionResult({"EvaluationResults": results, "IsTruncated": False})


def _result(principal: Principal, action: str, resource: str, context: dict[str, str]) -> dict[str, Any]:
    identity = evaluate(principal.policies, action, resource, context)
    ceilings = [evaluate([text], action, resource, context) for text in principal.ceilings.values()]
    decisions = [identity, *ceilings]
    decision = next((each for each in decisions if each is Decision.EXPLICIT_DENY), Decision.IMPLICIT_DENY)
    if all(each is Decision.ALLOWED for each in decisions):
        decision = Decision.ALLOWED
    texts = [*principal.policies, *principal.ceilings.values()]
    matched = [
        {"SourcePolicyId": f"PolicyInputList.{number}", "SourcePolicyType": "IAM Policy"}
        for number, text in enumerate(principal.policies, start=1)
        if evaluate([text], action, resource, context) is decision is not Decision.IMPLICIT_DENY
    ]
    bounded = {"AllowedByPermissionsBoundary": ceilings[0] is Decision.ALLOWED} if ceilings else {}
    return {
        "EvalActionName": action,
        "EvalResourceName": resource,
        "EvalDecision": decision.value,
        "MatchedStatements": matched,
        "MissingContextValues": sorted(_keys(texts) - set(context)),
        **({"PermissionsBoundaryDecisionDetail": bounded} if bounded else {}),
    }


def _keys(documents: Iterable[str]) -> set[str]:
    """The condition keys and variables that the documents name, in lower case."""
    named: set[str] = set()
    for text in documents:
        named.update(key.lower() for key in _VARIABLE.findall(text))
        statements = json.loads(text).get("Statement", [])
        for statement in statements if isinstance(statements, list) else [statements]:
            named.update(key.lower() for clauses in statement.get("Condition", {}).values() for key in clauses)
    return named

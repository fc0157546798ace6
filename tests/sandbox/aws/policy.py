# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What IAM policy documents say about one action on one resource.

moto's own evaluation does not serve here: it lets a statement with NotResource or without Resource through, treats an
unmet Condition as a denial, knows no ``?`` and reads the dots of a pattern as regular expressions.
The rules: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any

from tests.sandbox.aws.policy_conditions import holds
from tests.sandbox.aws.policy_patterns import matches


class Decision(Enum):
    """The names are those of IAM's policy simulator."""

    ALLOWED = "allowed"
    EXPLICIT_DENY = "explicitDeny"
    IMPLICIT_DENY = "implicitDeny"


def evaluate(documents: Iterable[str], action: str, resource: str, context: Mapping[str, str]) -> Decision:
    """The joint decision of policy documents (JSON texts); an explicit Deny in any of them wins.

    ``context`` maps lower-case condition keys to values. Raises ValueError for a text that is not JSON.
    """
    decision = Decision.IMPLICIT_DENY
    for document in documents:
        policy = json.loads(document)
        variables = context if policy.get("Version") == "2012-10-17" else None
        for statement in _listed(policy.get("Statement", [])):
            if not _covers(statement, action, resource, variables):
                continue
            denies = statement["Effect"] == "Deny"
            if not holds(statement.get("Condition", {}), context, otherwise=denies):
                continue
            if denies:
                return Decision.EXPLICIT_DENY
            decision = Decision.ALLOWED
    return decision


def _covers(statement: Mapping[str, Any], action: str, resource: str, variables: Mapping[str, str] | None) -> bool:
    """Whether a statement speaks of the action (in any case) on the resource (case-sensitive, as account names are)."""

    def is_action(pattern: str) -> bool:
        return matches(pattern, action, ignore_case=True)

    def is_resource(pattern: str) -> bool:
        return matches(pattern, resource, arn=True, variables=variables)

    if "NotAction" in statement:
        action_covered = not any(map(is_action, _listed(statement["NotAction"])))
    else:
        action_covered = any(map(is_action, _listed(statement.get("Action", []))))
    if "NotResource" in statement:
        return action_covered and not any(map(is_resource, _listed(statement["NotResource"])))
    return action_covered and any(map(is_resource, _listed(statement.get("Resource", []))))


def _listed(value: Any) -> list[Any]:
    """JSON policies write a single element without its list."""
    return value if isinstance(value, list) else [value]

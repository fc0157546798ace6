# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Principals with policies, for the tests of what these allow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ansible_collections.dbops.aurora_iam.plugins.module_utils._authorization.decide import Verdict, decide
from ansible_collections.dbops.aurora_iam.plugins.module_utils._authorization.policies import Policy, read_statements
from ansible_collections.dbops.aurora_iam.plugins.module_utils._authorization.principals import ROLE, USER, Principal

ACCOUNT_ID, REGION = "123456789012", "eu-central-1"
PREFIX = f"arn:aws:rds-db:{REGION}:{ACCOUNT_ID}:dbuser:cluster-ABC/"
JOE = PREFIX + "joe"


def document(*statements: dict[str, Any], version: str = "2012-10-17") -> dict[str, Any]:
    return {"Version": version, "Statement": list(statements)}


def statement(
    effect: str = "Allow", resource: Any = "*", action: Any = "rds-db:connect", **more: Any
) -> dict[str, Any]:
    return {"Effect": effect, "Action": action, "Resource": resource, **more}


def policy(content: dict[str, Any], name: str = "connect", holder: str = "user/joe") -> Policy:
    return Policy(name, "", f"arn:aws:iam::{ACCOUNT_ID}:{holder}", read_statements(content))


def user(*documents: dict[str, Any], name: str = "joe", **more: Any) -> Principal:
    return _principal(USER, "AIDAJOE", "user/joe", documents, name, **more)


def role(*documents: dict[str, Any], name: str = "joe", **more: Any) -> Principal:
    return _principal(ROLE, "AROAJOE", f"role/{name}", documents, name, **more)


def _principal(
    kind: str,
    number: str,
    holder: str,
    documents: Sequence[dict[str, Any]],
    name: str,
    boundary: dict[str, Any] | None = None,
    **more: Any,
) -> Principal:
    return Principal(
        arn=f"arn:aws:iam::{ACCOUNT_ID}:{kind}/{name}",
        kind=kind,
        name=name,
        id=number,
        policies=tuple(policy(each, holder=holder) for each in documents),
        boundary=None if boundary is None else policy(boundary, "boundary"),
        **more,
    )


def verdict(principal: Principal, arn: str = JOE, now: float | None = None) -> Verdict:
    return decide([principal], [arn], now).verdict(principal.arn, arn)


def outcome(principal: Principal, arn: str = JOE, now: float | None = None) -> str:
    return verdict(principal, arn, now).outcome

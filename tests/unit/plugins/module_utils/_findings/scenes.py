# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A database in which nothing is wrong, and the ways to change it."""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from typing import Any

from ansible_collections.dbops.aurora_iam.plugins.module_utils._authorization.access import Simulate, judge
from ansible_collections.dbops.aurora_iam.plugins.module_utils._authorization.policies import Policy, read_statements
from ansible_collections.dbops.aurora_iam.plugins.module_utils._authorization.principals import USER, Principal
from ansible_collections.dbops.aurora_iam.plugins.module_utils._findings.estate import Estate
from ansible_collections.dbops.aurora_iam.plugins.module_utils._findings.find import find
from ansible_collections.dbops.aurora_iam.plugins.module_utils._login import Endpoint
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import (
    IAM,
    Account,
    AccountName,
    Capabilities,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._survey import Defect, Exposure, Survey, SurveyedAccount

MYSQL = Capabilities(hosts=True, tls_requirement=True, port=3306, longest_name=32)
POSTGRESQL = Capabilities(hosts=False, tls_requirement=False, port=5432, longest_name=63, names_in_bytes=True)
ID = "cluster-ABCDEFGHIJKL0123456789MNOP"
OTHER_ID = "cluster-ZYXWVUTSRQPO9876543210NMLK"
NOW = float(calendar.timegm((2026, 6, 1, 0, 0, 0)))
ARN = "arn:aws:rds-db:eu-central-1:123456789012:dbuser"


def endpoint(**changes: Any) -> Endpoint:
    return Endpoint(
        **{
            "title": "cluster orders",
            "engine": "aurora-mysql",
            "host": "orders.cluster-x.eu-central-1.rds.amazonaws.com",
            "port": 3306,
            "resource_id": ID,
            "arn": "arn:aws:rds:eu-central-1:123456789012:cluster:orders",
            "iam_auth": True,
            "identifier": "orders",
            "members": ("orders-1",),
            **changes,
        }
    )


def account(name: str = "jane", *, authentication: str = IAM, tls: str = "ANY", **rest: Any) -> SurveyedAccount:
    locked = rest.pop("locked", False)
    state = Account(AccountName(name, "%"), authentication=authentication, tls=tls, locked=locked)
    return SurveyedAccount(state, can_log_in=not locked, **rest)


def estate(
    *accounts: SurveyedAccount,
    principals: Sequence[Principal] | None = None,
    defects: tuple[Defect, ...] = (),
    exposures: tuple[Exposure, ...] = (),
    capabilities: Capabilities = MYSQL,
    behind: Endpoint | None = None,
    simulate: Simulate | None = None,
    **changes: Any,
) -> Estate:
    """``changes`` are of the endpoint. Jane's account is there if none is given, and whom it is for may connect."""
    asked, there = endpoint(**changes), tuple(accounts) or (account(),)
    names = {item.name.name for item in there if item.account.authentication == IAM} - {""}
    found = [RIGHT] if principals is None else principals
    known = bool(asked.connect_resource("x"))
    databases = [asked, *([behind] if behind else [])]
    return Estate(
        asked,
        Survey(
            AccountName("admin", "%"),
            there,
            defects=defects,
            exposures=exposures,
            counted_for=40 * 86400 + 7,
        ),
        capabilities,
        {"cluster": "orders"},
        judge(found, databases, names, NOW, simulate) if known else None,
    )


def holder(*statements: dict[str, Any], kind: str = USER, name: str = "jane", **more: Any) -> Principal:
    """A user or role that has these statements; ``version`` is the policy's."""
    arn = f"arn:aws:iam::123456789012:{kind}/{name}"
    document = {"Version": more.pop("version", "2012-10-17"), "Statement": list(statements)}
    policies = (Policy("connect", "", arn, read_statements(document)),)
    return Principal(arn, kind, name, f"{name.upper()}ID", policies, **more)


def allow(*resources: str, action: Any = "rds-db:connect", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": list(resources), **more}


def policy(*resources: str, **more: Any) -> list[Principal]:
    """A user with the policy, beside another one who may connect as Jane."""
    return [RIGHT, holder(allow(*resources, **more), name="joe")]


RIGHT = holder(allow(f"{ARN}:{ID}/jane"))


def codes(of: Estate) -> list[str]:
    return [finding.code for finding in find(of)]

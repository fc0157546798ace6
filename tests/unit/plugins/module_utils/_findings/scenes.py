# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A database in which nothing is wrong, and the ways to change it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from ansible_collections.dbops.aurora_iam.plugins.module_utils._authorization.policies import (
    ConnectStatement,
    Policy,
    read_statements,
)
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
    statements: list[ConnectStatement] | None = None,
    connectable: Collection[str] | None = ("jane",),
    allowed: Collection[str] | None = None,
    defects: tuple[Defect, ...] = (),
    exposures: tuple[Exposure, ...] = (),
    capabilities: Capabilities = MYSQL,
    **changes: Any,
) -> Estate:
    """``changes`` are of the endpoint. Jane's account is there if none is given."""
    return Estate(
        endpoint(**changes),
        Survey(
            AccountName("admin", "%"),
            tuple(accounts) or (account(),),
            defects=defects,
            exposures=exposures,
            counted_for=3 * 86400 + 7,
        ),
        capabilities,
        {"cluster": "orders"},
        statements,
        connectable,
        allowed,
    )


def policy(*resources: str, effect: str = "Allow", arn: str = "", **statement: Any) -> list[ConnectStatement]:
    document = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": effect, "Action": "rds-db:connect", "Resource": list(resources), **statement}],
    }
    holder = "arn:aws:iam::123456789012:user/jane"
    found = Policy("connect", arn, holder, read_statements(document))
    return [ConnectStatement(found, item, (holder,)) for item in found.statements]


def codes(of: Estate) -> list[str]:
    return [finding.code for finding in find(of)]

# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.dbops.aurora_iam.plugins.module_utils._authorization.revocation import revoke

DATABASE = "arn:aws:rds-db:eu-central-1:123456789012:dbuser:cluster-ORDERS/"
OTHER = "arn:aws:rds-db:eu-central-1:123456789012:dbuser:cluster-LEDGER/"
JANE, ANN = DATABASE + "jane", DATABASE + "ann"


def allow(*resources: str, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": "rds-db:connect", "Resource": list(resources), **more}


def policy(*statements: Any) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Id": "x", "Statement": list(statements)}


MFA = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
KEPT: list[tuple[Any, Any]] = [
    (policy(allow(ANN, JANE)), policy(allow(ANN))),
    (policy(allow(JANE)), {}),
    (policy({**allow(), "Resource": JANE}), {}),
    (policy(allow(JANE), allow(ANN, Sid="ann", Condition=MFA)), policy(allow(ANN, Sid="ann", Condition=MFA))),
    ({**policy(), "Statement": allow(ANN, JANE)}, policy(allow(ANN))),
]


@pytest.mark.parametrize(("document", "left"), KEPT)
def test_what_is_left_says_nothing_new(document: Any, left: Any) -> None:
    found = revoke(document, DATABASE, {JANE})
    assert (found.named, found.document, found.is_own) == ((JANE,), left, True)


@pytest.mark.parametrize("document", [policy(allow(ANN)), policy(), policy(allow(DATABASE + "*"))])
def test_a_policy_that_does_not_name_the_account_is_not_about_it(document: Any) -> None:
    assert revoke(document, DATABASE, {JANE}).named == ()


FOREIGN = [
    policy(allow(JANE, OTHER + "jane")),
    policy(allow(JANE), allow(OTHER + "ann")),
    policy(allow(JANE, "*")),
    policy(allow(JANE), {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}),
    policy(allow(JANE, Action=["rds-db:connect", "s3:GetObject"])),
    policy(allow(JANE), {**allow(ANN), "Effect": "Deny"}),
    policy(allow(JANE), {"Effect": "Allow", "Action": "rds-db:connect", "NotResource": ANN}),
]


@pytest.mark.parametrize("document", FOREIGN)
def test_a_policy_about_anything_else_is_not_own(document: Any) -> None:
    found = revoke(document, DATABASE, {JANE})
    assert (found.named, found.is_own) == ((JANE,), False)

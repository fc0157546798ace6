# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How fast it is. The bound is several times of what a slow machine takes."""

from __future__ import annotations

import time
from typing import Any

from ansible_collections.dbops.aurora_iam.plugins.module_utils._authorization.decide import decide
from ansible_collections.dbops.aurora_iam.plugins.module_utils._authorization.policies import Policy, read_statements
from ansible_collections.dbops.aurora_iam.plugins.module_utils._authorization.principals import Principal

from .scenes import ACCOUNT_ID, PREFIX, document, statement

ACCOUNTS, PRINCIPALS = 1000, 300
SECONDS = 2.0


def documents(number: int) -> list[dict[str, Any]]:
    """Five policies of the kinds that there are, none like another principal's."""
    named = [f"{PREFIX}account_{(number * 7 + step) % ACCOUNTS:04d}" for step in range(20)]
    return [
        document(statement(resource=named)),
        document(statement(resource=f"{PREFIX}account_{number % 100:02d}*")),
        document(statement(resource=f"arn:aws:rds-db:*:*:dbuser:*/*_{number}")),
        document(statement(resource=PREFIX + "${aws:username}")),
        document(statement("Deny", f"{PREFIX}account_9??{number % 10}", Condition={"Null": {"aws:username": "true"}})),
    ]


def test_a_thousand_accounts_and_three_hundred_principals() -> None:
    arns = [f"{PREFIX}account_{number:04d}" for number in range(ACCOUNTS)]
    started = time.process_time()
    principals = []
    for number in range(PRINCIPALS):
        arn = f"arn:aws:iam::{ACCOUNT_ID}:user/account_{number:04d}"
        policies = [Policy("p", "", arn, read_statements(each)) for each in documents(number)]
        principals.append(Principal(arn, "user", f"account_{number:04d}", f"AIDA{number}", tuple(policies)))
    authorization = decide(principals, arns)
    assert time.process_time() - started < SECONDS
    assert sum(len(verdicts) for verdicts in authorization.verdicts.values()) > PRINCIPALS * 20

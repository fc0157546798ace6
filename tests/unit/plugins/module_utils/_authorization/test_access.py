# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may connect to one database, by account and by statement."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.dbops.aurora_iam.plugins.module_utils._authorization.access import Access, Simulate, judge
from ansible_collections.dbops.aurora_iam.plugins.module_utils._authorization.decide import ALLOWED, DENIED, Verdict
from ansible_collections.dbops.aurora_iam.plugins.module_utils._authorization.principals import Principal
from ansible_collections.dbops.aurora_iam.plugins.module_utils._login import Endpoint

from .scenes import ACCOUNT_ID, JOE, PREFIX, REGION, document, policy, role, statement, user

CLUSTER = Endpoint(
    "cluster orders", "aurora-mysql", "h", 3306, "cluster-ABC", f"arn:aws:rds:{REGION}:{ACCOUNT_ID}:cluster:orders"
)
PROXY = Endpoint("proxy web", "mysql", "p", 3306, "prx-1", f"arn:aws:rds:{REGION}:{ACCOUNT_ID}:db-proxy:prx-1")
EVERYTHING = document(statement(action="*"))


def access(*principals: Principal, databases: tuple[Endpoint, ...] = (CLUSTER,), **more: Any) -> Access:
    return judge(principals, databases, ["joe", "ann"], **more)


def test_a_statement_is_one_for_all_who_have_it() -> None:
    shared = policy(document(statement(), statement(action="s3:*"), statement("Deny", JOE)), holder="group/dba")
    joe, ann = (
        type(each)(each.arn, each.kind, each.name, each.id, (shared,)) for each in (user(name="joe"), user(name="ann"))
    )
    (use,) = access(joe, ann).uses
    assert use.title == "inline policy connect of group dba, statement 1"
    assert use.principals == (joe, ann)
    assert JOE in use.covers - use.effective, "the Deny wins"
    assert PREFIX + "ann" in use.effective


def test_who_may_as_everybody_does_not_count() -> None:
    administrator = user(EVERYTHING, name="boss")
    assert access(administrator).allowed == {"joe", "ann"}
    assert access(administrator).connectable == frozenset()
    assert access(administrator, user(document(statement(resource=JOE)))).connectable == {"joe"}


def test_a_statement_of_its_own_counts_for_an_administrator_too() -> None:
    """Whatever statement comes first, and so is the verdict's reason."""
    assert access(user(EVERYTHING, document(statement(resource=JOE)))).connectable == {"joe"}


@pytest.mark.parametrize(
    ("allowing", "everywhere"),
    [
        (statement(), True),
        ({"Effect": "Allow", "Action": "rds-db:connect", "NotResource": JOE}, True),
        (statement(resource="arn:aws:rds-db:*:*:dbuser:*/*"), True),
        (statement(Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}}), True),
        (statement(resource=PREFIX + "*"), False),
        # What a variable stands for is somebody, and not everybody
        (statement(resource="arn:aws:rds-db:*:*:dbuser:*/${aws:SourceIdentity}"), False),
    ],
)
def test_a_statement_for_every_database(allowing: dict[str, Any], everywhere: bool) -> None:
    found = access(role(document(allowing)))
    assert [found.is_everywhere(use) for use in found.uses] == [everywhere]


def test_behind_a_proxy_the_accounts_are_judged_by_both() -> None:
    direct, through = (
        document(statement(resource=JOE)),
        document(statement(resource=f"arn:aws:rds-db:*:*:dbuser:{'prx-1'}/ann")),
    )
    both = access(user(direct, name="joe"), user(through, name="ann"), databases=(PROXY, CLUSTER))
    assert both.connectable == {"joe", "ann"}
    assert access(user(direct), databases=(PROXY,)).connectable == frozenset()


def test_the_simulator_decides_where_it_is_asked() -> None:
    joe = user(document(statement(resource=[JOE, PREFIX + "ann"])))

    def simulated(principals: Any, arns: Any) -> dict[str, list[Verdict]]:
        return {arn: [Verdict(joe.arn, DENIED if arn == JOE else ALLOWED) for _each in principals] for arn in arns}

    asker: Simulate = simulated
    found = access(joe, simulate=asker)
    (use,) = found.uses
    assert (found.connectable, use.covers & set(found.arns)) == ({"ann"}, {JOE, PREFIX + "ann"})

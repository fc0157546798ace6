# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Which principal may connect as which account, by their IAM policies.

:func:`decide` is pure. It judges by identity policies and permissions boundaries. Service control policies, session
policies and the AWS account's root user are not in what it is given.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.dbops.aurora_iam.plugins.module_utils._authorization.coverage import (
    Accounts,
    Effect,
    positions,
    union,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._authorization.policies import Policy
from ansible_collections.dbops.aurora_iam.plugins.module_utils._authorization.principals import Principal

ALLOWED, DENIED, CONDITIONAL = "allowed", "denied", "conditional"


@dataclass(frozen=True)
class Reason:
    """What decides.

    statement  its label; empty for a permissions boundary that allows nothing here
    keys       of a conditional verdict: the condition keys and variables on which it depends
    """

    policy: Policy
    statement: str
    keys: tuple[str, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """About one principal; the same object for all accounts for which the same statement decides.

    outcome  ALLOWED, DENIED or CONDITIONAL
    reason   None where nothing was said: no statement allows, or none was named
    """

    principal_arn: str
    outcome: str
    reason: Reason | None = None

    def describe(self) -> dict[str, Any]:
        """As results show it: principal, outcome, policy, statement, depends_on."""
        return {
            "principal": self.principal_arn,
            "outcome": self.outcome,
            "policy": self.reason.policy.title if self.reason else "",
            "statement": self.reason.statement if self.reason else "",
            "depends_on": list(self.reason.keys) if self.reason else [],
        }


Runs = Sequence[tuple[int, Verdict]]
"""Verdicts on one principal, each with the set of accounts that it is about. No two sets overlap."""


@dataclass(frozen=True)
class Authorization:
    """The verdicts on all pairs of principals and accounts.

    verdicts  connect ARN → verdicts on the principals whom some Allow reaches, surely or perhaps, in their order.
              Nobody else may connect.
    allows    what each Allow says of each principal, by the principal's ARN
    """

    verdicts: Mapping[str, Sequence[Verdict]]
    allows: Mapping[str, Sequence[Effect]]
    _bits: Mapping[str, int]
    _runs: Mapping[str, Runs]

    def may_connect(self, connect_arn: str) -> list[Verdict]:
        """Who is allowed to, for sure or on a condition. Raises KeyError for an ARN that was not asked about."""
        return [verdict for verdict in self.verdicts[connect_arn] if verdict.outcome != DENIED]

    def verdict(self, principal_arn: str, connect_arn: str) -> Verdict:
        """On one pair. Raises KeyError for one that was not asked about."""
        bit = self._bits[connect_arn]
        found = (verdict for accounts, verdict in self._runs[principal_arn] if accounts & bit)
        return next(found, Verdict(principal_arn, DENIED))


def decide(principals: Iterable[Principal], connect_arns: Iterable[str], now: float | None = None) -> Authorization:
    """Judge every principal on every account. Empty ARNs are left out.

    now  the logins come at this moment or later, in seconds since 1970; None where dates are left open
    """
    accounts = Accounts(connect_arns, now)
    verdicts: dict[str, list[Verdict]] = {arn: [] for arn in accounts.bits}
    by_position = list(verdicts.values())
    runs: dict[str, Runs] = {}
    allows: dict[str, Sequence[Effect]] = {}
    for principal in principals:
        judgement = _judge(principal, accounts)
        runs[principal.arn], allows[principal.arn] = judgement.runs, judgement.allows
        for covered, verdict in judgement.runs:
            for position in positions(covered & judgement.reached):
                by_position[position].append(verdict)
    return Authorization(verdicts, allows, accounts.bits, runs)


class _Judgement:
    """The verdicts on one principal. What is left at the end is denied for want of an Allow.

    allows   what its Allows say
    reached  the accounts that one of them covers, surely or perhaps
    """

    def __init__(self, principal_arn: str, allows: Sequence[Effect]) -> None:
        self._principal_arn = principal_arn
        self._taken = 0
        self.allows = allows
        self.reached = _union(allows)
        self.runs: list[tuple[int, Verdict]] = []

    def take(self, outcome: str, accounts: int, reason: Reason) -> None:
        """Decide for those of the accounts that are not decided yet."""
        covered = accounts & ~self._taken
        if covered:
            self._taken |= covered
            self.runs.append((covered, Verdict(self._principal_arn, outcome, reason)))

    def take_sure(self, outcome: str, effects: Iterable[Effect]) -> None:
        for effect in effects:
            self.take(outcome, effect.sure, Reason(effect.policy, effect.label))

    def take_conditional(self, effects: Iterable[Effect], accounts: int) -> None:
        """Where one of the effects depends on a condition, so does the outcome."""
        for effect in effects:
            self.take(CONDITIONAL, accounts & effect.perhaps, Reason(effect.policy, effect.label, effect.keys))


def _judge(principal: Principal, accounts: Accounts) -> _Judgement:
    """The order of the steps is the rule: an explicit Deny, the boundary, then what is not sure, then the Allows."""
    identity = accounts.effects(principal, principal.policies)
    boundary = accounts.effects(principal, [principal.boundary] if principal.boundary else [])
    denies = [effect for effect in (*identity, *boundary) if effect.denies]
    allows = [effect for effect in identity if not effect.denies]
    ceiling = [effect for effect in boundary if not effect.denies]
    judgement = _Judgement(principal.arn, allows)
    judgement.take_sure(DENIED, denies)
    if principal.boundary:
        judgement.take(DENIED, judgement.reached & ~_union(ceiling), Reason(principal.boundary, ""))
    judgement.take_conditional(denies, judgement.reached)
    certain = union(effect.sure for effect in ceiling)
    judgement.take_conditional(ceiling, judgement.reached & ~certain)
    judgement.take_sure(ALLOWED, allows)
    judgement.take_conditional(allows, judgement.reached)
    return judgement


def _union(effects: Iterable[Effect]) -> int:
    return union(effect.sure | effect.perhaps for effect in effects)

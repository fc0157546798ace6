# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Which accounts a statement covers.

A set of accounts is an integer with a bit for each, so that a thousand accounts cost an operation little more than one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from ansible_collections.dbops.aurora_iam.plugins.module_utils._authorization.conditions import holds
from ansible_collections.dbops.aurora_iam.plugins.module_utils._authorization.patterns import (
    Glob,
    Values,
    matcher,
    plain_glob,
    resolve,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._authorization.policies import Policy, Statement
from ansible_collections.dbops.aurora_iam.plugins.module_utils._authorization.principals import (
    Principal,
    values_at_login,
)

UNREAD = "the policy's text, which AWS did not return"
STAR = "whether * reaches beyond the colon, which IAM's documents leave open"


@dataclass(frozen=True)
class Effect:
    """What a statement says of a principal.

    statement  None for a policy whose text AWS did not return
    sure       the accounts that it covers
    perhaps    those that it covers or not, depending on ``keys``
    open       of these, those of which even the resource is not known, for a variable or the text
    """

    policy: Policy
    statement: Statement | None
    denies: bool
    sure: int
    perhaps: int = 0
    keys: tuple[str, ...] = ()
    open: int = 0

    @property
    def label(self) -> str:
        return self.statement.label if self.statement else ""


class _Coverage(NamedTuple):
    """As in an Effect."""

    sure: int
    perhaps: int
    keys: tuple[str, ...]
    open: int


class Accounts:
    """The accounts that are asked about.

    bits  connect ARN → its bit
    """

    def __init__(self, connect_arns: Iterable[str], now: float | None = None) -> None:
        """``now``: the logins to judge come at this moment or later; None where dates are left open."""
        self._now = now
        self.bits = {arn: 1 << position for position, arn in enumerate(dict.fromkeys(filter(None, connect_arns)))}
        self._arns = list(self.bits)
        self._all = (1 << len(self.bits)) - 1
        self._matching: dict[Glob, int] = {}
        self._same_for_all: dict[Statement, _Coverage] = {}
        self._regions: dict[tuple[str, str], dict[str, int]] = {}
        for arn, bit in self.bits.items():
            _arn, partition, _service, region, owner = arn.split(":", 5)[:5]
            regions = self._regions.setdefault((partition, owner), {})
            regions[region] = regions.get(region, 0) | bit

    def arns(self, accounts: int) -> frozenset[str]:
        """The connect ARNs of a set of accounts."""
        return frozenset(self._arns[position] for position in positions(accounts))

    def effects(self, principal: Principal, policies: Iterable[Policy]) -> list[Effect]:
        """What the statements of the policies say of the principal.

        Only accounts in its own AWS account: no policy lets it connect to the databases of another one.
        """
        regions = self._regions.get((principal.partition, principal.account), {})
        own = sum(regions.values())
        by_region = [(values_at_login(principal, region, self._now), accounts) for region, accounts in regions.items()]
        effects = []
        for policy in policies:
            if policy.unread:
                effects += [Effect(policy, None, denies, 0, own, (UNREAD,), own) for denies in (True, False)]
            effects += [
                Effect(policy, statement, statement.denies, each.sure & own, each.perhaps & own, each.keys, each.open)
                for statement in policy.statements
                if statement.connects
                for each in self._covered_by(statement, by_region)
            ]
        return effects

    def _covered_by(self, statement: Statement, by_region: Iterable[tuple[Values, int]]) -> Iterator[_Coverage]:
        if statement.same_for_all:
            if statement not in self._same_for_all:
                self._same_for_all[statement] = self._coverage(statement, None)
            yield self._same_for_all[statement]
            return
        for values, accounts in by_region:
            truth, keys = holds(statement, values)
            if truth is False:
                continue
            sure, perhaps, variables, unknown = self._coverage(statement, values)
            if truth is None:
                sure, perhaps = 0, sure | perhaps
            yield _Coverage(sure & accounts, perhaps & accounts, (*keys, *variables), unknown & accounts)

    def _coverage(self, statement: Statement, values: Values | None) -> _Coverage:
        """The accounts that the statement's resources cover."""
        sure = perhaps = unknown = 0
        keys: dict[str, None] = {}
        for pattern in statement.resources:
            glob = resolve(pattern, values) if values and statement.variables else plain_glob(pattern)
            if glob is None:
                continue
            matching = self._matching_accounts(glob)
            if glob.keys:
                unknown |= matching
                keys.update(dict.fromkeys(glob.keys if matching else ()))
            else:
                sure |= matching
            wider = 0 if glob.wider is None else self._matching_accounts(glob.wider) & ~matching
            perhaps |= wider
            keys.update(dict.fromkeys((STAR,) if wider else ()))
        perhaps = (perhaps | unknown) & ~sure
        if statement.excludes:
            sure = self._all & ~(sure | perhaps)
        return _Coverage(sure, perhaps, tuple(keys), unknown & perhaps)

    def _matching_accounts(self, glob: Glob) -> int:
        if glob.literal:
            return self.bits.get(glob.head, 0)
        if glob not in self._matching:
            matches = matcher(glob)
            self._matching[glob] = sum(bit for arn, bit in self.bits.items() if matches(arn))
        return self._matching[glob]


def union(sets: Iterable[int]) -> int:
    accounts = 0
    for each in sets:
        accounts |= each
    return accounts


def positions(accounts: int) -> Iterator[int]:
    """The positions of the accounts in a set, in order."""
    while accounts:
        lowest = accounts & -accounts
        yield lowest.bit_length() - 1
        accounts ^= lowest

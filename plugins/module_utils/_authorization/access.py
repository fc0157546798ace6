# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Who may connect to one database, evaluated once: for facts by account, for findings by statement."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain

from ansible_collections.dbops.aurora_iam.plugins.module_utils._authorization.coverage import Accounts, Effect
from ansible_collections.dbops.aurora_iam.plugins.module_utils._authorization.decide import DENIED, Verdict, decide
from ansible_collections.dbops.aurora_iam.plugins.module_utils._authorization.policies import Policy, Statement
from ansible_collections.dbops.aurora_iam.plugins.module_utils._authorization.principals import Principal
from ansible_collections.dbops.aurora_iam.plugins.module_utils._login import Endpoint

Verdicts = Mapping[str, Sequence[Verdict]]
Simulate = Callable[[Sequence[str], Sequence[str]], Verdicts]
"""ARNs of principals and connect ARNs → what IAM's policy simulator says"""

_ANYBODY = "any\naccount"
"""A name that no policy means, unless it means every account"""
_NO_DATABASE = "cluster-NODATABASEOFAURORAIAM"


@dataclass(frozen=True, eq=False)
class Use:
    """A statement of identity policies that allows connecting, or is meant to, with all whom it is for.

    policy      the first of those that have it
    principals  the users and roles that have it
    covers      the connect ARNs that it allows by itself, perhaps under a condition
    effective   those of them as which it lets somebody connect
    sweeping    those of them whatever the values of its variables are
    """

    policy: Policy
    statement: Statement
    principals: Sequence[Principal]
    covers: frozenset[str] = frozenset()
    effective: frozenset[str] = frozenset()
    sweeping: frozenset[str] = frozenset()

    @property
    def title(self) -> str:
        return f"{self.policy.title}, {self.statement.label}"


@dataclass(frozen=True)
class Access:
    """
    databases  the one that was asked about, and what is behind it if that is a proxy
    arns       connect ARN → name of an account, on each of the databases
    anybody    connect ARNs of an account that no policy means, one on each of the databases
    nowhere    the connect ARN of an account of a database, neither of which exists
    verdicts   by connect ARN, these included
    uses       the statements that allow connecting, or are meant to
    now        logins come at this moment or later; None where dates are left open
    """

    databases: tuple[Endpoint, ...]
    arns: Mapping[str, str]
    anybody: frozenset[str]
    nowhere: str
    verdicts: Verdicts
    uses: Sequence[Use]
    now: float | None
    _accounts: Accounts = field(repr=False)

    @cached_property
    def allowed(self) -> frozenset[str]:
        """The names of accounts that somebody may connect as, perhaps under a condition, by whatever policy."""
        return self._names(arn for arn, found in self.verdicts.items() if any(v.outcome != DENIED for v in found))

    @cached_property
    def connectable(self) -> frozenset[str]:
        """The same, not counting who may as every account of every database: administrators can connect as an account
        that was made for nobody, too."""
        return self._names(chain.from_iterable(use.effective for use in self.uses if not self.is_everywhere(use)))

    def is_everywhere(self, use: Use) -> bool:
        return self.nowhere in use.sweeping & use.effective

    def covered(self, principals: Iterable[Principal], policy: Policy, statement: Statement) -> frozenset[str]:
        """The accounts' ARNs that a statement would allow by itself if one of the principals had it."""
        instead = [replace(policy, statements=(statement,))]
        found = [effect for each in principals for effect in self._accounts.effects(each, instead)]
        return frozenset(arn for effect in found for arn in self._accounts.arns(effect.sure | effect.perhaps)) & set(
            self.arns
        )

    def reason(self, use: Use) -> Verdict | None:
        """Of a statement that covers accounts and lets nobody connect: what decides against it."""
        holders = {principal.arn for principal in use.principals}
        found = (each for arn in sorted(use.covers) for each in self.verdicts[arn] if each.principal_arn in holders)
        return next((verdict for verdict in found if verdict.reason is not None), None)

    def _names(self, arns: Iterable[str]) -> frozenset[str]:
        return frozenset(self.arns[arn] for arn in arns if arn in self.arns)


def judge(
    principals: Sequence[Principal],
    databases: Sequence[Endpoint],
    names: Collection[str],
    now: float | None = None,
    simulate: Simulate | None = None,
) -> Access:
    """``simulate``: whose verdicts count instead of those by :func:`decide`."""
    arns = {database.connect_resource(name): name for database in databases for name in sorted(names)}
    anybody = frozenset(database.connect_resource(_ANYBODY) for database in databases)
    nowhere = replace(databases[0], resource_id=_NO_DATABASE).connect_resource(_ANYBODY)
    asked = [*arns, *sorted(anybody), nowhere]
    authorization = decide(principals, asked, now)
    verdicts = simulate([each.arn for each in principals], asked) if simulate else authorization.verdicts
    accounts = Accounts(asked, now)
    uses = _uses(principals, authorization.allows, verdicts, accounts)
    return Access(tuple(databases), arns, anybody, nowhere, verdicts, uses, now, accounts)


def _uses(
    principals: Sequence[Principal],
    allows: Mapping[str, Sequence[Effect]],
    verdicts: Verdicts,
    accounts: Accounts,
) -> list[Use]:
    """A managed policy is one, to however many users and roles it is attached, and so is one of a group."""
    holders: dict[Statement, tuple[Policy, dict[str, Principal]]] = {}
    for principal in principals:
        for policy in principal.policies:
            for statement in policy.statements:
                if not statement.denies:
                    holders.setdefault(statement, (policy, {}))[1][principal.arn] = principal
    let = _let(verdicts, accounts)
    reach = _Reach()
    for arn, effects in allows.items():
        for effect in effects:
            if effect.statement is not None:
                reach.add(effect.statement, effect, let.get(arn, 0))
    return [
        Use(policy, statement, tuple(having.values()), *(accounts.arns(bits) for bits in reach.of(statement)))
        for statement, (policy, having) in holders.items()
    ]


def _let(verdicts: Verdicts, accounts: Accounts) -> dict[str, int]:
    """By principal the accounts as which it is not denied to connect."""
    let: dict[str, int] = {}
    for arn, found in verdicts.items():
        for verdict in found:
            if verdict.outcome != DENIED:
                let[verdict.principal_arn] = let.get(verdict.principal_arn, 0) | accounts.bits[arn]
    return let


class _Reach:
    """Of each statement the accounts that it covers, that it lets connect, and that it covers for sure."""

    def __init__(self) -> None:
        self._found: dict[Statement, tuple[int, int, int]] = {}

    def add(self, statement: Statement, effect: Effect, let: int) -> None:
        covered = effect.sure | effect.perhaps
        covers, effective, sweeping = self.of(statement)
        self._found[statement] = covers | covered, effective | (covered & let), sweeping | (covered & ~effect.open)

    def of(self, statement: Statement) -> tuple[int, int, int]:
        return self._found.get(statement, (0, 0, 0))

# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Why a statement of a policy lets nobody connect, or one of its resources does not.

Nothing here judges what a statement allows: a statement that is corrected in one respect is evaluated again, and if it
then covers an account, that respect is the reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ansible_collections.dbops.aurora_iam.plugins.module_utils._authorization.access import Access, Use
from ansible_collections.dbops.aurora_iam.plugins.module_utils._authorization.conditions import unmet
from ansible_collections.dbops.aurora_iam.plugins.module_utils._authorization.patterns import Values
from ansible_collections.dbops.aurora_iam.plugins.module_utils._authorization.policies import (
    INEFFECTIVE_KEYS,
    Statement,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._authorization.principals import (
    ROLE,
    Principal,
    values_at_login,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._findings.resources import (
    ANYWHERE,
    REPAIRS,
    Reading,
    Target,
    correct,
)

REASONS = (
    "action",
    "white_space",
    *(reason for reason, _find in REPAIRS),
    "account_too_long",
    "account_not_iam",
    "account_missing",
    "version",
    "variable",
    "tag",
    "network_condition",
    "date_over",
    "condition",
    "boundary",
    "denied",
    "service_control_policy",
)
"""Every reason for which a statement lets nobody connect. docs/facts.md says what each means."""

DANGLING = frozenset({"account_not_iam", "account_missing"})
"""reasons of statements that are right, and whose account is not"""

_VARIABLE = re.compile(r"\$\{([^*?$}][^},]*)(,?)[^}]*\}")
_TAG = "aws:principaltag/"


@dataclass(frozen=True)
class Obstacle:
    """
    reason    of REASONS
    resource  the resource as written; empty where it is the statement
    wrong     what is wrong, in words
    remedy    what to do, in words
    account   the account's name, where the resource names one
    """

    reason: str
    resource: str
    wrong: str
    remedy: str
    account: str = ""


def obstacles(use: Use, access: Access, targets: tuple[Target, ...]) -> Iterator[Obstacle]:
    """What keeps a statement from letting anybody connect to one of the databases. Of each resource one."""
    works, statement = bool(use.effective), use.statement
    texts = ("",) if statement.excludes else statement.resources
    for text in texts:
        if statement.excludes or _is_meant(statement, text, works):
            found = (_Resource(use, access, target, text).obstacle(works) for target in targets)
            yield from [obstacle for obstacle in found if obstacle is not None][:1]


def _is_meant(statement: Statement, text: str, works: bool) -> bool:
    """Whether the resource is there for connecting, and not for another action of the statement."""
    service = text.strip().split(":", 3)[2:3]
    if service == ["rds-db"]:
        return True
    if works or not statement.means_connecting:
        return False
    others = [each for each in statement.resources if each.strip().split(":", 3)[2:3] == ["rds-db"]]
    return text == "*" or not others


@dataclass(frozen=True)
class _Resource:
    """One resource of a statement, about one database."""

    use: Use
    access: Access
    target: Target
    text: str

    def obstacle(self, works: bool) -> Obstacle | None:
        reading = correct(self.text, self.target)
        if not self.use.statement.connects:
            return self._action(reading)
        here = reading is not None and reading.here
        if self._covers(self._statement):
            return self._decided() if here and not works else None
        if self._covers(replace(self._statement, condition={})):
            return None if works else self._condition(here)
        return None if reading is None else self._misread(reading, works)

    def _misread(self, reading: Reading, works: bool) -> Obstacle | None:
        if not self._is_about_here(reading):
            return None
        return self._misspelled(reading) or (self._unmatched(reading, works) if reading.here else None)

    def _is_about_here(self, reading: Reading) -> bool:
        """Of patterns for several databases only what is wrong on all of them is this database's business."""
        return reading.here or (reading.anywhere and (bool(ANYWHERE & set(reading.wrong)) or self._waits(reading)))

    def _waits(self, reading: Reading) -> bool:
        """Whether databases of another kind are named, while nobody may connect as the account of this one."""
        name = reading.resource.name
        waits = name in self.target.accounts and name not in self.access.connectable
        return "resource_id_kind" in reading.wrong and waits

    @property
    def _statement(self) -> Statement:
        statement = self.use.statement
        return statement if statement.excludes else replace(statement, resources=(self.text,))

    def _covers(self, statement: Statement) -> bool:
        return bool(self.access.covered(self.use.principals, self.use.policy, statement))

    def _action(self, reading: Reading | None) -> Obstacle | None:
        if not (self.text == "*" if reading is None else reading.here or reading.anywhere):
            return None
        resource, name = (self.text, None) if reading is None else (reading.resource.text, reading.resource.name)
        wrong = f"its action {', '.join(self.use.statement.actions)} is not the one of a login"
        remedy = f"write rds-db:connect{'' if resource == self.text else ' and ' + resource}"
        return Obstacle("action", self.text, wrong, remedy, name or "")

    def _misspelled(self, reading: Reading) -> Obstacle | None:
        if not reading.wrong:
            return None
        wrong = ", and ".join(reading.wrong.values())
        remedy = f"write {reading.resource.text}"
        if "account_left_out" in reading.wrong:
            remedy += " followed by the account's name"
        return Obstacle(next(iter(reading.wrong)), self.text, wrong, remedy, reading.resource.name or "")

    def _unmatched(self, reading: Reading, works: bool) -> Obstacle | None:
        """The resource is spelled right, and covers no account."""
        if "${" in re.sub(r"\$\{[*?$]\}", "", self.text):
            return None if works else self._variable()
        if not self.target.accounts | self.target.others:
            return None
        return self._account(reading.resource.name)

    def _account(self, name: str | None) -> Obstacle:
        title, capabilities = self.target.endpoint.title, self.target.capabilities
        if name is None:
            wrong = f"it matches no IAM-authenticated account of {title}"
            return Obstacle("account_missing", self.text, wrong, "remove it from the policy, or create the account")
        if capabilities.too_long(name):
            wrong = f"{name} is longer than the account names of {title} can be"
            return Obstacle("account_too_long", self.text, wrong, "shorten the account's name and the policy's", name)
        if name in self.target.others:
            wrong = f"{name} is an account of {title} that is not IAM-authenticated"
            return Obstacle("account_not_iam", self.text, wrong, "convert it, or remove it from the policy", name)
        wrong = f"{name} is not an account of {title}"
        return Obstacle("account_missing", self.text, wrong, "remove it from the policy, or create the account", name)

    def _variable(self) -> Obstacle:
        if not self.use.statement.variables:
            wrong = "variables are read as such only by policies of version 2012-10-17"
            return Obstacle("version", self.text, wrong, 'write "Version": "2012-10-17"')
        for found in _VARIABLE.finditer(self.text):
            key = found[1].strip()
            lacking = [each for each in self.use.principals if self._values(each)(key.lower()) is None]
            if found[2] or len(lacking) < len(self.use.principals):
                continue
            if key.lower().startswith(_TAG):
                wrong = f"{_named(lacking)} {_have(lacking)} no tag {key[len(_TAG) :]}"
                return Obstacle("tag", self.text, wrong, "set the tag, or name the accounts")
            kind = "a session of a role" if all(each.kind == ROLE for each in lacking) else "a login"
            wrong = f"{kind} has no {key}"
            return Obstacle("variable", self.text, wrong, "use a tag (aws:PrincipalTag/…), or name the accounts")
        wrong = f"what it stands for is not an IAM-authenticated account of {self.target.endpoint.title}"
        return Obstacle("account_missing", self.text, wrong, "create the account, or name the accounts")

    def _condition(self, here: bool) -> Obstacle | None:
        """``here``: the resource names this database only. Of others the region may be the one that is wanted."""
        found = [
            key for each in self.use.principals for _operator, key in unmet(self.use.statement, self._values(each))
        ]
        keys, lower = ", ".join(dict.fromkeys(found)), {key.lower() for key in found}
        if not self.use.statement.means_connecting or ("aws:requestedregion" in lower and not here):
            return None
        if lower & INEFFECTIVE_KEYS:
            wrong = f"its condition on {keys} cannot be met, because IAM database authentication has no such key"
            remedy = "restrict the network by security groups, and remove the condition"
            return Obstacle("network_condition", "", wrong, remedy)
        if lower and lower <= {"aws:currenttime", "aws:epochtime"}:
            return Obstacle("date_over", "", f"the time of its condition on {keys} is over", "remove the statement")
        wrong = f"no login of {_named(self.use.principals)} can meet its condition on {keys}"
        return Obstacle("condition", "", wrong, "correct the condition, or remove the statement")

    def _decided(self) -> Obstacle | None:
        """It names this database only, covers an account, and another policy decides against it."""
        verdict = self.access.reason(self.use)
        if verdict is None or verdict.reason is None or not self.use.statement.means_connecting:
            return None
        reason, name = verdict.reason, "boundary"
        by = f"{reason.policy.title}, {reason.statement}" if reason.statement else reason.policy.title
        wrong = f"the permissions boundary {by} does not allow it to {verdict.principal_arn}"
        if reason.policy.name.startswith("(service control"):
            name, wrong = (
                "service_control_policy",
                f"a service control policy does not allow it to {_named(self.use.principals)}",
            )
        elif reason.statement:
            name, wrong = "denied", f"{by} denies it to {verdict.principal_arn}"
        return Obstacle(name, "", wrong, "remove one of the two")

    def _values(self, principal: Principal) -> Values:
        return values_at_login(principal, self.target.own.region, self.access.now)


def _named(principals: Sequence[Principal]) -> str:
    first = principals[0].arn
    return first if len(principals) == 1 else f"{first} and {len(principals) - 1} more"


def _have(principals: Sequence[Principal]) -> str:
    return "has" if len(principals) == 1 else "have"

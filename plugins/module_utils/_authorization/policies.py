# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Policies, reduced to the statements that speak of ``rds-db:connect``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from ansible_collections.dbops.aurora_iam.plugins.module_utils._authorization.patterns import matcher, plain_glob

ACTION = "rds-db:connect"

INEFFECTIVE_KEYS = frozenset(
    {"aws:referer", "aws:sourceip", "aws:sourcevpc", "aws:sourcevpce", "aws:useragent", "aws:vpcsourceip"}
)
"""Condition keys that IAM database authentication does not have, in lower case: they are absent from every login.

https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/UsingWithRDS.IAMDBAuth.html
"""


@dataclass(frozen=True, eq=False)
class Statement:
    """A statement of a policy that speaks of connecting to databases. Equal only to itself.

    label             its Sid, or ``statement 2``, counted from 1
    denies            its Effect is Deny
    resources         the patterns of its Resource or NotResource, as written
    excludes          they are of NotResource
    condition         the Condition element: operator → key → value or list of values
    variables         whether ``${...}`` is a variable: only since version 2012-10-17
    ineffective_keys  the keys of the condition that IAM database authentication does not have, as written
    actions           the patterns of its Action, as written; none where it has NotAction
    connects          it covers ``rds-db:connect``; otherwise it only looks as if it was meant to
    """

    label: str
    denies: bool
    resources: tuple[str, ...]
    excludes: bool = False
    condition: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    variables: bool = True
    ineffective_keys: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    connects: bool = True

    @property
    def means_connecting(self) -> bool:
        """Whether it speaks of connecting by name, and not only as a part of everything."""
        return any(map(_is_about_connecting, self.actions)) or any(map(_is_about_accounts, self.resources))

    @property
    def same_for_all(self) -> bool:
        """Whether it says the same to every principal."""
        return not self.condition and not (self.variables and any("${" in pattern for pattern in self.resources))


@dataclass(frozen=True, eq=False)
class Policy:
    """A policy as one user, group or role has it.

    name        the policy's name
    arn         of a managed policy; empty for an inline one
    holder      ARN of the user, group or role that it is attached to, or stands in
    statements  those that speak of ``rds-db:connect``
    unread      AWS named the policy, but did not return its text
    """

    name: str
    arn: str
    holder: str
    statements: tuple[Statement, ...]
    unread: bool = False

    @property
    def title(self) -> str:
        """``inline policy connect of group dba``, ``policy arn:aws:iam::123456789012:policy/connect of user jane``."""
        kind, _slash, path = self.holder.split(":", 5)[-1].partition("/")
        return f"{'policy ' + self.arn if self.arn else 'inline policy ' + self.name} of {kind} {path.split('/')[-1]}"


def read_statements(document: Mapping[str, Any]) -> tuple[Statement, ...]:
    """The statements of a policy document that speak of ``rds-db:connect``, and those that seem to mean it.

    Raises ValueError for what is no policy.
    """
    statements = listed(document.get("Statement", []))
    if not all(isinstance(statement, Mapping) for statement in statements):
        raise ValueError("a statement is not an object")
    variables = document.get("Version") == "2012-10-17"
    return tuple(_read(statements, variables))


def _read(statements: Sequence[Mapping[str, Any]], variables: bool) -> Iterator[Statement]:
    for number, statement in enumerate(statements, start=1):
        excludes = "NotResource" in statement
        resources = listed(statement.get("NotResource" if excludes else "Resource", []))
        connects = speaks_of(statement, ACTION)
        is_about_it = connects or _seems_to_connect(statement)
        if not (is_about_it and (resources or excludes)):
            continue
        condition = statement.get("Condition", {})
        yield Statement(
            label=str(statement.get("Sid") or f"statement {number}"),
            denies=statement.get("Effect") == "Deny",
            resources=tuple(map(str, resources)),
            excludes=excludes,
            condition=condition,
            variables=variables,
            ineffective_keys=_ineffective(condition),
            actions=tuple(map(str, listed(statement.get("Action", [])))),
            connects=connects,
        )


def _ineffective(condition: Mapping[str, Mapping[str, Any]]) -> tuple[str, ...]:
    return tuple(sorted({key for keys in condition.values() for key in keys if key.lower() in INEFFECTIVE_KEYS}))


def _seems_to_connect(statement: Mapping[str, Any]) -> bool:
    """Whether an Allow that does not cover ``rds-db:connect`` has such an action or such a resource all the same."""
    if statement.get("Effect") != "Allow" or "NotAction" in statement or "NotResource" in statement:
        return False
    actions, resources = map(str, listed(statement.get("Action", []))), map(str, listed(statement.get("Resource", [])))
    return any(map(_is_about_connecting, actions)) or any(map(_is_about_accounts, resources))


def _is_about_connecting(action: str) -> bool:
    service, _colon, name = action.lower().partition(":")
    return service == "rds-db" or (service.startswith("rds") and "connect" in name)


def _is_about_accounts(resource: str) -> bool:
    """Also redshift has resources of the type ``dbuser``."""
    service = resource.lower().split(":", 3)[2:3]
    return service == ["rds-db"] or (":dbuser" in resource and service != [] and service[0].startswith("rds"))


def speaks_of(statement: Mapping[str, Any], action: str) -> bool:
    """Whether a statement, as a policy document has it, covers the action, which is given in lower case."""
    if "NotAction" in statement:
        return not any(_covers(str(pattern), action) for pattern in listed(statement["NotAction"]))
    return any(_covers(str(pattern), action) for pattern in listed(statement.get("Action", [])))


@cache
def _covers(pattern: str, action: str) -> bool:
    glob = plain_glob(pattern.lower(), arn=False)
    # Of the thousands of actions in AWS's own policies nearly all end here
    return action.startswith(glob.head) and bool(matcher(glob)(action))


def listed(value: Any) -> list[Any]:
    """JSON policies write a single element without its list."""
    return list(value) if isinstance(value, (list, tuple)) else [value]

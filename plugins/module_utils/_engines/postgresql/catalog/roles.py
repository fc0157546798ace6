# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Roles and who is a member of whom: the graph that decides how a role logs in and what it inherits. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Callable

from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import IAM, AccountChange, Changes

RDS_IAM = "rds_iam"
RDS_AD = "rds_ad"
RDS_SUPERUSER = "rds_superuser"
SIGNAL_BACKEND = "pg_signal_backend"
DATABASE_OWNER = "pg_database_owner"
"""Since 14. Its only member is the current database's owner, implicitly; it cannot have others."""

MEMBERSHIP_OPTIONS = 16
"""The major version that gave each membership its own ADMIN, INHERIT and SET, and several grantors."""


@dataclass(frozen=True)
class Role:
    name: str
    oid: int
    can_login: bool
    superuser: bool = False
    creates_roles: bool = False
    connection_limit: int = -1
    comment: str = ""


@dataclass(frozen=True)
class Membership:
    """``member`` is in ``role``. Before 16 ``inherits`` is the member's INHERIT attribute, and ``sets`` is true."""

    role: str
    member: str
    grantor: str = ""
    admin: bool = False
    inherits: bool = True
    sets: bool = True

    @property
    def counts(self) -> bool:
        """Since 16 the creator of a role administers it by a membership that gives none of the role's rights.

        https://www.postgresql.org/docs/16/role-attributes.html (role creation)
        """
        return self.inherits or self.sets


Edge = Callable[[Membership], bool]


def counts(membership: Membership) -> bool:
    return membership.counts


def any_membership(_membership: Membership) -> bool:
    """Also one that only administers."""
    return True


def inherits(membership: Membership) -> bool:
    return membership.inherits


def sets(membership: Membership) -> bool:
    return membership.sets


class Roles:
    """The roles that matter to a task: the accounts, their members, and whatever they are members of. Since 16 the
    memberships that the accounts have granted are among the memberships, of all members."""

    def __init__(self, roles: Iterable[Role] = (), memberships: Iterable[Membership] = ()) -> None:
        self.by_name: dict[str, Role] = {role.name: role for role in roles}
        self.memberships: tuple[Membership, ...] = tuple(memberships)

    @cached_property
    def _of_member(self) -> Mapping[str, list[Membership]]:
        return _grouped(self.memberships, lambda item: item.member)

    @cached_property
    def _of_role(self) -> Mapping[str, list[Membership]]:
        return _grouped(self.memberships, lambda item: item.role)

    @cached_property
    def _of_grantor(self) -> Mapping[str, list[Membership]]:
        return _grouped(self.memberships, lambda item: item.grantor)

    def held_by(self, member: str) -> list[Membership]:
        return self._of_member.get(member, [])

    def granted_by(self, grantor: str) -> list[Membership]:
        return self._of_grantor.get(grantor, [])

    def direct(self, member: str) -> frozenset[str]:
        """Roles that it is directly a member of; those that it only administers are not among them."""
        return frozenset(item.role for item in self.held_by(member) if item.counts)

    def members(self, role: str, edge: Edge = counts) -> set[str]:
        """All direct and nested members."""
        return _closure(role, lambda name: [item.member for item in self._of_role.get(name, []) if edge(item)])

    def reachable(self, member: str, edge: Edge = counts) -> set[str]:
        """All roles that it is a direct or nested member of."""
        return _closure(member, lambda name: [item.role for item in self._of_member.get(name, []) if edge(item)])

    def chain(self, member: str, role: str, edge: Edge = counts) -> tuple[str, ...]:
        """The shortest way from member to role, both included; empty if there is none."""
        paths: dict[str, tuple[str, ...]] = {member: (member,)}
        waiting = deque([member])
        while waiting:
            name = waiting.popleft()
            for item in self._of_member.get(name, []):
                if edge(item) and item.role not in paths:
                    paths[item.role] = (*paths[name], item.role)
                    waiting.append(item.role)
        return paths.get(role, ()) if role != member else ()


def _grouped(memberships: Iterable[Membership], key: Callable[[Membership], str]) -> Mapping[str, list[Membership]]:
    groups: dict[str, list[Membership]] = {}
    for membership in memberships:
        groups.setdefault(key(membership), []).append(membership)
    return groups


def _closure(start: str, neighbours: Callable[[str], list[str]]) -> set[str]:
    found: set[str] = set()
    waiting = deque([start])
    while waiting:
        for neighbour in neighbours(waiting.popleft()):
            if neighbour not in found:
                found.add(neighbour)
                waiting.append(neighbour)
    return found


@dataclass(frozen=True)
class Afterwards:
    """The graph that a plan leads to, and the accounts that need a grant of rds_iam for it."""

    roles: Roles
    enrolled: frozenset[str]


def afterwards(roles: Roles, changes: Changes) -> Afterwards:
    """Carry out the memberships of a plan on the graph.

    An account that is IAM-authenticated only through a role which it now loses becomes a direct member of rds_iam.
    """
    gone = {change.name.name for change in changes.accounts if change.dropped}
    revoked = {(role.name, change.name.name) for change in changes.accounts for role in change.roles_revoked}
    kept = [
        item
        for item in roles.memberships
        if not ({item.role, item.member} & gone) and not (item.counts and (item.role, item.member) in revoked)
    ]
    granted = [
        Membership(role.name, change.name.name)
        for change in changes.accounts
        if change.after is not None
        for role in change.roles_granted
    ]
    interim = Roles(roles.by_name.values(), [*kept, *granted])
    members = interim.members(RDS_IAM)
    enrolled = frozenset(
        change.name.name for change in changes.effective if _is_iam(change) and change.name.name not in members
    )
    enrolments = [Membership(RDS_IAM, name) for name in sorted(enrolled)]
    return Afterwards(Roles(roles.by_name.values(), [*interim.memberships, *enrolments]), enrolled)


def _is_iam(change: AccountChange) -> bool:
    return change.after is not None and change.after.authentication == IAM


def format_chain(chain: Collection[str]) -> str:
    return " → ".join(chain)


def oids(roles: Mapping[str, Role], names: Iterable[str]) -> list[int]:
    return sorted(roles[name].oid for name in names if name in roles)

# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Roles and who is a member of whom: the graph that decides how a role logs in and what it inherits. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Callable

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.graph import closure, shortest_path
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.grouping import together

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
    """Gives the role's privileges without SET ROLE: what the login may do, and what accounts have."""
    return membership.inherits


def sets(membership: Membership) -> bool:
    """Allows SET ROLE."""
    return membership.sets


class Roles:
    """The roles that matter to a task: the accounts, their members, and whatever they are members of. Since 16 the
    memberships that the accounts have granted are among the memberships, of all members."""

    def __init__(self, roles: Iterable[Role] = (), memberships: Iterable[Membership] = ()) -> None:
        self.by_name: dict[str, Role] = {role.name: role for role in roles}
        self.memberships: tuple[Membership, ...] = tuple(memberships)

    @cached_property
    def _of_member(self) -> Mapping[str, list[Membership]]:
        return together((item.member, item) for item in self.memberships)

    @cached_property
    def _of_role(self) -> Mapping[str, list[Membership]]:
        return together((item.role, item) for item in self.memberships)

    @cached_property
    def _of_grantor(self) -> Mapping[str, list[Membership]]:
        return together((item.grantor, item) for item in self.memberships)

    def held_by(self, member: str) -> list[Membership]:
        return self._of_member.get(member, [])

    def granted_by(self, grantor: str) -> list[Membership]:
        return self._of_grantor.get(grantor, [])

    def direct(self, member: str) -> frozenset[str]:
        """Roles that it is directly a member of; those that it only administers are not among them."""
        return frozenset(item.role for item in self.held_by(member) if item.counts)

    def members(self, role: str, edge: Edge = counts) -> set[str]:
        """All direct and nested members."""
        return closure(role, lambda name: [item.member for item in self._of_role.get(name, []) if edge(item)])

    def reachable(self, member: str, edge: Edge = counts) -> set[str]:
        """All roles that it is a direct or nested member of."""
        return closure(member, lambda name: [item.role for item in self._of_member.get(name, []) if edge(item)])

    def chain(self, member: str, role: str, edge: Edge = counts) -> tuple[str, ...]:
        """The shortest way from member to role, both included; empty if there is none."""
        if role == member:
            return ()
        return shortest_path(
            member, role, lambda name: (item.role for item in self._of_member.get(name, []) if edge(item))
        )


def format_chain(chain: Collection[str]) -> str:
    return " → ".join(chain)


def oids(roles: Mapping[str, Role], names: Iterable[str]) -> list[int]:
    return sorted(roles[name].oid for name in names if name in roles)

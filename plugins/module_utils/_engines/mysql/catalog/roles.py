# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Which roles accounts and roles have: the graph of role_edges."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.graph import closure, shortest_path
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.rows import RoleEdgeRow
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import AccountName

RoleEdges = Mapping[AccountName, Collection[AccountName]]
"""Accounts and roles → the roles that were granted to each."""


def build_role_edges(rows: Iterable[RoleEdgeRow]) -> dict[AccountName, set[AccountName]]:
    edges: dict[AccountName, set[AccountName]] = {}
    for row in rows:
        member = AccountName(row.user, row.host.lower())
        edges.setdefault(member, set()).add(AccountName(row.role, row.role_host.lower()))
    return edges


def reachable(name: AccountName, edges: RoleEdges) -> set[AccountName]:
    """Every other role that it has, directly or through another."""
    return closure(name, lambda member: edges.get(member, ())) - {name}


def chain(member: AccountName, role: AccountName, edges: RoleEdges) -> tuple[AccountName, ...]:
    """The shortest way from a member to a role that it has, both included; empty if it has not."""
    return shortest_path(member, role, lambda name: sorted(edges.get(name, ())))


def roles_at_login(
    name: AccountName, granted: RoleEdges, default: RoleEdges, mandatory: Collection[AccountName], all_active: bool
) -> tuple[AccountName, ...]:
    """The roles that are active when somebody has logged in, and those that they have themselves.

    default     the default roles of each account
    mandatory   of mandatory_roles, which every account has. The server activates them at login whether they are
                default roles or not, though the manual says otherwise
    all_active  activate_all_roles_on_login is ON

    https://dev.mysql.com/doc/refman/8.4/en/roles.html#roles-activating
    """
    held = set(granted.get(name, ()))
    active = (held if all_active else held & set(default.get(name, ()))).union(mandatory)
    return tuple(sorted(active.union(*(reachable(role, granted) for role in active)) - {name}))

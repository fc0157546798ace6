# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Whether handing code over would give it more rights than it had."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.authority import Authority, Restrictions
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import AccountName, Grant

Principals = list[tuple[frozenset[Grant], Restrictions]]


@dataclass(frozen=True)
class Rights:
    """Of an account and of every role that it may take on: grants and partial revokes."""

    principals: Principals

    @property
    def grants(self) -> frozenset[Grant]:
        return frozenset(grant for own, _restrictions in self.principals for grant in own)

    def beyond(self, other: Rights) -> list[Grant]:
        """The grants that ``other`` does not have, or not everywhere."""
        mine, theirs = Authority(self.principals), Authority(other.principals)
        return sorted(
            grant
            for grant in self.grants
            if not theirs.holds(grant.privilege, grant.scope)
            or not theirs.restricted(grant.privilege) <= mine.restricted(grant.privilege)
        )


def with_roles(name: AccountName, edges: Mapping[AccountName, Collection[AccountName]]) -> set[AccountName]:
    """The account and every role that it has, directly or through another."""
    found: set[AccountName] = set()
    ahead: Iterable[AccountName] = [name]
    while ahead:
        found.update(ahead)
        ahead = {role for member in ahead for role in edges.get(member, ())} - found
    return found

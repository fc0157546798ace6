# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""What accounts lose when a task drops others: memberships of them, and privileges that they own or granted. Pure.

What goes along with an object that is dropped only the server knows: the rehearsal asks it.
"""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.checks import role_element, role_is_dropped
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.observed import (
    PostgreSQLObserved,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.drop.dependencies import DROP
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.drop.steps import (
    new_owner,
    owned_objects,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.grammar.kinds import (
    FUTURE,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.grammar.objects import (
    name_scope,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.plan.resolve import element_of_grant
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import Refused
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import (
    Account,
    AccountChange,
    AccountName,
    AccountRequest,
    Changes,
    Grant,
)


class Cascade:
    """Of the accounts that one task drops."""

    def __init__(self, changes: Changes, observed: PostgreSQLObserved) -> None:
        self._observed = observed
        self._catalogue = observed.catalogue
        self._dropped = {change.name.name: change for change in changes.accounts if change.dropped}

    def ends(self, role: AccountName) -> bool:
        """Whether nobody can be a member of it any more."""
        return role.name in self._dropped

    def takes(self, account: str, grant: Grant) -> bool:
        """Whether the account has this privilege no more without anybody revoking it."""
        if not self._dropped:
            return False
        return self._goes_with_owner(account, grant) or self._goes_with_grantors(account, grant)

    def _goes_with_owner(self, account: str, grant: Grant) -> bool:
        owner = self._dropped.get(self._catalogue.owner(grant.scope))
        if owner is None:
            return False
        # An owner needs no grant
        return grant.scope.kind.startswith(FUTURE) or owned_objects(owner) == DROP or new_owner(owner) == account

    def _goes_with_grantors(self, account: str, grant: Grant) -> bool:
        entries = self._catalogue.entries(grant.scope, account)
        grantors = [self._dropped.get(entry.grantor) for entry in entries if entry.privilege == grant.privilege]
        return bool(grantors) and all(item is not None and owned_objects(item) == DROP for item in grantors)

    def complete(self, changes: Changes) -> Changes:
        """The same changes, with what the others lose. Raises Refused where the task asks for it to stay."""
        if not self._dropped:
            return changes
        return Changes(tuple(map(self._settle, changes.accounts)), changes.unlisted)

    def _settle(self, change: AccountChange) -> AccountChange:
        after = change.after
        if after is None:
            return change
        lost = frozenset(grant for grant in after.grants if self.takes(change.name.name, grant))
        ended = frozenset(role for role in after.roles if self.ends(role))
        if not lost and not ended:
            return change
        if change.request is not None:
            self._refuse_roles(change, change.request, ended)
            self._refuse_grants(change, change.request, lost)
        return replace(change, after=_without(after, lost, ended))

    @staticmethod
    def _refuse_roles(change: AccountChange, request: AccountRequest, ended: frozenset[AccountName]) -> None:
        for role in sorted(ended):
            if role.name in (request.roles or ()):
                raise role_is_dropped(role, change, change.at(role_element(change, role.name.__eq__)))

    def _refuse_grants(self, change: AccountChange, request: AccountRequest, lost: frozenset[Grant]) -> None:
        had = change.before.grants if change.before is not None and not request.purge_grants else frozenset()
        for grant in sorted(lost - had) if request.grants is not None else ():
            dropped = self._dropped.get(self._catalogue.owner(grant.scope))
            if dropped is None or new_owner(dropped) != change.name.name:
                raise Refused(
                    f"{grant.privilege} on {name_scope(grant.scope)} goes with "
                    f"{dropped.name if dropped is not None else 'who granted it'}, which this task drops; remove it "
                    "from grants, or drop that account in a task of its own before this one.",
                    change.at(element_of_grant(change, grant, self._observed)),
                )


def _without(account: Account, grants: frozenset[Grant], roles: frozenset[AccountName]) -> Account:
    return replace(
        account,
        grants=account.grants - grants,
        roles=account.roles - roles,
        default_roles=account.default_roles - roles,
    )

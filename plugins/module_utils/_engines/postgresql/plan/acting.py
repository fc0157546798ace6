# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""As whom the login grants and revokes what it cannot grant and revoke itself."""

from __future__ import annotations

from collections.abc import Collection

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql import statements
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.grantor import (
    SELF,
    Authority,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.objects import Entry
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.roles import (
    MEMBERSHIP_OPTIONS,
    any_membership,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.grammar.kinds import (
    FUTURE,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.grammar.names import is_reserved
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.grammar.objects import (
    name_scope,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.plan import grants
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import Scope
from ansible_collections.dbops.aurora_iam.plugins.module_utils._plan import Statement


class Acting:
    """Answers are names of roles to act as by SET ROLE, or SELF, or None: the login has no way to.

    Where the server refuses, the answer is SELF, and the server's own. None is for what it would only warn of, or take
    for done: over the Data API no warning comes.
    """

    def __init__(self, authority: Authority, enrolled: Collection[str]) -> None:
        """``enrolled``: who is in rds_iam, before the plan or after it, by any membership."""
        self._authority = authority
        self._enrolled = enrolled
        self._momentary = Momentary(authority)

    def to_grant(self, scope: Scope, privilege: str) -> str | None:
        role = self._authority.grantor(scope, privilege)
        if role is not None:
            return role
        owner = self._authority.catalogue.owner_in_effect(scope)
        if self.may_join(owner):
            return owner
        return SELF if scope.kind.startswith(FUTURE) and owner not in self._enrolled else None

    def to_revoke(self, entry: Entry) -> str | None:
        role = self._authority.revoker(entry)
        if role is not None:
            return role
        catalogue = self._authority.catalogue
        of_owner = entry.grantor == catalogue.owner(entry.scope)
        role = catalogue.owner_in_effect(entry.scope) if of_owner else entry.grantor
        if self.may_join(role):
            return role
        return SELF if entry.scope.kind.startswith(FUTURE) and entry.grantor not in self._enrolled else None

    def why_not_to_grant(self, scope: Scope, privilege: str) -> str:
        """A sentence."""
        login, owner = self._authority.login, self._authority.catalogue.owner_in_effect(scope)
        if scope.kind.startswith(FUTURE):
            return (
                f"The login {login} may not set default privileges for what {owner} will create, because it is not a "
                f"member of {owner}; log in as {owner} or a member of it (never make the master a member of an "
                "IAM-authenticated account: it would lose its own password login), or name with owner the role whose "
                "new objects are meant."
            )
        why = f"The login {login} may not grant {privilege} on {name_scope(scope)}: that belongs to {owner}, and "
        if self._is_of_service(owner):
            return f"{why}{login} holds no grant option; remove it from grants, since only a superuser can grant it."
        return (
            f"{why}{login} holds no grant option; log in as {owner} or a member of it, or have {owner} grant it WITH "
            "GRANT OPTION."
        )

    def why_not_to_revoke(self, entry: Entry) -> str:
        """A sentence."""
        why = (
            f"{entry.grantee} has {entry.privilege} on {name_scope(entry.scope)} from {entry.grantor}, for whom the "
            f"login {self._authority.login} cannot act; "
        )
        if self._is_of_service(entry.grantor):
            return f"{why}list it in grants or set purge_grants: false, since only a superuser can revoke it."
        return f"{why}let {entry.grantor} revoke it."

    def _is_of_service(self, role: str) -> bool:
        known = self._authority.roles.by_name.get(role)
        return is_reserved(role) or (known is not None and known.superuser)

    def may_join(self, role: str) -> bool:
        """Whether the login can be a member of the role for some statements. In rds_iam it would lose its own login by
        password if that became known to anybody else, so that this is not risked for grants: a drop joins the account
        that it drops."""
        roles, login = self._authority.roles, self._authority.login
        known = roles.by_name.get(role)
        if known is None or known.superuser or is_reserved(role) or role == login or role in self._enrolled:
            return False
        return login not in roles.reachable(role, any_membership) and self._authority.administers(role)

    def joins(self, role: str) -> bool:
        return role not in self._authority.settable | {SELF} and not self._authority.superuser

    def around(self, role: str) -> tuple[list[Statement], list[Statement]]:
        """What stands before statements that the role has to say, and what after them."""
        before, after = grants.as_role(role)
        if not self.joins(role):
            return before, after
        return [self._momentary.join(role), *before], [*after, self._momentary.part_from(role)]


class Momentary:
    """Memberships that the login gives itself and ends in the same transaction, to act for roles that it administers.

    Nobody else ever sees them: +rds_iam in pg_hba.conf reads what is committed.
    """

    def __init__(self, authority: Authority) -> None:
        self._authority = authority

    def join(self, role: str) -> Statement:
        options = self._authority.major >= MEMBERSHIP_OPTIONS
        return statements.join_role(role, self._authority.login, options, self._named_grantor(role))

    def part_from(self, role: str) -> Statement:
        """Leave the membership as it was. What others have granted was not touched."""
        login, named = self._authority.login, self._named_grantor(role)
        if self._authority.major >= MEMBERSHIP_OPTIONS:
            for item in self._authority.roles.held_by(login):
                if item.role == role and item.grantor == (named or login):
                    return statements.set_membership(role, login, item.inherits, item.sets, named)
        return statements.leave_role(role, login, named)

    def _named_grantor(self, role: str) -> str:
        """Who stands after GRANTED BY. The server takes the login where it administers the role by itself; of several
        roles with the option it would choose one, and after the login has joined a role perhaps another."""
        if self._authority.major < MEMBERSHIP_OPTIONS:
            return ""
        authority, roles = self._authority, self._authority.roles
        holders = {
            name
            for name in authority.inherited
            if any(item.admin and item.role == role for item in roles.held_by(name))
        }
        return "" if authority.login in holders else min(holders, default="")

# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""What the login may grant and revoke, and as whom: PostgreSQL's choice of the grantor, told beforehand.

A grantor that cannot act does not fail: the server warns and does nothing, so this is found out before the first
statement. https://www.postgresql.org/docs/current/sql-revoke.html (notes on grantors)
"""

from __future__ import annotations

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.grouping import object_of
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.objects import (
    Catalogue,
    Entry,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.roles import (
    MEMBERSHIP_OPTIONS,
    RDS_SUPERUSER,
    SIGNAL_BACKEND,
    Membership,
    Roles,
    inherits,
    sets,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.grammar.kinds import (
    FUTURE,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import Scope

SELF = ""
"""The login acts as itself, and not by SET ROLE as another."""

_BOOTSTRAP_SUPERUSER_OID = 10


class Authority:
    """Answers are names of roles to act as by SET ROLE, or SELF."""

    def __init__(self, login: str, roles: Roles, catalogue: Catalogue, major: int, on_rds: bool) -> None:
        """``login``: its name."""
        self.login, self.roles, self.catalogue, self.major = login, roles, catalogue, major
        self._on_rds = on_rds
        role = roles.by_name.get(login)
        self.superuser = role is not None and role.superuser
        self.inherited: set[str] = {self.login} | roles.reachable(self.login, inherits)
        self.settable: set[str] = {self.login} | roles.reachable(self.login, sets)

    def acting_for(self, owner: str) -> str | None:
        """As whom the login has the owner's rights; None if it has no way to them."""
        if self.superuser or owner in self.inherited:
            return SELF
        return owner if owner in self.settable else None

    def may_grant(self, scope: Scope, privilege: str) -> bool:
        """By PostgreSQL's own rules, without what RDS adds for its master."""
        owned = self.acting_for(self.catalogue.owner_in_effect(scope)) is not None
        return owned or bool(self.option_holder(scope, privilege))

    def grantor(self, scope: Scope, privilege: str) -> str | None:
        """As whom the login can grant; None if it has no way to."""
        owner = self.catalogue.owner_in_effect(scope)
        role = self.acting_for(owner)
        if role is not None:
            return role
        if not scope.kind.startswith(FUTURE) and self.option_holder(scope, privilege):
            return SELF
        return SELF if self._is_rds_exception(owner) else None

    def option_holder(self, scope: Scope, privilege: str) -> str:
        """By whose grant option the privilege is granted; empty where it is by the owner's rights. One role must hold
        the options for all that a statement grants: the server does not combine those of several."""
        if self.acting_for(self.catalogue.owner_in_effect(scope)) is not None:
            return ""
        for name in sorted(self.inherited, key=lambda name: (name != self.login, name)):
            for level in (scope, object_of(scope)):
                entries = self.catalogue.entries(level, name)
                if any(entry.privilege == privilege and entry.grantable for entry in entries):
                    return name
        return ""

    def _is_rds_exception(self, owner: str) -> bool:
        """RDS lets its master do some of what PostgreSQL leaves to superusers; there, the server's own answer
        decides."""
        role = self.roles.by_name.get(owner)
        of_superuser = owner == self._bootstrap_superuser() or (role is not None and role.superuser)
        return self._on_rds and of_superuser and RDS_SUPERUSER in self.inherited

    def _bootstrap_superuser(self) -> str:
        roles = self.roles.by_name.values()
        return next((role.name for role in roles if role.oid == _BOOTSTRAP_SUPERUSER_OID), "rdsadmin")

    def revoker(self, entry: Entry) -> str | None:
        """As whom REVOKE takes away just this entry; None if the login has no way to.

        The server takes grants of the current role itself where that has the options, and otherwise those of a role
        that it inherits from: https://github.com/postgres/postgres/blob/REL_18_0/src/backend/utils/adt/acl.c#L5460
        (select_best_grantor). So the owner's grants are taken as the owner where somebody else could be meant.
        """
        if entry.grantor == self.catalogue.owner(entry.scope):
            role = self._owner_to_revoke(entry.scope)
        elif self.superuser:
            role = entry.grantor if entry.grantor != self.login else None
        else:
            role = SELF if entry.grantor == self.login else entry.grantor if entry.grantor in self.settable else None
        return SELF if role is None and self._is_rds_exception(entry.grantor) else role

    def _owner_to_revoke(self, scope: Scope) -> str | None:
        """As whom REVOKE takes away what the owner has granted."""
        owner = self.catalogue.owner_in_effect(scope)
        role = self.acting_for(owner)
        if role == SELF and self._has_options_beside(owner, scope):
            return owner if owner in self.settable else None
        return role

    def _has_options_beside(self, owner: str, scope: Scope) -> bool:
        """Whether a role that the login has the rights of may grant something on the object without being its owner."""
        if self.superuser or owner == self.login or scope.kind.startswith(FUTURE):
            return False
        names = sorted(self.inherited - {owner})
        held = (self.catalogue.entries(level, name) for level in (scope, object_of(scope)) for name in names)
        return any(entry.grantable for entries in held for entry in entries)

    def administers(self, role: str) -> bool:
        """May grant membership of the role and, since 16, alter and drop it.

        https://www.postgresql.org/docs/current/role-attributes.html (CREATEROLE)
        """
        if self.superuser or (self._on_rds and RDS_SUPERUSER in self.inherited):
            return True
        if self.major < MEMBERSHIP_OPTIONS and self.may_create_roles():
            return True
        held = (item for name in self.inherited for item in self.roles.held_by(name))
        return any(item.admin and item.role == role for item in held)

    def may_end_sessions(self, account: str) -> bool:
        """https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-ADMIN-SIGNAL"""
        role = self.roles.by_name.get(account)
        if self.superuser or (role is not None and role.superuser):
            return self.superuser
        return bool({account, SIGNAL_BACKEND} & self.inherited)

    def may_create_roles(self) -> bool:
        login = self.roles.by_name.get(self.login)
        return self.superuser or (login is not None and login.creates_roles)

    def membership_grantor(self, membership: Membership) -> str:
        """What stands after GRANTED BY to take the membership away; empty for no such clause."""
        if self.major < MEMBERSHIP_OPTIONS or self._is_rds_exception(membership.grantor):
            return ""
        return membership.grantor

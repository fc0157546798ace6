# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""What a session may hand on: MySQL lets nobody grant or revoke a privilege that they do not hold with grant option."""

from __future__ import annotations

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.access import (
    NOTHING,
    Access,
    GrantTables,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.rows import ServerRow
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.objects import GLOBAL
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.privileges import (
    DATABASE_PRIVILEGES,
    GLOBAL_ONLY_PRIVILEGES,
    STATIC_PRIVILEGES,
    USAGE,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import Grant, Scope


class Authority:
    """What the login may do, and may let others do."""

    def __init__(self, access: Access) -> None:
        everywhere = access.on_everything()
        privileges = {grant.privilege for grant in everywhere} - {USAGE}
        self.grants_anywhere = Grant(USAGE, GLOBAL, True) in everywhere
        self._access = access
        self._static = privileges & set(STATIC_PRIVILEGES)
        self._held_dynamic = privileges - self._static
        self._dynamic = {grant.privilege for grant in everywhere if grant.grantable} - {USAGE}
        self._restricted = {privilege: _restricted(privilege, access) for privilege in self._static}

    def global_privileges(self) -> tuple[str, ...]:
        """What ALL on ``*.*`` comes to: the global privileges that may be granted."""
        static = self._static if self.grants_anywhere else set()
        return (*sorted(static), *sorted(self._dynamic))

    def restricted(self, privilege: str) -> frozenset[str]:
        """The databases where the login itself lacks a global privilege, by partial revokes."""
        return self._restricted.get(privilege, NOTHING)

    @property
    def revoke_fillers(self) -> tuple[str, ...]:
        """Static privileges that hold on no database, so that naming one in a REVOKE from an account that lacks it does
        nothing; empty where the login is under no partial revoke, and needs none."""
        if not any(self._restricted.values()):
            return ()
        return tuple(privilege for privilege in reversed(GLOBAL_ONLY_PRIVILEGES) if privilege in self._static)

    @property
    def may_administer_roles(self) -> bool:
        return "ROLE_ADMIN" in self._held_dynamic or "SUPER" in self._static

    def holds_dynamic(self, privilege: str) -> bool:
        return privilege in self._held_dynamic

    def holds(self, privilege: str, scope: Scope) -> bool:
        """Apart from partial revokes on ``*.*``. ``USAGE`` asks about the grant option."""
        if privilege == USAGE:
            return self.may_grant(USAGE, scope)
        if scope == GLOBAL:
            return privilege in self._static or privilege in self._held_dynamic
        return privilege in self._access.on(scope)

    def sees(self, scope: Scope) -> bool:
        """Whether information_schema shows it to the login, if it exists. A database is also seen by what is held in
        it."""
        shown = scope.kind == "DATABASE" and self.holds("SHOW DATABASES", GLOBAL)
        return shown or not self._access.on(scope).isdisjoint(DATABASE_PRIVILEGES)

    def may_grant(self, privilege: str, scope: Scope) -> bool:
        """``USAGE`` asks about the grant option alone."""
        if scope == GLOBAL:
            static = self.grants_anywhere and privilege in {USAGE, *self._static}
            return static or privilege in self._dynamic
        return {privilege, USAGE} <= self._access.on(scope)


def _restricted(privilege: str, access: Access) -> frozenset[str]:
    """Where every holder of the privilege is restricted."""
    databases: list[frozenset[str]] = [
        frozenset(database for database, privileges in access.restrictions(name).items() if privilege in privileges)
        for name in access.principals
        if Grant(privilege, GLOBAL) in access.global_grants(name)
    ]
    return frozenset.intersection(*databases) if databases else NOTHING


def authority_of_login(server: ServerRow, tables: GrantTables) -> Authority:
    """Of its roles, the active ones count, see ``access.py``."""
    login, *active_roles = server.principals
    return Authority(Access(tables, login, server.known_client, active_roles))

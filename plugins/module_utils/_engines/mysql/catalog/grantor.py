# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""What a session may hand on: MySQL lets nobody grant or revoke a privilege that they do not hold with grant option."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.grouping import together
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.objects import GLOBAL, matches
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.privileges import (
    GLOBAL_ONLY_PRIVILEGES,
    STATIC_PRIVILEGES,
    USAGE,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import Grant, Scope

Restrictions = Mapping[str, frozenset[str]]
"""Partial revokes: a database → the global privileges that do not hold there.

https://dev.mysql.com/doc/refman/8.4/en/partial-revokes.html
"""

NOTHING = frozenset[str]()


class Authority:
    """The privileges of the login together with those of its active roles."""

    def __init__(self, principals: Iterable[tuple[frozenset[Grant], Restrictions]]) -> None:
        """``principals``: of the login and each active role, its own grants and partial revokes."""
        held = list(principals)
        by_level = together((grant.scope == GLOBAL, grant) for own, _restrictions in held for grant in own)
        everywhere = by_level.get(True, [])
        privileges = {grant.privilege for grant in everywhere} - {USAGE}
        self.grants_anywhere = Grant(USAGE, GLOBAL, True) in everywhere
        self._static = privileges & set(STATIC_PRIVILEGES)
        self._held_dynamic = privileges - self._static
        self._dynamic = {grant.privilege for grant in everywhere if grant.grantable} - {USAGE}
        self._local = frozenset(by_level.get(False, []))
        self._restricted = {privilege: _restricted(privilege, held) for privilege in self._static}

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
        if privilege in self._static and scope.path[0] not in self._restricted[privilege]:
            return True
        return any(grant.privilege == privilege and _covers(grant.scope, scope) for grant in self._local)

    def may_grant(self, privilege: str, scope: Scope) -> bool:
        """``USAGE`` asks about the grant option alone."""
        if scope == GLOBAL:
            static = self.grants_anywhere and privilege in {USAGE, *self._static}
            return static or privilege in self._dynamic
        option = self.grants_anywhere or any(grant.grantable and _covers(grant.scope, scope) for grant in self._local)
        return option and (privilege == USAGE or self.holds(privilege, scope))


def _restricted(privilege: str, held: Iterable[tuple[frozenset[Grant], Restrictions]]) -> frozenset[str]:
    """Where every holder of the privilege is restricted."""
    databases: list[frozenset[str]] = [
        frozenset(database for database, privileges in restrictions.items() if privilege in privileges)
        for own, restrictions in held
        if Grant(privilege, GLOBAL) in own
    ]
    return frozenset.intersection(*databases) if databases else NOTHING


def _covers(held: Scope, wanted: Scope) -> bool:
    """Whether a privilege on ``held``, which is not global, holds on ``wanted`` too."""
    if held.kind == "PATTERN":
        return held == wanted or (wanted.kind != "PATTERN" and matches(held.path[0], wanted.path[0]))
    if held.kind == "DATABASE":
        return wanted.kind != "PATTERN" and held.path == wanted.path[:1]
    return held.kind == wanted.kind and held.path == wanted.path and held.column in ("", wanted.column)

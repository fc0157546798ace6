# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""From changes to statements: one transaction for each database, what all databases share first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.grouping import batches, object_of, together
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql import statements
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.observed import (
    PostgreSQLObserved,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.drop.cascade import Cascade
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.drop.steps import (
    Drop,
    ends_sessions,
    merged,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.plan import grants
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.plan.comments import comment_to_write
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.plan.derived import Derived
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.plan.grants import Item
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.plan.lockout import (
    Enrolment,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.plan.memberships import (
    grant_roles,
    inherits_from_now_on,
    revoke_roles,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import Mistakes, Refused
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import (
    AccountChange,
    Changes,
    Grant,
    Scope,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._plan import Statement, Step

LOCKS_FOR_ONE = 3
"""Each account takes two entries of the lock table, of which other sessions need some as well."""

Key = tuple[str, Scope]


def render(derived: Derived) -> tuple[Step, ...]:
    """Raises Refused for a grant that the login could not make or take away, and ManyMistakes for several accounts."""
    return tuple(step for part in _portions(derived.changes, derived.observed) for step in _steps(part, derived))


def _portions(changes: Changes, observed: PostgreSQLObserved) -> Iterator[Changes]:
    """All accounts together, so that a failure rolls all of them back; several transactions for more than the server
    can lock in one. An account that others get as a role goes first.

    https://www.postgresql.org/docs/current/runtime-config-locks.html#GUC-MAX-LOCKS-PER-TRANSACTION
    """
    roles = {role for change in changes.effective for role in change.roles_granted}
    concerned = (
        change
        for change in changes.accounts
        if change.before != change.after
        or comment_to_write(change, observed) is not None
        or ends_sessions(change, observed.connected)
    )
    accounts = sorted(concerned, key=lambda change: change.name not in roles)
    most = max(observed.locks // LOCKS_FOR_ONE, 100)
    for batch in batches(accounts, most):
        yield Changes(tuple(batch))


def _steps(changes: Changes, derived: Derived) -> tuple[Step, ...]:
    observed = derived.observed
    drop = Drop(changes, observed, derived.logins, derived.acting)
    memberships = _roles(changes, derived)
    written: dict[str, list[Statement]] = {observed.database: list(memberships)}
    enrolling = {observed.database} if memberships else set()
    for privileges in _privileges(changes, derived):
        database = privileges.database or observed.database
        written.setdefault(database, []).extend(privileges.statements)
        enrolling |= {database} if privileges.joins else set()
    others = [(database, written[database]) for database in sorted(written, key=lambda name: name != observed.database)]
    # Sessions end when nobody can log in any more, so after the lock is committed
    first = merged([*others, (observed.database, drop.lock())])
    return (
        *(
            Enrolment(tuple(part), database, derived.logins, observed.major)
            if database in enrolling
            else Step(tuple(part), database)
            for database, part in first
        ),
        *drop.steps(),
    )


def _roles(changes: Changes, derived: Derived) -> list[Statement]:
    observed = derived.observed
    written: list[Statement] = []
    self_grant = bool(observed.self_grant) and any(change.created for change in changes.accounts)
    if self_grant:
        written.append(statements.no_self_grant())
    for change in changes.accounts:
        written += _attributes(change, comment_to_write(change, observed), inherits_from_now_on(change, observed))
    if self_grant:
        written.append(statements.self_grant_as_before())
    enrolled = derived.after.enrolled & {change.name.name for change in changes.accounts}
    revoked = revoke_roles(changes, observed, derived.cascade)
    return [*written, *grant_roles(changes, observed, enrolled), *revoked]


def _attributes(change: AccountChange, comment: str | None, inherits: bool) -> list[Statement]:
    """``inherits``: the account gets the attribute INHERIT."""
    before, after, name = change.before, change.after, change.name.name
    if after is None:
        return []
    written: list[Statement] = []
    if before is None:
        written.append(statements.create_role(after))
    else:
        locked = after.locked if after.locked != before.locked else None
        limit = after.connection_limit if after.connection_limit != before.connection_limit else None
        if inherits or (locked, limit) != (None, None):
            written.append(statements.alter_role(name, locked, limit, inherits))
    if comment is not None:
        written.append(statements.comment_on_role(name, comment))
    return written


class _Privileges(NamedTuple):
    """
    database  empty for what all share
    joins     the login is a member of another role meanwhile
    """

    database: str
    statements: list[Statement]
    joins: bool


def _privileges(changes: Changes, derived: Derived) -> Iterator[_Privileges]:
    """By database. Adds come before what is taken away."""
    acting, rights = derived.acting, _Rights(derived)
    items = _Items()
    mistakes = Mistakes()
    for change in changes.effective:
        if change.after is not None:
            with mistakes.about():
                items.add(change, rights, derived.cascade)
    mistakes.refuse()
    written: dict[str, list[Statement]] = {}
    joining: set[str] = set()
    for found, statement in (
        (items.granted, statements.grant),
        (items.revoked, statements.revoke),
        (items.restored, statements.grant),
    ):
        for database, part in together((item.scope.database, item) for item in found).items():
            written.setdefault(database, []).extend(grants.write(grants.grouped(part), statement, acting.around))
            joining |= {database} if any(acting.joins(item.acting) for item in part) else set()
    for database in sorted(written):
        yield _Privileges(database, written[database], database in joining)


class _Items:
    """What is granted, what is revoked, and what a revoke took besides and is granted again."""

    def __init__(self) -> None:
        self.granted: list[Item] = []
        self.revoked: list[Item] = []
        self.restored: list[Item] = []

    def add(self, change: AccountChange, rights: _Rights, cascade: Cascade) -> None:
        lost = sorted(grant for grant in change.revoked if not cascade.takes(change.name.name, grant))
        revoked = [item for grant in lost for item in rights.revoke(change, grant, option_only=False)]
        for grant in sorted(change.grant_options_revoked):
            revoked += rights.revoke(change, grant, option_only=True)
        restored = _restored(change, {(item.privilege, item.scope) for item in revoked})
        self.granted += (rights.grant(change, grant) for grant in change.granted - restored)
        self.revoked += revoked
        self.restored += (rights.grant(change, grant) for grant in restored)


class _Rights:
    """As whom each privilege is granted or revoked, worked out once for each privilege on each scope."""

    def __init__(self, derived: Derived) -> None:
        self._derived = derived
        self._grantors: dict[Key, tuple[str, str]] = {}

    def grant(self, change: AccountChange, grant: Grant) -> Item:
        """Raises Refused."""
        acting, holder = self._grantors.get(grant.key) or self._find_grantor(change, grant)
        return Item(change.name.name, grant.privilege, grant.scope, acting, grant.grantable, holder)

    def _find_grantor(self, change: AccountChange, grant: Grant) -> tuple[str, str]:
        acting = self._derived.acting.to_grant(grant.scope, grant.privilege)
        if acting is None:
            why = self._derived.acting.why_not_to_grant(grant.scope, grant.privilege)
            raise Refused(why, change.at(self._derived.resolver.element_of(change, grant)))
        found = acting, self._derived.observed.authority.option_holder(grant.scope, grant.privilege)
        self._grantors[grant.key] = found
        return found

    def revoke(self, change: AccountChange, grant: Grant, option_only: bool) -> Iterator[Item]:
        """One for each grantor that the account has it from. Raises Refused."""
        for entry in self._derived.observed.catalogue.entries(grant.scope, change.name.name):
            if entry.privilege == grant.privilege and (entry.grantable or not option_only):
                acting = self._derived.acting.to_revoke(entry)
                if acting is None:
                    why = self._derived.acting.why_not_to_revoke(entry)
                    raise Refused(why, change.at(self._derived.resolver.element_of(change, grant)))
                yield Item(change.name.name, grant.privilege, grant.scope, acting, option_only)


def _restored(change: AccountChange, revoked: set[Key]) -> frozenset[Grant]:
    """REVOKE on a table also takes the privilege on each of its columns: those that stay are to be given back.

    https://www.postgresql.org/docs/current/sql-revoke.html (description)
    """
    if change.after is None or not revoked:
        return frozenset()
    return frozenset(
        grant
        for grant in change.after.grants
        if grant.scope.column and (grant.privilege, object_of(grant.scope)) in revoked
    )

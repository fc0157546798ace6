# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""From changes to statements: one transaction for each database, what all databases share first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql import statements as sql
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.grantor import Authority
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.observed import (
    PostgreSQLObserved,
    without_column,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.roles import (
    MEMBERSHIP_OPTIONS,
    RDS_IAM,
    afterwards,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.drop.cascade import Cascade
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.drop.steps import Drop, ends_sessions
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.plan import grants
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.plan.comments import comment_to_write
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.plan.enrolment import Enrolment
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.plan.grants import Item
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import AccountChange, Changes, Grant, Scope
from ansible_collections.dbops.aurora_iam.plugins.module_utils._plan import Statement, Step

LOCKS_FOR_ONE = 3
"""Each account takes two entries of the lock table, of which other sessions need some as well."""

Key = tuple[str, Scope]


def render(changes: Changes, observed: PostgreSQLObserved) -> tuple[Step, ...]:
    """Raises Refused for a grant that the login could not make or take away."""
    cascade = Cascade(changes, observed)
    return tuple(step for part in _portions(changes, observed) for step in _steps(part, observed, cascade))


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
    for start in range(0, len(accounts), most):
        yield Changes(tuple(accounts[start : start + most]))


def _steps(changes: Changes, observed: PostgreSQLObserved, cascade: Cascade) -> tuple[Step, ...]:
    authority = Authority(observed)
    drop = Drop(changes, observed, authority)
    memberships = _roles(changes, observed, authority, cascade)
    accounts = frozenset(change.name.name for change in changes.accounts)
    statements: dict[str, list[Statement]] = {observed.database: list(memberships)}
    for database, part in _privileges(changes, authority, cascade).items():
        statements.setdefault(database or observed.database, []).extend(part)
    others = [
        (database, statements[database]) for database in sorted(statements, key=lambda name: name != observed.database)
    ]
    # Sessions end when nobody can log in any more, so after the lock is committed
    first = _merge([*others, (observed.database, drop.lock())])
    return (
        *(
            Enrolment(tuple(part), database, accounts)
            if memberships and database == observed.database
            else Step(tuple(part), database)
            for database, part in first
        ),
        *drop.end_sessions(),
        *(drop.step(database, part) for database, part in _merge(drop.parts())),
    )


def _merge(steps: Iterable[tuple[str, list[Statement]]]) -> Iterator[tuple[str, list[Statement]]]:
    """Leave out what is empty; what follows in the same database joins the transaction before."""
    current: tuple[str, list[Statement]] = ("", [])
    for database, part in steps:
        if not part:
            continue
        if database == current[0]:
            current[1].extend(part)
            continue
        if current[1]:
            yield current
        current = (database, list(part))
    if current[1]:
        yield current


def _roles(changes: Changes, observed: PostgreSQLObserved, authority: Authority, cascade: Cascade) -> list[Statement]:
    statements: list[Statement] = []
    self_grant = bool(observed.self_grant) and any(change.created for change in changes.accounts)
    if self_grant:
        statements.append(sql.no_self_grant())
    for change in changes.accounts:
        statements += _attributes(change, comment_to_write(change, observed))
    if self_grant:
        statements.append(sql.self_grant_as_before())
    enrolled = afterwards(observed.roles, changes).enrolled
    revoked = _revoke_roles(changes, observed, authority, cascade)
    return [*statements, *_grant_roles(changes, observed, enrolled), *revoked]


def _attributes(change: AccountChange, comment: str | None) -> list[Statement]:
    before, after, name = change.before, change.after, change.name.name
    if after is None:
        return []
    statements: list[Statement] = []
    if before is None:
        statements.append(sql.create_role(after))
    elif (before.locked, before.connection_limit) != (after.locked, after.connection_limit):
        locked = after.locked if after.locked != before.locked else None
        limit = after.connection_limit if after.connection_limit != before.connection_limit else None
        statements.append(sql.alter_role(name, locked, limit))
    if comment is not None:
        statements.append(sql.comment_on_role(name, comment))
    return statements


def _grant_roles(changes: Changes, observed: PostgreSQLObserved, enrolled: frozenset[str]) -> list[Statement]:
    """rds_iam for all at once, then accounts that gain the same roles together."""
    wanted: dict[str, set[str]] = {
        change.name.name: {role.name for role in change.roles_granted} for change in changes.accounts if change.after
    }
    together: dict[tuple[bool, frozenset[str]], set[str]] = {}
    for members, roles in [
        (enrolled, frozenset({RDS_IAM})),
        *((frozenset({n}), frozenset(r)) for n, r in wanted.items()),
    ]:
        for member in members:
            # A membership that only administers is there already: say that it gives the role's rights
            there = (
                {item.role for item in observed.roles.held_by(member)}
                if observed.major >= MEMBERSHIP_OPTIONS
                else set()
            )
            for with_rights, part in ((False, roles - there), (True, roles & there)):
                if part:
                    together.setdefault((with_rights, frozenset(part)), set()).add(member)
    order = sorted(together.items(), key=lambda item: (RDS_IAM not in item[0][1], item[0][0], sorted(item[0][1])))
    return [sql.grant_roles(roles, members, with_rights) for (with_rights, roles), members in order]


def _revoke_roles(
    changes: Changes, observed: PostgreSQLObserved, authority: Authority, cascade: Cascade
) -> list[Statement]:
    members: dict[tuple[str, str], set[str]] = {}
    for change in changes.accounts:
        lost = {role.name for role in change.roles_revoked if change.after is not None and not cascade.ends(role)}
        for membership in observed.roles.held_by(change.name.name) if lost else ():
            if membership.role in lost and membership.counts:
                grantor = authority.membership_grantor(membership)
                members.setdefault((grantor, membership.role), set()).add(change.name.name)
    roles: dict[tuple[str, frozenset[str]], set[str]] = {}
    for (grantor, role), names in members.items():
        roles.setdefault((grantor, frozenset(names)), set()).add(role)
    order = sorted(roles.items(), key=lambda item: (item[0][0], sorted(item[1]), sorted(item[0][1])))
    return [sql.revoke_roles(lost_roles, names, grantor) for (grantor, names), lost_roles in order]


def _privileges(changes: Changes, authority: Authority, cascade: Cascade) -> dict[str, list[Statement]]:
    """By database; what all share under the empty name. Adds come before what is taken away."""
    granted: list[Item] = []
    revoked: list[Item] = []
    restored: list[Item] = []
    rights = _Rights(authority)
    for change in changes.effective:
        if change.after is None:
            continue
        lost = sorted(grant for grant in change.revoked if not cascade.takes(change.name.name, grant))
        whole = [item for grant in lost for item in rights.revoke(change, grant, option_only=False)]
        options = [
            item
            for grant in sorted(change.grant_options_revoked)
            for item in rights.revoke(change, grant, option_only=True)
        ]
        back = _restored(change, {(item.privilege, item.scope) for item in whole + options})
        granted += (rights.grant(change, grant) for grant in change.granted - back)
        revoked += whole + options
        restored += (rights.grant(change, grant) for grant in back)
    statements: dict[str, list[Statement]] = {}
    for items, statement in ((granted, sql.grant), (revoked, sql.revoke), (restored, sql.grant)):
        for database, part in _by_database(items).items():
            statements.setdefault(database, []).extend(grants.write(grants.bundle(part), statement))
    return {database: statements[database] for database in sorted(statements)}


def _by_database(items: Sequence[Item]) -> dict[str, list[Item]]:
    found: dict[str, list[Item]] = {}
    for item in items:
        found.setdefault(item.scope.database, []).append(item)
    return found


class _Rights:
    """As whom each privilege is granted or revoked, worked out once for each privilege on each scope."""

    def __init__(self, authority: Authority) -> None:
        self._authority = authority
        self._grantors: dict[Key, tuple[str, str]] = {}

    def grant(self, change: AccountChange, grant: Grant) -> Item:
        if grant.key not in self._grantors:
            acting = self._authority.to_grant(grant.scope, grant.privilege)
            self._grantors[grant.key] = (acting, self._authority.option_holder(grant.scope, grant.privilege))
        acting, holder = self._grantors[grant.key]
        return Item(change.name.name, grant.privilege, grant.scope, acting, grant.grantable, holder)

    def revoke(self, change: AccountChange, grant: Grant, option_only: bool) -> Iterator[Item]:
        """One for each grantor that the account has it from."""
        for entry in self._authority.observed.catalogue.entries(grant.scope, change.name.name):
            if entry.privilege == grant.privilege and (entry.grantable or not option_only):
                acting = self._authority.to_revoke(entry)
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
        if grant.scope.column and (grant.privilege, without_column(grant.scope)) in revoked
    )

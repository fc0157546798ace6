# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""The drop of accounts, in the order in which nothing is lost and no administrator is locked out.

1. No new login: NOLOGIN. Committed with what else the task changes in that database (``plan/render.py``).
2. The sessions end.
3. In each database one transaction: the login becomes a member where it is none, what is owned goes to its new owner or
   is dropped, and the membership ends. Nobody else ever sees that membership: the account stays in rds_iam, and
   +rds_iam in pg_hba.conf reads what is committed.
4. DROP ROLE. Until then the account is a locked one in rds_iam, and the same task resumes the drop.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.grouping import together
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.grantor import (
    SELF,
    Authority,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.objects import Entry
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.observed import (
    PostgreSQLObserved,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.roles import (
    any_membership,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.drop.code import Code, Need
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.drop.dependencies import (
    DROP,
    FAIL,
    SCHEMA,
    databases_of,
    names_of,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.drop.end_sessions import EndSessions
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.drop.statements import (
    drop_owned,
    end_sessions,
    give_schema,
    reassign_owned,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.drop.transactions import (
    DropOwned,
    Reassign,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.grammar.kinds import (
    FUTURE,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.iam_login import (
    has_marker,
    with_marker,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.plan import grants
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.plan.acting import Acting, Momentary
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.plan.grants import Around, Item
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.plan.lockout import Enrolment, Logins
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.statements import (
    alter_role,
    comment_on_role,
    drop_roles,
    revoke,
    revoke_cascade,
    revoke_roles,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import AccountChange, Changes, Grant, Scope
from ansible_collections.dbops.aurora_iam.plugins.module_utils._plan import Statement, Step

Part = tuple[str, list[Statement]]
InDatabase = TypeVar("InDatabase", Code, Need)


def owned_objects(change: AccountChange) -> str:
    """What happens to what the account owns. An account that no one listed never loses any of it."""
    return change.request.owned_objects if change.request is not None else FAIL


def new_owner(change: AccountChange) -> str:
    return change.request.reassign_owned_to if change.request is not None else ""


@dataclass(frozen=True)
class DroppedAccount:
    """An account that is dropped. ``databases``: in which something has to be reassigned or dropped first."""

    change: AccountChange
    databases: frozenset[str]

    @property
    def name(self) -> str:
        return self.change.name.name


class Drop:
    """Renders the drop of the accounts of one task."""

    def __init__(self, changes: Changes, observed: PostgreSQLObserved, logins: Logins, acting: Acting) -> None:
        self._observed = observed
        self._acting = acting
        self._authority = observed.authority
        self._momentary = Momentary(observed.authority)
        names = {change.name.name for change in changes.accounts if change.dropped}
        self._logins = logins
        self._dropped = {
            change.name.name: DroppedAccount(change, self._databases(change, names))
            for change in changes.accounts
            if change.dropped
        }
        self._ending = sorted(
            change.name.name for change in changes.accounts if ends_sessions(change, observed.connected)
        )
        self._revoked = self._find_revoked()

    def _databases(self, change: AccountChange, dropped: Collection[str]) -> frozenset[str]:
        """Also those where others, as whom the login cannot act, name the account in their default privileges."""
        of_others = {
            grant.scope.database
            for grant in change.revoked
            if grant.scope.owner not in dropped and is_left_to_drop_owned(grant.scope, self._authority)
        }
        obstacles = self._observed.obstacles.get(change.name.name, ())
        return databases_of(obstacles, owned_objects(change)) | of_others

    def lock(self) -> list[Statement]:
        """What must be committed before sessions end. With the marker, a drop as unlisted can be resumed."""
        statements: list[Statement] = []
        for name, account in sorted(self._dropped.items()):
            before = account.change.before
            if before is not None and not before.locked:
                statements.append(alter_role(name, True, None))
                if not has_marker(self._observed.roles.by_name[name].comment):
                    statements.append(comment_on_role(name, with_marker(before.comment)))
        return statements

    def steps(self) -> tuple[Step, ...]:
        """After the lock is committed."""
        return (*self._end_sessions(), *(self._step(database, part) for database, part in merged(self._parts())))

    def _end_sessions(self) -> tuple[Step, ...]:
        if not self._ending:
            return ()
        statement = end_sessions(self._ending, self._observed.major)
        return (EndSessions((statement,), self._observed.database),)

    def _parts(self) -> list[Part]:
        """By database; what all databases share goes first."""
        here = self._observed.database
        parts: list[Part] = []
        parts.append((here, _revoke(self._revoked.get("", []), self._acting.around)))
        owning = {database for account in self._dropped.values() for database in account.databases}
        ordered = sorted((owning | set(self._revoked)) - {""}, key=lambda name: (name != here, name))
        first = next((database for database in ordered if database in owning), "")
        for database in ordered:
            parts.append((database, self._in_database(database, database == first)))
        if self._dropped:
            parts.append((here, [drop_roles(self._dropped)]))
        return parts

    def _step(self, database: str, statements: list[Statement]) -> Step:
        """Of :meth:`_parts`: where the login joins roles, one that asks who is in rds_iam; where code changes owner,
        with the code that may."""
        owning = [name for name, account in self._dropped.items() if database in account.databases]
        enrolling = (tuple(statements), database, self._logins, self._observed.major)
        if not owning:
            return Enrolment(*enrolling) if self._joins_to_revoke(database) else Step(tuple(statements), database)
        keeping = frozenset(name for name in owning if owned_objects(self._dropped[name].change) == FAIL)
        asked = (*enrolling, keeping)
        new_owners = {name: new_owner(self._dropped[name].change) for name in owning}
        if not any(new_owners.values()):
            return DropOwned(*asked)
        agreed = frozenset(_reassigned(self._observed.code, database, new_owners))
        needs = tuple(_reassigned(self._observed.needs, database, new_owners))
        owners = frozenset(filter(None, new_owners.values()))
        return Reassign(*asked, owners, agreed, needs)

    def _joins_to_revoke(self, database: str) -> bool:
        places = {database, ""} if database == self._observed.database else {database}
        return any(
            self._acting.joins(item.acting) for place in places for item, _cascade in self._revoked.get(place, ())
        )

    def _in_database(self, database: str, first: bool) -> list[Statement]:
        """``first``: of the databases in which anything is owned."""
        owning = [account for _name, account in sorted(self._dropped.items()) if database in account.databases]
        names = [account.name for account in owning]
        by_new_owner = together((new_owner(account.change), account.name) for account in owning)
        new_owners = sorted(filter(None, by_new_owner))
        joined = self._missing([*new_owners, *names])
        statements = self._end_circles() if first else []
        statements += [
            replace(self._momentary.join(role), accounts=tuple(by_new_owner.get(role, [role]))) for role in joined
        ]
        for name in new_owners:
            statements += self._reassign(database, by_new_owner[name], name)
        statements += _revoke(self._revoked.get(database, []), self._around(joined))
        statements += [drop_owned(names)] if owning else []
        # In reverse, so that the server finds each time what it found before the role was joined
        return [*statements, *(self._momentary.part_from(role) for role in reversed(joined))]

    def _around(self, joined: Collection[str]) -> Around:
        return lambda role: grants.as_role(role) if role in joined else self._acting.around(role)

    def _end_circles(self) -> list[Statement]:
        """End memberships that lead to the login, which could not become a member of these accounts otherwise: the
        server counts a membership that only administers as well."""
        roles, login = self._observed.roles, self._authority.login
        ended: dict[tuple[str, str], set[str]] = {}
        for name in self._missing(name for name, account in sorted(self._dropped.items()) if account.databases):
            for membership in roles.held_by(name):
                if login in {membership.role} | roles.reachable(membership.role, any_membership):
                    grantor = self._authority.membership_grantor(membership)
                    ended.setdefault((grantor, membership.role), set()).add(name)
        return [revoke_roles([role], names, grantor) for (grantor, role), names in sorted(ended.items())]

    def _reassign(self, database: str, accounts: list[str], name: str) -> list[Statement]:
        """Schemas first: the new owner of a function must have CREATE in its schema, and an owner has."""
        schemas = [
            (schema, account)
            for account in accounts
            for schema in names_of(self._observed.obstacles.get(account, ()), SCHEMA, database)
        ]
        given = [give_schema(schema, account, name) for schema, account in sorted(schemas)]
        return [*given, reassign_owned(accounts, name)]

    def _missing(self, roles: Iterable[str]) -> list[str]:
        """Those whose rights the login does not have, or as whom it cannot act, though it is not a superuser."""
        held = self._authority.inherited & self._authority.settable
        return [role for role in roles if not self._authority.superuser and role not in held]

    def _find_revoked(self) -> dict[str, list[tuple[Item, bool]]]:
        """By database, what the accounts have on what belongs to others, and whether those depending on it lose it."""
        found: dict[str, list[tuple[Item, bool]]] = {}
        for name, account in sorted(self._dropped.items()):
            cascade = owned_objects(account.change) == DROP
            for grant in sorted(account.change.revoked):
                for item in self._items(name, grant):
                    found.setdefault(item.scope.database, []).append((item, cascade))
        return found

    def _items(self, name: str, grant: Grant) -> Iterator[Item]:
        owner = self._dropped.get(self._observed.catalogue.owner_in_effect(grant.scope))
        for entry in self._observed.catalogue.entries(grant.scope, name):
            if entry.privilege == grant.privilege and not self._goes_with_owned(entry, owner):
                acting = None if owner is not None else self._acting.to_revoke(entry)
                yield Item(name, grant.privilege, grant.scope, acting or SELF, False)

    def _goes_with_owned(self, entry: Entry, owner: DroppedAccount | None) -> bool:
        """Whether DROP OWNED is to take it. That fails for two accounts together where one is named in the default
        privileges of the other ("could not find tuple for default ACL"), so these are revoked before."""
        if entry.scope.kind.startswith(FUTURE):
            return owner is None and is_left_to_drop_owned(entry.scope, self._authority)
        return _goes_anyway(owner) or _goes_anyway(self._dropped.get(entry.grantor))


def merged(parts: Iterable[Part]) -> Iterator[Part]:
    """Leave out what is empty; what follows in the same database joins the transaction before."""
    current: tuple[str, list[Statement]] = ("", [])
    for database, part in parts:
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


def _reassigned(
    by_account: Mapping[str, Iterable[InDatabase]], database: str, new_owners: Mapping[str, str]
) -> Iterator[tuple[str, InDatabase]]:
    """What the accounts have in this database, each with its new owner."""
    for name, new in new_owners.items():
        for item in by_account.get(name, ()):
            if item.database == database and new:
                yield new, item


def is_left_to_drop_owned(scope: Scope, authority: Authority) -> bool:
    """Default privileges of somebody as whom the login cannot act."""
    return scope.kind.startswith(FUTURE) and authority.acting_for(scope.owner) is None


def ends_sessions(change: AccountChange, connected: Collection[str]) -> bool:
    """Whether the account could log in and cannot any more, unless the task has terminate_sessions: false.

    Also where it is to be locked, by the task or as unlisted, is locked already, and still has sessions: an interrupted
    task has not ended them.
    """
    before, after, request = change.before, change.after, change.request
    if before is None or (request is not None and not request.terminate_sessions):
        return False
    if after is None or not after.locked:
        return after is None
    lingering = (request is None or request.locked is True) and change.name.name in connected
    return lingering or not before.locked


def _goes_anyway(account: DroppedAccount | None) -> bool:
    """What somebody granted who is dropped with all it owns goes with it."""
    return account is not None and owned_objects(account.change) == DROP


def _revoke(items: Iterable[tuple[Item, bool]], around: Around) -> list[Statement]:
    chosen: tuple[list[Item], list[Item]] = ([], [])
    for item, cascade in items:
        chosen[cascade].append(item)
    return [
        *grants.write(grants.grouped(chosen[False]), revoke, around),
        *grants.write(grants.grouped(chosen[True]), revoke_cascade, around),
    ]

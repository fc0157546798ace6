# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""The statements that carry changes out: grouped so that they are few, ordered so that they may be interrupted.

First what makes accounts safer or is missing (creation, authentication, TLS, locks, also of accounts that are dropped),
then sessions end, then everything that is added, then everything that is revoked, then unlocking, then the drop of
objects, then the drop of accounts. Nobody loses in between what they keep.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import TypeVar

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.checks import becomes_iam
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.grouping import batches, together
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql import statements
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.observed import MySQLObserved
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.drop.sessions import ending_statement
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.drop.steps import (
    objects_dropped,
    sessions_ended,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.iam_login import NO_RULES, PasswordRules
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.plan.grants import (
    Circumstances,
    Parts,
    grants_of,
    revokes_of,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.statements import Dialect, Settings
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import (
    AccountChange,
    AccountName,
    Changes,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._plan import Statement, Step

CHUNK = 500
"""Accounts in one statement."""

Key = TypeVar("Key", bound=Hashable)
Names = Sequence[AccountName]


def render(changes: Changes, observed: MySQLObserved) -> tuple[Step, ...]:
    circumstances = Circumstances(
        observed.authority.revoke_fillers, observed.doubled, observed.mandatory_roles, observed.password_rules
    )
    effective = changes.effective
    before = secured(effective, observed.dialect, circumstances, observed.plugin_active)
    call = ending_statement(observed.authority, observed.dependencies.rds_kill)
    ending = sessions_ended(changes.accounts, observed.dependencies, observed.existing, call)
    after = [
        *settled(effective, observed.dialect, circumstances),
        *objects_dropped(effective, observed.dependencies),
        *dropped(effective),
    ]
    return (*_step(before), *ending, *_step(after)) if ending else _step([*before, *after])


def _step(written: Sequence[Statement]) -> tuple[Step, ...]:
    return (Step(tuple(written)),) if written else ()


def secured(
    changes: Sequence[AccountChange], dialect: Dialect, circumstances: Circumstances, may_alter: bool
) -> list[Statement]:
    """``may_alter``: the server has the plugin, without which it does not alter IAM accounts, nor let them in."""

    def alter(names: Names, settings: Settings) -> Iterable[Statement]:
        return [statements.alter_users(names, settings, dialect)]

    def create(names: Names, settings: Settings) -> Iterable[Statement]:
        return [statements.create_users(names, settings, dialect)]

    def drop_factors(names: Names, factors: int) -> Iterable[Statement]:
        return [statements.drop_factors(names, factors)]

    def rules(change: AccountChange) -> PasswordRules:
        return circumstances.password_rules.get(change.name, NO_RULES)

    return [
        *_grouped(changes, lambda change: _created(change, circumstances.mandatory_roles), create),
        *_grouped(changes, lambda change: _altered(change, rules(change)), alter),
        *_grouped(changes, lambda change: _factors(change, rules(change)), drop_factors),
        *_grouped(changes, _shut if may_alter else lambda change: [], alter),
    ]


def settled(changes: Sequence[AccountChange], dialect: Dialect, circumstances: Circumstances) -> list[Statement]:

    def alter(names: Names, settings: Settings) -> Iterable[Statement]:
        return [statements.alter_users(names, settings, dialect)]

    def privileges(names: Names, parts: Parts) -> Iterable[Statement]:
        return [part.statement(names, dialect) for part in parts]

    def set_default_roles(names: Names, key: DefaultRoles) -> Iterable[Statement]:
        return statements.set_default_roles(*key, names)

    def roles_granted(change: AccountChange) -> list[tuple[AccountName, ...]]:
        return _roles_granted(change, circumstances.mandatory_roles)

    def default_roles(change: AccountChange) -> list[DefaultRoles]:
        return _default_roles(change, circumstances.mandatory_roles)

    return [
        *_grouped(changes, roles_granted, lambda names, roles: [statements.grant_roles(roles, names)]),
        *_grouped(changes, _former_default_roles, set_default_roles),
        *_grouped(changes, default_roles, set_default_roles),
        *_grouped(changes, lambda change: [] if change.dropped else grants_of(change), privileges),
        *_grouped(changes, _roles_revoked, lambda names, roles: [statements.revoke_roles(roles, names)]),
        *_grouped(changes, lambda change: [] if change.dropped else revokes_of(change, circumstances), privileges),
        *_grouped(changes, _unlocked, alter),
    ]


def dropped(changes: Sequence[AccountChange]) -> list[Statement]:
    return list(
        _grouped(
            changes, lambda change: [True] if change.dropped else [], lambda names, _: [statements.drop_users(names)]
        )
    )


def _grouped(
    changes: Iterable[AccountChange],
    keys: Callable[[AccountChange], Iterable[Key]],
    rendered: Callable[[Names, Key], Iterable[Statement]],
) -> Iterator[Statement]:
    """One statement for all accounts that share a key, in the order in which the keys first appear."""
    groups = together((key, change.name) for change in changes for key in keys(change))
    for key, names in groups.items():
        for batch in batches(names, CHUNK):
            yield from rendered(batch, key)


Roles = frozenset[AccountName]


def _created(change: AccountChange, mandatory: Roles) -> list[Settings]:
    after = change.after
    if after is None or change.before is not None:
        return []
    return [
        Settings(
            roles=tuple(sorted(after.roles - mandatory)),
            tls=after.tls or None,
            connection_limit=None if after.connection_limit == -1 else after.connection_limit,
            locked=after.locked or None,
            comment=after.comment or None,
        )
    ]


def _altered(change: AccountChange, rules: PasswordRules) -> list[Settings]:
    before, after = change.before, change.after
    if before is None or after is None:
        return []
    settings = Settings(
        authentication=True if becomes_iam(change) else None,
        forgets_failures=_forgets_failures(change, rules),
        tls=after.tls if after.tls != before.tls else None,
        connection_limit=after.connection_limit if after.connection_limit != before.connection_limit else None,
        locked=True if after.locked and not before.locked else None,
        comment=after.comment if after.comment != before.comment else None,
    )
    return [] if settings == Settings() else [settings]


def _forgets_failures(change: AccountChange, rules: PasswordRules) -> bool:
    return becomes_iam(change) and rules.counts_failures


def _factors(change: AccountChange, rules: PasswordRules) -> list[int]:
    return [rules.factors] if change.before is not None and becomes_iam(change) and rules.factors else []


def _shut(change: AccountChange) -> list[Settings]:
    """Before anything else of an account that is dropped, so that nobody logs in while its sessions end."""
    return [Settings(locked=True)] if change.dropped and change.before and not change.before.locked else []


def _unlocked(change: AccountChange) -> list[Settings]:
    """Last, so that an account is not let in with privileges that are about to be revoked."""
    before, after = change.before, change.after
    unlocked = before is not None and after is not None and before.locked and not after.locked
    return [Settings(locked=False)] if unlocked else []


def _roles_granted(change: AccountChange, mandatory: Roles) -> list[tuple[AccountName, ...]]:
    """CREATE USER grants an account its roles itself, except mandatory ones, which it only makes default."""
    roles = change.roles_granted & mandatory if change.created else change.roles_granted
    return [tuple(sorted(roles))] if roles else []


def _roles_revoked(change: AccountChange) -> list[tuple[AccountName, ...]]:
    return [tuple(sorted(change.roles_revoked))] if change.altered and change.roles_revoked else []


DefaultRoles = tuple[tuple[AccountName, ...], bool]
"""Roles, and whether they are all that the account holds."""


def _former_default_roles(change: AccountChange) -> list[DefaultRoles]:
    """Where a role becomes a default role, the list is first set to what it is.

    The server may remember the role as one from an earlier SET DEFAULT ROLE for several accounts (see
    :func:`statements.set_default_roles`), and then it would not write it down again.
    """
    before, after = change.before, change.after
    gained = before is not None and after is not None and after.default_roles - before.default_roles
    return [(tuple(sorted(before.default_roles)), False)] if before is not None and gained else []


def _default_roles(change: AccountChange, mandatory: Roles) -> list[DefaultRoles]:
    """A revoked role leaves the list by itself. ALL would mean mandatory roles too."""
    before, after = change.before, change.after
    if after is None or (before is None and not after.roles & mandatory):
        return []
    default, held = (before.default_roles, before.roles) if before is not None else (frozenset(), frozenset())
    if after.default_roles == default - change.roles_revoked:
        return []
    return [(tuple(sorted(after.default_roles)), after.default_roles == held | after.roles and not mandatory)]

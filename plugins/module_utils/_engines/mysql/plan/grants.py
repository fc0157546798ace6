# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Which GRANT and REVOKE statements lead one account from its grants before to those after, side effects included."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.grouping import by_object, object_of, together
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql import statements
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.objects import (
    GLOBAL,
    is_lost,
    on_table,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.privileges import (
    STATIC_PRIVILEGES,
    USAGE,
    in_order,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.iam_login import PasswordRules
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import (
    AccountChange,
    AccountName,
    Grant,
    Scope,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._plan import Statement

Privileges = tuple[tuple[str, tuple[str, ...]], ...]
"""Privileges with the columns that each is limited to."""


@dataclass(frozen=True)
class PrivilegeStatement:
    """A GRANT or REVOKE that still lacks its accounts."""

    privileges: Privileges
    scope: Scope
    revokes: bool = False
    option: bool = False

    def statement(self, names: Sequence[AccountName], dialect: statements.Dialect) -> Statement:
        text = statements.privilege_list(self.privileges)
        if self.revokes:
            return statements.revoke(text, self.scope, names, dialect)
        return statements.grant(text, self.scope, names, self.option, dialect)


@dataclass(frozen=True)
class Circumstances:
    """What decides how a statement must be written.

    fillers  static privileges that hold on no database, where the login is under partial revokes; else empty
    doubled  dynamic privileges that the server holds twice, by account
    mandatory_roles  the server gives them to every account
    password_rules   of each account
    """

    fillers: tuple[str, ...] = ()
    doubled: Mapping[AccountName, Collection[str]] = field(default_factory=dict)
    mandatory_roles: frozenset[AccountName] = frozenset()
    password_rules: Mapping[AccountName, PasswordRules] = field(default_factory=dict)

    def filler(self, held: Iterable[Grant]) -> tuple[str, ...]:
        """A login under partial revokes may not revoke dynamic privileges alone (error 3879: the server compares the
        restrictions of all privileges where no static one is named). So one that the account lacks is named too."""
        names = {grant.privilege for grant in held}
        return tuple(privilege for privilege in self.fillers if privilege not in names)[:1]


Parts = tuple[PrivilegeStatement, ...]
"""Statements that follow each other at once."""


def grants_of(change: AccountChange) -> list[Parts]:
    """What is added, except what :func:`revokes_of` sees to."""
    losing = {grant.key for grant in change.grant_options_revoked}
    revoked = {grant.key for grant in change.revoked}
    added = [grant for grant in change.granted if grant.key not in losing and not _is_taken_again(grant, revoked)]
    return [(part,) for scope, grants in sorted(by_object(added).items()) for part in _grants_on(scope, grants)]


def _is_taken_again(grant: Grant, revoked: Collection[tuple[str, Scope]]) -> bool:
    """A column's privilege, by the revoke of its table's."""
    return bool(grant.scope.column) and (grant.privilege, object_of(grant.scope)) in revoked


def _grants_on(scope: Scope, grants: Collection[Grant]) -> list[PrivilegeStatement]:
    """The grant option of a level and that of dynamic privileges are given by the same words, so that what gets it and
    what does not are two statements on ``*.*``."""
    option = Grant(USAGE, scope, True) in grants
    named = [grant for grant in grants if grant.privilege != USAGE]
    by_option = together((grant.grantable if _is_dynamic(grant) else option, grant) for grant in named)
    found = [PrivilegeStatement(_written(by_option[True]), scope, option=True)] if True in by_option else []
    if option and all(map(_is_dynamic, named)):
        # Beside dynamic privileges alone, WITH GRANT OPTION would give theirs only, also if USAGE is named with them.
        found.append(PrivilegeStatement(_written([Grant(USAGE, scope)]), scope, option=True))
    if False in by_option:
        found.append(PrivilegeStatement(_written(by_option[False]), scope))
    return found


def revokes_of(change: AccountChange, circumstances: Circumstances) -> list[Parts]:
    """What is taken away, each revoke followed by what it took besides."""
    parts: list[Parts] = []
    for scope, grants in sorted(by_object([*change.revoked, *change.grant_options_revoked]).items()):
        if scope == GLOBAL:
            parts.append(_revoke_on_everything(change, grants, circumstances))
        elif scope.kind == "TABLE":
            parts.append(_revoke_on_table(change, scope, grants))
        elif is_lost(change.name, scope):
            # The server carries the REVOKE out if it remembers the GRANT, which it does not after a restart.
            parts.append((*_grants_on(scope, grants), _revoke(scope, grants)))
        else:
            parts.append((_revoke(scope, grants),))
    return parts


def _revoke(scope: Scope, grants: Iterable[Grant]) -> PrivilegeStatement:
    return PrivilegeStatement(_written(grants, option="GRANT OPTION"), scope, revokes=True)


def _revoke_on_table(change: AccountChange, scope: Scope, grants: Collection[Grant]) -> Parts:
    """Revoking a privilege on a table also removes it from the table's columns.

    https://dev.mysql.com/doc/refman/8.4/en/revoke.html
    """
    whole = {grant.privilege for grant in grants if not grant.scope.column}
    needed = {Grant(privilege, scope, privilege == USAGE) for privilege in whole}
    needed |= {grant for grant in grants if grant.privilege not in whole}
    taken_besides = [grant for grant in on_table(_after(change), scope) if grant.privilege in whole]
    revoke = _revoke(scope, needed)
    return (revoke, PrivilegeStatement(_written(taken_besides), scope)) if taken_besides else (revoke,)


def _revoke_on_everything(change: AccountChange, grants: Collection[Grant], circumstances: Circumstances) -> Parts:
    """A dynamic privilege loses its grant option only by being revoked and granted again."""
    again = _granted_again(change, grants)
    dynamic = {grant.privilege for grant in [*grants, *again] if _is_dynamic(grant)}
    static = {grant.privilege for grant in grants if not _is_dynamic(grant)} - {USAGE}
    option = Grant(USAGE, GLOBAL, True) in grants
    if option and not dynamic:
        return (_revoke_everywhere({*static, USAGE}), *_grants_on(GLOBAL, again))
    filler = set(circumstances.filler(_before(change)))
    doubled = dynamic & set(circumstances.doubled.get(change.name, ()))
    revokes = [(static or filler) | dynamic]
    revokes += [filler | doubled] if doubled else []
    revokes += [{USAGE}] if option else []
    return (*map(_revoke_everywhere, revokes), *_grants_on(GLOBAL, again))


def _granted_again(change: AccountChange, grants: Collection[Grant]) -> set[Grant]:
    """REVOKE GRANT OPTION would leave a grantable dynamic privilege with two entries in the server's memory, of which a
    later REVOKE removes one: such privileges are revoked before it, and granted again if they stay."""
    again = {grant for grant in _after(change) if Grant(grant.privilege, GLOBAL, True) in change.grant_options_revoked}
    if Grant(USAGE, GLOBAL, True) in grants:
        again |= {grant for grant in _after(change) if _is_dynamic(grant) and grant.grantable}
    return again


def _revoke_everywhere(privileges: Collection[str]) -> PrivilegeStatement:
    return _revoke(GLOBAL, [Grant(privilege, GLOBAL) for privilege in privileges])


def _before(change: AccountChange) -> frozenset[Grant]:
    return change.before.grants if change.before else frozenset()


def _after(change: AccountChange) -> frozenset[Grant]:
    return change.after.grants if change.after else frozenset()


def _is_dynamic(grant: Grant) -> bool:
    return grant.scope == GLOBAL and grant.privilege != USAGE and grant.privilege not in STATIC_PRIVILEGES


def _written(grants: Iterable[Grant], option: str = USAGE) -> Privileges:
    """Privileges in MySQL's order, columns gathered. ``option``: how the level's grant option is written."""
    columns: dict[tuple[str, bool], list[str]] = defaultdict(list)
    for grant in grants:
        limited = columns[(grant.privilege, bool(grant.scope.column))]
        if grant.scope.column:
            limited.append(grant.scope.column)
    ordered = sorted(columns.items(), key=lambda item: (item[0][0] == USAGE, in_order(item[0][0]), item[0][1]))
    return tuple((option if name == USAGE else name, tuple(sorted(limited))) for (name, _rank), limited in ordered)

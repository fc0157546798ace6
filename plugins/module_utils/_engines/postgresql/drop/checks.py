# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Who cannot be dropped yet, what is in the way, and code that would run with more rights than its author had."""

from __future__ import annotations

from collections.abc import Iterable

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.checks import missing
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.objects import PUBLIC
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.observed import (
    PostgreSQLObserved,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.drop.code import listed
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.drop.dependencies import (
    DROP,
    NO_OBSTACLE,
    REASSIGN,
    SOLVED,
    Obstacle,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.drop.steps import (
    ends_sessions,
    is_left_to_drop_owned,
    new_owner,
    owned_objects,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.grammar.objects import (
    name_scope,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.iam_login import RDS_IAM, has_marker
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.plan.acting import Acting
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import Mistakes, Refused, Where, about
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import AccountChange, Changes
from ansible_collections.dbops.aurora_iam.plugins.module_utils._survey import shortened

_SHOWN = 10


def review_drops(changes: Changes, observed: PostgreSQLObserved, acting: Acting) -> list[str]:
    """Raises Refused, MissingObject, ManyMistakes. Returns warnings: the code that is reassigned."""
    _refuse_group_roles(changes, observed)
    refuse_open_sessions(changes, observed)
    reassigned = [change for change in changes.effective if change.dropped and owned_objects(change) == REASSIGN]
    mistakes = Mistakes()
    for change in reassigned:
        with mistakes.about():
            _refuse_new_owner(change, changes, observed)
    mistakes.refuse()
    _refuse_obstacles(changes, observed, acting)
    return [warning for change in reassigned for warning in _review_code(change, observed)]


def _refuse_group_roles(changes: Changes, observed: PostgreSQLObserved) -> None:
    """Raises Refused for what cannot log in and nobody has locked with this collection, unless it looks like an account
    that somebody else has locked: itself in rds_iam, and without members."""
    own = {observed.login.name, observed.master}
    for change in changes.effective:
        name = change.name.name
        if not change.dropped or change.before is None or not change.before.locked:
            continue
        if has_marker(observed.roles.by_name[name].comment):
            continue
        members = observed.roles.members(name) - own
        if members:
            why = f"has the members {', '.join(sorted(members))}"
        elif RDS_IAM not in observed.roles.direct(name):
            why = f"is in rds_iam through {observed.roles.chain(name, RDS_IAM)[1]}"
        else:
            continue
        raise Refused(
            f"{name} is a group role (it cannot log in and {why}), not an account, and this collection drops no roles; "
            "remove it from the task.",
            change.at(),
        )


def refuse_open_sessions(changes: Changes, observed: PostgreSQLObserved) -> None:
    """Raises Refused."""
    authority = observed.authority
    concerned = [
        change
        for change in changes.accounts
        if change.name.name in observed.connected
        and ends_sessions(change, observed.connected)
        and not authority.may_end_sessions(change.name.name)
    ]
    if concerned:
        raise Refused(
            f"there are open sessions, which the login {authority.login} may not end on {observed.title}; grant "
            f"pg_signal_backend to {authority.login}, or set terminate_sessions: false.",
            *(change.at() for change in concerned),
        )


def _refuse_new_owner(change: AccountChange, changes: Changes, observed: PostgreSQLObserved) -> None:
    name, where = new_owner(change), change.at("reassign_owned_to")
    created = {item.name.name for item in changes.accounts if item.created}
    dropped = {item.name.name for item in changes.accounts if item.dropped}
    if name not in observed.roles.by_name and name not in created:
        with about(where):
            raise missing(f"role {name}", observed.title)
    if name in dropped:
        raise Refused(f"{name} is dropped by this task as well; name a role that stays.", where)
    _refuse_beyond_reach(name, name in created, where, observed)


def _refuse_beyond_reach(name: str, created: bool, where: Where, observed: PostgreSQLObserved) -> None:
    """Raises Refused where the login cannot become a member of the new owner."""
    authority, login = observed.authority, observed.login.name
    if name in authority.inherited & authority.settable or authority.superuser:
        return
    if login in observed.roles.reachable(name, lambda membership: True):
        raise Refused(
            f"{name} is a member of the login {login}, which therefore cannot become a member of it, as giving it "
            f"something takes; name another role, or {login} itself.",
            where,
        )
    if not created and not authority.administers(name):
        raise Refused(
            f"{name} is a role that {login} neither has the rights of nor ADMIN OPTION on, and giving it something "
            f"takes both; have {name} granted to {login}, or name another role.",
            where,
        )


def _refuse_obstacles(changes: Changes, observed: PostgreSQLObserved, acting: Acting) -> None:
    """Raises Refused with all that keeps an account from being dropped; ManyMistakes for several accounts."""
    dropped = {change.name.name: change for change in changes.accounts if change.dropped}
    mistakes = Mistakes()
    for name, change in sorted(dropped.items()):
        reasons = _in_the_way(observed.obstacles.get(name, ()), owned_objects(change))
        if owned_objects(change) != DROP:
            reasons += _passed_on(name, observed)
        reasons += _from_others(change, dropped, observed, acting)
        with mistakes.about(change.at()):
            if reasons:
                raise _not_droppable(name, reasons, observed.title)
    mistakes.refuse()


def _in_the_way(obstacles: Iterable[Obstacle], owned_objects: str) -> list[str]:
    """What remains in the way, in words."""
    return [str(item) for item in obstacles if item.kind not in SOLVED[owned_objects] | NO_OBSTACLE]


def _not_droppable(name: str, reasons: list[str], title: str) -> Refused:
    return Refused(
        f"{name} cannot be dropped on {title}, and nothing was changed, because it {', '.join(reasons)}. Give these "
        "objects another owner or drop them (owned_objects can do both), have revoked what was granted, and run the "
        "task again.",
        in_the_way={name: reasons},
    )


def _passed_on(name: str, observed: PostgreSQLObserved) -> list[str]:
    """Privileges that others have from this account, but not on its own objects: those are listed as owned."""
    catalogue = observed.catalogue
    found = [
        f"granted {entry.privilege} on {name_scope(entry.scope)} to "
        f"{'PUBLIC' if entry.grantee == PUBLIC else entry.grantee}"
        for entry in catalogue.granted_by(name)
        if entry.grantee != name and catalogue.owner(entry.scope) != name
    ]
    return shortened(sorted(found), _SHOWN, "such grants")


def _from_others(
    change: AccountChange, dropped: dict[str, AccountChange], observed: PostgreSQLObserved, acting: Acting
) -> list[str]:
    """Privileges by grantors for whom the login cannot act: nobody but they can revoke them."""
    authority, name, found = observed.authority, change.name.name, []
    for grant in change.revoked:
        if is_left_to_drop_owned(grant.scope, authority):
            continue
        for entry in observed.catalogue.entries(grant.scope, name):
            if entry.privilege != grant.privilege or {
                entry.grantor,
                observed.catalogue.owner_in_effect(grant.scope),
            } & set(dropped):
                continue
            if acting.to_revoke(entry) is None:
                found.append(f"has {entry.privilege} on {name_scope(entry.scope)} from {entry.grantor}")
    return shortened(sorted(found), _SHOWN, f"grants by roles for which the login {authority.login} cannot act")


def _review_code(change: AccountChange, observed: PostgreSQLObserved) -> list[str]:
    """What runs with its owner's rights.

    Raises Refused where the new owner may do more than the account, judged with caution: unless the account has all of
    its rights by being a member of it, any privilege and any object of the new owner is more.
    """
    name, new = change.name.name, new_owner(change)
    code = observed.code.get(name, ())
    if not code:
        return []
    advantages = _advantages(change, observed)
    if advantages and change.request is not None and not change.request.reassign_code:
        raise Refused(
            f"{new} would get code that {name} or others wrote and run it with its own rights, which are more than "
            f"those of {name} ({new} {', '.join(advantages)}): {listed(code)}. Read that code, then set reassign_code: "
            "true, or name a role without rights of its own.",
            change.at("reassign_owned_to"),
            reassigned_code=[str(item) for item in code],
        )
    return [f"Code of {name} goes to {new} and runs with its rights: {listed(code)}."]


def _advantages(change: AccountChange, observed: PostgreSQLObserved) -> list[str]:
    """In the databases where the account has code. What an interrupted drop has reassigned in others does not count."""
    name, new = change.name.name, new_owner(change)
    roles = observed.roles
    if new in roles.reachable(name):
        return []
    within = {"", *(item.database for item in observed.code.get(name, ()))}
    own = [item.text for item in observed.advantages.get(name, ()) if item.database in within]
    gained = sorted(roles.reachable(new) - roles.reachable(name))
    return [*own, *([f"is a member of {', '.join(gained)}"] if gained else [])]

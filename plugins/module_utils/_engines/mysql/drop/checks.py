# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Why an account cannot be dropped or its sessions not be ended, found before anything is done."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Optional

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.grantor import Authority
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.drop.dependencies import (
    DefinedObject,
    Dependencies,
    may_adopt,
    missing_to_see,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.drop.sessions import (
    ending_statement,
    right_to_end,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.objects import (
    GLOBAL,
    canonical,
    format_scope,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import Refused
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import (
    Account,
    AccountChange,
    AccountName,
    AccountRequest,
    Scope,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._survey import first_of

DROP, REASSIGN = "drop", "reassign"
Planned = Mapping[AccountName, Optional[Account]]
"""The accounts that the task changes, as they will be."""

_TO_DROP = {
    "VIEW": ("TABLE", "DROP"),
    "PROCEDURE": ("PROCEDURE", "ALTER ROUTINE"),
    "FUNCTION": ("FUNCTION", "ALTER ROUTINE"),
}
"""On what privileges on such an object are granted, and which one it takes to drop it.

https://dev.mysql.com/doc/refman/8.4/en/privileges-provided.html
"""
_NAMED = 3
"""Accounts that a warning names before it only counts them."""
NOBODY = AccountRequest("")
"""Stands for the request of an account that no one listed."""

_NO_REASSIGN = (
    "MySQL cannot change the definer of existing code. Lock the account instead (locked: true): the server keeps "
    "executing code whose definer is locked. Or let an administrator recreate these objects under another definer, "
    "revoke the role or proxy, and run the task again."
)
"""https://dev.mysql.com/doc/refman/8.4/en/stored-objects-security.html"""


def check_drop(change: AccountChange, dependencies: Dependencies, planned: Planned) -> None:
    """Raises Refused."""
    request = change.request or NOBODY
    phrases = list(_obstacles(change.name, request, dependencies, planned))
    if phrases:
        how, remedy = "", "Set owned_objects to drop, revoke the role or proxy, or lock the account instead."
        if request.owned_objects == DROP:
            remedy = "Revoke the proxy, or lock the account instead (locked: true)."
        if request.owned_objects == REASSIGN:
            how, remedy = " with owned_objects: reassign", _NO_REASSIGN
        raise Refused(
            f"{change.name} cannot be dropped{how}, because {'; '.join(phrases)}. {remedy}",
            change.at("owned_objects" if how else ""),
            in_the_way={str(change.name): phrases},
        )


def check_definers_seen(change: AccountChange, missing: Sequence[str], login: AccountName) -> None:
    """Raises Refused where the login may not see all code. ``missing``: see ``missing_to_see``."""
    if missing:
        raise Refused(
            f"{login} cannot see whether {change.name} is the definer of views, routines, triggers or events, which "
            f"would stop working. Grant {login} {', '.join(missing)}, or lock the account instead (locked: true).",
            change.at(),
        )


def check_may_drop_objects(
    change: AccountChange, dependencies: Dependencies, authority: Authority, login: AccountName, folds_names: bool
) -> None:
    """Raises Refused where the login may not drop what the account is the definer of, with ``owned_objects: drop``. A
    login that sees all triggers and events may drop them."""
    if (change.request or NOBODY).owned_objects != DROP:
        return
    missing = []
    for item in dependencies.objects.get(change.name, ()):
        kind, privilege = _TO_DROP.get(item.kind, (item.kind, ""))
        scope = canonical(Scope(kind, path=(item.database, item.name)), folds_names)
        if privilege and not authority.holds(privilege, scope):
            missing.append(f"{privilege} ON {format_scope(scope)}")
    if missing:
        raise Refused(
            f"{login} may not drop everything that {change.name} is the definer of. Grant {login} "
            f"{', '.join(missing)}, or lock the account instead (locked: true).",
            change.at("owned_objects"),
        )


def check_adoption(
    change: AccountChange,
    dependencies: Dependencies,
    unseen: Collection[AccountName],
    authority: Authority,
    login: AccountName,
) -> None:
    """Raises Refused where the server does not let the login create an account that is a definer already."""
    objects = dependencies.objects.get(change.name, ())
    code = [str(item) for item in objects] + [f"code that {login} cannot see"] * (change.name in unseen)
    if code and not may_adopt(authority):
        raise Refused(
            f"{change.name} cannot be created, because it is the definer of {', '.join(code)} (error 4006). Let an "
            f"administrator drop that code or recreate it under another definer, or grant {login} "
            "ALLOW_NONEXISTENT_DEFINER (SET_USER_ID before MySQL 8.2).",
            change.at(),
        )


def adopted(
    changes: Sequence[AccountChange], dependencies: Dependencies, authority: Authority, login: AccountName
) -> Iterator[str]:
    """Warnings about code that gets the privileges of accounts that are created."""
    created = [change.name for change in changes if change.created]
    for name in created:
        if objects := dependencies.objects.get(name):
            yield (
                f"{name} is new, but already the definer of {_listed(objects)}. From now on the server executes this "
                "code with the privileges of the account. Read it, and drop it if it is not meant to be executed."
            )
    missing = missing_to_see(authority)
    if created and missing and may_adopt(authority):
        names = first_of(list(map(str, created)), _NAMED)
        yield (
            f"{login} cannot see whether {names} is the definer of existing code, which the server would execute with "
            f"its privileges from now on. Grant {login} {', '.join(missing)} to have it named."
        )


def _listed(objects: Sequence[DefinedObject]) -> str:
    return ", ".join(map(str, objects))


def _obstacles(
    name: AccountName, request: AccountRequest, dependencies: Dependencies, planned: Planned
) -> Iterator[str]:
    if request.owned_objects != DROP:
        yield from (f"it is the definer of {item}" for item in dependencies.objects.get(name, ()))
        members = dependencies.members.get(name, ())
        yield from (f"it is a role of {member}" for member in members if _stays(member, name, planned))
    for proxy in dependencies.proxies.get(name, ()):
        if proxy not in planned or planned[proxy] is not None:
            yield f"{proxy} may act as it (PROXY)"


def _stays(member: AccountName, role: AccountName, planned: Planned) -> bool:
    """Whether it still has the role when the task has revoked roles, and is not dropped itself."""
    after = planned.get(member)
    return member not in planned or (after is not None and role in after.roles)


def check_sessions(change: AccountChange, dependencies: Dependencies, authority: Authority, login: AccountName) -> None:
    """Raises Refused where sessions are to be ended and the login can see or end none but its own."""
    if not authority.holds("PROCESS", GLOBAL):
        reason = "see the sessions of others; grant it PROCESS"
    elif change.name in dependencies.sessions.values() and not ending_statement(authority, dependencies.rds_kill):
        reason = f"end the sessions of others; grant it {right_to_end(dependencies.rds_kill)}"
    else:
        return
    raise Refused(f"{login} may not {reason}, or set terminate_sessions: false.", change.at())

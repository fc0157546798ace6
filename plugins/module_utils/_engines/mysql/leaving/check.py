# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""What speaks against an account's leaving, found before it begins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Optional

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.authority import Authority
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.leaving.code import (
    COPY_PREFIX,
    ROUTINES,
    Code,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.leaving.handover import CODECS, body
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.leaving.read import Leaving
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.leaving.rights import Rights
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.names import is_reserved
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.privileges import USAGE
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.scope import (
    GLOBAL,
    MAX_IDENTIFIER,
    format_scope,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import MissingObject, Refused
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import (
    Account,
    AccountChange,
    AccountName,
    AccountRequest,
)

DROP, FAIL, REASSIGN = "drop", "fail", "reassign"
Planned = Mapping[AccountName, Optional[Account]]
"""The accounts that the task changes, as they will be."""

NOBODY = AccountRequest("")
"""Stands for the request of an account that no one listed."""


def check_drop(
    change: AccountChange,
    leaving: Leaving,
    rights: Mapping[AccountName, Rights],
    authority: Authority,
    planned: Planned,
    title: str,
) -> None:
    """Raises Refused, MissingObject."""
    request = change.request or NOBODY
    phrases = list(_obstacles(change.name, request, leaving, planned))
    if phrases:
        raise Refused(
            f"{request.position}{change.name} cannot be dropped, because {'; '.join(phrases)}. Set owned_objects to "
            "reassign or drop, revoke the role or proxy, or lock the account instead.",
            in_the_way={str(change.name): phrases},
        )
    if request.owned_objects == REASSIGN:
        _check_heir(change.name, request, leaving, rights, planned, title)
        for code in leaving.code.get(change.name, ()):
            reason = _not_to_be_made_again(code, leaving, authority)
            if reason:
                raise Refused(
                    f"{request.position}{code.object} of {change.name} cannot be given another definer: {reason}."
                )
        _check_definer(request, leaving.heirs[change.name], rights, authority)


def _obstacles(name: AccountName, request: AccountRequest, leaving: Leaving, planned: Planned) -> Iterator[str]:
    if request.owned_objects == FAIL:
        yield from (f"it is the definer of {item}" for item in leaving.objects.get(name, ()))
    if request.owned_objects != DROP:
        members = leaving.members.get(name, ())
        yield from (f"it is a role of {member}" for member in members if _stays(member, name, planned))
    yield from (f"{proxy} may act as it (PROXY)" for proxy in leaving.proxies.get(name, ()))


def _stays(member: AccountName, role: AccountName, planned: Planned) -> bool:
    """Whether it still has the role when the task has revoked roles, and has not left itself."""
    after = planned.get(member)
    return member not in planned or (after is not None and role in after.roles)


def _check_heir(
    name: AccountName,
    request: AccountRequest,
    leaving: Leaving,
    rights: Mapping[AccountName, Rights],
    planned: Planned,
    title: str,
) -> None:
    heir = leaving.heirs.get(name)
    text = f"{request.position}reassign_owned_to: {request.reassign_owned_to}"
    if heir is None:
        raise MissingObject(f"{text} does not exist on {title}; create it first, or correct the name (name@host).")
    if heir in planned and planned[heir] is None:
        raise Refused(f"{text} leaves in this very task; name an account that stays.")
    if is_reserved(heir.name):
        raise Refused(f"{text} is reserved for the Aurora service; name another account.")
    code = [str(item.object) for item in leaving.code.get(name, ()) if not item.object.invoker]
    beyond = rights[heir].beyond(rights[name]) if code and not request.reassign_code else []
    if beyond:
        first = beyond[0]
        privilege = "the grant option" if first.privilege == USAGE else first.privilege
        raise Refused(
            f"{text} has rights that {name} has not ({privilege} on {format_scope(first.scope)}), and what {name} "
            f"wrote would run with them: {', '.join(code)}. Read that code, then set reassign_code: true, or "
            "choose another account.",
            code_handed_over=code,
        )


def _check_definer(
    request: AccountRequest, heir: AccountName | None, rights: Mapping[AccountName, Rights], authority: Authority
) -> None:
    text = f"{request.position}reassign_owned_to: {request.reassign_owned_to}"
    if not any(authority.holds(privilege, GLOBAL) for privilege in ("SET_ANY_DEFINER", "SET_USER_ID", "SUPER")):
        raise Refused(f"{text}: the login may not name another definer; grant it SET_ANY_DEFINER (8.0: SET_USER_ID).")
    held = rights[heir].grants if heir and heir in rights else frozenset()
    system = {grant.privilege for grant in held}
    if "SYSTEM_USER" in system and not authority.holds("SYSTEM_USER", GLOBAL):
        raise Refused(f"{text} holds SYSTEM_USER, so that only an account with SYSTEM_USER may name it as definer.")


def _not_to_be_made_again(code: Code, leaving: Leaving, authority: Authority) -> str:
    """Why not; empty if it can be."""
    reasons = (
        (not code.create, "the login may not read it; grant it SHOW_ROUTINE, SHOW VIEW, TRIGGER and EVENT"),
        (not _is_encodable(code), f"its text is in the character set {code.client}; make it again by hand"),
        (
            body(code) is None and code.object.kind != "EVENT",
            "the server shows it in an unknown form",
        ),
        (
            code.garbled,
            f"its comment or parameters have letters that the server garbles for {code.client} or its sql_mode; make "
            "it again by hand",
        ),
        (
            code.object.kind == "VIEW" and code.object.detail != "VIEW",
            "it refers to something that is not there; correct or drop the view",
        ),
        (
            code.collation != code.current,
            f"its database's collation was {code.collation} when it was made and is {code.current} now, which would "
            "change what it does; make it again by hand",
        ),
        (
            code.object.kind in ("FUNCTION", "TRIGGER")
            and not leaving.takes_code
            and not authority.holds("SUPER", GLOBAL),
            "the server's log_bin_trust_function_creators is OFF, so that the login may not create any (error 1419); "
            "set it to 1 in the cluster's parameter group",
        ),
        (
            code.object.kind in ROUTINES and len(COPY_PREFIX + code.object.name) > MAX_IDENTIFIER,
            "its name is too long for a safe copy beside it; make it again by hand",
        ),
        (not _may_grant_again(code, authority), "the login may not grant again what others hold on it"),
    )
    return next((reason for applies, reason in reasons if applies), "")


def _is_encodable(code: Code) -> bool:
    try:
        code.create.encode(CODECS[code.client])
    except (KeyError, UnicodeEncodeError):
        return False
    return True


def _may_grant_again(code: Code, authority: Authority) -> bool:
    return all(
        authority.may_grant(USAGE if word == "GRANT" else word, code.object.scope)
        for _grantee, words in code.grants
        for word in words
    )


def check_sessions(name: AccountName, leaving: Leaving, authority: Authority, position: str) -> None:
    """Raises Refused where sessions are to be ended and the login can see or end none but its own."""
    if not authority.holds("PROCESS", GLOBAL):
        reason = "see the sessions of others; grant it PROCESS"
    elif name in leaving.sessions.values() and not leaving.rds_kill and not _may_kill(authority):
        reason = "end the sessions of others; grant it CONNECTION_ADMIN"
    else:
        return
    raise Refused(f"{position}The login may not {reason}, or set terminate_sessions: false ({name}).")


def _may_kill(authority: Authority) -> bool:
    return authority.holds("CONNECTION_ADMIN", GLOBAL) or authority.holds("SUPER", GLOBAL)


def warnings(change: AccountChange, leaving: Leaving) -> Iterator[str]:
    """What was handed over runs as somebody else from now on."""
    code = [str(item.object) for item in leaving.code.get(change.name, ()) if not item.object.invoker]
    if code:
        heir = leaving.heirs[change.name]
        yield f"{change.name} leaves; with the rights of {heir} run from now on: {', '.join(code)}."

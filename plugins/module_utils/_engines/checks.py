# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""What both engines refuse or warn of for the same reason, in the same words."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from typing import TypeVar

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.base import ParsedAccount, ParsedGrant
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import (
    IamAuthDisabled,
    MissingObject,
    Mistakes,
    Refused,
    StatementFailed,
    UnknownPrivilege,
    Where,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import (
    IAM,
    AccountChange,
    AccountName,
    GrantRequest,
    Scope,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._plan import Subject

T = TypeVar("T")


def parse_all(
    requests: Iterable[GrantRequest] | None, parse: Callable[[GrantRequest], ParsedGrant], mistakes: Mistakes
) -> tuple[ParsedGrant, ...] | None:
    """The elements of ``grants``. Adds to the mistakes."""
    if requests is None:
        return None
    parsed = []
    for request in requests:
        with mistakes.about(element=request.position):
            parsed.append(parse(request))
    return tuple(parsed)


def resolve_all(wanted: Iterable[ParsedAccount], resolve: Callable[[ParsedAccount], T]) -> list[T]:
    """Raises what ``resolve`` does, and ManyMistakes where several accounts or elements are wrong."""
    mistakes = Mistakes()
    resolved = []
    for account in wanted:
        with mistakes.about(account.request.where):
            resolved.append(resolve(account))
    mistakes.refuse()
    return resolved


def role_element(change: AccountChange, is_meant: Callable[[str], bool], otherwise: str = "roles") -> str:
    """Which element of ``roles`` names a role.

    is_meant   whether a name as written is the role's
    otherwise  where none does
    """
    roles = change.request.roles or () if change.request is not None else ()
    return next((f"roles[{index}]" for index, text in enumerate(roles) if is_meant(text)), otherwise)


def elements_of(
    account: ParsedAccount,
    subjects: Collection[Subject],
    objects: Callable[[ParsedGrant], AbstractSet[Scope]],
    role: Callable[[str], AccountName | None],
) -> str:
    """As ``Engine.elements`` says, for one account.

    objects  from a grant of the account to what it is on
    role     from a name as written to the role
    """
    found = [parsed.position for parsed in account.grants or () if not objects(parsed).isdisjoint(subjects)]
    found += [f"roles[{index}]" for index, text in enumerate(account.roles or ()) if role(text) in subjects]
    return ", ".join(found) or _revoked(account, subjects)


def _revoked(account: ParsedAccount, subjects: Collection[Subject]) -> str:
    """What is revoked is in no element."""
    kinds = {isinstance(item, Scope) for item in subjects} if account.request.present else ()
    options = {
        "grants": account.grants is not None and True in kinds,
        "roles": account.roles is not None and False in kinds,
    }
    return ", ".join(option for option, is_meant in options.items() if is_meant)


def missing(what: str, title: str, near: Collection[str] = (), unseen_by: str = "") -> MissingObject:
    """
    what       that the task names
    title      of the server
    near       what a person may have meant
    unseen_by  a login that the server would not show it to
    """
    if near:
        return MissingObject(f"{what} does not exist on {title}. Did you mean {' or '.join(near)}?")
    if unseen_by:
        return MissingObject(
            f"{what} does not exist on {title}, or {unseen_by} may not see it. Create it first, correct the name (case "
            f"matters), or grant {unseen_by} a privilege on it."
        )
    return MissingObject(f"{what} does not exist on {title}; create it first, or correct the name (case matters).")


def unknown_privilege(text: str, product: str, known: Collection[str], on: str, applicable: str) -> UnknownPrivilege:
    """
    text        what stands where a privilege should
    known       all privileges of the product
    on          what the privilege is to be granted on
    applicable  the privileges that this has, as a list to be read
    """
    name = " ".join(text.upper().split())
    if name in known:
        return UnknownPrivilege(f"{name} does not apply to {on}; what does: {applicable}.")
    # Only here: it takes long to import
    from difflib import get_close_matches

    near = get_close_matches(name, known, 1, 0.7)
    advice = f". Did you mean {near[0]}?" if near else f"; on {on} there are {applicable}."
    return UnknownPrivilege(f"{text or 'an empty text'} is not a privilege of {product}{advice}")


def grant_option(text: str) -> UnknownPrivilege:
    return UnknownPrivilege(f"{text} is not a privilege; set grant_option: true beside privileges.")


def no_columns(on: str) -> UnknownPrivilege:
    return UnknownPrivilege(f"only privileges on a table are limited to columns; leave them out for {on}.")


def no_column(table: str, column: str, title: str) -> MissingObject:
    return MissingObject(f"{table} has no column {column} on {title}; correct the name.")


def own_role(name: AccountName | str) -> Refused:
    return Refused(f"{name} cannot be a role of itself; remove it from roles.")


def role_is_dropped(role: AccountName, change: AccountChange, where: Where) -> Refused:
    return Refused(f"{role} is dropped by this task; list the roles of {change.name} without it.", where)


def reserved(name: str) -> Refused:
    return Refused(f"{name} is reserved by the server or by RDS; choose another name.")


def becomes_iam(change: AccountChange) -> bool:
    """Whether the account is created, or was not IAM-authenticated before."""
    before, after = change.before, change.after
    return after is not None and after.authentication == IAM and (before is None or before.authentication != IAM)


def refuse_own_accounts(
    changes: Iterable[AccountChange], login: AccountName, masters: Collection[AccountName], title: str
) -> None:
    """``changes``: those that change something; ``masters``: what else administers the server. Raises Refused."""
    for change in changes:
        if change.name == login:
            who = "the login of this task"
        elif change.name in masters:
            who = f"the master user of {title}"
        else:
            continue
        raise Refused(
            f"{change.name} is {who}, which the collection never modifies. Remove it from the task.", change.at()
        )


def iam_auth_off(title: str, reason: str) -> IamAuthDisabled:
    """``reason``: how that is known."""
    return IamAuthDisabled(
        f"IAM authentication is off on {title} ({reason}). Turn it on with dbops.aurora_iam.aurora_iam_cluster."
    )


def statement_refused(title: str, words: str, code: str, statement: str, advice: str) -> StatementFailed:
    """
    words   the server's own
    advice  a sentence: the next step
    """
    number = f" (error {code})" if code else ""
    return StatementFailed(f"{title} refused a statement: {words}{number}. {advice}", code, statement)


def similar_names(
    changes: Iterable[AccountChange], similar: Callable[[AccountName], Sequence[AccountName]], rule: str
) -> Iterator[str]:
    """Warnings about accounts that are new, or are not there to be dropped, and could be mistaken for others.

    similar  the accounts that a person may have meant
    rule     in what names differ on this engine: the end of the sentence
    """
    for change in changes:
        if change.before is not None:
            continue
        near = ", ".join(map(str, similar(change.name)))
        if near:
            what = "does not exist, so there is nothing to drop" if change.after is None else "is a new account"
            yield f"{change.at()}: {change.name} {what}; there is also {near}, which is a different account: {rule}."

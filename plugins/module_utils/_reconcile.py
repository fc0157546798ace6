# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""From what is asked for and what is there to what must change. Pure: no I/O, no engine, no SQL."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import TypeVar

from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import Mistakes, Refused
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import (
    IAM,
    PASSWORD,
    Account,
    AccountChange,
    AccountName,
    Capabilities,
    Changes,
    Desired,
    Grant,
)

T = TypeVar("T")

KEEP, LOCK, DROP = "keep", "lock", "drop"
NOT_READ = ""
"""The task is about one account, and looks at no other."""
_NONE_EXPIRED: Mapping[AccountName, str] = MappingProxyType({})


def reconcile(
    desired: Sequence[Desired],
    observed: Mapping[AccountName, Account],
    capabilities: Capabilities,
    unlisted: str = KEEP,
    protected: Collection[AccountName] = (),
    expired: Mapping[AccountName, str] = _NONE_EXPIRED,
) -> Changes:
    """Compare, account by account.

    unlisted   what happens to observed IAM accounts that ``desired`` does not name: keep, lock or drop
    protected  accounts that are never "unlisted": the login, reserved ones. Where they are listed, the engine's review
               refuses any change of them and says why
    expired    accounts whose password has expired, as ``Observed`` has them
    Raises Refused for an existing account that is not IAM-authenticated and is not to be converted, and for one that a
    conversion would let log in again.
    """
    mistakes = Mistakes()
    listed = {}
    for item in desired:
        with mistakes.about(item.request.where):
            change = _change(item, observed.get(item.name), capabilities, item.name in protected)
            _refuse_revival(item, change, expired)
            listed[item.name] = change
    mistakes.refuse()
    strays = _unlisted_changes(listed, observed, unlisted, protected)
    changes = sorted([*listed.values(), *strays], key=lambda change: change.name)
    return Changes(tuple(changes), frozenset(change.name for change in strays))


def _unlisted_changes(
    listed: Mapping[AccountName, AccountChange],
    observed: Mapping[AccountName, Account],
    unlisted: str,
    protected: Collection[AccountName],
) -> list[AccountChange]:
    changes: list[AccountChange] = []
    if unlisted not in (LOCK, DROP):
        return changes
    for name, account in observed.items():
        if name in listed or name in protected or account.authentication == PASSWORD:
            continue
        after = None if unlisted == DROP else replace(account, locked=True)
        if after != account:
            changes.append(AccountChange(name, account, after))
    return changes


def _change(desired: Desired, before: Account | None, capabilities: Capabilities, protected: bool) -> AccountChange:
    request = desired.request
    if before is not None and before.authentication == PASSWORD and not (protected or request.all_hosts):
        _refuse_password_account(desired)
    return AccountChange(desired.name, before, _target(desired, before, capabilities), request)


def _target(desired: Desired, before: Account | None, capabilities: Capabilities) -> Account | None:
    """The account after the task."""
    request = desired.request
    if not request.present:
        return None
    if request.all_hosts:
        return before and replace(before, locked=True)
    base = before if before is not None else Account(desired.name)
    roles = _target_roles(base, desired)
    return replace(
        base,
        authentication=IAM,
        locked=_or(request.locked, base.locked),
        connection_limit=_or(request.connection_limit, base.connection_limit),
        comment=_or(request.comment, base.comment),
        tls=_target_tls(base, request.require_tls) if capabilities.tls_requirement else base.tls,
        roles=roles,
        default_roles=_target_default_roles(base, desired, roles),
        grants=_target_grants(base, desired),
    )


def _or(asked: T | None, present: T) -> T:
    """An option that is left out is not managed."""
    return present if asked is None else asked


def _refuse_revival(desired: Desired, change: AccountChange, expired: Mapping[AccountName, str]) -> None:
    """An expired password keeps its holder out, and a token does not expire with it."""
    before, after, request = change.before, change.after, desired.request
    revived = before is not None and before.authentication == PASSWORD and after is not None and not after.locked
    if revived and desired.name in expired and request.locked is None:
        raise Refused(
            f"the password of {desired.name} has expired ({expired[desired.name]}), and converting it would let it log "
            "in again; set locked: true to convert it locked, or locked: false if it is meant to log in."
        )


def _refuse_password_account(desired: Desired) -> None:
    request = desired.request
    if not request.present:
        raise Refused(
            f"{desired.name} is not an IAM-authenticated account, and this collection drops no other; drop it with the "
            "tool that made it, or correct the name."
        )
    if not request.convert:
        raise Refused(
            f"{desired.name} exists and is not IAM-authenticated; set convert: true to convert it in place (its "
            "password stops working, its grants and roles stay), or choose another name."
        )


def _target_grants(base: Account, desired: Desired) -> frozenset[Grant]:
    if desired.grants is None:
        return base.grants
    if desired.request.purge_grants:
        return desired.grants
    # Only adding: what is there stays, and a grant that is grantable on either side stays grantable.
    merged: dict[object, Grant] = {grant.key: grant for grant in base.grants}
    for grant in desired.grants:
        present = merged.get(grant.key)
        if present is None or grant.grantable:
            merged[grant.key] = grant
    return frozenset(merged.values())


def _target_roles(base: Account, desired: Desired) -> frozenset[AccountName]:
    if desired.roles is None:
        return base.roles
    return desired.roles if desired.request.purge_roles else base.roles | desired.roles


def _target_default_roles(base: Account, desired: Desired, roles: frozenset[AccountName]) -> frozenset[AccountName]:
    """A role that the task names is active at login; one that is no longer held cannot be."""
    return (base.default_roles - (base.roles - roles)) | (desired.roles or frozenset())


def _target_tls(base: Account, required: bool) -> str:
    """A stronger requirement than "any TLS" (X509, SPECIFIED) satisfies ``require_tls`` and stays."""
    if not required:
        return ""
    return base.tls or "ANY"

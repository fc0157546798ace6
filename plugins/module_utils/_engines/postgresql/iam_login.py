# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""How an account is IAM-authenticated on PostgreSQL: by rds_iam. Recognise it, make it so, find it broken.

A password that the account has stays stored: the server does not ask members of rds_iam for it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.checks import role_element
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.roles import (
    Membership,
    Roles,
    any_membership,
    format_chain,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.grammar.names import is_reserved
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import Refused
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import (
    IAM,
    PASSWORD,
    Account,
    AccountChange,
    Changes,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._survey import Defect

RDS_IAM, RDS_AD = "rds_iam", "rds_ad"

LOCK_MARKER = "[dbops.aurora_iam: locked]"
"""The first line of the comment of an account that this collection has locked. PostgreSQL does not tell such an
account from a group role: both have NOLOGIN. A group role that has lost its members must not be taken for an account
and dropped as unlisted. Only who administers a role can write its comment:
https://www.postgresql.org/docs/current/sql-comment.html"""


def has_marker(comment: str) -> bool:
    return comment == LOCK_MARKER or comment.startswith(f"{LOCK_MARKER}\n")


def with_marker(comment: str) -> str:
    return f"{LOCK_MARKER}\n{comment}" if comment else LOCK_MARKER


def without_marker(comment: str) -> str:
    """What the user wrote."""
    return comment[len(LOCK_MARKER) + 1 :] if has_marker(comment) else comment


def authentication(name: str, members: Collection[str]) -> str:
    """``members``: those of rds_iam, nested ones as well."""
    return IAM if name in members else PASSWORD


def is_account(name: str, roles: Roles) -> bool:
    """Of the members of rds_iam: not a reserved role, and not a group role, which has members or has had some."""
    role = roles.by_name.get(name)
    return role is not None and not is_reserved(name) and (role.can_login or has_marker(role.comment))


@dataclass(frozen=True)
class Afterwards:
    """The graph that a plan leads to, and the accounts that need a grant of rds_iam for it."""

    roles: Roles
    enrolled: frozenset[str]


def afterwards(roles: Roles, changes: Changes) -> Afterwards:
    """Carry out the memberships of a plan on the graph.

    An account that is IAM-authenticated only through a role which it now loses becomes a direct member of rds_iam.
    """
    granted = [
        Membership(role.name, change.name.name)
        for change in changes.accounts
        if change.after is not None
        for role in change.roles_granted
    ]
    interim = Roles(roles.by_name.values(), [*_kept(roles, changes), *granted])
    wanted = {change.name.name for change in changes.effective if _is_iam(change)}
    enrolled = frozenset(wanted - interim.members(RDS_IAM))
    enrolments = [Membership(RDS_IAM, name) for name in sorted(enrolled)]
    return Afterwards(Roles(roles.by_name.values(), [*interim.memberships, *enrolments]), enrolled)


def _kept(roles: Roles, changes: Changes) -> Iterator[Membership]:
    dropped = {change.name.name for change in changes.accounts if change.dropped}
    revoked = {(role.name, change.name.name) for change in changes.accounts for role in change.roles_revoked}
    for item in roles.memberships:
        is_revoked = item.counts and (item.role, item.member) in revoked
        if not is_revoked and dropped.isdisjoint((item.role, item.member)):
            yield item


def _is_iam(change: AccountChange) -> bool:
    return change.after is not None and change.after.authentication == IAM


def chain_to_iam(name: str, roles: Roles) -> str:
    """The roles through which it is in rds_iam; empty where it is not, or directly."""
    if name not in roles.members(RDS_IAM) or RDS_IAM in roles.direct(name):
        return ""
    return format_chain(roles.chain(name, RDS_IAM))


def refuse_two_logins(changes: Changes, after: Roles) -> None:
    """An account logs in either with a token or by Kerberos, and nested memberships count. Raises Refused.

    after  the memberships that the plan leads to

    https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/database-authentication.html
    """
    in_directory = after.members(RDS_AD)
    for change in changes.accounts:
        listed_present = change.request is not None and change.after is not None
        if listed_present and change.name.name in in_directory:
            chain = after.chain(change.name.name, RDS_AD)
            raise Refused(
                f"{change.name} would be a member of both rds_iam and rds_ad ({format_chain(chain)}), and then cannot "
                "log in; take it out of rds_ad, or leave it to Kerberos.",
                change.at(role_element(change, chain[1].__eq__, "")),
            )


def find_broken(accounts: Iterable[Account], roles: Roles, master: str) -> Iterator[Defect]:
    """https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/UsingWithRDS.IAMDBAuth.DBAccounts.html"""
    members, in_directory = roles.members(RDS_IAM), roles.members(RDS_AD)
    for account in accounts:
        name = account.name.name
        if name not in members or is_reserved(name):
            continue
        if name != master and RDS_IAM not in roles.direct(name):
            yield Defect("iam_by_group", account.name, _by_group(name, roles))
        if name in in_directory:
            yield Defect("kerberos_too", account.name, _both(name, roles), _without_directory(account, roles))


def _without_directory(account: Account, roles: Roles) -> dict[str, Any] | None:
    """Where it is in rds_ad directly and not through another role as well."""
    kept = sorted(role.name for role in account.roles if role.name != RDS_AD)
    if any(RDS_AD in roles.reachable(role) for role in kept):
        return None
    return {"roles": kept}


def _by_group(name: str, roles: Roles) -> str:
    chain = roles.chain(name, RDS_IAM)
    return (
        f"{name} is in rds_iam only through {chain[-2]} ({format_chain(chain)}), so that any password of it is "
        f"refused; grant rds_iam to the accounts that log in by token, and revoke it from {chain[-2]}."
    )


def _both(name: str, roles: Roles) -> str:
    return (
        f"{name} is a member of rds_iam ({format_chain(roles.chain(name, RDS_IAM))}) and of rds_ad "
        f"({format_chain(roles.chain(name, RDS_AD))}), which exclude each other, so that it cannot log in; revoke one "
        "of them."
    )


def chain_of_administration(name: str, roles: Roles, master: str) -> tuple[str, ...]:
    """The way to rds_iam by memberships of which one gives nothing but the ADMIN option; empty where there is none.

    Since PostgreSQL 16 the creator of a role is such a member of it, and +rds_iam in pg_hba.conf counts it. AWS
    documents that the master user may create IAM-authenticated accounts.
    https://www.postgresql.org/docs/16/role-attributes.html (role creation)
    """
    if name == master or name in roles.members(RDS_IAM):
        return ()
    return roles.chain(name, RDS_IAM, any_membership)

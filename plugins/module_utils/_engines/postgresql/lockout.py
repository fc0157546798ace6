# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Nobody who logs in with a password becomes a member of rds_iam by accident."""

from __future__ import annotations

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.authority import Authority
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.membership import (
    MEMBERSHIP_OPTIONS,
    RDS_IAM,
    Membership,
    Roles,
    afterwards,
    any_membership,
    format_chain,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.observed import PostgreSQLObserved
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import Refused
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import IAM, AccountChange, AccountName, Changes


def becomes_iam(change: AccountChange) -> bool:
    before = change.before
    return (
        change.after is not None
        and change.after.authentication == IAM
        and (before is None or before.authentication != IAM)
    )


def own_accounts(observed: PostgreSQLObserved) -> set[AccountName]:
    return {observed.login, AccountName(observed.master)} - {AccountName("")}


def refuse_password_members(changes: Changes, observed: PostgreSQLObserved) -> None:
    """Members of rds_iam, nested ones as well, can log in with a token only: nobody may get there by accident.

    RDS sends every member to IAM authentication by a line "+rds_iam" of pg_hba.conf, for which any membership counts,
    one with neither INHERIT nor SET as well: https://www.postgresql.org/docs/current/auth-pg-hba-conf.html. Since 16
    whoever creates a role gets such a membership in it. AWS documents that the master user may create IAM-authenticated
    accounts, so that only a membership with INHERIT or SET counts for the master user:
    https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/UsingWithRDS.IAMDBAuth.DBAccounts.html
    """
    after = _with_creator(changes, observed)
    becoming = {change.name.name for change in changes.effective if becomes_iam(change)}
    gained = _token_only(after, observed.master) - _token_only(observed.roles, observed.master) - becoming
    own = {name.name for name in own_accounts(observed)}
    administrators = sorted(gained & own)
    if administrators:
        raise Refused(_administrator_lost(administrators[0], after, observed))
    others = sorted(name for name in gained if name in after.by_name and after.by_name[name].can_login)
    if others:
        chain = format_chain(after.chain(others[0], RDS_IAM, any_membership))
        raise Refused(
            f"{', '.join(others)} would become members of rds_iam without being asked for ({chain}): passwords would "
            "stop working; end that membership first, or list these accounts with convert: true."
        )


def _with_creator(changes: Changes, observed: PostgreSQLObserved) -> Roles:
    after = afterwards(observed.roles, changes).roles
    if observed.major < MEMBERSHIP_OPTIONS or Authority(observed).superuser:
        return after
    created = [
        Membership(change.name.name, observed.login.name, admin=True, inherits=False, sets=False)
        for change in changes.effective
        if change.created
    ]
    return Roles(after.by_name.values(), [*after.memberships, *created])


def _token_only(roles: Roles, master: str) -> set[str]:
    """Who is refused with a password."""
    return (roles.members(RDS_IAM, any_membership) - {master}) | roles.members(RDS_IAM)


def _administrator_lost(name: str, after: Roles, observed: PostgreSQLObserved) -> str:
    chain = after.chain(name, RDS_IAM) or after.chain(name, RDS_IAM, any_membership)
    cause = (
        f"{name} administers {observed.title}, and would become a member of rds_iam ({format_chain(chain)}): its "
        "password would stop working; "
    )
    if after.chain(name, RDS_IAM):
        return f"{cause}revoke {chain[1]} from {name} first."
    unknown = "" if observed.master else ", which cluster or instance names to the task"
    return f"{cause}log in as the master user{unknown}, or with a token as an account that is in rds_iam already."

# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""What is wrong with accounts and only PostgreSQL can have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.membership import (
    RDS_AD,
    RDS_IAM,
    Roles,
    format_chain,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.names import is_reserved
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import IAM_BROKEN, Account
from ansible_collections.dbops.aurora_iam.plugins.module_utils._survey import Defect


def find_defects(accounts: Iterable[Account], roles: Roles, master: str) -> Iterator[Defect]:
    """https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/UsingWithRDS.IAMDBAuth.DBAccounts.html"""
    enrolled, in_directory = roles.members(RDS_IAM), roles.members(RDS_AD)
    for account in accounts:
        name = account.name.name
        if account.authentication == IAM_BROKEN:
            yield Defect("half_dropped", account.name, _half_dropped(name), {"state": "absent"})
        if name not in enrolled or is_reserved(name):
            continue
        if name == master:
            yield Defect("administrator_lockout", account.name, _locked_out(name, roles))
        elif RDS_IAM not in roles.direct(name):
            yield Defect("iam_by_group", account.name, _by_group(name, roles))
        if name in in_directory:
            yield Defect("kerberos_too", account.name, _both(name, roles), _without_directory(account, roles))


def _without_directory(account: Account, roles: Roles) -> dict[str, Any] | None:
    """Where it is in rds_ad directly and not through another role as well."""
    kept = sorted(role.name for role in account.roles if role.name != RDS_AD)
    if any(RDS_AD in roles.reachable(role) for role in kept):
        return None
    return {"roles": kept}


def _half_dropped(name: str) -> str:
    return (
        f"{name} was being dropped when the run broke off: it has left rds_iam and cannot log in, and what it owned "
        "may be handed over in part; drop it again."
    )


def _locked_out(name: str, roles: Roles) -> str:
    chain = roles.chain(name, RDS_IAM)
    return (
        f"The master user {name} is a member of rds_iam ({format_chain(chain)}), so that its password is refused; "
        f"revoke {chain[1]} from {name}."
    )


def _by_group(name: str, roles: Roles) -> str:
    chain = roles.chain(name, RDS_IAM)
    return (
        f"{name} is in rds_iam only through {chain[-2]} ({format_chain(chain)}), so that any password of it is "
        f"refused; grant rds_iam to the accounts that shall log in by token, and revoke it from {chain[-2]}."
    )


def _both(name: str, roles: Roles) -> str:
    return (
        f"{name} is a member of rds_iam ({format_chain(roles.chain(name, RDS_IAM))}) and of rds_ad "
        f"({format_chain(roles.chain(name, RDS_AD))}), which exclude each other, so that it cannot log in; revoke one "
        "of them."
    )

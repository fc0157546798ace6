# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""What is wrong with accounts and only PostgreSQL can have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.roles import (
    RDS_AD,
    RDS_IAM,
    Roles,
    format_chain,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.grammar.names import is_reserved
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import Account
from ansible_collections.dbops.aurora_iam.plugins.module_utils._survey import Defect


class ValidUntil(NamedTuple):
    """A role's VALID UNTIL, which the server applies to passwords only.

    text  the date, ``infinity``, or None
    over  it is in the past
    https://www.postgresql.org/docs/current/sql-createrole.html
    """

    text: str | None
    over: bool

    @property
    def expired(self) -> str:
        return f"VALID UNTIL {self.text}" if self.over else ""


_NO_DATES: Mapping[str, ValidUntil] = MappingProxyType({})


def find_defects(
    accounts: Iterable[Account], roles: Roles, master: str, dates: Mapping[str, ValidUntil] = _NO_DATES
) -> Iterator[Defect]:
    """https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/UsingWithRDS.IAMDBAuth.DBAccounts.html"""
    enrolled, in_directory = roles.members(RDS_IAM), roles.members(RDS_AD)
    for account in accounts:
        name = account.name.name
        if name not in enrolled or is_reserved(name):
            continue
        if name != master and RDS_IAM not in roles.direct(name):
            yield Defect("iam_by_group", account.name, _by_group(name, roles))
        if name in in_directory:
            yield Defect("kerberos_too", account.name, _both(name, roles), _without_directory(account, roles))
        if name in dates and not account.locked:
            yield from _date(account, dates[name])


def _date(account: Account, date: ValidUntil) -> Iterator[Defect]:
    says = f"{account.name} is VALID UNTIL {date.text}, which PostgreSQL applies to passwords only"
    if date.over:
        message = (
            f"{says}, so it can still log in with a token; lock or drop it, or remove the date if it is not meant."
        )
        yield Defect("valid_until_over", account.name, message, {"locked": True})
    elif date.text not in (None, "infinity"):
        yield Defect("valid_until", account.name, f"{says}, so it can log in with a token after that as well.")


def chain_to_iam(name: str, roles: Roles) -> str:
    """The roles through which it is in rds_iam; empty where it is not, or directly."""
    if name not in roles.members(RDS_IAM) or RDS_IAM in roles.direct(name):
        return ""
    return format_chain(roles.chain(name, RDS_IAM))


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
        f"refused; grant rds_iam to the accounts that shall log in by token, and revoke it from {chain[-2]}."
    )


def _both(name: str, roles: Roles) -> str:
    return (
        f"{name} is a member of rds_iam ({format_chain(roles.chain(name, RDS_IAM))}) and of rds_ad "
        f"({format_chain(roles.chain(name, RDS_AD))}), which exclude each other, so that it cannot log in; revoke one "
        "of them."
    )

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
from typing import NamedTuple

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.roles import (
    Roles,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.grammar.names import is_reserved
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.iam_login import (
    RDS_AD,
    RDS_IAM,
    both_logins,
    by_group,
    half_dropped,
    without_directory,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import IAM_BROKEN, Account
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
        if account.authentication == IAM_BROKEN:
            yield Defect("half_dropped", account.name, half_dropped(name), {"state": "absent"})
        if name not in enrolled or is_reserved(name):
            continue
        if name != master and RDS_IAM not in roles.direct(name):
            yield Defect("iam_by_group", account.name, by_group(name, roles))
        if name in in_directory:
            yield Defect("kerberos_too", account.name, both_logins(name, roles), without_directory(account, roles))
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

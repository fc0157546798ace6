# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""What is wrong with accounts and only PostgreSQL can have."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.roles import (
    Roles,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.grammar.names import is_reserved
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.iam_login import (
    RDS_IAM,
    find_broken,
)
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
    accounts: Collection[Account], roles: Roles, master: str, dates: Mapping[str, ValidUntil] = _NO_DATES
) -> Iterator[Defect]:
    yield from find_broken(accounts, roles, master)
    members = roles.members(RDS_IAM)
    for account in accounts:
        name = account.name.name
        if name in members and name in dates and not account.locked and not is_reserved(name):
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

# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""What is wrong with accounts and only MySQL can have."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.hosts import (
    hides,
    hides_sentence,
    unreachable,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.iam_login import find_broken
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import IAM, AccountName
from ansible_collections.dbops.aurora_iam.plugins.module_utils._survey import Defect, SurveyedAccount


def find_defects(accounts: Collection[SurveyedAccount], resolves_hosts: bool) -> Iterator[Defect]:
    """``resolves_hosts``: the server tells clients by the names of their hosts, too."""
    yield from find_broken(surveyed.account for surveyed in accounts)
    nameless = sorted(surveyed.name for surveyed in accounts if not surveyed.name.name)
    for surveyed in accounts:
        account = surveyed.account
        if account.authentication != IAM:
            continue
        yield from _hidden(account.name, nameless)
        found = unreachable(account.name.host or "", resolves_hosts)
        if found:
            yield Defect(
                "host_unreachable",
                account.name,
                f"Nobody can log in as {account.name}, because {found.reason}. Create the account with another host: "
                f"{found.instead}.",
            )


def _hidden(name: AccountName, nameless: Iterable[AccountName]) -> Iterator[Defect]:
    """https://dev.mysql.com/doc/refman/8.4/en/connection-access.html"""
    for other in nameless:
        if hides(other.host, name.host):
            yield Defect("account_hidden", name, hides_sentence(other.host, str(name)))

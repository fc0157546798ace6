# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""What is wrong with accounts and only MySQL can have."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.access import Row, listed
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.clients import (
    hides,
    hides_sentence,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.hosts import unreachable
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.iam_login import find_broken
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import IAM, AccountName
from ansible_collections.dbops.aurora_iam.plugins.module_utils._survey import Defect, SurveyedAccount


def find_defects(
    accounts: Collection[SurveyedAccount],
    foreign: Mapping[AccountName, Collection[Row]],
    resolves_hosts: bool,
    blockable: Collection[AccountName] = (),
) -> Iterator[Defect]:
    """
    foreign         rows of others that count for each account
    resolves_hosts  the server tells clients by the names of their hosts, too
    blockable       IAM-authenticated accounts that failed logins block
    """
    yield from find_broken((surveyed.account for surveyed in accounts), blockable)
    nameless = sorted(surveyed.name for surveyed in accounts if not surveyed.name.name)
    for surveyed in accounts:
        account = surveyed.account
        if account.authentication != IAM:
            continue
        yield from _hidden(account.name, nameless)
        # What anonymous accounts give to everybody is a finding of its own
        rows = [row for row in foreign.get(account.name, ()) if row.account.name]
        if rows and not account.locked:
            yield Defect(
                "foreign_grants",
                account.name,
                f"{account.name} also has {listed(rows)}, because MySQL looks for grants by user name and client while "
                "no role is active; revoke there what the account should not have.",
            )
        yield from _unreachable(account.name, resolves_hosts)


def _hidden(name: AccountName, nameless: Iterable[AccountName]) -> Iterator[Defect]:
    """https://dev.mysql.com/doc/refman/8.4/en/connection-access.html"""
    for other in nameless:
        if hides(other.host, name.host):
            yield Defect("account_hidden", name, hides_sentence(other.host, str(name)))


def _unreachable(name: AccountName, resolves_hosts: bool) -> Iterator[Defect]:
    found = unreachable(name.host or "", resolves_hosts)
    if found:
        yield Defect(
            "host_unreachable",
            name,
            f"Nobody can log in as {name}, because {found.reason}. Create the account with another host: "
            f"{found.instead}.",
        )

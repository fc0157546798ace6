# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""What is wrong with accounts and only MySQL can have."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.hosts import unreachable
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.iam_login import find_broken
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import IAM
from ansible_collections.dbops.aurora_iam.plugins.module_utils._survey import Defect, SurveyedAccount


def find_defects(accounts: Collection[SurveyedAccount], resolves_hosts: bool) -> Iterator[Defect]:
    """``resolves_hosts``: the server tells clients by the names of their hosts, too."""
    yield from find_broken(surveyed.account for surveyed in accounts)
    for surveyed in accounts:
        account = surveyed.account
        if account.authentication != IAM:
            continue
        found = unreachable(account.name.host or "", resolves_hosts)
        if found:
            yield Defect(
                "host_unreachable",
                account.name,
                f"Nobody can log in as {account.name}, because {found.reason}. Create the account with another host: "
                f"{found.instead}.",
            )

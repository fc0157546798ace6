# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""DROP OWNED of accounts that must own nothing: then it only takes privileges. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.base import Row
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.grouping import together
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.plan.enrolment import Enrolment
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import NotDroppable, Where


@dataclass(frozen=True)
class DropOwned(Enrolment):
    """A transaction with DROP OWNED, which asks first what the accounts own whose objects must stay.

    owned    reads what the accounts in its one parameter own in the database
    keeping  these accounts
    """

    owned: str = ""
    keeping: frozenset[str] = frozenset()


def refuse_owned(step: DropOwned, rows: Iterable[Row], title: str) -> None:
    """``rows``: account, what it owns. Raises NotDroppable."""
    found = together((account, what) for account, what in rows)
    if found:
        names = "; ".join(f"{account} has {', '.join(things)}" for account, things in sorted(found.items()))
        raise NotDroppable(
            f"{title}: cannot drop {', '.join(sorted(found))}: since this task looked, {names} in database "
            f"{step.database}. Nothing was dropped there. Give these objects another owner or drop them (owned_objects "
            "can do both), and run the task again.",
            *map(Where, sorted(found)),
            in_the_way=found,
            database=step.database,
        )

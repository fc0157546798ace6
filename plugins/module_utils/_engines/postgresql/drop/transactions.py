# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Transactions of a drop that look at what they take away or reassign before they commit. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.base import Row
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.grouping import together
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.drop.code import Code, Owned, listed
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.plan.lockout import Enrolment
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import NotDroppable, Refused, Where


@dataclass(frozen=True)
class DropOwned(Enrolment):
    """A transaction with DROP OWNED, which asks first what the accounts own whose objects must stay.

    owned    reads what the accounts in its one parameter own in the database
    keeping  these accounts
    """

    owned: str = ""
    keeping: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Reassign(DropOwned):
    """A transaction that gives code to new owners, which looks at that code before it commits.

    query   reads the code that the transaction has given to the owners in its one parameter
    agreed  new owner, and the code that the plan knows of
    needs   what else the new owners need; a rehearsal reads with ``lacking`` what they still lack afterwards
    """

    query: str = ""
    new_owners: frozenset[str] = frozenset()
    agreed: frozenset[tuple[str, Code]] = frozenset()
    lacking: str = ""
    needs: tuple[Owned, ...] = ()


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


def check_reassigned(step: Reassign, rows: Iterable[Row], title: str) -> None:
    """``rows``: new owner, description, checksum. Raises Refused where there is code that the plan did not know of."""
    found = ((owner, Code(step.database, text, definition)) for owner, text, definition in rows)
    more = sorted({item for owner, item in found if (owner, item) not in step.agreed})
    if more:
        raise Refused(
            f"The code that {', '.join(sorted(step.new_owners))} would get on {title} has changed since this task "
            f"looked at it: {listed(more)}. Nothing was reassigned in database {step.database}, and the account stays "
            "locked. Read that code, then run the task again; if it is refused, accept the code with "
            "reassign_code: true.",
            reassigned_code=[str(item) for item in more],
            database=step.database,
        )

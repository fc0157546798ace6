# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Transactions of a drop that look at what they take away or reassign before they commit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.grouping import together
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.drop import queries
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.drop.code import (
    Code,
    CodeRow,
    LackingRow,
    Owned,
    listed,
    parameters,
    warn,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.plan.lockout import Enrolment
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import NotDroppable, Refused, Where
from ansible_collections.dbops.aurora_iam.plugins.module_utils._plan import Server


class OwnedObjectRow(NamedTuple):
    account: str
    text: str


@dataclass(frozen=True)
class DropOwned(Enrolment):
    """A transaction with DROP OWNED, which asks first what the accounts own whose objects must stay.

    keeping  these accounts
    """

    keeping: frozenset[str] = frozenset()

    def first(self, server: Server) -> None:
        """Raises NotDroppable."""
        if self.keeping:
            self._refuse_owned([OwnedObjectRow(*row) for row in server.ask(*queries.owned(self.keeping))])

    def _refuse_owned(self, rows: list[OwnedObjectRow]) -> None:
        found = together((row.account, row.text) for row in rows)
        if found:
            names = "; ".join(f"{account} has {', '.join(things)}" for account, things in sorted(found.items()))
            raise NotDroppable(
                f"{self.logins.title}: cannot drop {', '.join(sorted(found))}: since this task looked, {names} in "
                f"database {self.database}. Nothing was dropped there. Give these objects another owner or drop them "
                "(owned_objects can do both), and run the task again.",
                *map(Where, sorted(found)),
                in_the_way=found,
                database=self.database,
            )


@dataclass(frozen=True)
class Reassign(DropOwned):
    """A transaction that gives code to new owners, which looks at that code before it commits.

    agreed  new owner, and the code that the plan knows of
    needs   what else the new owners need; a rehearsal asks what they still lack afterwards
    """

    new_owners: frozenset[str] = frozenset()
    agreed: frozenset[tuple[str, Code]] = frozenset()
    needs: tuple[Owned, ...] = ()

    def last(self, server: Server, seen: object) -> None:
        """Raises Refused where there is code that the plan did not know of."""
        self._check_code(CodeRow(*row) for row in server.ask(*queries.reassigned_code(self.new_owners)))
        super().last(server, seen)

    def warnings(self, server: Server) -> list[str]:
        if not self.needs:
            return []
        return warn(self.needs, [LackingRow(*row) for row in server.ask(*queries.lacking(*parameters(self.needs)))])

    def _check_code(self, rows: Iterable[CodeRow]) -> None:
        """``rows``: with the new owner as account."""
        found = ((row.account, Code(self.database, row.text, row.definition)) for row in rows)
        more = sorted({item for owner, item in found if (owner, item) not in self.agreed})
        if more:
            raise Refused(
                f"The code that {', '.join(sorted(self.new_owners))} would get on {self.logins.title} has changed "
                f"since this task looked at it: {listed(more)}. Nothing was reassigned in database {self.database}, "
                "and the account stays locked. Read that code, then run the task again; if it is refused, accept the "
                "code with reassign_code: true.",
                reassigned_code=[str(item) for item in more],
                database=self.database,
            )

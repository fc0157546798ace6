# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Code that changes owner: what of it was seen before, and whether there is more of it afterwards. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.base import Row
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.grouping import together
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.drop.needs import Owned
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.drop.owned import DropOwned
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import Refused
from ansible_collections.dbops.aurora_iam.plugins.module_utils._survey import first_of

_SHOWN = 50


class Code(NamedTuple):
    """``text``: the server's description. ``definition``: a checksum of what it does, where that is the account's."""

    database: str
    text: str
    definition: str = ""

    def __str__(self) -> str:
        return f"{self.text} (in database {self.database})"


class Advantage(NamedTuple):
    """Something that the new owner of code has or may do, in words. ``database``: where; empty for everywhere."""

    database: str
    text: str


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


def build_code(rows: Mapping[str, Iterable[Row]]) -> dict[str, tuple[Code, ...]]:
    """``rows`` by database: account, description, checksum."""
    found = together((account, Code(database, *rest)) for database, lines in rows.items() for account, *rest in lines)
    return {account: tuple(items) for account, items in found.items()}


def listed(code: Iterable[object]) -> str:
    return first_of([str(item) for item in code], _SHOWN)


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

# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""What of a plan is executed and rolled back in each database before the plan is carried out. Pure.

DDL is transactional, so the server itself says what it would refuse:
https://wiki.postgresql.org/wiki/Transactional_DDL_in_PostgreSQL:_A_Competitive_Analysis
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.grouping import together
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import NotDroppable, Where
from ansible_collections.dbops.aurora_iam.plugins.module_utils._plan import (
    AT_ITS_END,
    IN_EVERY_DATABASE,
    IN_ITS_DATABASE,
    Plan,
    Statement,
    Step,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._survey import shortened

LOCK_TIMEOUT = 200
"""Milliseconds that a rehearsal waits for a lock. Readers of a table queue behind this wait. What it could not lock
becomes a warning in ``connection/session.py``."""
_SHOWN = 10


@dataclass(frozen=True)
class Rehearsal:
    """One transaction.

    steps    of the plan, with the statements that are executed in this database
    dropped  accounts of which nothing may be left after ``steps``
    last     what follows then, and may fail because something depends on what it drops: in another database, or as
             long as a session is open
    """

    database: str
    steps: tuple[Step, ...]
    dropped: tuple[str, ...]
    last: tuple[Statement, ...]


def rehearsals(plan: Plan, whole: bool) -> list[Rehearsal]:
    """
    whole  in every database. Otherwise the plan is carried out next, whose first transaction fails without a trace;
           but an account that is dropped is locked in it, so that everything is asked before
    """
    databases = list(dict.fromkeys(step.database for step in plan.steps))
    dropped = tuple(name.name for name in plan.dropped)
    asked = databases if whole or dropped else databases[1:]
    return [_rehearsal(plan.steps, database, dropped) for database in asked]


def _rehearsal(steps: Sequence[Step], database: str, dropped: tuple[str, ...]) -> Rehearsal:
    kept = []
    for step in steps:
        where = {IN_EVERY_DATABASE} | ({IN_ITS_DATABASE} if step.database == database else set())
        statements = tuple(statement for statement in step.statements if statement.rehearsed in where)
        if statements:
            same = step.database == database
            kept.append(replace(step, statements=statements) if same else Step(statements, database))
    last = tuple(statement for step in steps for statement in step.statements if statement.rehearsed == AT_ITS_END)
    return Rehearsal(database, tuple(kept), dropped, last)


class RemainingRow(NamedTuple):
    """``text``: what the account still has, in the server's words."""

    account: str
    text: str


def refuse_remains(rows: Iterable[RemainingRow], title: str, database: str) -> None:
    """Raises NotDroppable."""
    found = together((row.account, row.text) for row in rows)
    if found:
        reasons = {account: shortened(things, _SHOWN) for account, things in sorted(found.items())}
        names = "; ".join(f"{account} {', '.join(things)}" for account, things in reasons.items())
        raise NotDroppable(
            f"{title}: cannot drop {', '.join(reasons)}, nothing was changed: in database {database} {names}. Give "
            "these objects another owner or drop them yourself, revoke what was granted, and run the task again.",
            *map(Where, reasons),
            in_the_way=reasons,
        )

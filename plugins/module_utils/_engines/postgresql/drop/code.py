# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Code that changes owner, and privileges that it needs and its new owner lacks. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.grouping import together
from ansible_collections.dbops.aurora_iam.plugins.module_utils._survey import first_of

_SHOWN, _SHOWN_PRIVILEGES = 50, 10


class Code(NamedTuple):
    """``text``: the server's description. ``definition``: a checksum of what it does, where that is the account's."""

    database: str
    text: str
    definition: str = ""

    def __str__(self) -> str:
        return f"{self.text} (in database {self.database})"


class CodeRow(NamedTuple):
    """``account``: before. After a transaction has reassigned code, its new owner."""

    account: str
    text: str
    definition: str


class Advantage(NamedTuple):
    """Something that the new owner of code has or may do, in words. ``database``: where; empty for everywhere."""

    database: str
    text: str


class AdvantageRow(NamedTuple):
    """``account``: whose code it is."""

    account: str
    database: str
    text: str


class Need(NamedTuple):
    """``code``: the server's description of a view or routine. ``privilege`` on ``what``, whose number is ``oid``."""

    database: str
    code: str
    oid: int
    what: str
    privilege: str


class NeedRow(NamedTuple):
    account: str
    code: str
    oid: int
    what: str
    privilege: str


class LackingRow(NamedTuple):
    """``position``: from 1."""

    position: int


Owned = tuple[str, Need]
"""With the new owner's name."""


def build_code(rows: Mapping[str, Iterable[CodeRow]]) -> dict[str, tuple[Code, ...]]:
    """``rows`` by database."""
    found = together(
        (row.account, Code(database, row.text, row.definition)) for database, code in rows.items() for row in code
    )
    return {account: tuple(items) for account, items in found.items()}


def build_advantages(rows: Iterable[AdvantageRow]) -> dict[str, tuple[Advantage, ...]]:
    found = together((row.account, Advantage(row.database, row.text)) for row in rows)
    return {account: tuple(items) for account, items in found.items()}


def listed(code: Iterable[object]) -> str:
    return first_of([str(item) for item in code], _SHOWN)


def build_needs(rows: Mapping[str, Iterable[NeedRow]]) -> dict[str, tuple[Need, ...]]:
    """``rows`` by database."""
    found = together(
        (row.account, Need(database, row.code, row.oid, row.what, row.privilege))
        for database, needs in rows.items()
        for row in needs
    )
    return {account: tuple(items) for account, items in found.items()}


def parameters(needs: Sequence[Owned]) -> tuple[list[str], list[int], list[str]]:
    """Of the query that asks which of them is still lacking."""
    return [owner for owner, _need in needs], [need.oid for _owner, need in needs], [n.privilege for _owner, n in needs]


def warn(needs: Sequence[Owned], rows: Iterable[LackingRow]) -> list[str]:
    """``rows``: those of the needs that are lacking."""
    lacking = together(
        ((owner, need.code, need.database), f"{need.privilege} on {need.what}")
        for owner, need in (needs[row.position - 1] for row in rows)
    )
    return [
        f"{code} (in database {database}) is reassigned to {owner} and runs with its privileges, but {owner} has no "
        f"{first_of(sorted(privileges), _SHOWN_PRIVILEGES)}. Grant {owner} what it needs."
        for (owner, code, database), privileges in sorted(lacking.items())
    ]

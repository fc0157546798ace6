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

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.base import Row
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


class Advantage(NamedTuple):
    """Something that the new owner of code has or may do, in words. ``database``: where; empty for everywhere."""

    database: str
    text: str


class Need(NamedTuple):
    """``code``: the server's description of a view or routine. ``privilege`` on ``what``, whose number is ``oid``."""

    database: str
    code: str
    oid: int
    what: str
    privilege: str


Owned = tuple[str, Need]
"""With the new owner's name."""


def build_code(rows: Mapping[str, Iterable[Row]]) -> dict[str, tuple[Code, ...]]:
    """``rows`` by database: account, description, checksum."""
    found = together((account, Code(database, *rest)) for database, lines in rows.items() for account, *rest in lines)
    return {account: tuple(items) for account, items in found.items()}


def listed(code: Iterable[object]) -> str:
    return first_of([str(item) for item in code], _SHOWN)


def build_needs(rows: Mapping[str, Iterable[Row]]) -> dict[str, tuple[Need, ...]]:
    """``rows`` by database: account, and the other columns of :class:`Need`."""
    found = together((account, Need(database, *rest)) for database, lines in rows.items() for account, *rest in lines)
    return {account: tuple(items) for account, items in found.items()}


def parameters(needs: Sequence[Owned]) -> tuple[list[str], list[int], list[str]]:
    """Of the query that asks which of them is still lacking."""
    return [owner for owner, _need in needs], [need.oid for _owner, need in needs], [n.privilege for _owner, n in needs]


def warn(needs: Sequence[Owned], rows: Iterable[Row]) -> list[str]:
    """``rows``: the positions, from 1, of those that are lacking."""
    lacking = together(
        ((owner, need.code, need.database), f"{need.privilege} on {need.what}")
        for owner, need in (needs[position - 1] for (position,) in rows)
    )
    return [
        f"{code} (in database {database}) is reassigned to {owner} and runs with its privileges, but {owner} has no "
        f"{first_of(sorted(privileges), _SHOWN_PRIVILEGES)}. Grant {owner} what it needs."
        for (owner, code, database), privileges in sorted(lacking.items())
    ]

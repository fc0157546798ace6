# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Grants by object, and equal items together: how many small changes become few wide statements."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import Grant, Scope

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


def together(pairs: Iterable[tuple[K, V]]) -> dict[K, list[V]]:
    """The second of each pair by what it shares with others, in the order in which that first appears."""
    found: dict[K, list[V]] = {}
    for key, item in pairs:
        found.setdefault(key, []).append(item)
    return found


def batches(items: Sequence[V], size: int) -> Iterator[Sequence[V]]:
    """The items in their order, at most so many at a time."""
    return (items[start : start + size] for start in range(0, len(items), size))


def object_of(scope: Scope) -> Scope:
    """What a privilege on one column belongs to is the column's table; any other scope is its own object."""
    return replace(scope, column="") if scope.column else scope


def by_object(grants: Iterable[Grant]) -> dict[Scope, list[Grant]]:
    """Columns go with their table."""
    return together((object_of(grant.scope), grant) for grant in grants)


def columns_by_privilege(grants: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Pairs of a privilege and the column that it is limited to; those on whole objects, whose column is empty, are
    left out. Both are sorted."""
    return together((privilege, column) for privilege, column in sorted(grants) if column)

# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Which nodes a node of a graph leads to, and by which way. Roles and their memberships are such graphs."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

N = TypeVar("N", bound=Hashable)


def closure(start: N, neighbours: Callable[[N], Iterable[N]]) -> set[N]:
    """Everything that the start leads to. The start is among it only where a way leads back to it."""
    found: set[N] = set()
    waiting = deque([start])
    while waiting:
        for neighbour in neighbours(waiting.popleft()):
            if neighbour not in found:
                found.add(neighbour)
                waiting.append(neighbour)
    return found


def shortest_path(start: N, goal: N, neighbours: Callable[[N], Iterable[N]]) -> tuple[N, ...]:
    """From the start to the goal, both included; empty if no way leads there."""
    paths: dict[N, tuple[N, ...]] = {start: (start,)}
    waiting = deque([start])
    while waiting and goal not in paths:
        node = waiting.popleft()
        for neighbour in neighbours(node):
            if neighbour not in paths:
                paths[neighbour] = (*paths[node], neighbour)
                waiting.append(neighbour)
    return paths.get(goal, ())

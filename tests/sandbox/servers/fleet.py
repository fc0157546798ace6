# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many clusters, for which the few servers that run stand: names and resource IDs of their own, shared databases.

A token for one of them is refused: a server knows only the resource ID of the cluster that it was started for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import cycle

from tests.sandbox.servers.clusters import RunningCluster

FLEET = "fleet-"
"""What their identifiers begin with."""


def fleet_of(number: int, backing: Sequence[RunningCluster]) -> list[RunningCluster]:
    """Raises ValueError where no cluster can stand for them."""
    if not backing:
        raise ValueError("no cluster with IAM authentication is up that could stand for a fleet")
    return [_member(index, running) for index, running in zip(range(1, number + 1), cycle(backing), strict=False)]


def _member(index: int, running: RunningCluster) -> RunningCluster:
    identifier = f"{FLEET}{index:03}"
    writer = replace(running.writer, cluster=identifier, instance=f"{identifier}-1")
    spec = replace(running.spec, identifier=identifier, has_reader=False, proxy="")
    return replace(running, spec=spec, resource_id=f"cluster-FLEET{index:021}", servers=(writer,), proxy=None)

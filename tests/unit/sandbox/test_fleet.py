# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from tests.sandbox.servers.clusters import CLUSTERS, RunningCluster, ServerSpec
from tests.sandbox.servers.fleet import fleet_of


def running(number: int) -> RunningCluster:
    spec = CLUSTERS[number]
    server = ServerSpec(
        spec.identifier, f"{spec.identifier}-1", True, spec.family, "localhost", 1000 + number, "/nowhere"
    )
    return RunningCluster(spec, f"cluster-{number}", "a password", (server,))


def test_clusters_stand_for_a_fleet_in_turn():
    fleet = fleet_of(5, [running(0), running(3)])
    assert [each.spec.identifier for each in fleet] == [f"fleet-00{number}" for number in range(1, 6)]
    assert [each.writer.port for each in fleet] == [1000, 1003, 1000, 1003, 1000]
    assert len({each.resource_id for each in fleet}) == 5
    assert {len(each.resource_id) for each in fleet} == {len("cluster-") + 26}


def test_nothing_stands_for_a_fleet_where_nothing_runs():
    with pytest.raises(ValueError, match="no cluster"):
        fleet_of(1, [])

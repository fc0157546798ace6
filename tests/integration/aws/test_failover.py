# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""FailoverDBCluster, before a task and in the middle of it. Each test leaves the cluster as it found it."""

from __future__ import annotations

import re

import pytest

from tests.integration.administration import Administration
from tests.integration.modules.interruptions import failing_over, happening
from tests.integration.tasks import PROMISED, TaskFailed, Tasks, assert_settled
from tests.sandbox.clients import State

pytestmark = pytest.mark.direct("is about connections")


def test_a_reader_is_refused_naming_the_writer(tasks: Tasks, state: State, cluster: str, account: str):
    """Whatever else the task says: nothing is read or locked before."""
    port = state["clusters"][cluster]["port"]
    with pytest.raises(TaskFailed) as failure:
        tasks.user(cluster=cluster, login_host="127.0.0.2", name=account, roles=["there is no such role"])
    sentence = rf"127\.0\.0\.2 answers as a read-only server of cluster {cluster}: .*; the writer is instance "
    assert re.search(rf"{sentence}{cluster}-1 at localhost:{port}, so log in there\.$", str(failure.value))


def test_a_failover_between_observing_and_applying(
    tasks: Tasks, state: State, monkeypatch: pytest.MonkeyPatch, cluster: str, account: str
):
    """The cluster's name leads to the old writer for some seconds more, then to nobody, then to the new writer."""
    with failing_over(state, cluster) as failover:
        planned = tasks.user(cluster=cluster, name=account, comment="x", check=True)
        times = happening(monkeypatch, cluster, "plan", lambda: failover.begin(2))
        applied = tasks.user(cluster=cluster, name=account, comment="x")
        assert len(times) == 3, "a plan, another after the failover, and an empty one afterwards"
        assert {key: applied[key] for key in PROMISED} == {key: planned[key] for key in PROMISED}
        assert failover.writer() == f"{cluster}-2"
        failover.wait()
        assert not tasks.user(cluster=cluster, name=account, comment="x")["changed"]
    # What was written to the new writer is on the old one, when that is the writer again
    assert_settled(lambda check: tasks.user(cluster=cluster, name=account, comment="x", check=check))
    assert tasks.user(cluster=cluster, name=account, state="absent")["changed"]


def test_the_cluster_s_name_still_leads_to_the_old_writer(
    tasks: Tasks, state: State, admin: Administration, cluster: str, account: str
):
    with failing_over(state, cluster) as failover:
        failover.begin(5)
        with pytest.raises(TaskFailed) as failure:
            tasks.user(cluster=cluster, name=account, connect_timeout=1)
        assert f"run the task again when localhost leads to the writer, which AWS says is instance {cluster}-2" in str(
            failure.value
        )
        made = tasks.user(cluster=cluster, name=account, connect_timeout=30)
        assert made["changed"]
    assert_settled(lambda check: tasks.user(cluster=cluster, name=account, check=check))
    assert tasks.user(cluster=cluster, name=account, state="absent")["changed"]

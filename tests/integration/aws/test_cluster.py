# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""IAM authentication turned on and off, for clusters and instances, through every state on the way."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from tests.integration.administration import Administration
from tests.integration.cluster_scene import Target, eventually, in_the_server
from tests.integration.tasks import Result, TaskFailed

pytestmark = pytest.mark.direct("is about the RDS API")

PROMISED = ("changed", "diff", "iam_auth", "pending")


def converge(target: Target, wanted: str, **options: Any) -> Result:
    """Check, apply, check, apply: the check says what the run does, and the second run does nothing."""
    planned, applied = target.run(wanted, check=True, **options), target.run(wanted, **options)
    assert {key: planned[key] for key in PROMISED} == {key: applied[key] for key in PROMISED}
    assert applied["changed"], "the case has nothing to do"
    for check in (True, False):
        again = target.run(wanted, check=check, **options)
        assert not again["changed"]
        assert again["diff"]["before"] == again["diff"]["after"] == ""
        assert (again["iam_auth"], again["pending"]) == (applied["iam_auth"], applied["pending"])
    return applied


def test_there_and_back(target: Target, admin: Administration):
    """It is switched on the servers when the task ends, by one call that says nothing else."""
    for wanted in ("disabled", "enabled") if target.enabled else ("enabled", "disabled"):
        target.hook.forget()
        before = target.described()
        done = converge(target, wanted, confirm=True)
        after = target.described()
        assert (done["iam_auth"], done["pending"]) == (wanted, "")
        assert done["diff"]["after"] == f'iam_auth: {wanted}\npending: ""\n'
        assert in_the_server(admin, target) == (wanted == "enabled")
        identifier = "DBClusterIdentifier" if target.kind == "cluster" else "DBInstanceIdentifier"
        assert target.hook.parameters(target.action) == [
            {
                identifier: target.name,
                "EnableIAMDatabaseAuthentication": "true" if wanted == "enabled" else "false",
                "ApplyImmediately": "true",
            }
        ]
        differing = {key for key in after if after[key] != before.get(key)}
        assert differing - {"LatestRestorableTime"} == {"IAMDatabaseAuthenticationEnabled"}
        assert done[target.kind]["status"] == "available"
        assert done[target.kind]["resource_id"] == after.get("DbClusterResourceId", after.get("DbiResourceId"))


def test_through_pending_and_back(target: Target, admin: Administration):
    was, other = ("enabled", "disabled") if target.enabled else ("disabled", "enabled")
    scheduled = converge(target, other, apply_immediately=False, confirm=True)
    assert (scheduled["iam_auth"], scheduled["pending"]) == (was, other)
    assert scheduled["msg"] == f"IAM authentication of {target.title} is not {other} yet, but pending."
    assert target.described()["PendingModifiedValues"] == {"IAMDatabaseAuthenticationEnabled": not target.enabled}

    withdrawn = converge(target, was, apply_immediately=False)
    assert (withdrawn["iam_auth"], withdrawn["pending"]) == (was, "")
    assert not target.described().get("PendingModifiedValues")

    converge(target, other, apply_immediately=False, confirm=True)
    made_now = converge(target, other, confirm=True)
    assert (made_now["iam_auth"], made_now["pending"]) == (other, "")
    assert f"pending: {other}" in made_now["diff"]["before"]
    assert in_the_server(admin, target) is not target.enabled

    converge(target, was, apply_immediately=False, confirm=True)
    kept = converge(target, other, confirm=True)
    assert (kept["iam_auth"], kept["pending"]) == (other, "")
    assert in_the_server(admin, target) is not target.enabled


def test_a_change_under_way_is_not_asked_for_again(catalogue: Target):
    begun = catalogue.run("enabled", wait=False)
    assert (begun["iam_auth"], begun["pending"]) == ("disabled", "enabled")
    assert not catalogue.run("enabled", wait=False)["changed"]
    done = catalogue.run("enabled")
    assert (done["changed"], done["iam_auth"], done["pending"]) == (False, "enabled", "")
    assert len(catalogue.hook.parameters("ModifyDBCluster")) == 1


def later(seconds: float, action: Any) -> threading.Thread:
    thread = threading.Timer(seconds, action)
    thread.start()
    return thread


def test_it_waits_for_every_instance(catalogue: Target):
    with catalogue.hook.held(catalogue_1="rebooting"):
        begun = time.monotonic()
        release = later(4, lambda: catalogue.hook.release("catalogue-1"))
        done = catalogue.run("enabled")
        release.join()
        assert time.monotonic() - begun >= 4
    assert done["cluster"]["instances"] == [
        {"identifier": "catalogue-1", "class": "db.r6g.large", "status": "available"}
    ]


def test_an_instance_that_takes_too_long_is_named(catalogue: Target):
    with catalogue.hook.held(catalogue_1="rebooting"), pytest.raises(TaskFailed) as failure:
        catalogue.run("enabled", wait_timeout=4)
    assert str(failure.value) == (
        "IAM authentication of cluster catalogue is not enabled everywhere within wait_timeout: instance catalogue-1 "
        "is rebooting; run the task again to wait on."
    )


def test_a_status_that_is_available_too_early_does_not_end_the_wait(either: Target, admin: Administration):
    """RDS shows the old state for a while after the call; its own waiters end then."""
    other = "disabled" if either.enabled else "enabled"
    with either.hook.held(**{either.name: "available"}):
        assert either.run(other, confirm=True)["iam_auth"] == other
        assert in_the_server(admin, either) is not either.enabled


def test_a_state_that_refuses_modification_is_waited_for(catalogue: Target):
    catalogue.rds.stop_db_cluster(DBClusterIdentifier="catalogue")
    eventually(lambda: catalogue.described()["Status"] == "stopped")
    with pytest.raises(TaskFailed) as failure:
        catalogue.run("enabled")
    assert str(failure.value) == "The cluster catalogue is stopped, and RDS modifies none that is; start it first."
    catalogue.rds.start_db_cluster(DBClusterIdentifier="catalogue")
    assert catalogue.described()["Status"] == "starting"
    assert catalogue.run("enabled")["iam_auth"] == "enabled"


def test_nothing_to_do_needs_no_particular_state(catalogue: Target):
    with catalogue.hook.held(catalogue="backing-up"):
        assert not catalogue.run("disabled")["changed"]


@pytest.mark.parametrize("code", ["InvalidDBClusterStateFault", "InvalidDBInstanceState"])
def test_a_refusal_of_the_call_itself_is_waited_out(catalogue: Target, code: str):
    catalogue.hook.fail("ModifyDBCluster", kind="error", code=code, status=400)
    assert catalogue.run("enabled")["iam_auth"] == "enabled"
    assert len(catalogue.hook.parameters("ModifyDBCluster")) == 2
    catalogue.hook.fail("ModifyDBCluster", kind="error", code=code, status=400)
    with pytest.raises(TaskFailed, match="cluster catalogue is available, and RDS modifies none that is"):
        catalogue.run("disabled", wait=False)


def test_throttling_of_the_next_five_calls(catalogue: Target):
    catalogue.hook.fail("*", kind="throttle", count=5)
    assert catalogue.run("enabled")["changed"]
    assert sum(catalogue.hook.calls().values()) > 5


def test_a_switch_that_fails(target: Target):
    was, other = ("enabled", "disabled") if target.enabled else ("disabled", "enabled")
    target.hook.fail_switch(target.name)
    with pytest.raises(TaskFailed) as failure:
        target.run(other, confirm=True)
    assert str(failure.value) == (
        f"RDS could not switch IAM authentication of {target.title}: it stayed {was}; look for the reason among its "
        "events, and run the task again."
    )
    assert target.run(other, confirm=True)["iam_auth"] == other

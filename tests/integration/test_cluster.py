# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""IAM authentication turned on and off, for clusters and instances, through every state on the way."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.integration.conftest import Administration
from tests.integration.hook import Hook
from tests.integration.tasks import Result, TaskFailed, Tasks
from tests.sandbox.clients import State, aws_client

PROMISED = ("changed", "diff", "iam_auth", "pending")


@dataclass(frozen=True)
class Target:
    """A cluster or an instance, and how it was found."""

    kind: str
    name: str
    mysql: bool
    enabled: bool
    tasks: Tasks
    hook: Hook
    rds: Any

    def run(self, wanted: str, **options: Any) -> Result:
        return self.tasks.cluster(iam_auth=wanted, **{self.kind: self.name, **options})

    def described(self) -> dict[str, Any]:
        if self.kind == "cluster":
            (found,) = self.rds.describe_db_clusters(DBClusterIdentifier=self.name)["DBClusters"]
        else:
            (found,) = self.rds.describe_db_instances(DBInstanceIdentifier=self.name)["DBInstances"]
        return dict(found)

    def modify(self, **changes: Any) -> None:
        if self.kind == "cluster":
            self.rds.modify_db_cluster(DBClusterIdentifier=self.name, **changes)
        else:
            self.rds.modify_db_instance(DBInstanceIdentifier=self.name, **changes)

    @property
    def action(self) -> str:
        return "ModifyDBCluster" if self.kind == "cluster" else "ModifyDBInstance"

    @property
    def title(self) -> str:
        return f"{self.kind} {self.name}"

    def is_settled(self) -> bool:
        found = self.described()
        return "available" in (found.get("Status"), found.get("DBInstanceStatus"))

    def restore(self) -> None:
        eventually(self.is_settled)
        self.modify(EnableIAMDatabaseAuthentication=self.enabled, ApplyImmediately=True)
        eventually(lambda: self.is_settled() and self.described()["IAMDatabaseAuthenticationEnabled"] == self.enabled)


def eventually(holds: Any, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it never came to be"
        time.sleep(0.1)


TARGETS = {"catalogue": ("cluster", True), "payroll": ("cluster", False)}
TARGETS |= {"billing": ("instance", True), "invoices": ("instance", False)}


def made(name: str, state: State, tasks: Tasks, hook: Hook) -> Iterator[Target]:
    kind, mysql = TARGETS[name]
    enabled = state[f"{kind}s"][name]["iam_auth"]
    target = Target(kind, name, mysql, enabled, tasks, hook, aws_client(state, "rds"))
    yield target
    target.restore()


@pytest.fixture(params=TARGETS)
def target(request: pytest.FixtureRequest, state: State, tasks: Tasks, hook: Hook) -> Iterator[Target]:
    yield from made(request.param, state, tasks, hook)


@pytest.fixture(params=["catalogue", "billing"])
def either(request: pytest.FixtureRequest, state: State, tasks: Tasks, hook: Hook) -> Iterator[Target]:
    """One cluster and one instance, where the engine does not matter."""
    yield from made(request.param, state, tasks, hook)


@pytest.fixture
def catalogue(state: State, tasks: Tasks, hook: Hook) -> Iterator[Target]:
    yield from made("catalogue", state, tasks, hook)


@pytest.fixture
def iam_accounts(target: Target, admin: Administration, account: str) -> Iterator[list[str]]:
    """Two IAM-authenticated accounts, and one that is not."""
    names = [f"{account}_{number}" for number in range(3)]
    target.modify(EnableIAMDatabaseAuthentication=True, ApplyImmediately=True)
    eventually(lambda: target.is_settled() and target.described()["IAMDatabaseAuthenticationEnabled"])
    if target.mysql:
        made_by = (
            "CREATE USER {0} IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS'",
            "CREATE USER {0} IDENTIFIED BY 'x'",
        )
    else:
        made_by = "CREATE ROLE {0} LOGIN; GRANT rds_iam TO {0}", "CREATE ROLE {0} LOGIN PASSWORD 'x'"
    for name, statement in zip(names, (made_by[0], made_by[0], made_by[1]), strict=True):
        admin.sql(target.name, statement.format(name))
    yield [f"{name}@%" if target.mysql else name for name in names[:2]]
    for name in names:
        admin.sql(target.name, f"DROP {'USER' if target.mysql else 'ROLE'} {name}")


def in_the_server(admin: Administration, target: Target) -> bool:
    if target.mysql:
        found = admin.sql(target.name, "SELECT 1 FROM information_schema.PLUGINS WHERE PLUGIN_NAME LIKE 'AWS%'")
        return bool(found)
    rules = admin.sql(target.name, "SELECT auth_method FROM pg_hba_file_rules WHERE user_name = '{+rds_iam}'")
    return ("ldap",) in rules


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


def last_warning(result: Result) -> str:
    """Its text. Modules that run in one process return what the earlier ones warned of as well."""
    found = result["warnings"][-1]
    return str(found if isinstance(found, str) else found["event"]["msg"])


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


@pytest.mark.parametrize("check", [True, False])
def test_a_state_that_refuses_modification_is_named(either: Target, check: bool):
    other = "disabled" if either.enabled else "enabled"
    for options in ({"wait_timeout": 2}, {"wait": False}):
        with either.hook.held(**{either.name: "modifying"}), pytest.raises(TaskFailed) as failure:
            either.run(other, check=check, confirm=True, **options)
        assert str(failure.value) == (
            f"The {either.title} is modifying, and RDS modifies none that is; run the task again when it is available, "
            "or give it more wait_timeout."
        )
    assert either.hook.parameters(either.action) == []


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


@pytest.mark.parametrize("immediately", [True, False])
def test_turning_off_needs_confirmation_while_there_are_accounts(
    target: Target, iam_accounts: list[str], immediately: bool
):
    target.hook.forget()
    for check in (True, False):
        with pytest.raises(TaskFailed) as failure:
            target.run("disabled", check=check, apply_immediately=immediately)
        assert str(failure.value) == (
            f"2 IAM-authenticated accounts of {target.title} would lose the only way to log in; if that is what you "
            "want, set confirm: true."
        )
        assert failure.value.result["accounts"] == iam_accounts
    assert target.hook.parameters(target.action) == []

    confirmed = target.run("disabled", confirm=True, apply_immediately=immediately)
    assert confirmed["changed"]
    assert confirmed["accounts"] == iam_accounts
    warning = (
        f"Without IAM authentication nobody can log in any more as 2 IAM-authenticated accounts of {target.title}."
    )
    assert last_warning(confirmed) == warning


def test_without_accounts_no_confirmation_is_needed(catalogue: Target):
    catalogue.run("enabled")
    done = catalogue.run("disabled")
    assert (done["changed"], done["accounts"]) == (True, [])


def test_turning_off_what_cannot_be_counted_needs_confirmation(either: Target):
    either.run("enabled")
    either.hook.forget()
    with pytest.raises(TaskFailed) as failure:
        either.run("disabled", login_password="not-it")
    assert str(failure.value).startswith(
        f"How many IAM-authenticated accounts of {either.title} would lose their login cannot be counted ("
    )
    assert str(failure.value).endswith(
        "); give the task a way to log in, or set confirm: true to turn it off all the same."
    )
    assert either.hook.parameters(either.action) == []
    done = either.run("disabled", login_password="not-it", confirm=True)
    assert done["changed"]
    assert "accounts" not in done
    assert f"accounts of {either.title} lose their login could not be counted (" in last_warning(done)


def test_classes_without_it_are_refused(catalogue: Target):
    resize = {"DBInstanceIdentifier": "catalogue-1", "ApplyImmediately": True}
    catalogue.rds.modify_db_instance(DBInstanceClass="db.t3.small", **resize)
    try:
        with pytest.raises(TaskFailed, match=r"with catalogue-1 \(db.t3.small\): the classes db.t2.small and db.t3"):
            catalogue.run("enabled")
    finally:
        catalogue.rds.modify_db_instance(DBInstanceClass="db.r6g.large", **resize)


def test_engines_and_versions_without_it_are_refused(tasks: Tasks, state: State, account: str):
    rds, name = aws_client(state, "rds"), account.replace("_", "-")
    rds.create_db_instance(
        DBInstanceIdentifier=name, Engine="mariadb", EngineVersion="11.4.3", DBInstanceClass="db.m5.large"
    )
    rds.create_db_cluster(
        DBClusterIdentifier=name,
        Engine="aurora-mysql",
        EngineVersion="5.6.10a",
        MasterUsername="admin",
        MasterUserPassword="longEnough1",
    )
    listed = "aurora-mysql 5.7, aurora-postgresql 11, mysql 5.7, postgres 10"
    try:
        with pytest.raises(TaskFailed, match=f"instance {name}, which runs mariadb .*: {listed}"):
            tasks.cluster(instance=name, iam_auth="enabled")
        with pytest.raises(TaskFailed, match=f"cluster {name}, which runs aurora-mysql 5.6.10a; .*: {listed}"):
            tasks.cluster(cluster=name, iam_auth="enabled")
        assert not tasks.cluster(instance=name, iam_auth="disabled")["changed"]
    finally:
        rds.delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True)
        rds.delete_db_cluster(DBClusterIdentifier=name, SkipFinalSnapshot=True)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            {"instance": "orders-2"},
            "orders-2 is a member of cluster orders, .*; set cluster: orders instead of instance",
        ),
        ({"cluster": "nowhere"}, "There is no cluster nowhere in this region and account; check cluster, region"),
        ({"instance": "nowhere"}, "There is no instance nowhere in this region and account; check instance, region"),
        ({}, "set either cluster or instance, and neither proxy nor both"),
        ({"cluster": "orders", "instance": "billing"}, "set either cluster or instance, and neither proxy nor both"),
        ({"cluster": "orders", "proxy": "orders-proxy"}, "set either cluster or instance, and neither proxy nor both"),
    ],
)
def test_what_it_is_not_about(tasks: Tasks, options: dict[str, str], sentence: str):
    with pytest.raises(TaskFailed, match=sentence):
        tasks.cluster(iam_auth="enabled", **options)


@pytest.mark.parametrize("action", ["DescribeDBClusters", "DescribeDBInstances", "ModifyDBCluster"])
def test_a_missing_permission_is_named(catalogue: Target, action: str):
    catalogue.hook.fail(action, kind="error", code="AccessDenied", status=403)
    with pytest.raises(TaskFailed) as failure:
        catalogue.run("enabled")
    assert str(failure.value) == (
        f"AWS denied rds:{action} on cluster catalogue; allow this action to the principal that runs the task."
    )

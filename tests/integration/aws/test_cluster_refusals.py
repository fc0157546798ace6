# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""When IAM authentication is not turned on or off, and what the user is told."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.administration import Administration
from tests.integration.cluster_scene import Target, eventually
from tests.integration.tasks import Result, TaskFailed, Tasks
from tests.sandbox.clients import State, aws_client

pytestmark = pytest.mark.direct("is about the RDS API")


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


def last_warning(result: Result) -> str:
    """Its text. Modules that run in one process return what the earlier ones warned of as well."""
    found = result["warnings"][-1]
    return str(found if isinstance(found, str) else found["event"]["msg"])


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
        f"AWS denied rds:{action} on cluster catalogue to arn:aws:iam::123456789012:user/operator: The sandbox was "
        f"told to fail this call. Allow rds:{action} on cluster catalogue to the principal."
    )

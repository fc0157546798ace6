# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""When IAM authentication is switched, when it is not, and when RDS cannot."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.iam_auth import IamAuth, MemberInstance
from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.iam_auth_rules import (
    Change,
    can_be_modified,
    check_change,
    decide,
    is_switching,
    unfinished,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import CloudError, Refused

OFF = IamAuth(
    kind="cluster",
    identifier="orders",
    arn="arn:aws:rds:eu-central-1:123456789012:cluster:orders",
    resource_id="cluster-ABC",
    engine="aurora-mysql",
    engine_version="8.0.mysql_aurora.3.10.0",
    status="available",
    enabled=False,
    members=(
        MemberInstance("orders-1", "db.r6g.large", "available"),
        MemberInstance("orders-2", "db.r6g.large", "available"),
    ),
)
ON = replace(OFF, enabled=True)
NOW = Change(True, immediately=True, pending=None)


@pytest.mark.parametrize(
    ("state", "wanted", "immediately", "change"),
    [
        (ON, True, True, None),
        (OFF, False, False, None),
        (OFF, True, True, NOW),
        (OFF, True, False, Change(True, immediately=False, pending=True)),
        (replace(OFF, pending=True), True, False, None),
        (replace(OFF, pending=True), True, True, NOW),
        (replace(OFF, pending=True), False, True, Change(False, immediately=True, pending=None)),
        (replace(OFF, pending=True), False, False, Change(False, immediately=False, pending=None)),
        (replace(ON, pending=False), True, False, Change(True, immediately=False, pending=None)),
        (replace(ON, pending=False), False, False, None),
        (replace(OFF, pending=True, status="update-iam-db-auth"), True, True, None),
    ],
)
def test_a_pending_change_is_neither_repeated_nor_forgotten(state, wanted, immediately, change):
    assert decide(state, wanted, immediately) == change


@pytest.mark.parametrize(
    ("status", "modifiable"),
    [("available", True), ("storage-optimization", True), ("backing-up", False), ("modifying", False)],
)
def test_states_in_which_rds_modifies(status, modifiable):
    assert can_be_modified(replace(ON, status=status)) is modifiable


@pytest.mark.parametrize(
    ("status", "next_step"),
    [
        ("stopped", "start it first"),
        ("stopping", "start it first"),
        ("incompatible-network", "back to available first"),
    ],
)
def test_states_that_do_not_end_are_not_waited_for(status, next_step):
    with pytest.raises(CloudError, match=rf"cluster orders is {status}, and RDS modifies none that is; .*{next_step}"):
        can_be_modified(replace(ON, status=status))


def test_a_switch_is_over_when_the_flag_the_cluster_and_every_instance_are():
    second = replace(ON.members[1], status="configuring-iam-database-auth")
    assert unfinished(ON, wanted=True) == []
    assert unfinished(OFF, wanted=True) == ["the flag has not changed"]
    assert unfinished(replace(ON, pending=False), wanted=True) == ["the flag has not changed"]
    assert unfinished(replace(ON, status="update-iam-db-auth"), wanted=True) == ["cluster orders is update-iam-db-auth"]
    one_is_late = replace(ON, members=(ON.members[0], second))
    assert unfinished(one_is_late, wanted=True) == ["instance orders-2 is configuring-iam-database-auth"]
    assert is_switching(one_is_late)
    assert not is_switching(ON)


@pytest.mark.parametrize(
    ("engine", "version"),
    [
        ("aurora-mysql", "5.7.mysql_aurora.2.12.5"),
        ("aurora-mysql", "8.4.7"),
        ("aurora-postgresql", "11.9"),
        ("aurora-postgresql", "18.3"),
        ("mysql", "5.7.44"),
        ("postgres", "10.23"),
    ],
)
def test_what_has_iam_authentication(engine, version):
    check_change(replace(OFF, engine=engine, engine_version=version), NOW)


@pytest.mark.parametrize(
    ("engine", "version"),
    [
        ("aurora-mysql", "5.6.10a"),
        ("aurora-postgresql", "10.21"),
        ("mysql", "5.6.51"),
        ("postgres", "9.6.24"),
        ("mariadb", "11.4.3"),
        ("oracle-ee", "19.0.0.0.ru-2024-10.rur-2024-10.r1"),
    ],
)
def test_what_has_none_is_refused_with_the_list(engine, version):
    with pytest.raises(Refused) as refused:
        check_change(replace(OFF, engine=engine, engine_version=version), NOW)
    assert refused.value.message == (
        f"IAM authentication cannot be turned on for cluster orders, which runs {engine} {version}; these engines have "
        "it from the version named on: aurora-mysql 5.7, aurora-postgresql 11, mysql 5.7, postgres 10."
    )


@pytest.mark.parametrize("instance_class", ["db.t2.small", "db.t3.small"])
def test_classes_that_are_too_small_are_refused_with_the_list(instance_class):
    small = replace(OFF, members=(OFF.members[0], replace(OFF.members[1], instance_class=instance_class)))
    with pytest.raises(Refused) as refused:
        check_change(small, NOW)
    assert refused.value.message == (
        f"IAM authentication cannot be turned on for cluster orders with orders-2 ({instance_class}): the classes "
        "db.t2.small and db.t3.small do not have it with aurora-mysql; change the class of each such instance."
    )
    check_change(replace(small, engine="aurora-postgresql", engine_version="16.4"), NOW)
    check_change(replace(small, enabled=True), Change(False, immediately=True, pending=None))


def test_nothing_else_is_applied_on_the_way():
    waiting = replace(OFF, other_pending=("BackupRetentionPeriod", "EngineVersion"))
    with pytest.raises(
        Refused, match=r"cluster orders \(BackupRetentionPeriod, EngineVersion\); set apply_immediately"
    ):
        check_change(waiting, NOW)
    check_change(waiting, Change(True, immediately=False, pending=True))

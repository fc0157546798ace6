# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""RDS and the test hook as boto3 sees them."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.servers.clusters import ACCOUNT_ID, REGION

from .endpoint import Endpoint, cluster, until
from .scenes import RUNNING, STANDALONE, TRANSITION


@pytest.mark.parametrize("identifier", list(RUNNING))
def test_a_cluster_is_described_as_it_runs(rds: Any, endpoint: Endpoint, identifier: str) -> None:
    wanted, found = RUNNING[identifier], cluster(rds, identifier)
    expected = {
        "DBClusterIdentifier": identifier,
        "DBClusterArn": f"arn:aws:rds:{REGION}:{ACCOUNT_ID}:cluster:{identifier}",
        "DbClusterResourceId": wanted.resource_id,
        "Engine": wanted.spec.engine,
        "EngineVersion": wanted.spec.engine_version,
        "EngineMode": "provisioned",
        "Endpoint": "localhost",
        "ReaderEndpoint": "127.0.0.2" if wanted.spec.has_reader else "localhost",
        "Port": wanted.writer.port,
        "MasterUsername": wanted.spec.master_username,
        "DatabaseName": wanted.spec.database,
        "IAMDatabaseAuthenticationEnabled": wanted.spec.iam_auth,
        "HttpEndpointEnabled": wanted.spec.data_api,
        "Status": "available",
    }
    assert {name: found[name] for name in expected} == expected
    assert "PendingModifiedValues" not in found or found["PendingModifiedValues"] == {}
    members = [(member["DBInstanceIdentifier"], member["IsClusterWriter"]) for member in found["DBClusterMembers"]]
    assert members == [(server.instance, server.is_writer) for server in wanted.servers]
    secret = found["MasterUserSecret"]
    assert secret["SecretStatus"] == "active"
    value = endpoint.client("secretsmanager").get_secret_value(SecretId=secret["SecretArn"])
    assert json.loads(value["SecretString"]) == {
        "username": wanted.spec.master_username,
        "password": wanted.master_password,
    }
    assert value["Name"].startswith("rds!cluster-")


def test_instances_are_described_as_they_run(rds: Any) -> None:
    found = rds.describe_db_instances(Filters=[{"Name": "db-cluster-id", "Values": ["ledger"]}])["DBInstances"]
    assert [(each["DBInstanceIdentifier"], each["Endpoint"]["Address"]) for each in found] == [
        ("ledger-1", "localhost"),
        ("ledger-2", "127.0.0.2"),
    ]
    for each in found:
        assert each["Endpoint"]["Port"] == RUNNING["ledger"].writer.port
        assert each["DBClusterIdentifier"] == "ledger"
        assert each["DBInstanceStatus"] == "available"
        assert each["DBInstanceClass"] == "db.r6g.large"
        assert each["Engine"] == "aurora-postgresql"
        assert each["IAMDatabaseAuthenticationEnabled"] is True
        assert each["DBInstanceArn"] == f"arn:aws:rds:{REGION}:{ACCOUNT_ID}:db:{each['DBInstanceIdentifier']}"
    everything = rds.describe_db_instances()["DBInstances"]
    resource_ids = {each["DbiResourceId"] for each in everything}
    described = sum(len(each.servers) for each in (*RUNNING.values(), *STANDALONE.values()))
    assert len(resource_ids) == len(everything) == described
    assert all(len(each) == len("db-") + 26 for each in resource_ids)


def test_pages_and_filters(rds: Any) -> None:
    pages = list(rds.get_paginator("describe_db_clusters").paginate(PaginationConfig={"PageSize": 4}))
    assert [len(page["DBClusters"]) for page in pages] == [4, len(RUNNING) - 4]
    names = {found["DBClusterIdentifier"] for page in pages for found in page["DBClusters"]}
    assert names == set(RUNNING)

    def filtered(name: str, value: str) -> list[str]:
        found = rds.describe_db_clusters(Filters=[{"Name": name, "Values": [value]}])["DBClusters"]
        return [each["DBClusterIdentifier"] for each in found]

    assert filtered("db-cluster-resource-id", RUNNING["payroll"].resource_id) == ["payroll"]
    assert filtered("db-cluster-id", "orders") == ["orders"]
    assert filtered("engine", "aurora-postgresql") == ["ledger", "payroll", "archive"]
    assert cluster(rds, f"arn:aws:rds:{REGION}:{ACCOUNT_ID}:cluster:ledger")["DBClusterIdentifier"] == "ledger"


@pytest.mark.parametrize("action", ["describe_db_clusters", "modify_db_cluster"])
def test_an_unknown_cluster(rds: Any, action: str) -> None:
    with pytest.raises(rds.exceptions.DBClusterNotFoundFault):
        getattr(rds, action)(DBClusterIdentifier="nowhere")


def test_iam_authentication_is_switched_immediately(rds: Any, endpoint: Endpoint) -> None:
    answer = rds.modify_db_cluster(
        DBClusterIdentifier="payroll", EnableIAMDatabaseAuthentication=True, ApplyImmediately=True
    )["DBCluster"]
    assert answer["PendingModifiedValues"] == {"IAMDatabaseAuthenticationEnabled": True}
    found = cluster(rds, "payroll")
    assert (found["Status"], found["IAMDatabaseAuthenticationEnabled"]) == ("update-iam-db-auth", False)
    (instance,) = rds.describe_db_instances(DBInstanceIdentifier="payroll-1")["DBInstances"]
    assert instance["DBInstanceStatus"] == "configuring-iam-database-auth"
    assert endpoint.switched == []
    with pytest.raises(rds.exceptions.InvalidDBClusterStateFault):
        rds.modify_db_cluster(DBClusterIdentifier="payroll", BackupRetentionPeriod=3)
    until(lambda: cluster(rds, "payroll")["Status"] == "available")
    found = cluster(rds, "payroll")
    assert found["IAMDatabaseAuthenticationEnabled"] is True
    assert not found.get("PendingModifiedValues")
    assert endpoint.switched == [("payroll", True)]
    (instance,) = rds.describe_db_instances(DBInstanceIdentifier="payroll-1")["DBInstances"]
    assert (instance["DBInstanceStatus"], instance["IAMDatabaseAuthenticationEnabled"]) == ("available", True)


def test_a_change_that_is_not_immediate_waits(rds: Any, endpoint: Endpoint) -> None:
    rds.modify_db_cluster(DBClusterIdentifier="catalogue", EnableIAMDatabaseAuthentication=True)
    time.sleep(2 * TRANSITION)
    found = cluster(rds, "catalogue")
    assert (found["Status"], found["IAMDatabaseAuthenticationEnabled"]) == ("available", False)
    assert found["PendingModifiedValues"] == {"IAMDatabaseAuthenticationEnabled": True}
    assert endpoint.switched == []
    rds.modify_db_cluster(DBClusterIdentifier="catalogue", EnableIAMDatabaseAuthentication=False)
    assert not cluster(rds, "catalogue").get("PendingModifiedValues")
    rds.modify_db_cluster(DBClusterIdentifier="catalogue", EnableIAMDatabaseAuthentication=True)
    rds.modify_db_cluster(DBClusterIdentifier="catalogue", ApplyImmediately=True)
    until(lambda: bool(cluster(rds, "catalogue")["IAMDatabaseAuthenticationEnabled"]))
    assert endpoint.switched == [("catalogue", True)]


def test_what_is_so_already_is_not_switched(rds: Any, endpoint: Endpoint) -> None:
    rds.modify_db_cluster(DBClusterIdentifier="orders", EnableIAMDatabaseAuthentication=True, ApplyImmediately=True)
    assert cluster(rds, "orders")["Status"] == "available"
    assert endpoint.switched == []


def test_a_switch_that_fails_leaves_the_cluster_as_it_was(rds: Any, endpoint: Endpoint) -> None:
    endpoint.broken = True
    rds.modify_db_cluster(DBClusterIdentifier="archive", EnableIAMDatabaseAuthentication=False, ApplyImmediately=True)
    until(lambda: cluster(rds, "archive")["Status"] == "available")
    endpoint.broken = False
    assert cluster(rds, "archive")["IAMDatabaseAuthenticationEnabled"] is True
    assert endpoint.switched == []


def test_other_modifications_are_motos(rds: Any) -> None:
    rds.modify_db_cluster(DBClusterIdentifier="warehouse", BackupRetentionPeriod=7, ApplyImmediately=True)
    found = cluster(rds, "warehouse")
    assert (found["BackupRetentionPeriod"], found["Status"]) == (7, "available")
    with pytest.raises(ClientError, match="ModifyDBCluster"):
        rds.modify_db_instance(DBInstanceIdentifier="warehouse-1", EnableIAMDatabaseAuthentication=False)


def test_calls_are_counted_and_faults_met(rds: Any, endpoint: Endpoint) -> None:
    secrets = endpoint.client("secretsmanager")
    endpoint.hook(
        "POST",
        "faults",
        [
            {"action": "DescribeDBClusters", "kind": "throttle", "count": 2},
            {"action": "DescribeDBInstances", "kind": "delay", "seconds": 0.5},
            {"action": "ListSecrets", "kind": "error", "code": "AccessDeniedException", "status": 400},
        ],
    )
    for _answer in range(2):
        with pytest.raises(ClientError, match=r"\(Throttling\).*Rate exceeded"):
            rds.describe_db_clusters()
    assert len(rds.describe_db_clusters()["DBClusters"]) == len(RUNNING)
    before = time.monotonic()
    rds.describe_db_instances()
    assert time.monotonic() - before >= 0.5
    with pytest.raises(ClientError, match="AccessDeniedException"):
        secrets.list_secrets()
    secrets.list_secrets()
    assert endpoint.hook("GET", "calls") == {"DescribeDBClusters": 3, "DescribeDBInstances": 1, "ListSecrets": 2}
    endpoint.hook("POST", "faults", [{"action": "*", "kind": "error", "code": "ServiceUnavailable", "status": 503}])
    endpoint.hook("DELETE", "faults")
    rds.describe_db_clusters()
    assert endpoint.hook("GET", "calls") == {"DescribeDBClusters": 1}
    assert endpoint.hook("GET", "auth-log") == [{"reason": "because"}]


def test_a_fault_may_meet_only_calls_with_some_parameters(rds: Any, endpoint: Endpoint) -> None:
    asked = {"DBClusterIdentifier": "orders"}
    endpoint.hook("POST", "faults", [{"action": "DescribeDBClusters", "kind": "throttle", "parameters": asked}])
    rds.describe_db_clusters()
    with pytest.raises(ClientError, match="Rate exceeded"):
        rds.describe_db_clusters(**asked)


@pytest.mark.parametrize("fault", [{"action": "X", "kind": "unkind"}, {"kind": "delay"}, {"surprise": 1}, 7])
def test_a_fault_that_is_none_is_refused(endpoint: Endpoint, fault: object) -> None:
    assert "message" in endpoint.hook("POST", "faults", [fault], expected=400)


def test_an_unknown_hook(endpoint: Endpoint) -> None:
    assert endpoint.hook("GET", "surprise", expected=404) == {"message": "The sandbox has no GET surprise."}

# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Standalone instances, a proxy, and the states of all of them, as boto3 sees them."""

from __future__ import annotations

import json
import socket
import threading
from typing import Any

import pytest

from tests.sandbox.aws.rds_proxy import Forwarder
from tests.sandbox.servers.clusters import ACCOUNT_ID, REGION, ServerSpec

from .endpoint import Endpoint, cluster, until
from .scenes import RUNNING, STANDALONE


def instance(rds: Any, identifier: str) -> dict[str, Any]:
    (found,) = rds.describe_db_instances(DBInstanceIdentifier=identifier)["DBInstances"]
    return dict(found)


@pytest.mark.parametrize("identifier", list(STANDALONE))
def test_an_instance_is_described_as_it_runs(rds: Any, endpoint: Endpoint, identifier: str) -> None:
    wanted, found = STANDALONE[identifier], instance(rds, identifier)
    expected = {
        "DBInstanceArn": f"arn:aws:rds:{REGION}:{ACCOUNT_ID}:db:{identifier}",
        "DbiResourceId": wanted.resource_id,
        "Engine": wanted.spec.engine,
        "EngineVersion": wanted.spec.engine_version,
        "Endpoint": {"Address": "localhost", "Port": wanted.writer.port},
        "MasterUsername": wanted.spec.master_username,
        "DBName": wanted.spec.database,
        "IAMDatabaseAuthenticationEnabled": True,
        "DBInstanceStatus": "available",
    }
    assert {name: found[name] for name in expected} == expected
    assert "DBClusterIdentifier" not in found
    secret = endpoint.client("secretsmanager").get_secret_value(SecretId=found["MasterUserSecret"]["SecretArn"])
    assert json.loads(secret["SecretString"])["password"] == wanted.master_password


def test_iam_authentication_of_an_instance_goes_through_the_states(rds: Any, endpoint: Endpoint) -> None:
    for enabled in (False, True):
        rds.modify_db_instance(
            DBInstanceIdentifier="billing", EnableIAMDatabaseAuthentication=enabled, ApplyImmediately=False
        )
        found = instance(rds, "billing")
        assert found["PendingModifiedValues"] == {"IAMDatabaseAuthenticationEnabled": enabled}
        assert (found["DBInstanceStatus"], found["IAMDatabaseAuthenticationEnabled"]) == ("available", not enabled)
        rds.modify_db_instance(
            DBInstanceIdentifier="billing", EnableIAMDatabaseAuthentication=enabled, ApplyImmediately=True
        )
        assert instance(rds, "billing")["DBInstanceStatus"] == "configuring-iam-database-auth"
        with pytest.raises(rds.exceptions.InvalidDBInstanceStateFault):
            rds.modify_db_instance(DBInstanceIdentifier="billing", BackupRetentionPeriod=3)
        until(lambda: instance(rds, "billing")["DBInstanceStatus"] == "available")
        assert instance(rds, "billing")["IAMDatabaseAuthenticationEnabled"] is enabled
        assert not instance(rds, "billing").get("PendingModifiedValues")
    assert endpoint.switched == [("billing", False), ("billing", True)]


def test_a_switch_that_is_told_to_fail(rds: Any, endpoint: Endpoint) -> None:
    endpoint.hook("POST", "failing-switch", "billing")
    rds.modify_db_instance(DBInstanceIdentifier="billing", EnableIAMDatabaseAuthentication=False, ApplyImmediately=True)
    until(lambda: instance(rds, "billing")["DBInstanceStatus"] == "available")
    assert instance(rds, "billing")["IAMDatabaseAuthenticationEnabled"] is True
    assert endpoint.switched == []


def test_a_class_is_changed(rds: Any) -> None:
    rds.modify_db_instance(DBInstanceIdentifier="archive-1", DBInstanceClass="db.t3.small", ApplyImmediately=True)
    assert instance(rds, "archive-1")["DBInstanceClass"] == "db.t3.small"


def test_a_status_is_held_until_it_is_released(rds: Any, endpoint: Endpoint) -> None:
    endpoint.hook("POST", "status", {"payroll": "modifying", "payroll-1": "rebooting"})
    assert (cluster(rds, "payroll")["Status"], instance(rds, "payroll-1")["DBInstanceStatus"]) == (
        "modifying",
        "rebooting",
    )
    with pytest.raises(rds.exceptions.InvalidDBClusterStateFault, match="modifying"):
        rds.modify_db_cluster(DBClusterIdentifier="payroll", EnableIAMDatabaseAuthentication=False)
    endpoint.hook("POST", "status", {"payroll": None, "payroll-1": None})
    assert (cluster(rds, "payroll")["Status"], instance(rds, "payroll-1")["DBInstanceStatus"]) == (
        "available",
        "available",
    )
    assert "nowhere" in endpoint.hook("POST", "status", {"nowhere": "stopped"}, expected=400)["message"]


def test_a_cluster_stops_and_starts(rds: Any) -> None:
    rds.stop_db_cluster(DBClusterIdentifier="warehouse")
    assert cluster(rds, "warehouse")["Status"] == "stopping"
    until(lambda: cluster(rds, "warehouse")["Status"] == "stopped")
    with pytest.raises(rds.exceptions.InvalidDBClusterStateFault):
        rds.stop_db_cluster(DBClusterIdentifier="warehouse")
    rds.start_db_cluster(DBClusterIdentifier="warehouse")
    assert cluster(rds, "warehouse")["Status"] == "starting"
    until(lambda: cluster(rds, "warehouse")["Status"] == "available")


def test_the_proxy_is_described(rds: Any) -> None:
    (found,) = rds.describe_db_proxies(DBProxyName="orders-proxy")["DBProxies"]
    proxy = RUNNING["orders"].proxy
    assert proxy is not None
    expected = {
        "DBProxyArn": f"arn:aws:rds:{REGION}:{ACCOUNT_ID}:db-proxy:{proxy.resource_id}",
        "Endpoint": proxy.host,
        "EngineFamily": "MYSQL",
        "RequireTLS": True,
        "Status": "available",
    }
    assert {name: found[name] for name in expected} == expected
    assert found["Auth"][0]["SecretArn"] == cluster(rds, "orders")["MasterUserSecret"]["SecretArn"]
    (target,) = rds.describe_db_proxy_targets(DBProxyName="orders-proxy")["Targets"]
    assert target["RdsResourceId"] == "orders"
    with pytest.raises(rds.exceptions.DBProxyNotFoundFault):
        rds.describe_db_proxies(DBProxyName="nowhere")


def test_requests_are_listed_with_their_parameters(rds: Any, endpoint: Endpoint) -> None:
    rds.modify_db_cluster(DBClusterIdentifier="orders", BackupRetentionPeriod=1, ApplyImmediately=True)
    endpoint.client("secretsmanager").list_secrets(MaxResults=1)
    parameters = {"DBClusterIdentifier": "orders", "BackupRetentionPeriod": "1", "ApplyImmediately": "true"}
    assert endpoint.hook("GET", "requests") == [
        {"action": "ModifyDBCluster", "parameters": parameters},
        {"action": "ListSecrets", "parameters": {"MaxResults": 1}},
    ]


def test_the_forwarder_passes_both_ways_until_one_side_ends() -> None:
    with socket.create_server(("127.0.0.1", 0)) as database:
        server = ServerSpec("orders", "orders-1", True, "mysql", "localhost", database.getsockname()[1], "/nonexistent")
        forwarder = Forwarder(("127.0.0.1", 0), server)
        thread = threading.Thread(target=forwarder.serve_forever, args=(0.05,))
        thread.start()
        with socket.create_connection(forwarder.server_address, timeout=5) as client:
            inside, _address = database.accept()
            with inside:
                client.sendall(b"question")
                assert inside.recv(100) == b"question"
                inside.sendall(b"answer")
                assert client.recv(100) == b"answer"
            assert client.recv(100) == b""
        forwarder.shutdown()
        thread.join()
        forwarder.server_close()

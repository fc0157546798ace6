# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is made of RDS's answers that the sandbox cannot give: other partitions, other regions, many pages."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.calls import listed
from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.endpoint import (
    cluster_endpoint,
    instance_endpoint,
    proxy_endpoint,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import CloudError

REGIONS = {"aws": "eu-central-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}
PRIMARY = "arn:aws:rds:eu-west-1:123456789012:cluster:orders-west"


class Answers:
    """A client that gives prepared answers to operations, and remembers what it was asked."""

    def __init__(self, **answers: Any) -> None:
        self._answers = answers
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def answer(**arguments: Any) -> Any:
            self.asked.append((operation, arguments))
            prepared = self._answers[operation]
            found = prepared.pop(0) if isinstance(prepared, list) else prepared
            if isinstance(found, Exception):
                raise found
            return found

        return answer


def cluster(partition: str = "aws", **more: Any) -> dict[str, Any]:
    region = REGIONS[partition]
    described = {
        "DBClusterIdentifier": "orders",
        "DBClusterArn": f"arn:{partition}:rds:{region}:123456789012:cluster:orders",
        "DbClusterResourceId": "cluster-ABC",
        "Engine": "aurora-mysql",
        "Endpoint": f"orders.cluster-x.{region}.rds.amazonaws.com",
        "Port": 3306,
        "Status": "available",
        "DBClusterMembers": [{"DBInstanceIdentifier": "orders-1", "IsClusterWriter": True}],
    }
    return {"DBClusters": [{**described, **more}]}


def instance(partition: str = "aws", **more: Any) -> dict[str, Any]:
    described = {
        "DBInstanceIdentifier": "billing",
        "DBInstanceArn": f"arn:{partition}:rds:{REGIONS[partition]}:123456789012:db:billing",
        "DbiResourceId": "db-ABC",
        "Engine": "postgres",
        "Endpoint": {"Address": "billing.example", "Port": 5433},
        "DBInstanceStatus": "available",
    }
    return {"DBInstances": [{**described, **more}]}


def proxy(partition: str = "aws", **more: Any) -> dict[str, Any]:
    described = {
        "DBProxyName": "web",
        "DBProxyArn": f"arn:{partition}:rds:{REGIONS[partition]}:123456789012:db-proxy:prx-0123456789abcdef0",
        "EngineFamily": "POSTGRESQL",
        "Endpoint": "web.proxy-x.example",
        "Status": "available",
        "Auth": [{"AuthScheme": "SECRETS", "SecretArn": "arn:secret", "IAMAuth": "DISABLED"}],
    }
    return {"DBProxies": [{**described, **more}]}


@pytest.mark.parametrize("partition", REGIONS)
def test_partition_region_and_account_come_from_the_arn(partition):
    prefix = f"arn:{partition}:rds-db:{REGIONS[partition]}:123456789012:dbuser:"
    client = Answers(
        describe_db_clusters=cluster(partition),
        describe_db_instances=instance(partition),
        describe_db_proxies=proxy(partition),
    )
    assert cluster_endpoint(lambda _service: client, "orders").connect_arn("jane") == prefix + "cluster-ABC/jane"
    assert instance_endpoint(lambda _service: client, "billing").connect_arn("jane") == prefix + "db-ABC/jane"
    assert proxy_endpoint(lambda _service: client, "web").connect_arn("jane") == prefix + "prx-0123456789abcdef0/jane"


@pytest.mark.parametrize(("family", "engine", "port"), [("MYSQL", "mysql", 3306), ("POSTGRESQL", "postgres", 5432)])
def test_a_proxy_s_port_follows_from_its_engine_family(family, engine, port):
    found = proxy_endpoint(lambda _service: Answers(describe_db_proxies=proxy(EngineFamily=family)), "web")
    assert (found.engine, found.host, found.port, found.iam_auth) == (engine, "web.proxy-x.example", port, None)
    assert found.is_proxy


def test_a_proxy_for_another_engine_is_refused():
    client = Answers(describe_db_proxies=proxy(EngineFamily="SQLSERVER"))
    with pytest.raises(CloudError, match="SQLSERVER, which this collection does not know; it works through proxies"):
        proxy_endpoint(lambda _service: client, "web")


@pytest.mark.parametrize(
    ("auth", "secret"),
    [
        ([{"SecretArn": "arn:a", "IAMAuth": "DISABLED"}], "arn:a"),
        ([{"SecretArn": "arn:a", "IAMAuth": "REQUIRED"}], ""),
        ([{"SecretArn": "arn:a", "IAMAuth": "DISABLED"}, {"SecretArn": "arn:b", "IAMAuth": "DISABLED"}], ""),
        ([], ""),
    ],
)
def test_a_proxy_s_secret_is_taken_where_it_is_the_only_one_for_passwords(auth, secret):
    assert proxy_endpoint(lambda _service: Answers(describe_db_proxies=proxy(Auth=auth)), "web").secret == secret


NO_SERVER = {
    "cloning-failed": "; clone its source again",
    "creating": "; run the task when it is available",
    "deleting": "; take it out of the inventory",
    "failed": "RDS cannot recover it.*; restore it from a snapshot",
    "inaccessible-encryption-credentials": "RDS cannot use its KMS key.*; restore it from a snapshot",
    "inaccessible-encryption-credentials-recoverable": "RDS cannot use its KMS key.*; enable the key, start it within",
    "incompatible-create": "RDS could not create it.*; delete it, correct",
    "incompatible-network": "its VPC has no free address.*; correct its subnet group",
    "incompatible-parameters": "does not start with its parameter group.*; reset the parameters",
    "incompatible-restore": "RDS could not restore it.*; restore it from a snapshot",
    "insufficient-capacity": "AWS has no capacity for it.*; wait, or change",
    "insufficient-resource-limits": "a quota of the AWS account is used up.*; have the quota raised",
    "migration-failed": "; restore it from a snapshot",
    "reactivating": "; run the task when it is available",
    "restore-error": "RDS could not restore it.*; restore it from a snapshot",
    "starting": "; run the task when it is available",
    "stopped": "; start it, then run the task",
    "stopping": "; start it, then run the task",
    "suspended": "; reactivate it in RDS",
    "suspending": "; reactivate it in RDS",
    "unsupported-configuration": "RDS Custom does not support its settings",
}
"""https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/accessing-monitoring.html"""
WITH_SERVER = (
    "automation-paused", "available", "backing-up", "backtracking", "configuring-enhanced-monitoring",
    "configuring-iam-database-auth", "configuring-log-exports", "converting-to-vpc", "delete-precheck", "failing-over",
    "incompatible-option-group", "maintenance", "migrating", "modifying", "moving-to-vpc", "preparing-data-migration",
    "promoting", "rebooting", "renaming", "resetting-master-credentials", "scaling-compute", "scaling-storage",
    "storage-config-upgrade", "storage-full", "storage-initialization", "storage-optimization", "update-iam-db-auth",
    "upgrading",
)  # fmt: skip
KINDS = {"cluster orders": cluster_endpoint, "instance billing": instance_endpoint, "proxy web": proxy_endpoint}


def in_state(status: str, **more: Any) -> Answers:
    return Answers(
        describe_db_clusters=cluster(Status=status, **more),
        describe_db_instances=instance(DBInstanceStatus=status, **more),
        describe_db_proxies=proxy(Status=status, **more),
    )


@pytest.mark.parametrize("title", KINDS)
@pytest.mark.parametrize("status", NO_SERVER)
def test_what_cannot_be_reached_is_refused_with_a_next_step(title, status):
    with pytest.raises(
        CloudError, match=rf"^The {title} is {status}\b.*, so there is no database to log in to; "
    ) as it:
        KINDS[title](lambda _service: in_state(status), title.split()[1])
    assert re.search(NO_SERVER[status], it.value.message)


@pytest.mark.parametrize("title", KINDS)
@pytest.mark.parametrize("status", WITH_SERVER)
def test_what_can_be_reached_is_tried(title, status):
    assert KINDS[title](lambda _service: in_state(status), title.split()[1]).host


@pytest.mark.parametrize("title", KINDS)
@pytest.mark.parametrize("missing", [None, ""])
def test_what_has_no_address(title, missing):
    endpoint = {"Address": missing} if "instance" in title and missing is not None else missing
    client = in_state("modifying", Endpoint=endpoint or {} if "instance" in title else endpoint)
    with pytest.raises(CloudError, match=f"^The {title} has no address, and is modifying; run the task when it is"):
        KINDS[title](lambda _service: client, title.split()[1])


def test_an_instance_without_the_key_for_its_address():
    described = instance(DBInstanceStatus="modifying")
    del described["DBInstances"][0]["Endpoint"]
    with pytest.raises(CloudError, match=r"^The instance billing has no address, and is modifying"):
        instance_endpoint(lambda _service: Answers(describe_db_instances=described), "billing")


@pytest.mark.parametrize("title", KINDS)
@pytest.mark.parametrize("empty", [[], None])
def test_a_list_without_what_was_asked_for(title, empty):
    answers = {"DBClusters": empty, "DBInstances": empty, "DBProxies": empty} if empty is not None else {}
    operations = ("describe_db_clusters", "describe_db_instances", "describe_db_proxies")
    client = Answers(**dict.fromkeys(operations, answers))
    with pytest.raises(CloudError, match=f"^There is no {title} in this region and account; check {title.split()[0]}"):
        KINDS[title](lambda _service: client, title.split()[1])


def test_a_cluster_without_instances():
    client = Answers(describe_db_clusters=cluster(DBClusterMembers=[]))
    with pytest.raises(CloudError, match=r"^The cluster orders has no DB instance, so there is no database to log in"):
        cluster_endpoint(lambda _service: client, "orders")
    described = cluster(LimitlessDatabase={"Status": "not-in-use"}, ClusterScalabilityType="standard")
    assert cluster_endpoint(lambda _service: Answers(describe_db_clusters=described), "orders").host
    serverless = Answers(describe_db_clusters=cluster(DBClusterMembers=[], EngineMode="serverless"))
    assert cluster_endpoint(lambda _service: serverless, "orders").host


@pytest.mark.parametrize("how", [{"ClusterScalabilityType": "limitless"}, {"LimitlessDatabase": {"Status": "enabled"}}])
def test_aurora_limitless(how):
    client = Answers(describe_db_clusters=cluster(DBClusterMembers=[], **how))
    with pytest.raises(CloudError, match=r"^The cluster orders is an Aurora PostgreSQL Limitless Database, whose acc"):
        cluster_endpoint(lambda _service: client, "orders")


def test_a_replica_names_its_source():
    client = Answers(
        describe_db_clusters=cluster(ReplicationSourceIdentifier=PRIMARY),
        describe_db_instances=instance(ReadReplicaSourceDBInstanceIdentifier="billing-main"),
    )
    with pytest.raises(CloudError, match=f"replica and gets its accounts from {PRIMARY}; run the task for orders-west"):
        cluster_endpoint(lambda _service: client, "orders")
    with pytest.raises(CloudError, match="billing is a read replica and gets its accounts from billing-main; run"):
        instance_endpoint(lambda _service: client, "billing")


def globally(*members: dict[str, Any]) -> list[dict[str, Any]]:
    other = {"DBClusterArn": "arn:aws:rds:eu-west-1:123456789012:cluster:other", "IsWriter": True, "Readers": []}
    return [
        {"GlobalClusters": [{"GlobalClusterMembers": [other]}], "Marker": "more"},
        {"GlobalClusters": [{"GlobalClusterMembers": list(members)}]},
    ]


SECONDARY = cluster()["DBClusters"][0]["DBClusterArn"]
READERS_ONLY = {"DBClusterMembers": [{"DBInstanceIdentifier": "orders-1", "IsClusterWriter": False}]}


@pytest.mark.parametrize(
    "how_it_shows",
    [
        READERS_ONLY,
        {"DBClusterMembers": [], "GlobalClusterIdentifier": "world"},
        {"DBClusterMembers": [], "GlobalWriteForwardingStatus": "disabled"},
    ],
)
@pytest.mark.parametrize("listed_as", ["reader", "member"])
def test_a_secondary_of_a_global_database_names_the_writer_and_its_region(how_it_shows, listed_as):
    readers = [SECONDARY] if listed_as == "reader" else []
    members = [{"DBClusterArn": PRIMARY, "IsWriter": True, "Readers": readers}]
    members += [{"DBClusterArn": SECONDARY, "IsWriter": False}] if listed_as == "member" else []
    client = Answers(describe_db_clusters=cluster(**how_it_shows), describe_global_clusters=globally(*members))
    with pytest.raises(CloudError) as refused:
        cluster_endpoint(lambda _service: client, "orders")
    assert refused.value.message == (
        f"The cluster orders is a secondary of a global database, whose writer is {PRIMARY}; run the task for cluster "
        "orders-west in region eu-west-1."
    )
    assert client.asked[-1] == ("describe_global_clusters", {"Marker": "more"})


def test_the_primary_of_a_global_database_is_not_asked_about():
    client = Answers(describe_db_clusters=cluster(GlobalClusterIdentifier="world"))
    assert cluster_endpoint(lambda _service: client, "orders").host.startswith("orders.")
    assert [operation for operation, _arguments in client.asked] == ["describe_db_clusters"]


def test_a_cluster_between_two_writers():
    client = Answers(describe_db_clusters=cluster(**READERS_ONLY), describe_global_clusters={"GlobalClusters": []})
    with pytest.raises(CloudError, match="cluster orders has no writer at the moment; run the task again"):
        cluster_endpoint(lambda _service: client, "orders")


def test_the_global_database_may_not_be_described():
    denied = ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "DescribeGlobalClusters")
    client = Answers(describe_db_clusters=cluster(**READERS_ONLY), describe_global_clusters=denied)
    with pytest.raises(
        CloudError, match=r"AWS denied rds:DescribeGlobalClusters on cluster orders: no. Allow rds:Desc"
    ):
        cluster_endpoint(lambda _service: client, "orders")


def test_a_list_is_read_to_its_last_page():
    client = Answers(things=[{"Things": [{"n": 1}], "Marker": "a"}, {"Marker": "b"}, {"Things": [{"n": 2}]}])
    assert listed(lambda _service: client, "things", "rds:Things", "all", "Things", Kind="x") == [{"n": 1}, {"n": 2}]
    assert [arguments for _operation, arguments in client.asked] == [
        {"Kind": "x"},
        {"Kind": "x", "Marker": "a"},
        {"Kind": "x", "Marker": "b"},
    ]

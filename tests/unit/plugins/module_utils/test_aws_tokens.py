# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is checked before a token is signed, and what is told of it when it is refused."""

from __future__ import annotations

import re

import boto3
import pytest
from botocore.session import Session

from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.credentials import token_credentials
from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.host_names import is_region, read_rds_name
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import InvalidOption
from ansible_collections.dbops.aurora_iam.plugins.module_utils._login import Credentials, Endpoint

PARTITIONS = {each["id"]: each for each in Session().get_data("partitions")["partitions"]}
REGIONS = {
    name: next(region for region in each["regions"] if not region.endswith("-global"))
    for name, each in PARTITIONS.items()
    if any(not region.endswith("-global") for region in each["regions"])
}
ARN = "arn:aws:rds:{}:123456789012:cluster:orders"


def signed(host: str, region: str, arn: str = "") -> Credentials:
    def client(service: str) -> object:
        return boto3.client(service, region_name=region, aws_access_key_id="AKIAX", aws_secret_access_key="x")

    return token_credentials(client, Endpoint("cluster orders", "aurora-mysql", host, 3306, arn=arn), "jane")


def test_botocore_knows_the_partitions() -> None:
    assert {"aws", "aws-cn", "aws-us-gov", "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f", "aws-eusc"} <= set(REGIONS)


@pytest.mark.parametrize("partition", REGIONS)
def test_the_names_of_every_partition_are_known(partition: str) -> None:
    suffix, region = PARTITIONS[partition]["outputs"]["dnsSuffix"], REGIONS[partition]
    for name in (f"orders.cluster-abc123.{region}.rds.{suffix}", f"orders.cluster-abc123.rds.{region}.{suffix}."):
        assert read_rds_name(name) == (region, False)
        assert read_rds_name(name.replace("cluster-", "cluster-custom-")) == (region, True)
        assert f"at {name}:3306 in region {region} at 2" in signed(name, region).signed
        other = "us-west-2" if partition == "aws" else "eu-west-1"
        with pytest.raises(InvalidOption, match=f"in region {other}, because the database is in {region}; set region"):
            signed(name, other)


@pytest.mark.parametrize("kind", ["cluster", "cluster-ro", "proxy", ""])
def test_the_endpoints_that_aurora_and_rds_accept_tokens_for(kind: str) -> None:
    label = f"{kind}-abc123" if kind else "abc123"
    assert signed(f"orders.{label}.eu-central-1.rds.amazonaws.com", "eu-central-1").is_token


def test_a_custom_endpoint_is_refused() -> None:
    with pytest.raises(InvalidOption, match="which is an Aurora custom endpoint: Aurora accepts tokens only for"):
        signed("reports.cluster-custom-abc123.eu-central-1.rds.amazonaws.com", "eu-central-1")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "db.example.org", "my.rds.example.org", "rds.amazonaws.eu"])
def test_another_name_says_nothing(host: str) -> None:
    assert read_rds_name(host) is None
    assert signed(host, "eu-central-1").is_token


def test_the_region_that_aws_has_the_database_in() -> None:
    assert signed("localhost", "eu-central-1", ARN.format("eu-central-1")).is_token
    with pytest.raises(InvalidOption, match="in region eu-west-1, because the database is in eu-central-1; set region"):
        signed("localhost", "eu-west-1", ARN.format("eu-central-1"))


def test_a_region_that_aws_does_not_have() -> None:
    assert not is_region("moon")
    with pytest.raises(InvalidOption, match="in region moon, which AWS does not have; correct region"):
        signed("localhost", "moon")


def test_what_was_signed_is_told_without_what_is_secret() -> None:
    credentials = signed("localhost", "eu-central-1")
    assert re.fullmatch(
        r"jane at localhost:3306 in region eu-central-1 at [\d-]+ [\d:]+ UTC with access key AKIAX", credentials.signed
    )
    assert "Signature" not in credentials.signed

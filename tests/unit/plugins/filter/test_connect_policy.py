# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import re
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.dbops.aurora_iam.plugins.filter.connect_policy import FilterModule

connect_policy = FilterModule().filters()["connect_policy"]

RESOURCE_ID = "cluster-ABCDEFGHIJKLMNOPQRSTUVWXYZ"
PREFIX = f"arn:aws-us-gov:rds-db:us-gov-west-1:123456789012:dbuser:{RESOURCE_ID}/"
CLUSTER = {"arn": "arn:aws-us-gov:rds:us-gov-west-1:123456789012:cluster:orders", "resource_id": RESOURCE_ID}
JANE = {"name": "jane", "host": "%", "connect_arn": PREFIX + "jane"}
JOE = {"name": "joe", "connect_arn": PREFIX + "joe"}


def resources(*given: Any) -> list[str]:
    (statement,) = connect_policy(*given)["Statement"]
    listed: list[str] = statement["Resource"]
    return listed


def test_the_document() -> None:
    assert json.dumps(connect_policy([JOE, JANE, {**JANE, "host": "10.%"}])) == json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "ConnectToDatabase",
                    "Effect": "Allow",
                    "Action": "rds-db:connect",
                    "Resource": [PREFIX + "jane", PREFIX + "joe"],
                }
            ],
        }
    )


@pytest.mark.parametrize(
    "cluster",
    [
        CLUSTER,
        {"db_cluster_arn": CLUSTER["arn"], "db_cluster_resource_id": RESOURCE_ID, "status": "available"},
        {"db_instance_arn": CLUSTER["arn"], "dbi_resource_id": RESOURCE_ID},
    ],
)
def test_names_with_a_description_of_the_cluster(cluster: dict[str, str]) -> None:
    assert resources("jane", cluster) == [PREFIX + "jane"]
    assert resources([{"name": "joe"}, "jane"], cluster) == [PREFIX + "jane", PREFIX + "joe"]
    assert resources({"name": "joe", "connect_arn": ""}, cluster) == [PREFIX + "joe"]


def test_special_letters_are_escaped_once() -> None:
    described = {"name": "a*b$c", "connect_arn": PREFIX + "a${*}b${$}c"}
    assert resources(described) == resources("a*b$c", CLUSTER) == [described["connect_arn"]]


def test_a_policy_that_is_too_long_says_how_many_fit() -> None:
    names = [f"account_{number:04d}" for number in range(200)]
    with pytest.raises(AnsibleFilterError, match=r"has \d+ characters, and IAM takes 6144 .* batch\(\d+\)"):
        connect_policy(names, CLUSTER)
    fit = 0
    try:
        connect_policy(names, CLUSTER)
    except AnsibleFilterError as error:
        fit = int(str(error).split("batch(")[1].split(")")[0])
    assert len(json.dumps(connect_policy(names[:fit], CLUSTER), separators=(",", ":"))) <= 6144
    with pytest.raises(AnsibleFilterError):
        connect_policy(names[: fit + 1], CLUSTER)


@pytest.mark.parametrize(
    ("accounts", "cluster", "sentence"),
    [
        ([], None, "No account is given"),
        ("jane", None, "Nothing tells which database jane is an account of"),
        ({"name": "jane", "connect_arn": ""}, None, "Nothing tells which database jane is an account of"),
        (["jane"], {"arn": CLUSTER["arn"], "resource_id": "orders"}, "cluster does not describe a cluster"),
        (["jane"], "orders", "cluster does not describe a cluster"),
        (["jane"], {}, "cluster does not describe a cluster"),
        ([{}], CLUSTER, "{} is no account"),
        ([""], CLUSTER, "'' is no account"),
        ([7], CLUSTER, "7 is no account"),
        (7, CLUSTER, "7 must be a list of accounts"),
        ({"connect_arn": "arn:aws:rds-db:eu-central-1:123456789012:dbuser:*/jane"}, None, "is not the connect_arn"),
        ({"connect_arn": "arn:aws:rds:eu-central-1:123456789012:cluster:orders"}, None, "is not the connect_arn"),
        ({"connect_arn": PREFIX + "svc_*"}, None, "is not the connect_arn"),
        ({"connect_arn": PREFIX + "svc_${aws:username}"}, None, "is not the connect_arn"),
    ],
)
def test_what_is_refused(accounts: Any, cluster: Any, sentence: str) -> None:
    with pytest.raises(AnsibleFilterError, match=r"\.$") as raised:
        connect_policy(accounts, cluster)
    assert sentence in str(raised.value)


def test_what_is_invisible_is_shown_in_an_error():
    with pytest.raises(AnsibleFilterError, match=re.escape(r"which database x\x1b[2K\u202e is an account of")):
        connect_policy({"name": "x\x1b[2K\u202e"})

# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.dbops.aurora_iam.plugins.module_utils._connect import connection
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import InvalidOption, Refused
from ansible_collections.dbops.aurora_iam.plugins.module_utils._login import Endpoint
from ansible_collections.dbops.aurora_iam.plugins.module_utils._params import connection_spec

BY_HAND = {"login_host": "db.example.org", "engine": "aurora-mysql", "login_user": "admin"}


def connect(**given):
    options = ArgumentSpecValidator(connection_spec()).validate(given).validated_parameters
    return connection(options, no_aws)


def no_aws(service):
    raise AssertionError(f"asked AWS for a client of {service}")


@pytest.mark.parametrize(("engine", "port"), [("aurora-mysql", 3306), ("aurora-postgresql", 5432)])
def test_a_database_given_by_hand_needs_no_aws(engine, port):
    _engine, login = connect(**{**BY_HAND, "engine": engine, "login_password": "s3cret"})
    assert (login.host, login.port, login.title) == ("db.example.org", port, f"db.example.org:{port}")
    assert (login.credentials().user, login.credentials().password) == ("admin", "s3cret")
    assert login.ssl_mode == "verify-full"


def test_no_repr_shows_a_password():
    _engine, login = connect(**BY_HAND, login_password="s3cret")
    assert "s3cret" not in repr(login) + repr(login.credentials())


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({}, "No database is named"),
        ({"login_host": "db.example.org"}, "No database is named"),
        ({"cluster": "a", "instance": "b"}, "Both cluster and instance are set"),
        ({"cluster": "a", "proxy": "b"}, "Both cluster and proxy are set"),
        ({**BY_HAND, "login_method": "password"}, "login_password is not set"),
        ({**BY_HAND, "login_method": "secret"}, "has no managed master secret; set login_secret"),
        ({**BY_HAND, "login_user": None, "login_password": "x"}, "set login_user"),
        ({**BY_HAND, "login_method": "data_api"}, "reaches clusters only; set cluster"),
        ({**BY_HAND, "login_password": "x", "ca_cert": "/nowhere.pem"}, "ca_cert /nowhere.pem is not a file"),
        ({**BY_HAND, "login_password": "x", "connect_timeout": 0}, "connect_timeout is 0; give 1 to 86400 seconds"),
        ({**BY_HAND, "login_password": "x", "lock_timeout": -1}, "lock_timeout is -1; give 1 to"),
        ({**BY_HAND, "login_password": "x", "lock_timeout": 10**20}, "lock_timeout is 1000"),
    ],
)
def test_options_that_do_not_suffice(given, sentence):
    with pytest.raises(InvalidOption, match=sentence):
        connect(**given)


@pytest.mark.parametrize("mode", ["disable", "allow", "prefer", "require", "verify-ca"])
def test_a_token_only_goes_out_over_fully_verified_tls(mode):
    with pytest.raises(Refused, match="would send the token to a server whose identity is not verified"):
        connect(**BY_HAND, ssl_mode=mode)


@pytest.mark.parametrize("mode", ["disable", "allow", "prefer", "require"])
def test_a_secret_only_goes_out_over_verified_tls(mode):
    with pytest.raises(Refused, match="would send the password to a server"):
        connect(**BY_HAND, login_secret="orders/admin", ssl_mode=mode)


@pytest.mark.parametrize(
    ("arn", "connect_arn"),
    [
        (
            "arn:aws-cn:rds:cn-north-1:123456789012:cluster:orders",
            "arn:aws-cn:rds-db:cn-north-1:123456789012:dbuser:cluster-ABC/Jane Doe",
        ),
        ("", ""),
    ],
)
def test_the_resource_of_a_policy_has_the_cluster_s_partition_region_and_account(arn, connect_arn):
    endpoint = Endpoint("cluster orders", "aurora-mysql", "h", 3306, resource_id="cluster-ABC", arn=arn)
    assert endpoint.connect_arn("Jane Doe") == connect_arn


@pytest.mark.parametrize(
    ("host", "follows"),
    [
        ("orders.cluster-abc123.eu-central-1.rds.amazonaws.com", True),
        ("orders.cluster-abc123.rds.cn-north-1.amazonaws.com.cn", True),
        ("orders.cluster-ro-abc123.eu-central-1.rds.amazonaws.com", False),
        ("reports.cluster-custom-abc123.eu-central-1.rds.amazonaws.com", False),
        ("orders-1.abc123.eu-central-1.rds.amazonaws.com", False),
        ("db.cluster-abc123.example.org", False),
    ],
)
def test_a_cluster_s_own_name_is_known_where_aws_is_not_asked(host, follows):
    _engine, login = connect(**{**BY_HAND, "login_host": host, "login_password": "x"})
    assert login.follows_failovers is follows

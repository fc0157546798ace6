# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import re

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.dbops.aurora_iam.plugins.module_utils._connect import connection
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import InvalidOption, Refused
from ansible_collections.dbops.aurora_iam.plugins.module_utils._login import Endpoint
from ansible_collections.dbops.aurora_iam.plugins.module_utils._params import connection_spec
from ansible_collections.dbops.aurora_iam.plugins.module_utils._secrets import mask

BY_HAND = {"login_host": "db.example.org", "engine": "aurora-mysql", "login_user": "admin"}


def no_aws(service):
    raise AssertionError(f"asked AWS for a client of {service}")


def connect(clients=no_aws, **given):
    options = ArgumentSpecValidator(connection_spec()).validate(given).validated_parameters
    return connection(options, clients)


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


@pytest.mark.parametrize("mode", ["require", "verify-ca"])
def test_a_token_only_goes_out_over_fully_verified_tls(mode):
    with pytest.raises(Refused, match="would send the token to a server whose identity is not verified"):
        connect(**BY_HAND, ssl_mode=mode)


def test_a_secret_only_goes_out_over_verified_tls():
    with pytest.raises(Refused, match="would send the password to a server"):
        connect(**BY_HAND, login_secret="orders/admin", ssl_mode="require")


@pytest.mark.parametrize("mode", ["disable", "allow", "prefer"])
def test_there_is_no_mode_without_tls(mode):
    refused = ArgumentSpecValidator(connection_spec()).validate({**BY_HAND, "ssl_mode": mode})
    assert "must be one of: require, verify-ca, verify-full" in refused.errors.msg


NO_HOSTS = (
    "/tmp", "/var/run/postgresql", "@abstract", "a,b", "db.example.org,evil.example.org", "db.example.org:3306",
    "mysql://db.example.org", "postgresql://db.example.org/x", "[::1]", "db.example.org/x", "user@db.example.org",
    "db example.org", " db.example.org", "db.example.org ", "db.example.org\n", "db\0.example.org", "db..example.org",
    "-db.example.org", "x" * 64 + ".example.org", "x." * 150, "host=db.example.org", "d\u00fcb.example.org", "*", ".",
    "10.0.0.0/8", "fe80::1%", "\udcff",
)  # fmt: skip
HOSTS = (
    "db.example.org", "db.example.org.", "localhost", "orders_db", "127.0.0.1", "::1", "fe80::1%eth0", "2001:db8::1",
    "orders.cluster-abc123.eu-central-1.rds.amazonaws.com", "x" * 63 + ".example.org", "DB1",
)  # fmt: skip


@pytest.mark.parametrize("engine", ["aurora-mysql", "aurora-postgresql"])
@pytest.mark.parametrize("host", NO_HOSTS)
def test_a_host_that_a_driver_would_read_more_into_is_refused(engine, host):
    with pytest.raises(
        InvalidOption, match=r"^login_host is .* which is neither a host name nor an IP address; (give|write)"
    ):
        connect(**{**BY_HAND, "login_host": host, "engine": engine, "login_password": "x"})


@pytest.mark.parametrize(
    ("host", "right"),
    [
        ("db.example.org:3306", "login_host: db.example.org and login_port: 3306"),
        ("mysql://db.example.org", "login_host: db.example.org"),
        ("jdbc:postgresql://db.example.org:5432/x?ssl=true", "login_host: db.example.org and login_port: 5432"),
        ("postgresql://joe@[2001:db8::1]:5432/x", "login_host: 2001:db8::1 and login_port: 5432"),
        ("db.example.org/x", "login_host: db.example.org"),
    ],
)
def test_the_right_form_of_an_address_is_told(host, right):
    with pytest.raises(InvalidOption, match=rf"nor an IP address; write {re.escape(right)}\.$"):
        connect(**{**BY_HAND, "login_host": host, "login_password": "x"})


def test_a_password_in_a_url_is_masked():
    with pytest.raises(InvalidOption) as refused:
        connect(**{**BY_HAND, "login_host": "mysql://joe:5ecret@db.example.org", "login_password": "x"})
    assert "5ecret" not in mask(str(refused.value))


@pytest.mark.parametrize("host", HOSTS)
def test_host_names_and_addresses_are_taken(host):
    assert connect(**{**BY_HAND, "login_host": host, "login_password": "x"})[1].host == host


@pytest.mark.parametrize("path", ["db.example.org", "relative/socket", "@abstract", "/a,/b", "/a,db.example.org", ""])
def test_a_socket_is_one_absolute_path(path):
    given = {**BY_HAND, "login_host": None, "login_password": "x"}
    with pytest.raises(InvalidOption, match=r"login_unix_socket is .*; give the absolute path|No database is named"):
        connect(**given, login_unix_socket=path)


def test_the_name_of_a_socket_is_no_host():
    _engine, login = connect(**{**BY_HAND, "login_host": None}, login_password="x", login_unix_socket="/run/db.sock")
    assert (login.endpoint.host, login.unix_socket, login.title) == ("", "/run/db.sock", "/run/db.sock:3306")


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_a_port_is_one(port):
    with pytest.raises(InvalidOption, match=f"login_port is {port}; give 1 to 65535"):
        connect(**BY_HAND, login_password="x", login_port=port)


@pytest.mark.parametrize(
    ("engine", "option", "value", "sentence"),
    [
        ("aurora-postgresql", "login_user", "a\0b", "login_user holds a NUL character"),
        ("aurora-postgresql", "login_user", "\u00e9" * 64, "login_user .* is 128 bytes long"),
        ("aurora-postgresql", "login_user", "\udcff", "login_user contains invalid UTF-8"),
        ("aurora-postgresql", "login_db", "a\0b", "login_db holds a NUL character"),
        ("aurora-postgresql", "login_db", "\u00e9" * 64, "login_db .* is 128 bytes long"),
        ("aurora-mysql", "login_user", "a\0b", "login_user .* has a character that MySQL"),
        ("aurora-mysql", "login_user", "x" * 33, "login_user .* has 33 characters, and MySQL stores 32"),
        ("aurora-mysql", "login_user", "\U0001f600", "login_user .* has a character that MySQL"),
        ("aurora-mysql", "login_user", "admin ", "login_user .* ends with a space"),
        ("aurora-mysql", "login_db", "x" * 65, "login_db .* has 65 characters, and MySQL stores 64"),
    ],
)
def test_names_for_the_login_are_checked_like_names_of_accounts(engine, option, value, sentence):
    with pytest.raises(InvalidOption, match=f"^{sentence}"):
        connect(**{**BY_HAND, "engine": engine, "login_password": "x", option: value})


@pytest.mark.parametrize("engine", ["aurora-mysql", "aurora-postgresql"])
def test_a_password_that_a_server_would_cut_is_refused_without_showing_it(engine):
    _engine, login = connect(**{**BY_HAND, "engine": engine, "login_password": "s3cret\0rest"})
    with pytest.raises(InvalidOption, match=r"^The password of admin contains a NUL character") as refused:
        login.credentials()
    assert "s3cret" not in str(refused.value)


def test_a_ca_file_is_given_by_its_whole_path(tmp_path, monkeypatch):
    """libpq takes ``system`` for a word of its own."""
    (tmp_path / "system").touch()
    monkeypatch.chdir(tmp_path)
    assert connect(**BY_HAND, login_password="x", ca_cert="system")[1].ca_cert == str(tmp_path / "system")


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


def test_the_resource_of_a_policy_is_no_pattern():
    arn = "arn:aws:rds:eu-west-1:123456789012:cluster:orders"
    endpoint = Endpoint("cluster orders", "aurora-mysql", "h", 3306, resource_id="cluster-ABC", arn=arn)
    assert endpoint.connect_arn("a*b?c$d${*}").endswith("/a${*}b${?}c${$}d${$}{${*}}")
    assert endpoint.connect_resource("a*b?c$d${*}").endswith("/a*b?c$d${*}")


@pytest.mark.parametrize(
    ("host", "follows"),
    [
        ("orders.cluster-abc123.eu-central-1.rds.amazonaws.com", True),
        ("orders.cluster-abc123.rds.cn-north-1.amazonaws.com.cn", True),
        ("orders.cluster-abc123.eusc-de-east-1.rds.amazonaws.eu", True),
        ("orders.cluster-abc123.us-iso-east-1.rds.c2s.ic.gov", True),
        ("orders.cluster-ro-abc123.eu-central-1.rds.amazonaws.com", False),
        ("reports.cluster-custom-abc123.eu-central-1.rds.amazonaws.com", False),
        ("orders-1.abc123.eu-central-1.rds.amazonaws.com", False),
        ("db.cluster-abc123.example.org", False),
    ],
)
def test_a_cluster_s_own_name_is_known_where_aws_is_not_asked(host, follows):
    _engine, login = connect(**{**BY_HAND, "login_host": host, "login_password": "x"})
    assert login.follows_failovers is follows


class Secrets:
    """Secrets Manager with one secret, of admin."""

    def get_secret_value(self, SecretId):  # noqa: N803 - AWS's word
        return {"SecretString": '{"username": "admin", "password": "5ecret"}'}


@pytest.mark.parametrize("user", [None, "admin"])
def test_the_user_of_a_secret_need_not_be_named(user):
    options = {**BY_HAND, "login_user": user, "login_secret": "orders/admin"}
    assert connect(lambda _service: Secrets(), **options)[1].credentials().user == "admin"


def test_a_secret_of_another_user_than_the_one_that_is_named_is_refused():
    _engine, login = connect(
        lambda _service: Secrets(), **{**BY_HAND, "login_user": "joe", "login_secret": "orders/admin"}
    )
    with pytest.raises(
        InvalidOption, match=r"^login_user is joe, but the secret orders/admin is of admin; leave login_us"
    ):
        login.credentials()

# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import Refused
from ansible_collections.dbops.aurora_iam.plugins.module_utils._login import Credentials, Endpoint, Login

NAME = "orders.cluster-x.eu-central-1.rds.amazonaws.com"
ENDPOINT = Endpoint("cluster orders", "aurora-mysql", NAME, 3306, writer="instance orders-2", follows=True)
PASSWORD, TOKEN = Credentials("admin", "hunter2"), Credentials("admin", "token", is_token=True)


def login(credentials: Credentials = PASSWORD, **options) -> Login:
    return Login(ENDPOINT, NAME, 3306, lambda: credentials, **options)


def test_a_rotated_secret_is_tried_once_more_but_not_the_same_password_nor_a_token():
    fresh = Credentials("admin", "rotated")
    assert login(fresh).rotated(PASSWORD) == fresh
    assert login(PASSWORD).rotated(PASSWORD) is None
    assert login(fresh).rotated(TOKEN) is None


@pytest.mark.parametrize("options", [{"ssl_mode": "verify-ca"}, {"ssl_mode": "require"}, {"unix_socket": "/tmp/x"}])
def test_a_token_needs_a_server_whose_name_is_verified(options):
    with pytest.raises(Refused, match="set ssl_mode: verify-full"):
        login(TOKEN, **options).require_verified(TOKEN)
    login(**options).require_verified(PASSWORD)


def test_only_the_cluster_s_own_address_follows_a_failover():
    own = login()
    assert own.follows_failovers
    for changes in ({"host": "127.0.0.1"}, {"port": 13306}, {"unix_socket": "/tmp/x"}):
        assert not replace(own, **changes).follows_failovers
    assert not replace(own, endpoint=replace(ENDPOINT, follows=False)).follows_failovers


@pytest.mark.parametrize(
    ("changes", "next_step"),
    [
        ({}, rf"run the task again when {NAME} leads to the writer, which AWS says is instance orders-2\.$"),
        ({"host": "127.0.0.2"}, rf"the writer is instance orders-2 at {NAME}:3306, so log in there\.$"),
        ({"endpoint": Endpoint("h:1", "mysql", "h", 1)}, r"connect to the writer \(cluster\) endpoint, or try again"),
    ],
)
def test_a_reader_is_refused_with_the_name_of_the_writer(changes, next_step):
    with pytest.raises(Refused, match=next_step):
        raise Refused(replace(login(), **changes).read_only_answer())

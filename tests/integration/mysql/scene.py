# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of the MySQL engine share: how to log in as the master, and as an account with its token."""

from __future__ import annotations

from typing import Any

import pymysql

from ansible_collections.dbops.aurora_iam.plugins.module_utils._login import Credentials, Endpoint, Login
from tests.integration.administration import running_clusters
from tests.integration.aws.data_api_scene import transport_if_asked
from tests.integration.tasks import over_data_api
from tests.sandbox.clients import State, connect_statement, create_principal
from tests.sandbox.layout import of_checkout

CLUSTERS = ("orders", "warehouse")
"""``orders`` has partial_revokes ON, ``warehouse`` OFF."""


def master_login(state: State, cluster: str) -> Login:
    described = state["clusters"][cluster]
    running = running_clusters(of_checkout())
    password = next(item.master_password for item in running if item.spec.identifier == cluster)
    master = Credentials(described["master"], password)
    endpoint = Endpoint(
        f"cluster {cluster}",
        described["engine"],
        described["host"],
        described["port"],
        master_user=described["master"],
    )
    way = transport_if_asked(state, cluster)
    return Login(endpoint, endpoint.host, endpoint.port, lambda: master, ca_cert=state["ca_cert"], transport=way)


def direct_options(state: State, cluster: str) -> dict[str, Any]:
    """How a task reaches the cluster without asking AWS for it, which takes most of a task's time; with
    ``--data-api``, by that."""
    if over_data_api():
        return {"cluster": cluster, "login_method": "data_api"}
    login = master_login(state, cluster)
    credentials = login.credentials()
    return {
        "engine": login.endpoint.engine,
        "login_host": login.host,
        "login_port": login.port,
        "login_user": credentials.user,
        "login_password": credentials.password,
    }


def connection(state: State, cluster: str, account: str) -> Any:
    """Log in with a token as the account."""
    principal = create_principal(state, account.replace("_", "-"), connect_statement(state, cluster, account))
    described = state["clusters"][cluster]
    return pymysql.connect(
        host=described["host"],
        port=described["port"],
        user=account,
        password=principal.token(state, described["host"], described["port"], account),
        ssl={"ca": state["ca_cert"]},
    )

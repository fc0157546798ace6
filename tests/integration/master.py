# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The master user of a cluster, with the password that the sandbox keeps."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.dbops.aurora_iam.plugins.module_utils._login import Credentials, Endpoint, Login
from tests.integration.administration import running_clusters
from tests.integration.aws.data_api_scene import transport, transport_if_asked
from tests.integration.tasks import over_data_api
from tests.sandbox.clients import State
from tests.sandbox.layout import of_checkout


def master_login(state: State, cluster: str) -> Login:
    """For tests that work below the modules; with ``--data-api``, over that."""
    described = state["clusters"][cluster]
    host, port, user = described["host"], described["port"], described["master"]
    endpoint = Endpoint(f"cluster {cluster}", described["engine"], host, port, master_user=user)
    credentials = Credentials(user, _password(cluster))
    way = transport_if_asked(state, cluster)
    return Login(endpoint, host, port, lambda: credentials, ca_cert=state["ca_cert"], transport=way)


def master_login_by(state: State, cluster: str, over_data_api: bool, lock_timeout: int) -> Login:
    """Over the Data API or not, whether the run of the tests is or is not."""
    way = transport(state, cluster) if over_data_api else None
    return replace(master_login(state, cluster), transport=way, lock_timeout=lock_timeout)


def master_options(state: State, cluster: str) -> dict[str, object]:
    """For tasks."""
    described = state["clusters"][cluster]
    return {
        "login_host": described["host"],
        "login_port": described["port"],
        "login_user": described["master"],
        "login_password": _password(cluster),
    }


def direct_options(state: State, cluster: str) -> dict[str, object]:
    """How a task reaches the cluster without asking AWS for it, which takes most of a task's time; with
    ``--data-api``, by that."""
    if over_data_api():
        return {"cluster": cluster, "login_method": "data_api"}
    return {"engine": state["clusters"][cluster]["engine"], **master_options(state, cluster)}


def _password(cluster: str) -> str:
    running = running_clusters(of_checkout())
    return next(item.master_password for item in running if item.spec.identifier == cluster)

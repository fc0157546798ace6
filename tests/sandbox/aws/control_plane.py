# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The process that stands for AWS: the API, and the verifier that the database servers ask.

Run as ``python -m tests.sandbox.aws.control_plane <state folder>``; it ends with SIGTERM.
"""

from __future__ import annotations

import json
import os
import signal
import socketserver
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from werkzeug.serving import BaseWSGIServer

from tests.sandbox.aws import iam_api, iam_simulator
from tests.sandbox.aws.api import serve
from tests.sandbox.aws.data_api import DataApi
from tests.sandbox.aws.identities import create_operator, find_credential, find_secret
from tests.sandbox.aws.rds_api import SandboxBackend, install
from tests.sandbox.aws.rds_proxy import proxy_for
from tests.sandbox.layout import Layout
from tests.sandbox.login.auth_log import AuthErrorLog
from tests.sandbox.login.gate import gate
from tests.sandbox.login.ldap import LdapResponder
from tests.sandbox.login.verifier import Verifier
from tests.sandbox.login.verifier_socket import VerifierSocket
from tests.sandbox.servers.clusters import REGION, RunningCluster
from tests.sandbox.servers.failover import fail_over
from tests.sandbox.servers.server import server_for

TRANSITION_SECONDS = 1.0
"""How long a cluster is ``update-iam-db-auth`` before its servers are switched; AURORA_SANDBOX_TRANSITION overrides."""

_POLL_SECONDS = 0.1
"""How soon a server notices that it is to stop."""


class ControlPlane:
    def __init__(self, layout: Layout) -> None:
        """Binds everything. Raises OSError where a port or the socket is taken."""
        self._layout = layout
        clusters = [RunningCluster.from_json(document) for document in json.loads(layout.clusters_json.read_text())]
        ports = json.loads(layout.control_plane_json.read_text())
        log = AuthErrorLog(layout.auth_error_log)
        admits = gate(Verifier({cluster.spec.identifier: cluster for cluster in clusters}, find_credential), log)
        seconds = float(os.environ.get("AURORA_SANDBOX_TRANSITION", TRANSITION_SECONDS))
        iam_api.install()
        self._rds = install(clusters, self._switch_iam_auth, seconds)
        iam_simulator.install()
        self._rds.fail_over = lambda cluster, stale, ended: fail_over(cluster, layout, stale, ended)
        data_api = DataApi(self._rds.sandbox_clusters, find_secret, find_credential, str(layout.ca_cert))
        self._api = serve(ports["aws_port"], log.entries, self._rds.hooks(), data_api.before)
        self._servers: list[BaseWSGIServer | socketserver.BaseServer] = [
            self._api,
            LdapResponder(ports["ldap_port"], admits),
            VerifierSocket(layout.verifier_socket, admits),
            *(proxy for cluster in clusters if (proxy := proxy_for(cluster, layout))),
        ]

    def run(self, stop: threading.Event) -> None:
        """Serves until ``stop``, then takes everything down."""
        for server in self._servers:
            threading.Thread(target=server.serve_forever, args=(_POLL_SECONDS,), daemon=True).start()
        self._announce()
        stop.wait()
        self._rds.close()
        for server in self._servers:
            server.shutdown()
            server.server_close()
        self._layout.verifier_socket.unlink(missing_ok=True)

    def _switch_iam_auth(self, cluster: RunningCluster, enabled: bool) -> None:
        for server in cluster.servers:
            server_for(cluster, server, self._layout).set_iam_auth(enabled)

    def _announce(self) -> None:
        """Writes what callers need to know, in one piece and for their eyes only: it holds a secret key."""
        key = create_operator("operator")
        document = {
            "endpoint_url": f"http://127.0.0.1:{self._api.server_port}",
            "region": REGION,
            "access_key": key.access_key_id,
            "secret_key": key.secret_access_key,
            **_described(self._rds),
        }
        draft = self._layout.aws_json.with_suffix(".draft")
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(document, indent=2))
        draft.replace(self._layout.aws_json)


def _described(rds: SandboxBackend) -> dict[str, Any]:
    clusters = {
        cluster.db_cluster_identifier: {
            "resource_id": cluster.db_cluster_resource_id,
            "arn": cluster.db_cluster_arn,
            "secret_arn": cluster.master_user_secret.secret_arn,
        }
        for cluster in rds.describe_db_clusters()
    }
    instances = {
        instance.db_instance_identifier: {
            "resource_id": instance.dbi_resource_id,
            "arn": instance.db_instance_arn,
            "secret_arn": instance.master_user_secret.secret_arn,
        }
        for instance in rds.describe_db_instances()
        if not instance.db_cluster_identifier
    }
    proxies = {
        proxy.db_proxy_name: {"resource_id": proxy.resource_id, "arn": proxy.arn}
        for proxy in rds.describe_db_proxies(None)
    }
    return {"clusters": clusters, "instances": instances, "proxies": proxies}


def main(arguments: Sequence[str]) -> int:
    if len(arguments) != 1:
        print("Give the sandbox's state folder as the one argument.", file=sys.stderr)
        return 2
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    layout = Layout(Path(arguments[0]))
    try:
        control_plane = ControlPlane(layout)
    except OSError as error:
        print(f"The control plane cannot listen ({error}); run sandbox-down and sandbox-up again.", file=sys.stderr)
        return 1
    control_plane.run(stop)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring the sandbox up and take it down. A failed ``up`` leaves nothing running; neither does a killed one, after the
next."""

from __future__ import annotations

import json
import secrets
import shutil
import socket
import string
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

from tests.sandbox.clusters import CLUSTERS, ClusterSpec, RunningCluster, ServerSpec
from tests.sandbox.layout import Layout
from tests.sandbox.packages import HOW_TO_GET, locate
from tests.sandbox.programs import CONTROL_PLANE, SandboxError, run_as, start, stop_all, wait_until
from tests.sandbox.servers import server_for
from tests.sandbox.tls import issue

_ALPHABET = string.ascii_uppercase + string.digits
_WRITER, _READER = "localhost", "127.0.0.2"


def up(layout: Layout, chosen: Iterable[str] = ()) -> dict[str, Any]:
    """Start the chosen clusters, or all that this machine has servers for. Returns what ``state.json`` holds.

    Raises SandboxError.
    """
    down(layout)
    specs = _specs(layout, set(chosen))
    try:
        return _start(layout, specs)
    except BaseException:
        stop_all(layout.run)
        raise


def down(layout: Layout) -> None:
    """Stop everything and remove ``run``. Nothing to stop is fine."""
    stop_all(layout.run)
    shutil.rmtree(layout.sockets, ignore_errors=True)
    shutil.rmtree(layout.run, ignore_errors=True)


def _specs(layout: Layout, chosen: set[str]) -> list[ClusterSpec]:
    if unknown := chosen - {spec.identifier for spec in CLUSTERS}:
        known = ", ".join(spec.identifier for spec in CLUSTERS)
        raise SandboxError(f"There is no cluster {', '.join(sorted(unknown))} in the sandbox; it has {known}.")
    specs = [spec for spec in CLUSTERS if not chosen or spec.identifier in chosen]
    layout.cache.mkdir(parents=True, exist_ok=True)
    missing = {spec.family for spec in specs if locate(spec.family, layout.cache) is None}
    left_out = [spec for spec in specs if spec.family in missing]
    if left_out and (chosen or len(left_out) == len(specs)):
        raise SandboxError(f"There is no {', '.join(sorted(missing))} on this machine; {HOW_TO_GET}.")
    for spec in left_out:
        print(f"Left out {spec.identifier}: there is no {spec.family} on this machine.", file=sys.stderr)
    return [spec for spec in specs if spec not in left_out]


def _start(layout: Layout, specs: list[ClusterSpec]) -> dict[str, Any]:
    for folder in (layout.run, layout.logs, layout.servers, layout.sockets):
        folder.mkdir(parents=True, exist_ok=True)
    layout.run.chmod(0o755)
    issue(layout)
    run_as(layout.root).give(layout.sockets)
    ports = _free_ports(len(specs) + 2)
    aws_port, ldap_port = ports[:2]
    clusters = [_cluster(layout, spec, port, ldap_port) for spec, port in zip(specs, ports[2:], strict=True)]
    _write(layout.clusters_json, [cluster.to_json() for cluster in clusters])
    _write(layout.control_plane_json, {"aws_port": aws_port, "ldap_port": ldap_port})
    log = layout.logs / "control-plane.log"
    start(
        [sys.executable, "-m", CONTROL_PLANE, str(layout.root)],
        layout.run,
        log,
        {"PYTHONPATH": str(layout.root.parent)},
    )
    with ThreadPoolExecutor(len(clusters)) as pool:
        list(pool.map(lambda cluster: _start_cluster(cluster, layout), clusters))
    wait_until(layout.aws_json.exists, 30, "The AWS API", log)
    state = _state(layout, clusters)
    _write(layout.state_json, state)
    return state


def _start_cluster(cluster: RunningCluster, layout: Layout) -> None:
    for server in cluster.servers:
        server_for(cluster, server, layout).start()
    for server in cluster.servers:
        server_for(cluster, server, layout).set_iam_auth(cluster.spec.iam_auth)


def _cluster(layout: Layout, spec: ClusterSpec, port: int, ldap_port: int) -> RunningCluster:
    def server(number: int, host: str) -> ServerSpec:
        instance = f"{spec.identifier}-{number}"
        folder = str(layout.servers / instance)
        return ServerSpec(
            spec.identifier, instance, number == 1, spec.family, host, port, folder, {"ldap_port": ldap_port}
        )

    readers = (server(2, _READER),) if spec.has_reader else ()
    resource_id = "cluster-" + "".join(secrets.choice(_ALPHABET) for _letter in range(26))
    return RunningCluster(spec, resource_id, secrets.token_urlsafe(24), (server(1, _WRITER), *readers))


def _free_ports(count: int) -> list[int]:
    """Ports that are free on both addresses. Held open until all are found, so that no two are the same."""
    ports: list[int] = []
    with ExitStack() as held:
        while len(ports) < count:
            first, second = (held.enter_context(socket.socket()) for _address in range(2))
            first.bind(("127.0.0.1", 0))
            port = first.getsockname()[1]
            try:
                second.bind((_READER, port))
            except OSError:
                continue
            ports.append(port)
    return ports


def _state(layout: Layout, clusters: list[RunningCluster]) -> dict[str, Any]:
    aws = json.loads(layout.aws_json.read_text())
    described = {
        cluster.spec.identifier: {
            **aws["clusters"][cluster.spec.identifier],
            "host": cluster.writer.host,
            "port": cluster.writer.port,
            "engine": cluster.spec.engine,
            "family": cluster.spec.family,
            "master": cluster.spec.master_username,
            "database": cluster.spec.database,
            "iam_auth": cluster.spec.iam_auth,
            "instances": {server.instance: server.host for server in cluster.servers},
        }
        for cluster in clusters
    }
    return {**aws, "ca_cert": str(layout.ca_cert), "clusters": described}


def _write(path: Any, document: Any) -> None:
    path.touch(mode=0o600)
    path.write_text(json.dumps(document, indent=1))

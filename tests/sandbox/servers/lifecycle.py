# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring the sandbox up and take it down. A failed ``up`` leaves nothing running; neither does a killed one, after the
next."""

from __future__ import annotations

import ipaddress
import json
import os
import secrets
import shutil
import socket
import string
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

from cryptography import x509

from tests.sandbox.layout import PRIVATE, Layout
from tests.sandbox.servers.clusters import (
    CLUSTERS,
    INSTANCES,
    PROXY_PORTS,
    ClusterSpec,
    ProxySpec,
    RunningCluster,
    ServerSpec,
)
from tests.sandbox.servers.packages import HOW_TO_GET, locate
from tests.sandbox.servers.programs import CONTROL_PLANE, SandboxError, run_as, start, stop_all, wait_until
from tests.sandbox.servers.server import server_for
from tests.sandbox.servers.tls import NAMES, issue

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
    all_specs = CLUSTERS + INSTANCES
    if unknown := chosen - {spec.identifier for spec in all_specs}:
        known = ", ".join(spec.identifier for spec in all_specs)
        raise SandboxError(f"There is no cluster {', '.join(sorted(unknown))} in the sandbox; it has {known}.")
    specs = [spec for spec in all_specs if not chosen or spec.identifier in chosen]
    os.umask(0o022)
    layout.cache.mkdir(parents=True, exist_ok=True)
    missing = {spec.family for spec in specs if locate(spec.family, layout.cache) is None}
    left_out = [spec for spec in specs if spec.family in missing]
    if left_out and (chosen or len(left_out) == len(specs)):
        raise SandboxError(f"There is no {', '.join(sorted(missing))} on this machine; {HOW_TO_GET}.")
    for spec in left_out:
        print(f"Left out {spec.identifier}: there is no {spec.family} on this machine.", file=sys.stderr)
    return [spec for spec in specs if spec not in left_out]


def _start(layout: Layout, specs: list[ClusterSpec]) -> dict[str, Any]:
    _make_folders(layout)
    ports = _free_ports(len(specs) + 2)
    aws_port, ldap_port = ports[:2]
    clusters = [_cluster(layout, spec, port, ldap_port) for spec, port in zip(specs, ports[2:], strict=True)]
    proxies = [x509.IPAddress(ipaddress.ip_address(cluster.proxy.host)) for cluster in clusters if cluster.proxy]
    issue(layout, (*NAMES, *proxies))
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


def _make_folders(layout: Layout) -> None:
    """No other user of this machine reads or changes what is in them: the servers' user enters
    what it needs, everybody else nothing. A folder that somebody else has made already is not used."""
    layout.root.mkdir(parents=True, exist_ok=True)
    servers = run_as(layout.root)
    layout.run.mkdir(PRIVATE)
    if servers.owner is not None:
        os.chown(layout.run, -1, servers.owner.pw_gid)
        layout.run.chmod(0o710)
    for folder in (layout.logs, layout.tls, layout.servers):
        folder.mkdir(PRIVATE)
    try:
        layout.sockets.mkdir(PRIVATE)
    except FileExistsError:
        raise SandboxError(f"{layout.sockets} belongs to another user; set TMPDIR to a folder of your own.") from None
    for folder in (layout.sockets, layout.servers):
        servers.give(folder)


def _start_cluster(cluster: RunningCluster, layout: Layout) -> None:
    for server in cluster.servers:
        server_for(cluster, server, layout).start()
    for server in cluster.servers:
        server_for(cluster, server, layout).set_iam_auth(cluster.spec.iam_auth)


def _cluster(layout: Layout, spec: ClusterSpec, port: int, ldap_port: int) -> RunningCluster:
    def server(number: int, host: str) -> ServerSpec:
        instance = spec.identifier if spec.standalone else f"{spec.identifier}-{number}"
        folder = str(layout.servers / instance)
        return ServerSpec(
            spec.identifier, instance, number == 1, spec.family, host, port, folder, {"ldap_port": ldap_port}
        )

    readers = (server(2, _READER),) if spec.has_reader else ()
    unique = "".join(secrets.choice(_ALPHABET) for _letter in range(26))
    resource_id = f"{'db' if spec.standalone else 'cluster'}-{unique}"
    servers = (server(1, _WRITER), *readers)
    return RunningCluster(spec, resource_id, secrets.token_urlsafe(24), servers, _proxy(spec) if spec.proxy else None)


def _proxy(spec: ClusterSpec) -> ProxySpec | None:
    """At an address of its own, because the port of a proxy is not to be chosen."""
    port = PROXY_PORTS[spec.family.partition("-")[0]]
    for _attempt in range(10):
        host = ".".join(str(part) for part in (127, *(secrets.randbelow(253) + 1 for _part in range(3))))
        with socket.socket() as tried:
            try:
                tried.bind((host, port))
            except OSError:
                continue
        return ProxySpec(spec.proxy, f"prx-{secrets.token_hex(9)[:17]}", host, port)
    print(f"Left out {spec.proxy}: another program listens on port {port} of every address.", file=sys.stderr)
    return None


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
    described: dict[str, dict[str, Any]] = {"clusters": {}, "instances": {}, "proxies": {}}
    for cluster in clusters:
        name, kind = cluster.spec.identifier, "instances" if cluster.spec.standalone else "clusters"
        described[kind][name] = {**aws[kind][name], **_described(cluster)}
        if cluster.proxy:
            name, endpoint = cluster.proxy.name, {"host": cluster.proxy.host, "port": cluster.proxy.port}
            described["proxies"][name] = {**_described(cluster), **aws["proxies"][name], **endpoint}
    return {**aws, "ca_cert": str(layout.ca_cert), **described}


def _described(cluster: RunningCluster) -> dict[str, Any]:
    return {
        "host": cluster.writer.host,
        "port": cluster.writer.port,
        "engine": cluster.spec.engine,
        "family": cluster.spec.family,
        "master": cluster.spec.master_username,
        "database": cluster.spec.database,
        "iam_auth": cluster.spec.iam_auth,
        "instances": {server.instance: server.host for server in cluster.servers},
    }


def _write(path: Any, document: Any) -> None:
    path.touch(mode=0o600)
    path.write_text(json.dumps(document, indent=1))

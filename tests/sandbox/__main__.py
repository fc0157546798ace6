# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m tests.sandbox up | status | env | sql | log | down``"""

from __future__ import annotations

import argparse
import json
import shlex
import signal
import sys
from typing import Any

from tests.sandbox.layout import of_checkout
from tests.sandbox.servers.clusters import RunningCluster
from tests.sandbox.servers.lifecycle import down, up
from tests.sandbox.servers.programs import SandboxError, running
from tests.sandbox.servers.server import server_for

LAYOUT = of_checkout()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.sandbox", description="A local Aurora to try playbooks on.")
    commands = parser.add_subparsers(dest="command", required=True)
    starting = commands.add_parser("up", help="start it, anew if it is up already")
    starting.add_argument("--only", default="", metavar="CLUSTER,…", help="only these clusters")
    commands.add_parser("status", help="what is up, and where; exit code 1 if nothing is")
    commands.add_parser("env", help="the environment that playbooks need, as shell exports")
    asking = commands.add_parser(
        "sql", help="run SQL as the superuser of a cluster's or an instance's server, behind AWS's back"
    )
    asking.add_argument("cluster")
    asking.add_argument("statement")
    asking.add_argument("--database", help="the cluster's own if left out")
    commands.add_parser("log", help="why logins with a token were refused")
    commands.add_parser("down", help="stop it and remove its databases")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        commanded = {"up": _up, "status": _status, "env": _env, "sql": _sql, "log": _log, "down": _down}
        return commanded[arguments.command](arguments)
    except SandboxError as error:
        print(error, file=sys.stderr)
        return 1


def _up(arguments: argparse.Namespace) -> int:
    state = up(LAYOUT, [name for name in arguments.only.split(",") if name])
    _print(state)
    return 0


def _status(_arguments: argparse.Namespace) -> int:
    state = _state()
    _print(state)
    print(f"{len(running(LAYOUT.run))} programs are running.")
    return 0


def _env(_arguments: argparse.Namespace) -> int:
    for name, value in environment(_state()).items():
        print(f"export {name}={shlex.quote(value)}")
    return 0


def _sql(arguments: argparse.Namespace) -> int:
    _state()
    documents = json.loads(LAYOUT.clusters_json.read_text())
    clusters = {cluster.spec.identifier: cluster for cluster in map(RunningCluster.from_json, documents)}
    if arguments.cluster not in clusters:
        raise SandboxError(f"There is no cluster {arguments.cluster} that is up; there are {', '.join(clusters)}.")
    cluster = clusters[arguments.cluster]
    server = server_for(cluster, cluster.writer, LAYOUT)
    for row in server.execute(arguments.statement, arguments.database or cluster.spec.database):
        print("\t".join(row))
    return 0


def _log(_arguments: argparse.Namespace) -> int:
    _state()
    if LAYOUT.auth_error_log.exists():
        print(LAYOUT.auth_error_log.read_text(), end="")
    return 0


def _down(_arguments: argparse.Namespace) -> int:
    down(LAYOUT)
    return 0


def environment(state: dict[str, Any]) -> dict[str, str]:
    """All that a playbook must know to use the sandbox as if it were AWS.

    ``AWS_URL`` is amazon.aws's word for what the AWS SDKs call ``AWS_ENDPOINT_URL``.
    """
    return {
        "AWS_URL": state["endpoint_url"],
        "AWS_ENDPOINT_URL": state["endpoint_url"],
        "AWS_REGION": state["region"],
        "AWS_DEFAULT_REGION": state["region"],
        "AWS_ACCESS_KEY_ID": state["access_key"],
        "AWS_SECRET_ACCESS_KEY": state["secret_key"],
        "AURORA_IAM_CA_CERT": state["ca_cert"],
    }


def _state() -> dict[str, Any]:
    if not LAYOUT.state_json.exists() or not running(LAYOUT.run):
        raise SandboxError("The sandbox is not up; start it with: make sandbox-up")
    state: dict[str, Any] = json.loads(LAYOUT.state_json.read_text())
    return state


def _print(state: dict[str, Any]) -> None:
    print(f"AWS API at {state['endpoint_url']}, region {state['region']}")
    for name, cluster in {**state["clusters"], **state["instances"]}.items():
        iam = "on" if cluster["iam_auth"] else "off"
        print(f"{name:<12} {cluster['family']:<14} {cluster['host']}:{cluster['port']}, IAM authentication {iam}")
    for name, proxy in state["proxies"].items():
        print(f"{name:<12} {'proxy':<14} {proxy['host']}:{proxy['port']}")


if __name__ == "__main__":
    sys.exit(main())

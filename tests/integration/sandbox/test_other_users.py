# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sandbox seen by another user of the machine: no server, no key and no password is theirs."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.administration import running_clusters
from tests.sandbox.clients import State, aws_client, program
from tests.sandbox.layout import of_checkout
from tests.sandbox.servers.programs import running

pytestmark = pytest.mark.direct("is about the sandbox")

OTHER = "daemon"
PYTHON = str(Path(sys.executable).resolve())
LAYOUT = of_checkout()
SERVERS = ["orders", "catalogue", "ledger", "payroll", "archive", "billing", "invoices"]

LOOK = """
import json, os, sys
found = []
for top in sys.argv[1:]:
    for folder, folders, files in os.walk(top):
        for path in [folder, *(os.path.join(folder, name) for name in files)]:
            found.append([path, os.access(path, os.R_OK), os.access(path, os.W_OK)])
print(json.dumps(found))
"""
CALL = """
import json, sys, urllib.request, urllib.error
found = []
for method, path, body in json.load(sys.stdin):
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Authorization": "AWS4-HMAC-SHA256 Credential="
               "AKIAIOSFODNN7EXAMPLE/20260101/eu-central-1/rds/aws4_request, SignedHeaders=host, Signature=0"}
    try:
        request = urllib.request.Request(sys.argv[1] + path, body.encode(), headers, method=method)
        urllib.request.urlopen(request, timeout=10)
        found.append([method, path, 200])
    except urllib.error.HTTPError as error:
        if error.code != 403:
            found.append([method, path, error.code])
print(json.dumps(found))
"""
CALLS = [
    ("POST", "/", "Action=ModifyDBCluster&Version=2014-10-31&DBClusterIdentifier=orders&ApplyImmediately=true"),
    ("POST", "/", "Action=CreateAccessKey&Version=2010-05-08&UserName=operator"),
    ("POST", "/Execute", "{}"),
    ("POST", "/_sandbox/faults", '[{"action": "*", "kind": "error", "count": 9}]'),
    ("POST", "/_sandbox/status", '{"orders": "creating"}'),
    ("POST", "/moto-api/reset", ""),
]


@pytest.fixture(autouse=True)
def _there_is_another_user() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    for needed, found in (("program setpriv", shutil.which("setpriv")), (f"user {OTHER}", _uid())):
        if found is None:
            pytest.skip(f"there is no {needed} on this machine")


def _uid() -> int | None:
    try:
        return pwd.getpwnam(OTHER).pw_uid
    except KeyError:
        return None


def as_another(*command: str, stdin: str = "", capabilities: str = "") -> subprocess.CompletedProcess[str]:
    """``capabilities``: which of root's it keeps."""
    kept = [f"--inh-caps={capabilities}", f"--ambient-caps={capabilities}"] if capabilities else []
    user = pwd.getpwnam(OTHER)
    words = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", *kept, *command]
    return subprocess.run(words, cwd="/", input=stdin, capture_output=True, text=True, check=False, timeout=60)


def superuser_login(state: State, cluster: str) -> list[str]:
    """The engine's own program, on the Unix socket of a cluster's writer."""
    writer = {each.spec.identifier: each.writer for each in running_clusters(LAYOUT)}[cluster]
    if writer.family == "mysql":
        words = ["--no-defaults", "--user=rdsadmin", f"--socket={LAYOUT.sockets / writer.instance}.sock"]
        return [str(program("mysql")), *words, "--execute=SELECT 1"]
    words = ["-XAt", "-h", str(LAYOUT.sockets / writer.instance), "-p", str(writer.port), "-U", "rdsadmin"]
    return [str(program("psql")), *words, "-d", "postgres", "-c", "SELECT 1"]


@pytest.mark.parametrize("cluster", SERVERS)
def test_no_server_takes_another_user_for_its_superuser(state: State, cluster: str) -> None:
    """Neither as they are, nor if the folder of the sockets did not keep them out."""
    if cluster not in {**state["clusters"], **state["instances"]}:
        pytest.skip(f"there is no server for {cluster} on this machine")
    command = superuser_login(state, cluster)
    assert subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip().endswith("1")
    for capabilities, words in (("", "Permission denied|(13)"), ("+dac_override", "Peer auth|Access denied")):
        tried = as_another(*command, capabilities=capabilities)
        assert tried.returncode, tried.stdout
        assert any(word in tried.stderr for word in words.split("|")), tried.stderr


def test_another_user_reads_nothing_and_writes_nothing(state: State) -> None:
    looked = as_another(PYTHON, "-I", "-c", LOOK, str(LAYOUT.run), str(LAYOUT.sockets), str(LAYOUT.cache))
    found = json.loads(looked.stdout)
    assert [path for path, _reads, writes in found if writes] == []
    run = (str(LAYOUT.run), str(LAYOUT.sockets))
    assert [path for path, reads, _writes in found if reads and path.startswith(run)] == []
    secret = [LAYOUT.state_json, LAYOUT.clusters_json, LAYOUT.aws_json, LAYOUT.server_key, LAYOUT.logs, LAYOUT.servers]
    for path in secret:
        assert path.exists()
        assert as_another("ls", str(path / "x" if path.is_dir() else path)).returncode


def test_no_program_has_a_secret_among_its_arguments(state: State) -> None:
    secrets = {state["secret_key"], *(each.master_password for each in running_clusters(LAYOUT))}
    for pid in running(LAYOUT.run):
        shown = Path(f"/proc/{pid}/cmdline").read_bytes().decode()
        assert not any(secret in shown for secret in secrets)


def test_another_user_changes_nothing_over_the_api(state: State) -> None:
    before = described(state)
    called = as_another(PYTHON, "-I", "-c", CALL, state["endpoint_url"], stdin=json.dumps(CALLS))
    assert json.loads(called.stdout) == [], called.stderr
    assert described(state) == before


def described(state: State) -> dict[str, str]:
    clusters = aws_client(state, "rds").describe_db_clusters()["DBClusters"]
    return {cluster["DBClusterIdentifier"]: cluster["Status"] for cluster in clusters}

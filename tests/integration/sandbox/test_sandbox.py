# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sandbox as a program: it starts, stops, recovers, and does not disturb another one."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.integration.administration import Administration
from tests.sandbox.clients import CHECKOUT, LIBRARIES, LoginRefused, State, attempt, aws_client
from tests.sandbox.layout import Layout
from tests.sandbox.servers.programs import running

pytestmark = pytest.mark.direct("is about the sandbox")


class OtherCheckout:
    """A second checkout, with the first one's cache, so that nothing is fetched twice."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.layout = Layout(folder / ".sandbox")
        shutil.copytree(CHECKOUT / "tests" / "sandbox", folder / "tests" / "sandbox")
        (folder / "tests" / "__init__.py").touch()
        self.layout.root.mkdir()
        self.layout.cache.symlink_to(CHECKOUT / ".sandbox" / "cache")
        for above in (folder, *folder.parents):  # pytest's own folders are for this user only
            if above.stat().st_mode & 0o777 == 0o700:
                above.chmod(0o711)

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        environment = {name: value for name, value in os.environ.items() if name != "AURORA_SANDBOX"}
        return subprocess.Popen([sys.executable, "-m", "tests.sandbox", *arguments], cwd=self.folder, env=environment)

    def run(self, *arguments: str) -> int:
        return self.start(*arguments).wait(timeout=120)


@pytest.fixture
def other(tmp_path: Path, state: State) -> Iterator[OtherCheckout]:
    checkout = OtherCheckout(tmp_path)
    yield checkout
    checkout.run("down")
    assert running(checkout.layout.run) == {}


def eventually(holds: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it never came to be"
        time.sleep(0.1)


def test_two_checkouts_side_by_side_and_a_killed_start(state: State, other: OtherCheckout):
    killed = other.start("up", "--only", "orders")
    eventually(lambda: "mysqld" in running(other.layout.run).values())
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert running(other.layout.run), "the test came too late to leave anything behind"

    assert other.run("up", "--only", "orders") == 0
    theirs = json.loads(other.layout.state_json.read_text())
    assert list(theirs["clusters"]) == ["orders"]
    assert theirs["clusters"]["orders"]["port"] != state["clusters"]["orders"]["port"]

    assert other.run("down") == 0
    assert running(other.layout.run) == {}
    assert not other.layout.run.exists()
    assert aws_client(state, "rds").describe_db_clusters()["DBClusters"], "the first sandbox is disturbed"


@pytest.mark.parametrize(("arguments", "sentence"), [(["--only", "nowhere"], "There is no cluster nowhere")])
def test_a_start_that_cannot_be_says_why(other: OtherCheckout, arguments: list[str], sentence: str):
    result = subprocess.run(
        [sys.executable, "-m", "tests.sandbox", "up", *arguments],
        cwd=other.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.returncode, result.stderr.count("\n")) == (1, 1)
    assert sentence in result.stderr


@pytest.mark.parametrize("cluster", ["catalogue", "payroll"])
def test_modify_db_cluster_switches_the_servers(state: State, admin: Administration, cluster: str):
    """Through pending, the transitional status and the flag, on and off again."""
    rds = aws_client(state, "rds")

    def described() -> dict[str, object]:
        answer: dict[str, object] = rds.describe_db_clusters(DBClusterIdentifier=cluster)["DBClusters"][0]
        return answer

    rds.modify_db_cluster(DBClusterIdentifier=cluster, EnableIAMDatabaseAuthentication=True, ApplyImmediately=False)
    assert described()["PendingModifiedValues"] == {"IAMDatabaseAuthenticationEnabled": True}
    assert described()["IAMDatabaseAuthenticationEnabled"] is False
    for enabled in (True, False):
        rds.modify_db_cluster(
            DBClusterIdentifier=cluster, EnableIAMDatabaseAuthentication=enabled, ApplyImmediately=True
        )
        assert described()["Status"] == "update-iam-db-auth"
        eventually(lambda: described()["Status"] == "available")
        assert described()["IAMDatabaseAuthenticationEnabled"] is enabled
        assert iam_auth_in_the_server(admin, cluster) is enabled


def iam_auth_in_the_server(admin: Administration, cluster: str) -> bool:
    if cluster == "catalogue":
        return bool(admin.sql(cluster, "SELECT 1 FROM information_schema.PLUGINS WHERE PLUGIN_NAME LIKE 'AWS%'"))
    rules = admin.sql(cluster, "SELECT auth_method FROM pg_hba_file_rules WHERE user_name = '{+rds_iam}' ORDER BY 1")
    return ("ldap",) in rules


@pytest.mark.parametrize("cluster", ["orders", "ledger", "archive"])
def test_the_superuser_cannot_log_in_over_the_network(state: State, cluster: str):
    with pytest.raises(LoginRefused):
        LIBRARIES[state["clusters"][cluster]["engine"]](attempt(state, cluster, "rdsadmin", ""))

# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sandbox, brought up once for all integration tests, and taken down again if it was not up before.

With ``-n`` each of the processes that share the tests has a sandbox of its own.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling

from tests.integration.administration import Administration, drop_iam_accounts
from tests.integration.administrators import create_iam_administrator, drop_administrator
from tests.integration.hook import Hook
from tests.integration.tasks import OVER_DATA_API, Tasks, over_data_api
from tests.sandbox.clients import CHECKOUT, State, read_state
from tests.sandbox.servers.clusters import CLUSTERS, INSTANCES


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--data-api", action="store_true", help="let tasks reach their clusters over the RDS Data API")
    parser.addoption("--clusters", default="", help="start only these, and leave out the tests of all others")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "direct(reason): is the same with --data-api, or about connections, and left out then"
    )
    config.addinivalue_line("markers", "timed: compares times, so that nothing else should run meanwhile")
    if config.getoption("--data-api"):
        os.environ[OVER_DATA_API] = "1"
    if worker := os.environ.get("PYTEST_XDIST_WORKER"):
        os.environ["AURORA_SANDBOX"] = f"{os.environ.get('AURORA_SANDBOX', '.sandbox')}-{worker}"


class ByPage(LoadFileScheduling):
    """Files are shared as by ``--dist loadfile``, but each page of the documentation by itself: all pages in one
    process take longer than all other files in the other one."""

    def _split_scope(self, nodeid: str) -> str:
        page = re.search(r"/test_documentation\.py::.*\[(.+):\d+\]$", nodeid)
        return page[1] if page else str(super()._split_scope(nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByPage:
    return ByPage(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With ``--data-api``, leave out what it does not change or what is about connections; with ``--clusters``, what is
    about another cluster."""
    if config.getoption("--data-api"):
        direct = [item for item in items if item.get_closest_marker("direct")]
        leave_out(config, items, direct)
    if chosen := config.getoption("--clusters").split(",") if config.getoption("--clusters") else []:
        others = {spec.identifier for spec in (*CLUSTERS, *INSTANCES)} - set(chosen)
        leave_out(config, items, [item for item in items if parameters(item) & others])


def parameters(item: pytest.Item) -> set[str]:
    called = getattr(item, "callspec", None)
    return set() if called is None else set(called.id.split("-"))


def leave_out(config: pytest.Config, items: list[pytest.Item], unwanted: list[pytest.Item]) -> None:
    config.hook.pytest_deselected(items=unwanted)
    items[:] = [item for item in items if item not in unwanted]


def _sandbox(*command: str) -> None:
    subprocess.run([sys.executable, "-m", "tests.sandbox", *command], cwd=CHECKOUT, check=True)


@pytest.fixture(scope="session")
def state(pytestconfig: pytest.Config) -> Iterator[State]:
    was_up = (
        subprocess.run(
            [sys.executable, "-m", "tests.sandbox", "status"], cwd=CHECKOUT, capture_output=True, check=False
        ).returncode
        == 0
    )
    if not was_up:
        _sandbox("up", "--only", pytestconfig.getoption("--clusters"))
    yield read_state()
    if not was_up:
        _sandbox("down")


@pytest.fixture(scope="session")
def admin(state: State) -> Administration:
    return Administration(state)


@pytest.fixture(scope="session")
def tasks(state: State, admin: Administration) -> Tasks:
    return Tasks(state, admin.writes_nothing, data_api_clusters(state))


def data_api_clusters(state: State) -> frozenset[str]:
    """With ``--data-api``, the clusters that have it."""
    specs = {spec.identifier: spec for spec in CLUSTERS}
    return frozenset(name for name in state["clusters"] if over_data_api() and specs[name].data_api)


@pytest.fixture
def hook(state: State) -> Iterator[Hook]:
    """The sandbox's hook, with nothing remembered; what a test told it is forgotten afterwards."""
    found = Hook(state)
    found.forget()
    yield found
    found.forget()


@pytest.fixture
def account() -> str:
    """A name that no other test uses."""
    return f"jane_{uuid.uuid4().hex[:10]}"


@pytest.fixture(params=["orders", "ledger"])
def cluster(request: pytest.FixtureRequest) -> str:
    """One of each engine."""
    return str(request.param)


@pytest.fixture
def alone(admin: Administration, cluster: str) -> Iterator[None]:
    """No IAM account is left on the cluster from other tests."""
    drop_iam_accounts(admin, cluster)
    yield
    drop_iam_accounts(admin, cluster)


@pytest.fixture
def iam_administrator(admin: Administration, cluster: str) -> Iterator[str]:
    name = create_iam_administrator(admin, cluster)
    yield name
    drop_administrator(admin, cluster, name)

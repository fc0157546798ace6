# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clusters and instances whose IAM authentication tests switch, and a server that answers as AWS."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from tests.integration.aws.replayed_answers import Aws
from tests.integration.cluster_scene import TARGETS, Target, made
from tests.integration.hook import Hook
from tests.integration.tasks import Tasks
from tests.sandbox.clients import State


@pytest.fixture(params=TARGETS)
def target(request: pytest.FixtureRequest, state: State, tasks: Tasks, hook: Hook) -> Iterator[Target]:
    yield from made(request.param, state, tasks, hook)


@pytest.fixture(params=["catalogue", "billing"])
def either(request: pytest.FixtureRequest, state: State, tasks: Tasks, hook: Hook) -> Iterator[Target]:
    """One cluster and one instance, where the engine does not matter."""
    yield from made(request.param, state, tasks, hook)


@pytest.fixture
def catalogue(state: State, tasks: Tasks, hook: Hook) -> Iterator[Target]:
    yield from made("catalogue", state, tasks, hook)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    """Asked once only, unless a test says otherwise."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with Aws() as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()

# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clusters and instances whose IAM authentication tests switch."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

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

# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An account that is dropped, on each cluster of MySQL."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.integration.mysql.scene import CLUSTERS
from tests.integration.tasks import Result, Tasks


@pytest.fixture(params=CLUSTERS)
def cluster(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def drop(tasks: Tasks, cluster: str, account: str) -> Callable[..., Result]:
    return lambda **options: tasks.user(cluster=cluster, name=account, state="absent", **options)

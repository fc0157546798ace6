# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules on the oldest Python that they may meet. ``make matrix`` has every other combination."""

from __future__ import annotations

import pytest

from tests.matrix.__main__ import tasks
from tests.matrix.versions import OLDEST_TARGET, here, pairs, target
from tests.sandbox.clients import State

pytestmark = pytest.mark.direct("starts Ansible itself")


def test_the_newest_ansible_here_runs_tasks_on_the_oldest_python(state: State) -> None:
    try:
        python = target() / "bin" / "python"
    except LookupError:
        pytest.skip(f"there is no Python {OLDEST_TARGET} on this machine")
    assert tasks(here(pairs())[-1], state, python) is None

# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The proxies of the sandbox."""

from __future__ import annotations

import pytest

from tests.sandbox.clients import State


def require_proxy(state: State, name: str) -> None:
    if name not in state["proxies"]:
        pytest.skip(f"{name} was left out: another program listens on its port of every address")

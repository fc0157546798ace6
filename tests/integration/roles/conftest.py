# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A browser that shows what the roles write."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.roles.browser import MISSING, Page, browser, find
from tests.sandbox.layout import of_checkout


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    program = find(of_checkout().cache)
    if program is None:
        pytest.skip(MISSING)
    with browser(program, tmp_path_factory.mktemp("profile")) as opened:
        yield opened

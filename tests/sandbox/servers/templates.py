# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of new, empty servers. Making them takes seconds, so it is done once, and every server gets a copy."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable
from pathlib import Path

from tests.sandbox.layout import PRIVATE, Layout
from tests.sandbox.servers.programs import run_as


def template(layout: Layout, name: str, make: Callable[[Path], None]) -> Path:
    """The folder with the files that ``make`` puts into an empty folder, which belongs to the servers' user."""
    made = layout.cache / f"{name}-template"
    if not made.exists():
        draft = made.with_name(f"{made.name}.{uuid.uuid4().hex}")
        draft.mkdir(PRIVATE)
        run_as(layout.root).give(draft)
        make(draft)
        try:
            draft.rename(made)
        except OSError:  # another server's thread, or another checkout, was faster
            shutil.rmtree(draft)
    return made

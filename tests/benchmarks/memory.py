# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much memory a run takes: Ansible's own processes, in one of which the collection does its work."""

from __future__ import annotations

import contextlib
import re
import threading
import uuid
from pathlib import Path

PAUSE = 0.1
"""seconds; what is read is the process's own highest mark, so that only its last moments can be missed"""


class RunMemory:
    """Watches the processes that have ``mark`` in their environment."""

    def __init__(self) -> None:
        self.mark = uuid.uuid4().hex
        self.peak = 0.0
        """MB of resident memory, of the largest"""
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="memory", daemon=True)

    def __enter__(self) -> RunMemory:
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(PAUSE):
            for folder in Path("/proc").glob("[0-9]*"):
                with contextlib.suppress(OSError):
                    self._look(folder)

    def _look(self, folder: Path) -> None:
        if self.mark.encode() not in (folder / "environ").read_bytes():
            return
        mark = re.search(r"VmHWM:\s+(\d+) kB", (folder / "status").read_text())
        self.peak = max(self.peak, int(mark[1]) / 1024 if mark else 0.0)

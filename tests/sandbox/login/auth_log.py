# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The iam-db-auth-error log: one JSON object a line for each refused login."""

from __future__ import annotations

import json
import os
import threading
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.sandbox.login.verifier import Login, RefusedError


class AuthErrorLog:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def append(self, login: Login, refused: RefusedError, now: datetime) -> None:
        entry = {
            "time": now.isoformat(timespec="milliseconds"),
            "cluster": login.cluster,
            "user": login.user,
            "error": refused.error,
            "status": refused.status,
            "reason": refused.reason,
        }
        line = f"{json.dumps(entry)}\n".encode()
        with self._lock:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                os.write(descriptor, line)
            finally:
                os.close(descriptor)

    def entries(self) -> list[dict[str, Any]]:
        """Oldest first; empty while nobody was refused."""
        with self._lock:
            text = self._path.read_text() if self._path.exists() else ""
        return [json.loads(line) for line in text.splitlines()]

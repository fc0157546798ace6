# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What somebody does again and again while a test does something else."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import psycopg2
import pymysql


class Meanwhile(threading.Thread):
    """In a ``with`` block, which begins when it was done once.

    times     how often it was done
    refusals  what the server said otherwise
    """

    def __init__(self, act: Callable[[], object], pause: float = 0) -> None:
        super().__init__()
        self._act, self._pause, self._stopping = act, pause, threading.Event()
        self.times = 0
        self.refusals: list[str] = []

    def run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._act()
                self.times += 1
            except (pymysql.Error, psycopg2.Error) as error:
                self.refusals.append(str(error))
            time.sleep(self._pause)

    def __enter__(self) -> Meanwhile:
        self.start()
        while self.is_alive() and not self.times:
            time.sleep(0.01)
        return self

    def __exit__(self, *_error: object) -> None:
        self._stopping.set()
        self.join()

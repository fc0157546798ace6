# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A TCP forwarder, as ssh -L or SSM port forwarding is one."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator


class Tunnel(threading.Thread):
    """
    port        where it listens on 127.0.0.1
    on_connect  called for each connection before anything is forwarded, with its number from 0
    """

    def __init__(self, target: tuple[str, int], on_connect: Callable[[int], object] = lambda _number: None) -> None:
        super().__init__(daemon=True)
        self._target, self._on_connect = target, on_connect
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.connections = 0

    def run(self) -> None:
        while True:
            try:
                near, _peer = self._listener.accept()
            except OSError:
                return
            self._on_connect(self.connections)
            self.connections += 1
            far = socket.create_connection(self._target)
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=_copy, args=(source, sink), daemon=True).start()

    def stop(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.join()


def _copy(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while part := source.recv(65536):
            sink.sendall(part)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def tunnel(target: tuple[str, int], on_connect: Callable[[int], object] = lambda _number: None) -> Iterator[Tunnel]:
    opened = Tunnel(target, on_connect)
    opened.start()
    try:
        yield opened
    finally:
        opened.stop()

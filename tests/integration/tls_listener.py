# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server that is genuine up to the TLS handshake, in which it presents a certificate of the test's choice."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator

from tests.sandbox.layout import Layout

Prelude = Callable[[socket.socket, tuple[str, int]], None]
"""What both sides say before TLS. Gets the connection, and the address of the real server."""


def mysql(connection: socket.socket, real: tuple[str, int]) -> None:
    """The real server's greeting, and the client's wish for TLS (SSLRequest: 32 bytes behind a header of 4)."""
    with socket.create_connection(real) as server:
        header = _receive(server, 4)
        connection.sendall(header + _receive(server, int.from_bytes(header[:3], "little")))
    _receive(connection, 36)


def postgresql(connection: socket.socket, real: tuple[str, int]) -> None:
    _receive(connection, 8)
    connection.sendall(b"S")


PRELUDES: dict[str, Prelude] = {"orders": mysql, "ledger": postgresql}


def _receive(connection: socket.socket, length: int) -> bytes:
    received = b""
    while len(received) < length:
        part = connection.recv(length - len(received))
        if not part:
            raise OSError("the other side has closed")
        received += part
    return received


class TlsListener(threading.Thread):
    """
    after_tls  what clients sent once the handshake was done; nothing, if they refused the certificate
    """

    def __init__(self, layout: Layout, prelude: Prelude, real: tuple[str, int]) -> None:
        super().__init__()
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(layout.server_cert, layout.server_key)
        self._prelude, self._real = prelude, real
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.after_tls: list[bytes] = []

    def run(self) -> None:
        while True:
            try:
                connection, _peer = self._listener.accept()
            except OSError:
                return
            connection.settimeout(5)
            with connection, contextlib.suppress(OSError):
                self._prelude(connection, self._real)
                with self._context.wrap_socket(connection, server_side=True) as encrypted:
                    self.after_tls.append(encrypted.recv(65536))

    def stop(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.join()


@contextlib.contextmanager
def listening(layout: Layout, prelude: Prelude, real: tuple[str, int]) -> Iterator[TlsListener]:
    listener = TlsListener(layout, prelude, real)
    listener.start()
    try:
        yield listener
    finally:
        listener.stop()

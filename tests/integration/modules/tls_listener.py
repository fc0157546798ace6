# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server that is genuine up to the TLS handshake, in which it presents a certificate of the test's choice."""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Callable, Iterator
from typing import NamedTuple

from tests.integration.modules.recording_listener import recording
from tests.sandbox.layout import Layout
from tests.sandbox.sockets import receive

Prelude = Callable[[socket.socket, tuple[str, int]], None]
"""What both sides say before TLS. Gets the connection, and the address of the real server."""


def mysql(connection: socket.socket, real: tuple[str, int]) -> None:
    """The real server's greeting, and the client's wish for TLS (SSLRequest: 32 bytes behind a header of 4)."""
    with socket.create_connection(real) as server:
        header = receive(server, 4)
        connection.sendall(header + receive(server, int.from_bytes(header[:3], "little")))
    receive(connection, 36)


def postgresql(connection: socket.socket, real: tuple[str, int]) -> None:
    receive(connection, 8)
    connection.sendall(b"S")


PRELUDES: dict[str, Prelude] = {"orders": mysql, "ledger": postgresql}


class TlsListener(NamedTuple):
    """
    after_tls  what clients sent once the handshake was done; nothing, if they refused the certificate
    """

    port: int
    after_tls: list[bytes]


@contextlib.contextmanager
def listening(layout: Layout, prelude: Prelude, real: tuple[str, int]) -> Iterator[TlsListener]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(layout.server_cert, layout.server_key)
    after_tls: list[bytes] = []

    def shake_hands(connection: socket.socket, _receive: Callable[[], bytes]) -> None:
        prelude(connection, real)
        with context.wrap_socket(connection, server_side=True) as encrypted:
            after_tls.append(encrypted.recv(65536))

    with recording(socket.create_server(("127.0.0.1", 0)), shake_hands) as recorder:
        yield TlsListener(recorder.port, after_tls)

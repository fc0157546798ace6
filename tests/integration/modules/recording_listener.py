# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stranger where a database is expected: it speaks the engine's protocol without TLS, asks for the password in each
way that there is, and keeps all that it is sent."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

Conversation = Callable[[socket.socket, Callable[[], bytes]], None]
"""What the stranger says. The second argument receives, and keeps what it received."""

_NO_SSL = 0xFFFFF7FF
"""All capabilities of a MySQL server but CLIENT_SSL (0x800)."""
_OK, _END = b"\0\0\0\2\0\0\0", b"\xfe\0\0\2\0"


def mysql(connection: socket.socket, receive: Callable[[], bytes]) -> None:
    """caching_sha2_password, "full authentication" with a key of its own, then the password in the clear.

    https://dev.mysql.com/doc/dev/mysql-server/latest/page_caching_sha2_authentication_exchanges.html
    """
    connection.sendall(mysql_packet(0, mysql_greeting()))
    receive()
    connection.sendall(mysql_packet(2, b"\x01\x04"))
    if receive()[4:] == b"\x02":
        key = rsa.generate_private_key(65537, 2048).public_key()
        pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        connection.sendall(mysql_packet(4, b"\x01" + pem))
        receive()
    connection.sendall(mysql_packet(6, b"\xfemysql_clear_password\x00"))
    receive()


def mysql_greeting(plugin: bytes = b"caching_sha2_password") -> bytes:
    """https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase_packets_protocol_handshake_v10.html"""
    nonce, low, high = b"12345678abcdefghijkl", struct.pack("<I", _NO_SSL)[:2], struct.pack("<I", _NO_SSL)[2:]
    greeting = b"\x0a8.4.7\x00" + struct.pack("<I", 7) + nonce[:8] + b"\x00" + low + b"\xff\x02\x00" + high
    return greeting + bytes([len(nonce) + 1]) + bytes(10) + nonce[8:] + b"\x00" + plugin + b"\x00"


def mysql_packet(number: int, payload: bytes) -> bytes:
    return struct.pack("<I", len(payload))[:3] + bytes([number]) + payload


def mysql_logging_in(answer: bytes) -> Conversation:
    """Lets everybody in, says OK to statements, and gives this answer to whatever reads."""

    def conversation(connection: socket.socket, receive: Callable[[], bytes]) -> None:
        connection.sendall(mysql_packet(0, mysql_greeting()))
        receive()
        connection.sendall(mysql_packet(2, _OK))
        while message := receive():
            connection.sendall(answer if b"SELECT" in message else mysql_packet(1, _OK))

    return conversation


def mysql_rows(*rows: list[bytes]) -> bytes:
    """A result of two columns, a text and an integer."""
    columns = [
        b"\x03def\0\0\0\x01" + name + b"\0\x0c" + struct.pack("<HIBHBH", 255, 99, kind, 0, 0, 0)
        for name, kind in ((b"a", 253), (b"b", 3))
    ]
    values = [b"".join(bytes([len(value)]) + value for value in row) for row in rows]
    payloads = [b"\x02", *columns, _END, *values, _END]
    return b"".join(mysql_packet(number, payload) for number, payload in enumerate(payloads, 1))


def postgresql(connection: socket.socket, receive: Callable[[], bytes]) -> None:
    """No TLS, no GSSAPI encryption, then AuthenticationCleartextPassword.

    https://www.postgresql.org/docs/current/protocol-flow.html
    """
    while len(asked := receive()) == 8:  # SSLRequest, GSSENCRequest
        connection.sendall(b"N")
    if asked:
        connection.sendall(b"R" + struct.pack("!ii", 8, 3))
        receive()


CONVERSATIONS: dict[str, Conversation] = {"orders": mysql, "ledger": postgresql}


class Recorder(threading.Thread):
    """
    port      where it listens; 0 for a socket's path
    received  everything, one element for each message
    """

    def __init__(self, listener: socket.socket, conversation: Conversation) -> None:
        super().__init__(daemon=True)
        self._listener, self._conversation = listener, conversation
        named = listener.getsockname()
        self.port: int = named[1] if isinstance(named, tuple) else 0
        self.received: list[bytes] = []

    def run(self) -> None:
        while True:
            try:
                connection, _peer = self._listener.accept()
            except OSError:
                return
            connection.settimeout(5)
            with connection, contextlib.suppress(OSError):
                self._conversation(connection, lambda peer=connection: self._keep(peer.recv(65536)))

    def _keep(self, message: bytes) -> bytes:
        if message:
            self.received.append(message)
        return message


@contextlib.contextmanager
def recording(listener: socket.socket, conversation: Conversation) -> Iterator[Recorder]:
    recorder = Recorder(listener, conversation)
    recorder.start()
    try:
        yield recorder
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        recorder.join(10)

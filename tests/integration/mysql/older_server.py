# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server that presents itself as an older one: by its version, and by the names that privileges had then.

Between client and server it terminates TLS and passes packets on. Replaced are texts with their length before them, as
rows of the text protocol have them, and names of privileges in statements.
https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_com_query_response_text_resultset_row.html
"""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping

from tests.sandbox.layout import Layout
from tests.sandbox.sockets import receive

RENAMED = {"ALLOW_NONEXISTENT_DEFINER": "SET_USER_ID", "SET_ANY_DEFINER": "SET_USER_ID"}
"""Since MySQL 8.2: https://dev.mysql.com/doc/refman/8.4/en/privileges-provided.html#priv_allow-nonexistent-definer"""
Replaced = Mapping[bytes, bytes]


class OlderServer(threading.Thread):
    """
    port     where it listens on 127.0.0.1
    version  that it says it has
    """

    def __init__(self, target: tuple[str, int], version: str, layout: Layout) -> None:
        super().__init__(daemon=True)
        self._target, self._version = target, version.encode()
        self._as_server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._as_server.load_cert_chain(layout.server_cert, layout.server_key)
        self._as_client = ssl.create_default_context(cafile=str(layout.ca_cert))
        self._as_client.check_hostname = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]

    def run(self) -> None:
        while True:
            try:
                near, _peer = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(near,), daemon=True).start()

    def stop(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.join()

    def _serve(self, near: socket.socket) -> None:
        with contextlib.suppress(OSError):
            far = socket.create_connection(self._target)
            number, greeting = read_packet(far)
            real, _end, rest = greeting[1:].partition(b"\0")
            near.sendall(packet(number, greeting[:1] + self._version + b"\0" + rest))
            far.sendall(packet(*read_packet(near)))
            client = self._as_server.wrap_socket(near, server_side=True)
            server = self._as_client.wrap_socket(far)
            answers = {sized(real): sized(self._version)}
            answers.update((sized(new.encode()), sized(old.encode())) for new, old in RENAMED.items())
            statements = {old.encode(): new.encode() for new, old in reversed(RENAMED.items())}
            with client, server:
                _pass_on({client: Way(server, statements), server: Way(client, answers)})


def sized(text: bytes) -> bytes:
    """With its length, of which one byte is enough here."""
    return bytes([len(text)]) + text


def read_packet(source: socket.socket) -> tuple[int, bytes]:
    head = receive(source, 4)
    return head[3], receive(source, int.from_bytes(head[:3], "little"))


def packet(number: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "little") + bytes([number]) + payload


class Way:
    """From one side to the other one."""

    def __init__(self, sink: ssl.SSLSocket, replaced: Replaced) -> None:
        self._sink, self._replaced, self._received = sink, replaced, b""

    def pass_on(self, chunk: bytes) -> None:
        self._received += chunk
        while len(self._received) >= (size := 4 + int.from_bytes(self._received[:3], "little")):
            number, payload = self._received[3], self._received[4:size]
            self._received = self._received[size:]
            for text, other in self._replaced.items():
                payload = payload.replace(text, other)
            self._sink.sendall(packet(number, payload))


def _pass_on(ways: Mapping[ssl.SSLSocket, Way]) -> None:
    """Until one side closes. In one thread, because OpenSSL takes one call at a time for a connection."""
    while True:
        for source in [each for each in ways if each.pending()] or select.select(list(ways), [], [])[0]:
            source.setblocking(False)
            try:
                chunk = source.recv(65536)
            except ssl.SSLWantReadError:
                continue  # Not a whole record yet, or one of TLS's own
            finally:
                source.setblocking(True)
            if not chunk:
                return
            ways[source].pass_on(chunk)


@contextlib.contextmanager
def older_server(target: tuple[str, int], version: str, layout: Layout) -> Iterator[OlderServer]:
    opened = OlderServer(target, version, layout)
    opened.start()
    try:
        yield opened
    finally:
        opened.stop()

# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An RDS Proxy for PostgreSQL: it refuses what RDS Proxy refuses of a start-up packet, and passes on everything else.

The packet comes inside TLS, so the proxy terminates TLS. Its certificate is that of the server behind it, because
SCRAM with channel binding compares the two: https://www.postgresql.org/docs/current/sasl-authentication.html
https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/rds-proxy.html
"""

from __future__ import annotations

import select
import socket
import socketserver
import ssl
import struct

from tests.sandbox.layout import Layout
from tests.sandbox.servers.clusters import ServerSpec
from tests.sandbox.sockets import receive

# https://www.postgresql.org/docs/current/protocol-message-formats.html
_CANCEL, _TLS, _GSSAPI = 80877102, 80877103, 80877104
_TLS_REQUEST = struct.pack("!ii", 8, _TLS)
_LONGEST = 10000
"""The server's own limit of a start-up packet."""
_CHUNK = 64 * 1024
_NO_OPTIONS = "Feature not supported: RDS Proxy currently doesn't support command-line options."
"""https://github.com/psycopg/psycopg2/issues/1577"""
_NO_TLS = "This RDS Proxy requires TLS connections."


class PostgreSQLProxy(socketserver.ThreadingTCPServer):
    """Listens at ``address`` in front of ``server``."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], server: ServerSpec, layout: Layout) -> None:
        self.target = ("127.0.0.1" if server.is_writer else server.host, server.port)
        self.as_server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.as_server.load_cert_chain(layout.server_cert, layout.server_key)
        self.as_client = ssl.create_default_context(cafile=str(layout.ca_cert))
        super().__init__(address, _Connection)


class _Connection(socketserver.BaseRequestHandler):
    server: PostgreSQLProxy

    def handle(self) -> None:
        try:
            self._serve(self.request)
        except (OSError, struct.error):
            return  # The client sees its connection close.

    def _serve(self, client: socket.socket) -> None:
        code, packet = _read_packet(client)
        while code in (_TLS, _GSSAPI):
            client.sendall(b"S" if code == _TLS else b"N")
            if code == _TLS:
                client = self.server.as_server.wrap_socket(client, server_side=True)
            code, packet = _read_packet(client)
        with client:
            if code != _CANCEL and not isinstance(client, ssl.SSLSocket):
                client.sendall(_refusal("28000", _NO_TLS))
            elif code != _CANCEL and "options" in _names(packet):
                client.sendall(_refusal("0A000", _NO_OPTIONS))
            else:
                with self._connect() as database:
                    database.sendall(packet)
                    _pass_on(client, database)

    def _connect(self) -> ssl.SSLSocket:
        plain = socket.create_connection(self.server.target, timeout=10)
        plain.settimeout(None)
        plain.sendall(_TLS_REQUEST)
        if plain.recv(1) != b"S":
            plain.close()
            raise ConnectionError("The server behind the proxy has no TLS.")
        return self.server.as_client.wrap_socket(plain, server_hostname=self.server.target[0])


def _read_packet(client: socket.socket) -> tuple[int, bytes]:
    """A packet without a type, as each is before the login: its code, and all of it. Nothing behind it is read."""
    head = receive(client, 8)
    length, code = struct.unpack("!ii", head)
    if not 8 <= length <= _LONGEST:
        raise ConnectionError("This is no start-up packet.")
    return code, head + receive(client, length - 8)


def _names(packet: bytes) -> list[str]:
    """Names of parameters; each is followed by its value."""
    return [name.decode() for name in packet[8:].split(b"\0")[::2]]


def _refusal(state: str, message: str) -> bytes:
    fields = {"S": "FATAL", "V": "FATAL", "C": state, "M": message}
    body = b"".join(f"{kind}{text}\0".encode() for kind, text in fields.items()) + b"\0"
    return b"E" + struct.pack("!i", len(body) + 4) + body


def _pass_on(client: socket.socket, database: ssl.SSLSocket) -> None:
    """Both ways until one side ends. In one thread, because OpenSSL takes one call at a time for a connection."""
    others = {client: database, database: client}
    while True:
        decrypted = [end for end in others if isinstance(end, ssl.SSLSocket) and end.pending()]
        for end in decrypted or select.select(list(others), [], [])[0]:
            end.setblocking(False)
            try:
                chunk = end.recv(_CHUNK)
            except (ssl.SSLWantReadError, BlockingIOError):
                continue  # Not a whole record yet, or one of TLS's own
            finally:
                end.setblocking(True)
            if not chunk:
                return
            others[end].sendall(chunk)

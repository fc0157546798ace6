# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The door of the MySQL authentication plugin: a Unix socket that answers one question and closes.

A question is four fields, each a 4-byte big-endian length and that many bytes: cluster identifier, login name,
``1`` or ``0`` for TLS, token. The answer is one byte: ``1`` to let in, ``0`` to refuse.
"""

from __future__ import annotations

import os
import socketserver
import struct
from io import BufferedIOBase
from pathlib import Path

from tests.sandbox.login.gate import Admits
from tests.sandbox.login.verifier import Login

_LONGEST_FIELD = 64 * 1024
_PATIENCE = 10.0
"""Seconds that a silent client is listened to."""


class VerifierSocket(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, path: Path, admits: Admits) -> None:
        self.admits = admits
        path.unlink(missing_ok=True)
        super().__init__(str(path), _Question)
        # The database server may run as another user; the folder around the socket keeps everybody else out.
        os.chmod(path, 0o666)


class _Question(socketserver.StreamRequestHandler):
    timeout = _PATIENCE
    server: VerifierSocket

    def handle(self) -> None:
        try:
            cluster, user, uses_tls, token = (_field(self.rfile) for _part in range(4))
            login = Login(cluster.decode(), user.decode(), token.decode(errors="replace"), uses_tls == b"1")
        except (OSError, ValueError):
            self._answer(b"0")
            return
        self._answer(b"1" if self.server.admits(login) else b"0")

    def _answer(self, byte: bytes) -> None:
        try:
            self.wfile.write(byte)
        except OSError:
            return  # The client has gone; not to hear an answer is to be refused.


def _field(stream: BufferedIOBase) -> bytes:
    """Raises ValueError for a field that is cut short or longer than any token."""
    header = stream.read(4)
    if len(header) != 4:
        raise ValueError("the question ends within a length")
    (length,) = struct.unpack(">I", header)
    if length > _LONGEST_FIELD:
        raise ValueError("a field is longer than 64 KiB")
    content = stream.read(length)
    if len(content) != length:
        raise ValueError("the question ends within a field")
    return content

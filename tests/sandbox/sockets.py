# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages of which the length is known."""

from __future__ import annotations

import socket


def receive(connection: socket.socket, size: int) -> bytes:
    """So many bytes, and nothing behind them. Raises ConnectionError where the other side closes before."""
    received = b""
    while len(received) < size:
        part = connection.recv(size - len(received))
        if not part:
            raise ConnectionError("The other side has closed the connection.")
        received += part
    return received

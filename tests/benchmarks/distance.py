# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Proxies between a client and a database server: they count round trips, and can put the server far away."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass
class Road:
    """What went over one port.

    round_trips  how often the client spoke after the server had, plus one for each connection (TCP's own handshake);
                 what TLS and the login need is among them
    delay        seconds that everything takes, each way
    """

    port: int
    delay: float
    connections: int = 0
    round_trips: int = 0


@dataclass
class _Connection:
    road: Road
    server_spoke: bool = True
    """the first to speak is the client, or MySQL's server with a greeting, which no one has waited for"""

    def client_speaks(self) -> None:
        self.road.round_trips += self.server_spoke
        self.server_spoke = False

    def server_speaks(self) -> None:
        self.server_spoke = True


class Proxies:
    """A port of this machine for each thing that is measured, all leading to the same server."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._loop = asyncio.new_event_loop()
        self._servers: list[asyncio.Server] = []
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxies", daemon=True)
        self._thread.start()

    def road(self, delay: float = 0.0) -> Road:
        road = Road(0, delay)
        asyncio.run_coroutine_threadsafe(self._listen(road), self._loop).result()
        return road

    async def _listen(self, road: Road) -> None:
        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await self._connect(road, reader, writer)

        server = await asyncio.start_server(accept, "127.0.0.1", 0)
        road.port = server.sockets[0].getsockname()[1]
        self._servers.append(server)

    async def _connect(self, road: Road, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        road.connections += 1
        road.round_trips += 1
        # TCP's handshake ended here and not at the far server: it would have taken the way there and back
        await asyncio.sleep(2 * road.delay)
        far_reader, far_writer = await asyncio.open_connection(*self._target)
        connection = _Connection(road)
        there = _forward(reader, far_writer, road.delay, connection.client_speaks)
        back = _forward(far_reader, writer, road.delay, connection.server_speaks)
        await asyncio.gather(there, back)

    def close(self) -> None:
        for server in self._servers:
            self._loop.call_soon_threadsafe(server.close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


Parcel = tuple[float, bytes]


async def _forward(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float, noticed: Callable[[], None]
) -> None:
    """Pass on what comes, each piece ``delay`` seconds after it came, so that pieces travel one behind the other."""
    travelling: asyncio.Queue[Parcel] = asyncio.Queue()
    arriving = asyncio.create_task(_deliver(travelling, writer))
    with contextlib.suppress(ConnectionError):
        while piece := await reader.read(1 << 16):
            noticed()
            travelling.put_nowait((time.monotonic() + delay, piece))
    travelling.put_nowait((time.monotonic() + delay, b""))
    await arriving


async def _deliver(travelling: asyncio.Queue[Parcel], writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while True:
            due, piece = await travelling.get()
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            if not piece:
                break
            writer.write(piece)
            await writer.drain()
    writer.close()

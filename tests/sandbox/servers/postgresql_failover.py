# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A PostgreSQL standby takes the writer's place, and the writer becomes its standby.

A writer that stops in order sends its standby everything first, so that it can follow it afterwards without being
copied anew. https://www.postgresql.org/docs/current/warm-standby-failover.html
"""

from __future__ import annotations

from tests.sandbox.layout import Layout
from tests.sandbox.servers.clusters import RunningCluster
from tests.sandbox.servers.postgresql import PostgreSQLServer


def hand_over(before: RunningCluster, after: RunningCluster, layout: Layout) -> None:
    old = PostgreSQLServer(before, before.writer, layout)
    new = PostgreSQLServer(after, after.writer, layout)
    old.stop()
    new.promote()
    reader = next(server for server in after.servers if not server.is_writer)
    follower = PostgreSQLServer(after, reader, layout)
    follower.follow()
    follower.start()


def move(before: RunningCluster, after: RunningCluster, layout: Layout) -> None:
    writer_first = sorted(before.servers, key=lambda server: not server.is_writer)
    for server in writer_first:
        PostgreSQLServer(before, server, layout).stop()
    for server in sorted(after.servers, key=lambda server: not server.is_writer):
        moved = PostgreSQLServer(after, server, layout)
        moved.listen()
        moved.start()

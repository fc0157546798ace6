# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A MySQL replica takes the writer's place, and the writer becomes its replica.

https://dev.mysql.com/doc/refman/9.0/en/replication-solutions-switch.html
"""

from __future__ import annotations

from tests.sandbox.layout import Layout
from tests.sandbox.servers.clusters import RunningCluster
from tests.sandbox.servers.mysql import SUPERUSER, MySQLServer
from tests.sandbox.servers.programs import SandboxError

_CATCH_UP = 30
"""Seconds within which a replica must have all that the writer committed."""


def hand_over(before: RunningCluster, after: RunningCluster, layout: Layout) -> None:
    """No change is lost: the writer stops taking them before the replica is asked whether it has them all."""
    old = MySQLServer(before, before.writer, layout)
    new = MySQLServer(after, after.writer, layout)
    old.execute("SET GLOBAL super_read_only = ON")
    _end_sessions(old)
    committed = old.execute("SELECT @@GLOBAL.gtid_executed")[0][0].replace("\\n", "")
    if new.execute(f"SELECT WAIT_FOR_EXECUTED_GTID_SET('{committed}', {_CATCH_UP})") != [("0",)]:
        raise SandboxError(f"The replica {new.server.instance} did not catch up within {_CATCH_UP} s; see its log.")
    new.execute("STOP REPLICA; RESET REPLICA ALL; SET GLOBAL super_read_only = OFF; SET GLOBAL read_only = OFF")
    reader = next(server for server in after.servers if not server.is_writer)
    MySQLServer(after, reader, layout).follow()


def move(before: RunningCluster, after: RunningCluster, layout: Layout) -> None:
    for server in before.servers:
        MySQLServer(before, server, layout).stop()
    for server in sorted(after.servers, key=lambda server: not server.is_writer):
        MySQLServer(after, server, layout).start()


def _end_sessions(server: MySQLServer) -> None:
    """As the restart of an Aurora writer does."""
    ours = f"'{SUPERUSER}', 'rdsrepladmin', 'system user', 'event_scheduler'"
    for (number,) in server.execute(f"SELECT id FROM performance_schema.processlist WHERE user NOT IN ({ours})"):
        try:
            server.execute(f"KILL CONNECTION {number}")
        except SandboxError as error:
            if "1094" not in str(error):  # it has ended by itself
                raise

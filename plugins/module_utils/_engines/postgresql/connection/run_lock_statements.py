# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""The statements of the lock that keeps runs apart, and the question who holds it."""

from __future__ import annotations

_KEY = 0x6175726F69616D
""""auroiam" in ASCII."""
_HIGH, _LOW = _KEY >> 32, _KEY & 0xFFFFFFFF
"""A key of 64 bits as pg_locks shows it: https://www.postgresql.org/docs/current/view-pg-locks.html"""

TAKE = f"SELECT pg_catalog.pg_advisory_lock({_KEY})"
TRY = f"SELECT pg_catalog.pg_try_advisory_lock({_KEY})"
TRY_IN_TRANSACTION = f"SELECT pg_catalog.pg_try_advisory_xact_lock({_KEY})"
"""Meets the others, and ends with the transaction."""

ANNOUNCE = f"SELECT pg_catalog.pg_try_advisory_lock({_HIGH}, %s)"
ANNOUNCE_IN_TRANSACTION = f"SELECT pg_catalog.pg_try_advisory_xact_lock({_HIGH}, %s::int)"
WITHDRAW = f"SELECT pg_catalog.pg_advisory_unlock({_HIGH}, %s)"
"""Keys of two numbers are apart from those of one."""

_MEMBER = (
    "EXISTS (SELECT FROM pg_catalog.pg_roles g WHERE g.rolname = '{}' AND "
    "pg_catalog.pg_has_role(r.oid, g.oid, 'MEMBER'))"
)
_ADMINISTERS = f"r.rolsuper OR r.rolcreaterole OR {_MEMBER.format('rds_superuser')}"

HOLDERS = (
    "SELECT l.pid, coalesce(p.gid, '')::text, coalesce(r.rolname::text, ''), "
    "coalesce(pg_catalog.host(a.client_addr), ''), "
    f"l.pid IS NOT NULL AND (a.pid IS NULL OR coalesce({_ADMINISTERS}, false)), "
    f"coalesce(NOT r.rolsuper AND {_MEMBER.format('rds_iam')}, false), "
    "l.pid IS NOT NULL AND coalesce(r.rolname = session_user, false), l.objsubid = 2 "
    "FROM pg_catalog.pg_locks l LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid "
    "LEFT JOIN pg_catalog.pg_locks x ON l.pid IS NULL AND x.pid IS NULL AND x.locktype = 'transactionid' "
    "AND x.virtualtransaction = l.virtualtransaction "
    "LEFT JOIN pg_catalog.pg_prepared_xacts p ON p.transaction = x.transactionid "
    "LEFT JOIN pg_catalog.pg_roles r ON r.oid = a.usesysid OR r.rolname = p.owner "
    "WHERE l.locktype = 'advisory' AND l.granted AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid() "
    "AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()) "
    f"AND l.classid = {_HIGH} AND (l.objsubid = 2 OR l.objsubid = 1 AND l.objid = {_LOW}) ORDER BY l.objsubid"
)
"""Rows of eight: session, prepared transaction, role, client, whether it may be a run by what its role may do, whether
the role is IAM-authenticated, whether it is the login, and whether it has only announced itself. A session whose role
was dropped has none. A prepared transaction has no session, and no run prepares one.
https://www.postgresql.org/docs/current/view-pg-prepared-xacts.html"""

FORGET_SESSIONS = "SELECT pg_catalog.pg_stat_clear_snapshot()::text"
"""A transaction goes on with the pg_stat_activity that it read first.
https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-STATS-VIEWS"""


def take(seconds: int) -> str:
    """The lock outlives the transaction, for which the time limit is."""
    return f"BEGIN; SET LOCAL lock_timeout = '{seconds}s'; {TAKE}; COMMIT"


def terminate(pid: int) -> str:
    return f"SELECT pg_terminate_backend({pid})"


def roll_back(prepared: str) -> str:
    return f"ROLLBACK PREPARED {prepared}"

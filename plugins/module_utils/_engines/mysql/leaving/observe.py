# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Queries about accounts that leave. Those about one object are asked only where it is handed over."""

from __future__ import annotations

from collections.abc import Collection

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.leaving.code import (
    COPY_PREFIX,
    DefinedObject,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.observe import Query, among, union

_COMMENT = (
    "(SELECT t.TABLE_COMMENT FROM information_schema.TABLES t WHERE t.TABLE_SCHEMA = VIEWS.TABLE_SCHEMA AND "
    "t.TABLE_NAME = VIEWS.TABLE_NAME)"
)
_DEFINED_OBJECTS = (
    ("'VIEW'", "VIEWS", ("TABLE_SCHEMA", "TABLE_NAME", "SECURITY_TYPE", _COMMENT, "''")),
    ("ROUTINE_TYPE", "ROUTINES", ("ROUTINE_SCHEMA", "ROUTINE_NAME", "SECURITY_TYPE", "''", "''")),
    (
        "'TRIGGER'",
        "TRIGGERS",
        (
            "TRIGGER_SCHEMA",
            "TRIGGER_NAME",
            "'DEFINER'",
            "CONCAT(ACTION_TIMING, ' ', EVENT_MANIPULATION)",
            "EVENT_OBJECT_TABLE",
        ),
    ),
    ("'EVENT'", "EVENTS", ("EVENT_SCHEMA", "EVENT_NAME", "'DEFINER'", "STATUS", "''")),
)


def obstacles(accounts: Collection[str], names: Collection[str]) -> Query:
    """What breaks when an account goes. Rows of seven: kind, the account (``user@host``), then as DefinedObject has
    them: database, name, security, detail, table; or the user and host that has it as a role or acts as it.

    accounts  ``user@host``, as definers are stored
    names     their user parts
    """
    parts = []
    for kind, view, columns in _DEFINED_OBJECTS:
        parts.append((kind, f"information_schema.{view}", ("DEFINER", *columns), *among("DEFINER", accounts)))
    nothing = ("''", "''", "''")
    role = ("CONCAT(FROM_USER, '@', FROM_HOST)", "TO_USER", "TO_HOST", *nothing)
    parts.append(("'role of'", "mysql.role_edges", role, *among("FROM_USER", names)))
    proxy = ("CONCAT(Proxied_user, '@', Proxied_host)", "User", "Host", *nothing)
    parts.append(("'proxy'", "mysql.proxies_priv", proxy, *among("Proxied_user", names)))
    return union(parts)


def copies(definers: Collection[str]) -> Query:
    """Routines that a run which broke off has left as copies: kind, definer, database, name, security."""
    condition, values = among("DEFINER", definers)
    return (
        "SELECT ROUTINE_TYPE, DEFINER, ROUTINE_SCHEMA, ROUTINE_NAME, SECURITY_TYPE FROM information_schema.ROUTINES "
        f"WHERE LEFT(ROUTINE_NAME, {len(COPY_PREFIX)}) = %s AND {condition}",
        (COPY_PREFIX, *values),
    )


def sessions(names: Collection[str]) -> Query:
    """performance_schema may be off, and says no more."""
    condition, values = among("USER", names)
    return f"SELECT ID, USER, HOST FROM information_schema.PROCESSLIST WHERE {condition}", values


RDS_KILL = "SELECT 1 FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = 'mysql' AND ROUTINE_NAME = 'rds_kill'"
TAKES_CODE = "SELECT NOT @@GLOBAL.log_bin OR @@GLOBAL.log_bin_trust_function_creators"
ROLE_EDGES = "SELECT TO_USER, TO_HOST, FROM_USER, FROM_HOST FROM mysql.role_edges"
COLLATION = "SELECT DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = %s"


def code(item: DefinedObject) -> str:
    return f"SHOW CREATE {item.kind} {item.path}"


def routine_body(item: DefinedObject) -> Query:
    return (
        "SELECT ROUTINE_DEFINITION FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = %s AND ROUTINE_NAME = %s "
        "AND ROUTINE_TYPE = %s",
        (item.database, item.name, item.kind),
    )


def routine_grants(item: DefinedObject) -> Query:
    return (
        "SELECT User, Host, Proc_priv FROM mysql.procs_priv WHERE Db = %s AND Routine_name = %s AND Routine_type = %s",
        (item.database, item.name, item.kind),
    )


def triggers_beside(item: DefinedObject) -> Query:
    """The triggers of one table, time and event, in the order in which they fire."""
    timing, _blank, event = item.detail.partition(" ")
    return (
        "SELECT TRIGGER_NAME FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = %s AND EVENT_OBJECT_TABLE = %s "
        "AND ACTION_TIMING = %s AND EVENT_MANIPULATION = %s ORDER BY ACTION_ORDER",
        (item.database, item.table, timing, event),
    )

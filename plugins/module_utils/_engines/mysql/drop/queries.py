# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Queries about accounts that are dropped or locked."""

from __future__ import annotations

from collections.abc import Collection

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.queries import Query, among, union

_DEFINED_OBJECTS = (
    ("'VIEW'", "VIEWS", "TABLE_SCHEMA", "TABLE_NAME"),
    ("ROUTINE_TYPE", "ROUTINES", "ROUTINE_SCHEMA", "ROUTINE_NAME"),
    ("'TRIGGER'", "TRIGGERS", "TRIGGER_SCHEMA", "TRIGGER_NAME"),
    ("'EVENT'", "EVENTS", "EVENT_SCHEMA", "EVENT_NAME"),
)

DEFINERS = union(
    (kind, f"information_schema.{view}", ("DEFINER", *columns), "TRUE", ()) for kind, view, *columns in _DEFINED_OBJECTS
)[0]
"""Of all code."""


def obstacles(accounts: Collection[str], names: Collection[str]) -> Query:
    """What breaks when an account is dropped.

    accounts  ``user@host``, as definers are stored
    names     their user parts
    """
    parts = []
    for kind, view, *columns in _DEFINED_OBJECTS:
        parts.append((kind, f"information_schema.{view}", ("DEFINER", *columns), *among("DEFINER", accounts)))
    role = ("CONCAT(FROM_USER, '@', FROM_HOST)", "TO_USER", "TO_HOST")
    parts.append(("'role of'", "mysql.role_edges", role, *among("FROM_USER", names)))
    proxy = ("CONCAT(Proxied_user, '@', Proxied_host)", "User", "Host")
    parts.append(("'proxy'", "mysql.proxies_priv", proxy, *among("Proxied_user", names)))
    return union(parts)


def sessions(names: Collection[str]) -> Query:
    """performance_schema may be off, and says no more."""
    condition, values = among("USER", names)
    return f"SELECT ID, USER, HOST FROM information_schema.PROCESSLIST WHERE {condition}", values


RDS_KILL = "SELECT 1 FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = 'mysql' AND ROUTINE_NAME = 'rds_kill'"

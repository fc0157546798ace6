# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every kind of object that PostgreSQL has privileges on."""

from __future__ import annotations

from typing import Any

Case = tuple[dict[str, Any], str, str]

CASES: dict[str, Case] = {
    # what is asked for; SQL that takes something of it from {account}; SQL that adds something else
    "schema": (
        {"on": "schema shop", "privileges": ["usage"]},
        "REVOKE USAGE ON SCHEMA shop FROM {account}",
        "GRANT CREATE ON SCHEMA shop TO {account}",
    ),
    "table": (
        {"on": "shop.orders", "privileges": ["Select", "INSERT"], "grant_option": True},
        "REVOKE GRANT OPTION FOR SELECT ON shop.orders FROM {account}",
        "GRANT DELETE ON shop.orders TO {account}",
    ),
    "columns": (
        {"on": "TABLE shop.orders", "privileges": ["SELECT (id, email)", 'update ("We""ird")']},
        "REVOKE SELECT (id) ON shop.orders FROM {account}",
        "GRANT SELECT ON shop.orders TO {account}",
    ),
    "system columns": (
        {"on": "TABLE shop.orders", "privileges": ["SELECT (tableoid, id)"]},
        "REVOKE SELECT (tableoid) ON shop.orders FROM {account}",
        "GRANT SELECT (ctid) ON shop.orders TO {account}",
    ),
    "view": (
        {"on": "TABLE shop.recent", "privileges": ["ALL"]},
        "REVOKE TRUNCATE ON shop.recent FROM {account}",
        "GRANT SELECT (id) ON shop.recent TO {account}",
    ),
    "materialised view": (
        {"on": "TABLE shop.totals", "privileges": ["SELECT"]},
        "REVOKE SELECT ON shop.totals FROM {account}",
        "GRANT TRIGGER ON shop.totals TO {account}",
    ),
    "partitioned table": (
        {"on": "TABLE shop.parts", "privileges": ["SELECT", "UPDATE"]},
        "REVOKE SELECT ON shop.parts FROM {account}",
        "GRANT SELECT ON shop.parts_1 TO {account}",
    ),
    "foreign table": (
        {"on": "TABLE shop.log", "privileges": ["SELECT"]},
        "REVOKE SELECT ON shop.log FROM {account}",
        "GRANT INSERT ON shop.log TO {account}",
    ),
    "sequence": (
        {"on": "SEQUENCE shop.numbers", "privileges": ["USAGE"]},
        "REVOKE USAGE ON SEQUENCE shop.numbers FROM {account}",
        "GRANT UPDATE ON SEQUENCE shop.numbers TO {account}",
    ),
    "overloaded function": (
        {"on": "FUNCTION shop.f(shop.mood, character varying[])", "privileges": ["EXECUTE"]},
        "REVOKE EXECUTE ON FUNCTION shop.f(shop.mood, varchar[]) FROM {account}",
        "GRANT EXECUTE ON FUNCTION shop.f() TO {account}",
    ),
    "procedure": (
        {"on": "PROCEDURE shop.refresh", "privileges": ["EXECUTE"]},
        "REVOKE EXECUTE ON ROUTINE shop.refresh FROM {account}",
        "GRANT EXECUTE ON FUNCTION shop.plus(int) TO {account}",
    ),
    "type": (
        {"on": "TYPE shop.mood", "privileges": ["ALL PRIVILEGES"]},
        "REVOKE USAGE ON TYPE shop.mood FROM {account}",
        "GRANT USAGE ON TYPE shop.email TO {account}",
    ),
    "domain": (
        {"on": "DOMAIN shop.email", "privileges": ["USAGE"]},
        "REVOKE USAGE ON DOMAIN shop.email FROM {account}",
        "GRANT USAGE ON DOMAIN shop.email TO {account} WITH GRANT OPTION",
    ),
    "language": (
        {"on": "LANGUAGE plpgsql", "privileges": ["USAGE"]},
        "REVOKE USAGE ON LANGUAGE plpgsql FROM {account}",
        "GRANT USAGE ON SCHEMA shop TO {account}",
    ),
    "foreign data wrapper": (
        {"on": "FOREIGN DATA WRAPPER file_fdw", "privileges": ["USAGE"]},
        "REVOKE USAGE ON FOREIGN DATA WRAPPER file_fdw FROM {account}",
        "GRANT USAGE ON FOREIGN SERVER files TO {account}",
    ),
    "foreign server": (
        {"on": "FOREIGN SERVER files", "privileges": ["USAGE"]},
        "REVOKE USAGE ON FOREIGN SERVER files FROM {account}",
        "GRANT USAGE ON FOREIGN DATA WRAPPER file_fdw TO {account}",
    ),
    "parameter": (
        {"on": "PARAMETER Work_Mem", "privileges": ["SET"]},
        "REVOKE SET ON PARAMETER work_mem FROM {account}",
        "GRANT SELECT ON LARGE OBJECT 4711 TO {account}",
    ),
    "large object": (
        {"on": "LARGE OBJECT 4711", "privileges": ["SELECT"]},
        "REVOKE SELECT ON LARGE OBJECT 4711 FROM {account}",
        "GRANT UPDATE ON LARGE OBJECT 4711 TO {account}",
    ),
    "all tables": (
        {"on": "ALL TABLES IN SCHEMA shop", "privileges": ["SELECT"]},
        "REVOKE SELECT ON shop.recent, shop.log FROM {account}",
        "GRANT USAGE ON SEQUENCE shop.numbers TO {account}",
    ),
    "all routines": (
        {"on": "ALL ROUTINES IN SCHEMA shop", "privileges": ["EXECUTE"]},
        "REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA shop FROM {account}",
        "GRANT USAGE ON TYPE shop.mood TO {account}",
    ),
    "future tables": (
        {"on": "FUTURE TABLES IN SCHEMA shop", "privileges": ["SELECT", "INSERT"]},
        "ALTER DEFAULT PRIVILEGES IN SCHEMA shop REVOKE SELECT ON TABLES FROM {account}",
        "ALTER DEFAULT PRIVILEGES GRANT DELETE ON TABLES TO {account}",
    ),
    "future everything": (
        {"on": "FUTURE SCHEMAS", "privileges": ["ALL"], "grant_option": True},
        "ALTER DEFAULT PRIVILEGES REVOKE CREATE ON SCHEMAS FROM {account}",
        "ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON FUNCTIONS TO {account}",
    ),
}

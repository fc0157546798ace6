# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every level of MySQL's privileges, and what they are granted on."""

from __future__ import annotations

from typing import Any

SCENE = (
    "CREATE DATABASE IF NOT EXISTS `shop`",
    "CREATE DATABASE IF NOT EXISTS `my_shop`",
    "CREATE DATABASE IF NOT EXISTS `myXshop`",
    "CREATE DATABASE IF NOT EXISTS `a.b``/@'%`",
    "CREATE TABLE IF NOT EXISTS shop.orders (id INT, Email TEXT, `a,b` INT)",
    "CREATE TABLE IF NOT EXISTS my_shop.t (id INT)",
    "CREATE TABLE IF NOT EXISTS myXshop.t (id INT)",
    "CREATE OR REPLACE VIEW shop.recent AS SELECT id FROM shop.orders",
    "DROP PROCEDURE IF EXISTS shop.Refresh",
    "CREATE PROCEDURE shop.Refresh() SELECT 1",
    "DROP FUNCTION IF EXISTS shop.f",
    "CREATE FUNCTION shop.f() RETURNS INT DETERMINISTIC RETURN 1",
    "CREATE ROLE IF NOT EXISTS shop_reader, shop_writer, `shop@corp`",
)

Case = tuple[dict[str, Any], str, str]

CASES: dict[str, Case] = {
    # what is asked for; SQL that takes something of it from {account}; SQL that adds something else
    "global": (
        {"on": "*.*", "privileges": ["process", "Show  Databases"]},
        "REVOKE PROCESS ON *.* FROM {account}",
        "GRANT RELOAD ON *.* TO {account} WITH GRANT OPTION",
    ),
    "dynamic": (
        {"on": "*.*", "privileges": ["show_routine", "CONNECTION_ADMIN"], "grant_option": True},
        "REVOKE SHOW_ROUTINE ON *.* FROM {account}",
        "GRANT XA_RECOVER_ADMIN ON *.* TO {account}",
    ),
    "dynamic without its option": (
        {"on": "*.*", "privileges": ["SHOW_ROUTINE"]},
        "GRANT SHOW_ROUTINE ON *.* TO {account} WITH GRANT OPTION",
        "GRANT PROCESS ON *.* TO {account} WITH GRANT OPTION; REVOKE GRANT OPTION ON *.* FROM {account}",
    ),
    "all on everything": (
        {"on": "*.*", "privileges": ["ALL"], "grant_option": True},
        "REVOKE CREATE USER ON *.* FROM {account}",
        "GRANT SELECT ON shop.* TO {account}",
    ),
    "database": (
        {"on": "my_shop.*", "privileges": ["SELECT", "select", "LOCK TABLES"]},
        "REVOKE SELECT ON {my_shop}.* FROM {account}",
        "GRANT DROP ON {my_shop}.* TO {account}",
    ),
    "all on a database": (
        {"on": "`a.b``/@'\\%`.*", "privileges": ["all privileges"], "grant_option": True},
        "REVOKE GRANT OPTION ON {odd}.* FROM {account}",
        "GRANT SELECT ON *.* TO {account}",
    ),
    "table": (
        {"on": "shop.orders", "privileges": ["Select", "INSERT"], "grant_option": True},
        "REVOKE GRANT OPTION ON shop.orders FROM {account}",
        "GRANT DELETE ON shop.orders TO {account}",
    ),
    "view": (
        {"on": "TABLE shop.recent", "privileges": ["SELECT", "SHOW VIEW"]},
        "REVOKE SELECT ON shop.recent FROM {account}",
        "GRANT SELECT (id) ON shop.recent TO {account}",
    ),
    "columns": (
        {"on": "shop.orders", "privileges": ["SELECT (ID, email)", "update (`a,b`)"]},
        "REVOKE SELECT (id) ON shop.orders FROM {account}",
        "GRANT SELECT ON shop.orders TO {account}",
    ),
    "procedure": (
        {"on": "procedure shop.REFRESH", "privileges": ["execute"]},
        "REVOKE EXECUTE ON PROCEDURE shop.refresh FROM {account}",
        "GRANT ALTER ROUTINE ON PROCEDURE shop.refresh TO {account}",
    ),
    "function": (
        {"on": "FUNCTION shop.f", "privileges": ["ALL"]},
        "REVOKE ALTER ROUTINE ON FUNCTION shop.f FROM {account}",
        "GRANT USAGE ON FUNCTION shop.f TO {account} WITH GRANT OPTION",
    ),
}

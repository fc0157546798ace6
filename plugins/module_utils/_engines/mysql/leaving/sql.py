# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""The statements that end sessions and hand objects over or drop them."""

from __future__ import annotations

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.leaving.code import Code, DefinedObject
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.scope import identifier
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.sql import Dialect, account
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import AccountName
from ansible_collections.dbops.aurora_iam.plugins.module_utils._plan import Statement

RDS_KILL, KILL = "CALL mysql.rds_kill({})", "KILL {}"
UNLOCK = Statement("UNLOCK TABLES")


def drop(item: DefinedObject, name: str = "", leniently: bool = False) -> Statement:
    path = f"{identifier(item.database)}.{identifier(name or item.name)}"
    return Statement(f"DROP {item.kind} {'IF EXISTS ' if leniently else ''}{path}")


def lock_table(item: DefinedObject) -> Statement:
    """So that nobody writes to the table while it lacks the trigger."""
    return Statement(f"LOCK TABLES {identifier(item.database)}.{identifier(item.table)} WRITE")


def use(database: str) -> Statement:
    return Statement(f"USE {identifier(database)}")


def settings(code: Code, dialect: Dialect) -> Statement:
    """What the server keeps with an object, from the session that makes it."""
    parts = [
        f"sql_mode = {dialect.text(code.sql_mode)}",
        f"character_set_client = {code.client}",
        f"collation_connection = {code.connection}",
    ]
    if code.time_zone:
        parts.append(f"time_zone = {dialect.text(code.time_zone)}")
    return Statement(f"SET SESSION {', '.join(parts)}")


def usual_settings(dialect: Dialect) -> Statement:
    mode = "" if dialect.backslash_escapes else "NO_BACKSLASH_ESCAPES"
    return Statement(
        f"SET SESSION sql_mode = '{mode}', character_set_client = utf8mb4, collation_connection = DEFAULT, "
        "time_zone = DEFAULT"
    )


def head(item: DefinedObject, definer: AccountName, quote: str) -> str:
    """How the server begins what SHOW CREATE says. Under ANSI_QUOTES it quotes a routine's names with ``"``."""

    def quoted(name: str) -> str:
        return quote + name.replace(quote, quote * 2) + quote

    start = f"CREATE DEFINER={quoted(definer.name)}@{quoted(definer.host)} {item.kind} {quoted(item.name)}"
    if item.kind != "TRIGGER":
        return start
    return f"{start} {item.detail} ON {quoted(item.table)} FOR EACH ROW "


def definer_clause(definer: AccountName) -> str:
    return f" DEFINER={account(definer)} "


def alter_event(item: DefinedObject, definer: AccountName) -> Statement:
    """ALTER EVENT must say something besides the definer: the status it has."""
    status = {"ENABLED": "ENABLE", "DISABLED": "DISABLE", "SLAVESIDE_DISABLED": "DISABLE ON SLAVE"}
    return Statement(f"ALTER{definer_clause(definer)}EVENT {item.path} {status.get(item.detail, 'DISABLE ON REPLICA')}")

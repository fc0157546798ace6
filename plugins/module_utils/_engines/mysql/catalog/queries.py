# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Queries that read accounts, privileges and objects in bulk: one for each subject, however many accounts there are.

The grant tables are read rather than SHOW GRANTS, which answers for one account only and leaves out what the session's
user has through roles. All of them are in one UNION, each row led by the word for its kind.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.base import Others
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.clients import ANONYMOUS
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.names import as_in_procs_priv
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.privileges import (
    DATABASE_PRIVILEGES,
    STATIC_PRIVILEGES,
    SYSTEM_USER,
    flag_column,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.iam_login import PLUGIN
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import AccountName

MANY = 500
"""From this many names on, reading whole grant tables is faster than looking each name up."""

Query = tuple[str, tuple[Any, ...]]

SERVER = (
    "SELECT CURRENT_USER(), USER(), @@partial_revokes, @@lower_case_table_names, @@GLOBAL.sql_mode, "
    "@@GLOBAL.mandatory_roles, @@skip_name_resolve, "
    "@@GLOBAL.activate_all_roles_on_login, "
    f"(SELECT PLUGIN_STATUS FROM information_schema.PLUGINS WHERE PLUGIN_NAME = '{PLUGIN}'), "
    "(SELECT JSON_ARRAYAGG(JSON_ARRAY(ROLE_NAME, ROLE_HOST)) FROM information_schema.ENABLED_ROLES), "
    "@@GLOBAL.authentication_policy"
)

KNOWN_PRIVILEGES = "SHOW PRIVILEGES"
ROLE_EDGES = "SELECT TO_USER, TO_HOST, FROM_USER, FROM_HOST FROM mysql.role_edges"

_USER_FLAGS = ", ".join(flag_column(privilege) for privilege in STATIC_PRIVILEGES)
_DATABASE_FLAGS = ", ".join(flag_column(privilege) for privilege in DATABASE_PRIVILEGES)
_EXPIRES = (
    "password_last_changed + INTERVAL NULLIF(COALESCE(password_lifetime, @@GLOBAL.default_password_lifetime), 0) DAY"
)
_EXPIRED = (
    "CASE WHEN password_expired = 'Y' THEN 'PASSWORD EXPIRE' "
    f"WHEN {_EXPIRES} < NOW() THEN CONCAT('on ', DATE({_EXPIRES})) ELSE '' END"
)
"""https://dev.mysql.com/doc/refman/8.4/en/password-management.html#password-expiration-policy"""
_USER_COLUMNS = (
    "User, Host, plugin, authentication_string, ssl_type, account_locked, max_user_connections, "
    f"User_attributes, CONCAT({_USER_FLAGS}), Grant_priv, {_EXPIRED}, "
    "max_questions, max_updates, max_connections, password_expired"
)


ALL_ACCOUNTS = f"SELECT {_USER_COLUMNS} FROM mysql.user"


_IAM = f"plugin = '{PLUGIN}'"
_AND_NAMES = f" UNION ALL SELECT User, Host, plugin{', NULL' * 12} FROM mysql.user WHERE {_IAM}"


def accounts(names: Collection[str], others: Others) -> Query:
    """The accounts of these names under any host and in any case, with their global privileges; and rows with nothing
    but the names of the IAM-authenticated accounts."""
    condition, values = among("CONVERT(User USING utf8mb4) COLLATE utf8mb4_general_ci", names)
    if others is Others.ACCOUNTS and values:
        condition = f"({condition} OR {_IAM})"
    return f"{ALL_ACCOUNTS} WHERE {condition}{_AND_NAMES if others is Others.NAMES else ''}", values


_PRIVILEGE_TABLES: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    ("database", "mysql.db", "User", ("Host", "Db", f"CONCAT({_DATABASE_FLAGS})", "Grant_priv", "''", "''")),
    ("table", "mysql.tables_priv", "User", ("Host", "Db", "Table_name", "Table_priv", "''", "''")),
    ("column", "mysql.columns_priv", "User", ("Host", "Db", "Table_name", "Column_priv", "Column_name", "''")),
    ("routine", "mysql.procs_priv", "User", ("Host", "Db", "Routine_name", "Proc_priv", "Routine_type", "Grantor")),
    ("proxy", "mysql.proxies_priv", "User", ("Host", "Proxied_user", "Proxied_host", "With_grant", "''", "''")),
    ("role", "mysql.role_edges", "TO_USER", ("TO_HOST", "FROM_USER", "FROM_HOST", "WITH_ADMIN_OPTION", "''", "''")),
    (
        "default role",
        "mysql.default_roles",
        "USER",
        ("HOST", "DEFAULT_ROLE_USER", "DEFAULT_ROLE_HOST", "''", "''", "''"),
    ),
)


def privileges(accounts: Collection[AccountName]) -> Query:
    """Kind, user, host, and five more (see ``_PRIVILEGE_TABLES``), of these names under whatever host and of anonymous
    accounts; for dynamic privileges, of these accounts, the user is ``'user'@'host'`` and the host is empty.

    Dynamic privileges are read as they are in effect, because mysql.global_grants may say something else: after REVOKE
    GRANT OPTION ON *.* the server goes on with two entries, one of them grantable. Who holds SYSTEM_USER is read of
    everybody.
    """
    names = {ANONYMOUS, *(account.name for account in accounts)}
    written = {"routine": names | {as_in_procs_priv(name) for name in names}}
    parts = [
        (f"'{kind}'", table, (user, *columns), *among(user, written.get(kind, names)))
        for kind, table, user, columns in _PRIVILEGE_TABLES
    ]
    condition, values = among("GRANTEE", {f"'{account.name}'@'{account.host}'" for account in accounts})
    selected = ("GRANTEE", "''", "PRIVILEGE_TYPE", "IS_GRANTABLE", "''", "''", "''")
    condition = f"INSTR(PRIVILEGE_TYPE, '_') > 0 AND ({condition} OR PRIVILEGE_TYPE = '{SYSTEM_USER}')"
    return union([*parts, ("'dynamic'", "information_schema.USER_PRIVILEGES", selected, condition, values)])


def privileges_of_everybody() -> str:
    """Rows as of ``privileges``: those of mysql.db without a user name, which the server takes for those of
    every account that has no active role.

    https://dev.mysql.com/doc/refman/5.7/en/default-privileges.html
    """
    kind, table, user, columns = _PRIVILEGE_TABLES[0]
    return f"SELECT '{kind}', {', '.join((user, *columns))} FROM {table} WHERE {user} = ''"


def objects(
    databases: Collection[str],
    tables: Collection[tuple[str, str]],
    columns: Collection[tuple[str, str]],
    routines: Collection[tuple[str, str]],
) -> Query:
    """Which of these exist."""
    wanted: tuple[tuple[str, Collection[tuple[str, str]], str, tuple[str, str, str]], ...] = (
        ("'TABLE'", tables, "TABLES", ("TABLE_SCHEMA", "TABLE_NAME", "''")),
        ("'COLUMN'", columns, "COLUMNS", ("TABLE_SCHEMA", "TABLE_NAME", "COLUMN_NAME")),
        ("ROUTINE_TYPE", routines, "ROUTINES", ("ROUTINE_SCHEMA", "ROUTINE_NAME", "''")),
    )
    condition, values = among("SCHEMA_NAME", databases)
    parts = [("'DATABASE'", "information_schema.SCHEMATA", ("SCHEMA_NAME", "''", "''"), condition, values)]
    for kind, pairs, view, selected in wanted:
        if pairs:
            condition, values = _in_pairs(selected[0], selected[1], pairs)
            parts.append((kind, f"information_schema.{view}", selected, condition, values))
    return union(parts)


def among(column: str, values: Collection[str]) -> tuple[str, tuple[Any, ...]]:
    """A condition and its values; so many that all rows are read leave the choice to the reader."""
    if len(values) > MANY:
        return "TRUE", ()
    if not values:
        return "FALSE", ()
    return f"{column} IN ({', '.join(['%s'] * len(values))})", tuple(sorted(values))


def _in_pairs(first: str, second: str, pairs: Collection[tuple[str, str]]) -> tuple[str, tuple[Any, ...]]:
    """Somewhat more than the pairs: what has one of the first and one of the second names. It costs less to ask."""
    conditions = [among(first, {pair[0] for pair in pairs}), among(second, {pair[1] for pair in pairs})]
    return " AND ".join(text for text, _values in conditions), conditions[0][1] + conditions[1][1]


def union(parts: Iterable[tuple[str, str, Sequence[str], str, tuple[Any, ...]]]) -> Query:
    """Parts are kind (an expression), table, columns, condition and its values. Everything is converted to one
    character set, because the grant tables mix several, which a UNION would refuse."""
    texts: list[str] = []
    values: tuple[Any, ...] = ()
    for kind, table, columns, condition, bound in parts:
        selected = ", ".join(f"CONVERT({column} USING utf8mb4)" for column in (kind, *columns))
        texts.append(f"SELECT {selected} FROM {table} WHERE {condition}")
        values += bound
    return " UNION ALL ".join(texts), values

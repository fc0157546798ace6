# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the MySQL engine relies on of a server: the version that each came with, and where it is documented.

Everything is in 8.0.28 (Aurora MySQL 3.03 and RDS for MySQL 8.0.28), but for what stands in ``NEWER``.

The pages are those of the manual of 8.0: later ones no longer say in which version of 8.0 something came. Of variables,
its page added-deprecated-removed.html says it, and what that does not list is older.
"""

from __future__ import annotations

from typing import NamedTuple

MANUAL = "https://dev.mysql.com/doc/refman/8.0/en/"
ERRORS = "https://dev.mysql.com/doc/mysql-errors/8.0/en/server-error-reference.html"
OLDEST = (8, 0, 28)
"""The oldest server that the collection is made for."""


class Feature(NamedTuple):
    """``words``: those of SQL, in the engine's files of statements and queries. ``page``: of the manual."""

    since: tuple[int, int, int]
    page: str
    words: str


FEATURES = (
    Feature(
        (8, 0, 0),
        "sql-statements.html",
        "ALL AND AS BY CASE CAST COLLATE ELSE END FALSE FROM GROUP IN INTERVAL INTO IS JOIN LIMIT NOT NULL OFFSET ON "
        "OR ORDER SELECT SET SHOW SESSION GLOBAL THEN TRUE UNION USING WARNINGS WHEN WHERE DAY BINARY UNSIGNED "
        "on of null found system",
    ),
    Feature((8, 0, 1), "with.html", "WITH RECURSIVE"),
    Feature(
        (8, 0, 0),
        "functions.html",
        "COALESCE CONCAT CONCAT_WS CONNECTION_ID CONVERT CURRENT_USER DATE FIND_IN_SET IF INSTR JSON_ARRAY LEFT MAX "
        "NOW NULLIF SHA2 USER VERSION",
    ),
    Feature((8, 0, 0), "aggregate-functions.html#function_json-arrayagg", "JSON_ARRAYAGG"),
    Feature((8, 0, 0), "locking-functions.html", "GET_LOCK IS_USED_LOCK RELEASE_LOCK"),
    Feature((8, 0, 0), "charset-unicode-sets.html", "utf8mb4 utf8mb4_general_ci"),
    Feature((8, 0, 1), "charset-unicode-sets.html", "utf8mb4_0900_ai_ci"),
    Feature((8, 0, 2), "added-deprecated-removed.html", "activate_all_roles_on_login mandatory_roles"),
    Feature((8, 0, 3), "added-deprecated-removed.html", "cte_max_recursion_depth"),
    Feature((8, 0, 11), "added-deprecated-removed.html", "default_collation_for_utf8mb4"),
    Feature(
        (8, 0, 0), "create-user.html", "CREATE IDENTIFIED REQUIRE SSL NONE MAX_USER_CONNECTIONS ACCOUNT LOCK UNLOCK"
    ),
    Feature((8, 0, 0), "alter-user.html", "ALTER PASSWORD EXPIRE"),
    Feature((8, 0, 19), "alter-user.html#alter-user-password-management", "FAILED_LOGIN_ATTEMPTS PASSWORD_LOCK_TIME"),
    Feature((8, 0, 21), "alter-user.html#alter-user-comments-attributes", "COMMENT ATTRIBUTE comment"),
    Feature((8, 0, 27), "alter-user.html#alter-user-multifactor-authentication", "FACTOR"),
    Feature((8, 0, 0), "drop-user.html", "DROP"),
    Feature((8, 0, 0), "set-default-role.html", "DEFAULT ROLE TO"),
    Feature((8, 0, 0), "grant.html", "GRANT OPTION PRIVILEGES DATABASE TABLE"),
    Feature((8, 0, 0), "revoke.html", "REVOKE"),
    Feature((8, 0, 0), "kill.html", "KILL CALL rds_kill"),
    Feature((8, 0, 0), "drop-view.html", "VIEW FUNCTION PROCEDURE TRIGGER EVENT"),
    Feature(
        (8, 0, 0),
        "grant-tables.html",
        "mysql user db User Host Db plugin authentication_string ssl_type account_locked max_user_connections "
        "max_questions max_updates max_connections password_expired password_last_changed password_lifetime Grant_priv "
        "Create_user_priv Create_tmp_table_priv Repl_client_priv Repl_slave_priv Show_db_priv _priv "
        "tables_priv Table_name Table_priv columns_priv Column_name Column_priv procs_priv Routine_name Routine_type "
        "Proc_priv Grantor proxies_priv Proxied_user Proxied_host With_grant global_grants PRIV Super_priv",
    ),
    Feature((8, 0, 14), "grant-tables.html#grant-tables-user-db", "User_attributes"),
    Feature(
        (8, 0, 0),
        "roles.html",
        "role_edges FROM_USER FROM_HOST TO_USER TO_HOST WITH_ADMIN_OPTION default_roles HOST DEFAULT_ROLE_USER "
        "DEFAULT_ROLE_HOST",
    ),
    Feature(
        (8, 0, 0),
        "information-schema.html",
        "information_schema SCHEMATA SCHEMA_NAME TABLES TABLE_SCHEMA TABLE_NAME COLUMNS COLUMN_NAME VIEWS DEFINER "
        "ROUTINES ROUTINE_SCHEMA ROUTINE_NAME ROUTINE_TYPE TRIGGERS TRIGGER_SCHEMA TRIGGER_NAME EVENTS EVENT_SCHEMA "
        "EVENT_NAME PLUGINS PLUGIN_NAME PLUGIN_STATUS PROCESSLIST ID COMMAND USER_PRIVILEGES GRANTEE PRIVILEGE_TYPE "
        "IS_GRANTABLE COLUMN",
    ),
    Feature((8, 0, 19), "information-schema-enabled-roles-table.html", "ENABLED_ROLES ROLE_NAME ROLE_HOST"),
    Feature(
        (8, 0, 0),
        "performance-schema.html",
        "performance_schema users global_status VARIABLE_NAME VARIABLE_VALUE Uptime",
    ),
    Feature(
        (8, 0, 0),
        "server-system-variables.html",
        "autocommit completion_type default_password_lifetime lc_messages "
        "lock_wait_timeout lower_case_table_names max_execution_time "
        "read_only skip_name_resolve sql_big_selects "
        "sql_mode sql_notes sql_select_limit super_read_only transaction_read_only wait_timeout",
    ),
    Feature((8, 0, 16), "added-deprecated-removed.html", "partial_revokes"),
    Feature((8, 0, 27), "added-deprecated-removed.html", "authentication_policy"),
    Feature((8, 0, 0), "innodb-parameters.html", "innodb_lock_wait_timeout innodb_read_only"),
    Feature((8, 0, 0), "sql-mode.html", "NO_BACKSLASH_ESCAPES PAD_CHAR_TO_FULL_LENGTH"),
    Feature(
        (8, 0, 0),
        "privileges-provided.html",
        "INSERT UPDATE DELETE REFERENCES INDEX TEMPORARY LOCK EXECUTE ROUTINE RELOAD SHUTDOWN PROCESS FILE DATABASES "
        "SUPER REPLICATION SLAVE CLIENT TABLESPACE USAGE",
    ),
    Feature((8, 0, 16), "privileges-provided.html#priv_system-user", "SYSTEM_USER"),
    Feature((8, 0, 0), "privileges-provided.html#priv_connection-admin", "CONNECTION_ADMIN"),
)

NOT_SQL = frozenset(
    (
        # kinds of rows, which the queries lead with
        *("column", "database", "default", "dynamic", "proxy", "role", "routine", "table"),
        # names of the collection's own
        *("PATTERN", "acts_as", "aurora_iam", "dbops", "Role_host", "Role_user", "en_US"),
        # values that the server answers with
        *("Daemon", "unauthenticated"),
        # privileges of Aurora MySQL 2, which are refused
        *("AWS_COMPREHEND_ACCESS", "AWS_LAMBDA_ACCESS", "AWS_LOAD_S3_ACCESS", "AWS_SAGEMAKER_ACCESS"),
        *("AWS_SELECT_S3_ACCESS", "COMPREHEND", "INVOKE", "LAMBDA", "LOAD", "S3", "SAGEMAKER"),
    )
)

NEWER = {
    # a privilege that is only looked for, and under which name older servers have it
    "ALLOW_NONEXISTENT_DEFINER": "SET_USER_ID",
    "SET_ANY_DEFINER": "SET_USER_ID",
}

ERROR_CODES = {
    # the server's, which the engine knows → the version they came with
    1044: (8, 0, 0),
    1045: (8, 0, 0),
    1053: (8, 0, 0),
    1094: (8, 0, 0),
    1105: (8, 0, 0),
    1142: (8, 0, 0),
    1143: (8, 0, 0),
    1205: (8, 0, 0),
    1227: (8, 0, 0),
    1265: (8, 0, 0),
    1290: (8, 0, 0),
    1300: (8, 0, 0),
    1366: (8, 0, 0),
    1470: (8, 0, 0),
    1524: (8, 0, 0),
    1792: (8, 0, 0),
    1836: (8, 0, 0),
    3162: (8, 0, 0),
    3163: (8, 0, 0),
    3169: (8, 0, 0),
    4006: (8, 0, 22),
    4031: (8, 0, 24),
    6524: (9, 0, 0),
}
"""A code that a server does not know, it does not answer with."""

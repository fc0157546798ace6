# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Which privileges there are at which level, by MySQL's own words, in the order in which SHOW GRANTS prints them.

https://dev.mysql.com/doc/refman/8.4/en/privileges-provided.html
"""

from __future__ import annotations

ALL = "ALL"
USAGE = "USAGE"
"""Means "no privilege". A grantable USAGE stands for the grant option itself, which in MySQL belongs to a level (the
global one, a database, a table, a routine) and applies to every privilege held there, now or later. Privileges are
therefore never grantable one by one, except dynamic ones, which have a grant option each."""

TABLE_PRIVILEGES = (
    "SELECT",
    "INSERT",
    "UPDATE",
    "DELETE",
    "CREATE",
    "DROP",
    "REFERENCES",
    "INDEX",
    "ALTER",
    "CREATE VIEW",
    "SHOW VIEW",
    "TRIGGER",
)
COLUMN_PRIVILEGES = ("SELECT", "INSERT", "UPDATE", "REFERENCES")
ROUTINE_PRIVILEGES = ("EXECUTE", "ALTER ROUTINE")
DATABASE_PRIVILEGES = (
    "SELECT",
    "INSERT",
    "UPDATE",
    "DELETE",
    "CREATE",
    "DROP",
    "REFERENCES",
    "INDEX",
    "ALTER",
    "CREATE TEMPORARY TABLES",
    "LOCK TABLES",
    "EXECUTE",
    "CREATE VIEW",
    "SHOW VIEW",
    "CREATE ROUTINE",
    "ALTER ROUTINE",
    "EVENT",
    "TRIGGER",
)
GLOBAL_ONLY_PRIVILEGES = (
    "RELOAD",
    "SHUTDOWN",
    "PROCESS",
    "FILE",
    "SHOW DATABASES",
    "SUPER",
    "REPLICATION SLAVE",
    "REPLICATION CLIENT",
    "CREATE USER",
    "CREATE TABLESPACE",
    "CREATE ROLE",
    "DROP ROLE",
)
STATIC_PRIVILEGES = DATABASE_PRIVILEGES + GLOBAL_ONLY_PRIVILEGES
"""All that ``*.*`` takes besides the dynamic privileges, which a server registers at run time."""

SYSTEM_USER = "SYSTEM_USER"
"""Dynamic. Who holds it is altered, and its sessions are ended, only by others who hold it."""

PERFORMANCE_SCHEMA_PRIVILEGES = ("SELECT", "INSERT", "UPDATE", "DELETE", "DROP", "LOCK TABLES")

_LEVELS: dict[str, tuple[str, ...]] = {
    "DATABASE": DATABASE_PRIVILEGES,
    "FUNCTION": ROUTINE_PRIVILEGES,
    "GLOBAL": STATIC_PRIVILEGES,
    "PATTERN": DATABASE_PRIVILEGES,
    "PROCEDURE": ROUTINE_PRIVILEGES,
    "TABLE": TABLE_PRIVILEGES,
}

ROLES_OF_AURORA = {
    "LOAD FROM S3": "AWS_LOAD_S3_ACCESS",
    "SELECT INTO S3": "AWS_SELECT_S3_ACCESS",
    "INVOKE LAMBDA": "AWS_LAMBDA_ACCESS",
    "INVOKE SAGEMAKER": "AWS_SAGEMAKER_ACCESS",
    "INVOKE COMPREHEND": "AWS_COMPREHEND_ACCESS",
}
"""Privileges of Aurora MySQL 2, which are roles in Aurora MySQL 3.

https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/AuroraMySQL.Compare-80-v3.html
"""

_COLUMN_NAMES = {
    "CREATE TEMPORARY TABLES": "Create_tmp_table_priv",
    "REPLICATION CLIENT": "Repl_client_priv",
    "REPLICATION SLAVE": "Repl_slave_priv",
    "SHOW DATABASES": "Show_db_priv",
}


def privileges_of(kind: str) -> tuple[str, ...]:
    """The static privileges that a scope of this kind takes; ALL means these (on ``*.*``: those that may be given)."""
    return _LEVELS[kind]


def flag_column(privilege: str) -> str:
    """The column of mysql.user and mysql.db that holds a static privilege."""
    return _COLUMN_NAMES.get(privilege, privilege.capitalize().replace(" ", "_") + "_priv")


def in_order(privilege: str) -> tuple[int, str]:
    """A sort key: static privileges as SHOW GRANTS prints them, then dynamic ones by name."""
    position = STATIC_PRIVILEGES.index(privilege) if privilege in STATIC_PRIVILEGES else len(STATIC_PRIVILEGES)
    return (position, privilege)

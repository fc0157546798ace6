# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Queries of facts about accounts of every kind: one for each subject, however many accounts there are."""

from __future__ import annotations

SESSIONS = (
    "SELECT ID, USER, HOST FROM information_schema.PROCESSLIST "
    "WHERE COMMAND <> 'Daemon' AND USER NOT IN ('system user', 'unauthenticated user')"
)

COUNTS_LOGINS = "SELECT @@performance_schema"

LOGINS = (
    "SELECT u.USER, CAST(s.VARIABLE_VALUE AS UNSIGNED) FROM performance_schema.global_status s "
    "LEFT JOIN performance_schema.users u ON u.USER IS NOT NULL WHERE s.VARIABLE_NAME = 'Uptime'"
)
"""Who has logged in since the server started, and for how many seconds it has been running.

https://dev.mysql.com/doc/refman/8.4/en/performance-schema-connection-tables.html
"""

# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""The statements of the lock that keeps runs apart, and the questions who holds it.

Who has taken a lock can be asked by its name only (performance_schema, which lists them, is often off). So an
announcement has a name that is made of what PROCESSLIST says of its session, the client's port included.
"""

from __future__ import annotations

from collections.abc import Collection

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.queries import Query, among

_NAME = "'dbops.aurora_iam'"
_ANNOUNCEMENT = f"CONCAT({_NAME}, ' ', LEFT(SHA2(CONCAT_WS(' ', ID, HOST), 256), 40))"
"""At most 64 characters: https://dev.mysql.com/doc/refman/8.4/en/locking-functions.html
MySQL 9.6 and newer have no SHA1: https://dev.mysql.com/doc/refman/9.6/en/legacy-hashing-component.html"""
_OWN = "FROM information_schema.PROCESSLIST WHERE ID = CONNECTION_ID()"

TAKE = f"SELECT GET_LOCK({_NAME}, %s)"
ANNOUNCE = f"SELECT GET_LOCK({_ANNOUNCEMENT}, 0) {_OWN}"
WITHDRAW = f"SELECT RELEASE_LOCK({_ANNOUNCEMENT}) {_OWN}"

HOLDERS = (
    f"SELECT IS_USED_LOCK({_NAME}), NULL, NULL, 0, CURRENT_USER(), CONNECTION_ID() UNION ALL "
    f"SELECT ID, USER, HOST, COALESCE(ID <> IS_USED_LOCK({_NAME}), 1), CURRENT_USER(), CONNECTION_ID() "
    "FROM information_schema.PROCESSLIST "
    f"WHERE ID = IS_USED_LOCK({_NAME}) OR ID = IS_USED_LOCK({_ANNOUNCEMENT})"
)
"""Rows of six: session, user, client (NULL where the login may not see it), whether it has only announced itself; then
this session's account and number."""


def accounts(users: Collection[str]) -> Query:
    """The accounts with these names. Rows of four: user, host, whether it may create accounts, itself or by a role that
    it has, and whether it is IAM-authenticated."""
    condition, values = among("User", users)
    return (
        "WITH RECURSIVE acts_as (User, Host, Role_user, Role_host) AS "
        f"(SELECT User, Host, User, Host FROM mysql.user WHERE {condition} UNION "
        "SELECT a.User, a.Host, e.FROM_USER, e.FROM_HOST FROM acts_as a "
        "JOIN mysql.role_edges e ON e.TO_USER = a.Role_user AND e.TO_HOST = a.Role_host) "
        "SELECT a.User, a.Host, MAX(r.Create_user_priv = 'Y'), "
        "MAX(r.User = a.User AND r.Host = a.Host AND r.plugin = 'AWSAuthenticationPlugin') "
        "FROM acts_as a JOIN mysql.user r ON r.User = a.Role_user AND r.Host = a.Role_host GROUP BY a.User, a.Host",
        values,
    )

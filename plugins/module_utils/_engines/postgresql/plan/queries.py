# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""What the server is asked when a plan is rehearsed or carried out. Text only."""

from __future__ import annotations

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.roles import (
    MEMBERSHIP_OPTIONS,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.iam_login import RDS_IAM


def token_logins(major: int) -> str:
    """Who can log in, and with a token only. Parameters: names that are left out, the master user

    Any membership counts, but one that only administers does not count for the master user.
    """
    return f"""
WITH RECURSIVE
member AS (SELECT oid FROM pg_roles WHERE rolname = '{RDS_IAM}'
           UNION SELECT m.member FROM member JOIN pg_auth_members m ON m.roleid = member.oid),
holder AS (SELECT oid FROM pg_roles WHERE rolname = '{RDS_IAM}'
           UNION SELECT m.member FROM holder JOIN pg_auth_members m ON m.roleid = holder.oid
           {"AND (m.inherit_option OR m.set_option)" if major >= MEMBERSHIP_OPTIONS else ""})
SELECT r.rolname::text AS name, r.oid::bigint FROM pg_roles r JOIN member USING (oid)
WHERE r.rolcanlogin AND r.rolname NOT IN (SELECT unnest(%s::name[]))
  AND (r.rolname <> %s OR r.oid IN (SELECT oid FROM holder))
"""


def token_logins_checksum(major: int) -> str:
    """Of :func:`token_logins`, in one row, however many they are."""
    return (
        "SELECT encode(sha256(convert_to(string_agg(oid::text, ',' ORDER BY oid), 'UTF8')), 'hex') "
        f"FROM ({token_logins(major)}) found"
    )


def all_memberships(major: int) -> str:
    options = "inherit_option, set_option" if major >= MEMBERSHIP_OPTIONS else "true, true"
    return (
        "SELECT pg_get_userbyid(roleid)::text, pg_get_userbyid(member)::text, pg_get_userbyid(grantor)::text, "
        f"admin_option, {options} FROM pg_auth_members"
    )


REMAINS = """
SELECT r.rolname::text,
       CASE d.deptype WHEN 'o' THEN 'owns ' WHEN 'a' THEN 'has privileges on ' WHEN 'i' THEN
            'has initial privileges, which belong to an extension, on ' ELSE 'is named by ' END
       || pg_describe_object(d.classid, d.objid, d.objsubid)
       || CASE WHEN d.deptype = 'o' AND d.dbid = 0 THEN ', which owned_objects: drop does not drop' ELSE '' END
FROM pg_shdepend d JOIN pg_roles r ON r.oid = d.refobjid
WHERE d.refclassid = 'pg_authid'::regclass AND r.rolname = ANY(%s::name[])
  AND (d.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
       OR (d.dbid = 0 AND current_database() = %s))
  AND NOT EXISTS (SELECT FROM pg_identify_object(d.classid, d.objid, d.objsubid) i
                  WHERE i.schema ~ '^"?pg_(toast_)?temp')
ORDER BY 1, 2
"""
"""What keeps roles from being dropped, without what is temporary: that goes with its session. Parameters: their names,
the database in which what all databases share counts.

https://www.postgresql.org/docs/current/catalog-pg-shdepend.html
"""

TABLE_LOCKS = """
SELECT DISTINCT c.oid::regclass::text, a.usename::text, a.pid, coalesce(host(a.client_addr), 'socket'), a.state
FROM pg_locks l
JOIN pg_class c ON c.oid = l.relation
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'relation' AND l.granted AND l.pid <> pg_backend_pid()
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND (strpos(%s, '"' || replace(pg_get_userbyid(c.relowner), '"', '""') || '"') > 0
       OR strpos(%s, '"' || replace(n.nspname, '"', '""') || '"."' || replace(c.relname, '"', '""') || '"') > 0)
ORDER BY 1, 2 LIMIT 5
"""
"""Who holds locks on tables that a statement names, or whose owner it names. Parameters: the statement, twice."""

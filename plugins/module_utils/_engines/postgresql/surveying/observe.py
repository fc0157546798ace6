# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Queries of facts about roles of every kind: one for each subject, however many roles there are."""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.base import Row
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.observe import read_memberships
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.session import PostgreSQLSession

ROLES = """
SELECT r.oid::bigint, r.rolname::text, r.rolcanlogin, r.rolsuper, r.rolcreaterole, r.rolconnlimit,
       coalesce(d.description, ''), r.rolbypassrls, r.rolreplication, r.rolvaliduntil::text
FROM pg_roles r
LEFT JOIN pg_shdescription d ON d.objoid = r.oid AND d.classoid = 'pg_catalog.pg_authid'::regclass
"""

SESSIONS = """
SELECT usename::text, count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' GROUP BY usename
"""

OWNED = """
SELECT pg_get_userbyid(s.refobjid)::text, coalesce(d.datname::text, c.datname::text), count(*)
FROM pg_shdepend s LEFT JOIN pg_database d ON d.oid = s.dbid
LEFT JOIN pg_database c ON s.dbid = 0 AND s.classid = 'pg_catalog.pg_database'::regclass AND c.oid = s.objid
WHERE s.refclassid = 'pg_catalog.pg_authid'::regclass AND s.deptype = 'o'
  AND s.refobjid IN (SELECT unnest(%s::oid[])) AND coalesce(d.datname, c.datname) IS NOT NULL
GROUP BY 1, 2
"""
"""What a role owns, by database; a database itself counts as in it."""

OWNED_OBJECTS = """
SELECT pg_get_userbyid(refobjid)::text, pg_describe_object(classid, objid, 0) FROM (
    SELECT s.*, row_number() OVER (PARTITION BY refobjid ORDER BY classid, objid) AS position FROM pg_shdepend s
    WHERE refclassid = 'pg_catalog.pg_authid'::regclass AND deptype = 'o'
      AND refobjid IN (SELECT unnest(%s::oid[]))
      AND (dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
           OR (classid = 'pg_catalog.pg_database'::regclass
               AND objid = (SELECT oid FROM pg_database WHERE datname = current_database())))
) s WHERE position <= %s ORDER BY 1, position
"""


def read_roles(session: PostgreSQLSession) -> tuple[list[Row], list[Row]]:
    roles = session.query(ROLES)
    return roles, read_memberships(session, [row[0] for row in roles])


def read_owned(session: PostgreSQLSession, accounts: Sequence[int]) -> list[Row]:
    return session.query(OWNED, (list(accounts),))


def read_owned_objects(session: PostgreSQLSession, database: str, accounts: Sequence[int], shown: int) -> list[Row]:
    return session.query(OWNED_OBJECTS, (list(accounts), shown), database)

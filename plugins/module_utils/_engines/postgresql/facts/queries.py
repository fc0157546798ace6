# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Queries of facts about roles of every kind: one for each subject, however many roles there are."""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.queries import (
    Query,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.grammar.kinds import (
    CLUSTER,
    KINDS,
    SETTING,
    Kind,
)

ROLES = """
SELECT r.oid::bigint, r.rolname::text, r.rolcanlogin, r.rolsuper, r.rolcreaterole, r.rolconnlimit,
       coalesce(d.description, ''), r.rolbypassrls, r.rolreplication, r.rolvaliduntil::text,
       coalesce(r.rolvaliduntil < now(), false)
FROM pg_roles r
LEFT JOIN pg_shdescription d ON d.objoid = r.oid AND d.classoid = 'pg_catalog.pg_authid'::regclass
"""

SESSIONS = """
SELECT usename::text, count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' GROUP BY usename
"""

_OWNED = """
SELECT pg_get_userbyid(s.refobjid)::text, coalesce(d.datname::text, c.datname::text), count(*)
FROM pg_shdepend s LEFT JOIN pg_database d ON d.oid = s.dbid
LEFT JOIN pg_database c ON s.dbid = 0 AND s.classid = 'pg_catalog.pg_database'::regclass AND c.oid = s.objid
WHERE s.refclassid = 'pg_catalog.pg_authid'::regclass AND s.deptype = 'o'
  AND s.refobjid IN (SELECT unnest(%s::oid[])) AND coalesce(d.datname, c.datname) IS NOT NULL
GROUP BY 1, 2
"""
_OWNED_OBJECTS = """
SELECT pg_get_userbyid(refobjid)::text, pg_describe_object(classid, objid, 0) FROM (
    SELECT s.*, row_number() OVER (PARTITION BY refobjid ORDER BY classid, objid) AS position FROM pg_shdepend s
    WHERE refclassid = 'pg_catalog.pg_authid'::regclass AND deptype = 'o'
      AND refobjid IN (SELECT unnest(%s::oid[]))
      AND (dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
           OR (classid = 'pg_catalog.pg_database'::regclass
               AND objid = (SELECT oid FROM pg_database WHERE datname = current_database())))
) s WHERE position <= %s ORDER BY 1, position
"""

# The list of PUBLIC, and whom else CONNECT is granted to where PUBLIC has it
PUBLIC_DATABASES = """
SELECT d.datname::text, quote_ident(d.datname), pg_get_userbyid(d.datdba)::text, d.datistemplate,
       has_database_privilege(d.oid, 'CONNECT')
       AND (d.datconnlimit <> 0 OR (SELECT rolsuper FROM pg_roles WHERE rolname = session_user)),
       e.privilege_type, pg_get_userbyid(nullif(e.grantee, 0))::text
FROM pg_database d
CROSS JOIN LATERAL (SELECT coalesce(d.datacl, acldefault('d', d.datdba)) AS acl OFFSET 0) a
CROSS JOIN LATERAL (SELECT EXISTS (
    SELECT FROM aclexplode(a.acl) p WHERE p.grantee = 0 AND p.privilege_type = 'CONNECT'
) AS is_open OFFSET 0) o
LEFT JOIN LATERAL aclexplode(a.acl) e ON e.grantee = 0 OR (o.is_open AND e.privilege_type = 'CONNECT')
WHERE d.datallowconn AND d.datconnlimit <> -2
"""

_PUBLIC_SHARED = """
SELECT kind, privilege, count(*), (json_agg(name ORDER BY name) FILTER (WHERE position <= %s))::text FROM (
    SELECT a.kind, a.name, e.privilege_type, row_number() OVER (PARTITION BY a.kind, e.privilege_type ORDER BY a.name)
    FROM ({lists}) a(kind, name, acl), aclexplode(a.acl) e WHERE e.grantee = 0
) e(kind, name, privilege, position) GROUP BY kind, privilege ORDER BY kind, privilege
"""

_SYSTEM = "n.nspname IN ('pg_catalog', 'information_schema', 'pg_toast')"
_STANDARD = "n.nspname = 'information_schema'"
_TEMPORARY = "n.nspname ~ '^pg_(toast_)?temp_'"
_RELATION = "CASE {0}.relkind WHEN 'S' THEN 'SEQUENCE' WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END"
_ROUTINE = "CASE p.prokind WHEN 'p' THEN 'PROCEDURE' ELSE 'FUNCTION' END"
_IN_SCHEMA = "quote_ident(n.nspname) || '.' || quote_ident({0})"
_SIGNATURE = _IN_SCHEMA.format("p.proname") + " || '(' || pg_get_function_identity_arguments(p.oid) || ')'"
_CLASSES = "CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END"

# What PUBLIC has on the server's own objects and on extensions' is theirs by design, as far as they came with it, which
# pg_init_privs keeps. It does not have those of information_schema, which show only what the caller may see. USAGE on
# types and on trusted languages is PUBLIC's by default and gives nothing away.
# https://www.postgresql.org/docs/current/catalog-pg-init-privs.html
# https://www.postgresql.org/docs/current/ddl-priv.html
_PUBLIC_GRANTS = f"""
WITH extended AS (SELECT classid, objid FROM pg_depend WHERE deptype = 'e'),
list(kind, classid, objid, subid, name, acl, initial, given) AS (
    SELECT 'SCHEMA', n.tableoid, n.oid, 0, quote_ident(n.nspname), coalesce(n.nspacl, acldefault('n', n.nspowner)),
           acldefault('n', n.nspowner), {_SYSTEM}
    FROM pg_namespace n WHERE NOT {_TEMPORARY}
    UNION ALL
    SELECT {_RELATION.format("c")}, c.tableoid, c.oid, 0, {_IN_SCHEMA.format("c.relname")}, c.relacl,
           acldefault(({_CLASSES})::"char", c.relowner), {_SYSTEM}
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relacl IS NOT NULL AND NOT {_TEMPORARY} AND NOT {_STANDARD}
    UNION ALL
    SELECT 'COLUMN', c.tableoid, c.oid, a.attnum, {_IN_SCHEMA.format("c.relname")} || '.' || quote_ident(a.attname),
           a.attacl, NULL, {_SYSTEM}
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE a.attacl IS NOT NULL AND NOT a.attisdropped AND NOT {_TEMPORARY} AND NOT {_STANDARD}
    UNION ALL
    SELECT {_ROUTINE}, p.tableoid, p.oid, 0, {_SIGNATURE}, coalesce(p.proacl, acldefault('f', p.proowner)),
           acldefault('f', p.proowner), {_SYSTEM}
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE NOT ({_SYSTEM} AND p.proacl IS NULL) AND NOT {_TEMPORARY} AND NOT {_STANDARD}
    UNION ALL
    SELECT 'FOREIGN DATA WRAPPER', f.tableoid, f.oid, 0, quote_ident(f.fdwname), f.fdwacl, NULL, false
    FROM pg_foreign_data_wrapper f WHERE f.fdwacl IS NOT NULL
    UNION ALL
    SELECT 'FOREIGN SERVER', s.tableoid, s.oid, 0, quote_ident(s.srvname), s.srvacl, NULL, false
    FROM pg_foreign_server s WHERE s.srvacl IS NOT NULL
    UNION ALL
    SELECT 'LARGE OBJECT', l.tableoid, l.oid, 0, l.oid::text, l.lomacl, NULL, false
    FROM pg_largeobject_metadata l WHERE l.lomacl IS NOT NULL
),
held(kind, name, privilege) AS (
    SELECT l.kind, l.name, e.privilege_type
    FROM list l LEFT JOIN extended x ON x.classid = l.classid AND x.objid = l.objid
    LEFT JOIN pg_init_privs i ON i.classoid = l.classid AND i.objoid = l.objid AND i.objsubid = l.subid,
         aclexplode(l.acl) e
    WHERE e.grantee = 0 AND NOT ((l.given OR x.objid IS NOT NULL) AND EXISTS (
        SELECT FROM aclexplode(coalesce(i.initprivs, l.initial)) o
        WHERE o.grantee = 0 AND o.privilege_type = e.privilege_type))
      AND (l.kind, l.name, e.privilege_type) <> ('SCHEMA', 'information_schema', 'USAGE')
    UNION ALL
    SELECT 'FUTURE ' || CASE d.defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' WHEN 'n' THEN 'SCHEMAS'
                        WHEN 'f' THEN 'FUNCTIONS' WHEN 'T' THEN 'TYPES' ELSE 'LARGE OBJECTS' END,
           'of ' || quote_ident(pg_get_userbyid(d.defaclrole)) || coalesce(' in ' || quote_ident(n.nspname), ''),
           e.privilege_type
    FROM pg_default_acl d LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace, aclexplode(d.defaclacl) e
    WHERE e.grantee = 0 AND NOT (d.defaclobjtype IN ('f', 'T') AND d.defaclnamespace = 0)
    UNION ALL
    SELECT 'USER MAPPING', quote_ident(u.srvname), 'USAGE' FROM pg_user_mappings u WHERE u.umuser = 0
)
SELECT kind, privileges, count(*), (json_agg(name ORDER BY name) FILTER (WHERE position <= %s))::text FROM (
    SELECT kind, name, privileges, row_number() OVER (PARTITION BY kind, privileges ORDER BY name) AS position FROM (
        SELECT kind, name, string_agg(DISTINCT privilege, ', ' ORDER BY privilege) AS privileges
        FROM held GROUP BY kind, name
    ) o
) o GROUP BY kind, privileges ORDER BY kind, privileges
"""

# Whom the privilege is granted to (NULL: PUBLIC), on what PUBLIC has it on: code that runs with its owner's privileges,
# the schemas of such code, and schemas in which PUBLIC may create objects. Event triggers are nobody's to call.
PUBLIC_ENTRIES = f"""
WITH code AS (
    SELECT p.pronamespace, {_ROUTINE} AS kind, {_SIGNATURE} AS name, p.proowner, n.nspname,
           coalesce(p.proacl, acldefault('f', p.proowner)) AS acl
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE p.prosecdef AND p.prorettype <> 'pg_catalog.event_trigger'::regtype AND NOT {_SYSTEM} AND NOT {_TEMPORARY}
      AND NOT EXISTS (
          SELECT FROM pg_depend d WHERE d.classid = p.tableoid AND d.objid = p.oid AND d.deptype = 'e')
),
open_code AS (
    SELECT * FROM code WHERE EXISTS (
        SELECT FROM aclexplode(acl) e WHERE e.grantee = 0 AND e.privilege_type = 'EXECUTE')
),
schema AS (
    SELECT n.oid, n.nspname, n.nspowner, coalesce(n.nspacl, acldefault('n', n.nspowner)) AS acl
    FROM pg_namespace n WHERE NOT {_SYSTEM} AND NOT {_TEMPORARY}
)
SELECT e.privilege_type, c.nspname::text, c.kind || ' ' || c.name, pg_get_userbyid(c.proowner)::text,
       pg_get_userbyid(nullif(e.grantee, 0))::text
FROM open_code c, aclexplode(c.acl) e
UNION ALL
SELECT e.privilege_type, s.nspname::text, quote_ident(s.nspname), pg_get_userbyid(s.nspowner)::text,
       pg_get_userbyid(nullif(e.grantee, 0))::text
FROM schema s, aclexplode(s.acl) e
WHERE (e.privilege_type = 'USAGE' AND s.oid IN (SELECT pronamespace FROM open_code))
   OR (e.privilege_type = 'CREATE' AND EXISTS (
        SELECT FROM aclexplode(s.acl) p WHERE p.grantee = 0 AND p.privilege_type = 'CREATE'))
ORDER BY 1, 2, 3, 5
"""


def public_shared(shown: int, major: int) -> Query:
    """What PUBLIC has on what all databases share but the databases. ``shown``: how many objects are named."""
    lists = (
        f"SELECT '{kind.word}'::text, {_quoted(kind)}, {kind.catalog.acl} FROM {kind.catalog.table} c"
        for kind in KINDS
        if kind.place == CLUSTER and kind.word != "DATABASE" and kind.since <= major
    )
    return _PUBLIC_SHARED.format(lists=" UNION ALL ".join(lists)), (shown,)


def _quoted(kind: Kind) -> str:
    """The words of a parameter need no quotation marks."""
    return kind.catalog.name if kind.catalog.form == SETTING else f"quote_ident({kind.catalog.name})"


def public_grants(shown: int) -> Query:
    """What PUBLIC has in a database."""
    return _PUBLIC_GRANTS, (shown,)


def owned(accounts: Sequence[int]) -> Query:
    """What a role owns, by database; a database itself counts as in it."""
    return _OWNED, (list(accounts),)


def owned_objects(accounts: Sequence[int], shown: int) -> Query:
    return _OWNED_OBJECTS, (list(accounts), shown)

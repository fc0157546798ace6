# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Reading what keeps accounts from being dropped: what they own, and what its new owner may do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.queries import Query

# What keeps a role from being dropped, the first ten of each kind, and all of its schemas. Only the database that holds
# an object can describe it; those with dbid 0 are shared. Kinds: see dependencies.py.
# What is temporary goes with the sessions of an account that has any here.
# Parameters: accounts whose sessions end, accounts, whether to add what is shared and out of sight, the
# databases that are in sight
_OBSTACLES = """
WITH temporary AS (SELECT oid FROM pg_namespace WHERE starts_with(nspname, 'pg_temp_')),
ending AS (
    SELECT usesysid FROM pg_stat_activity WHERE usesysid IN (SELECT unnest(%s::oid[])) AND datname = current_database()
), found AS (
    SELECT s.refobjid, s.dbid, s.classid, s.objid, s.objsubid,
           CASE WHEN s.deptype = 'o' AND s.dbid = 0 THEN 'D' ELSE s.deptype::text END AS kind
    FROM pg_shdepend s
    WHERE s.refclassid = 'pg_catalog.pg_authid'::regclass AND s.refobjid IN (SELECT unnest(%s::oid[]))
      AND NOT (s.refobjid IN (SELECT usesysid FROM ending) AND (s.classid, s.objid) IN (
          SELECT tableoid, oid FROM pg_class WHERE relnamespace IN (SELECT oid FROM temporary)
          UNION ALL SELECT tableoid, oid FROM pg_proc WHERE pronamespace IN (SELECT oid FROM temporary)
          UNION ALL SELECT tableoid, oid FROM pg_type WHERE typnamespace IN (SELECT oid FROM temporary)
      ) AND s.dbid = (SELECT oid FROM pg_database WHERE datname = current_database()))
), also AS (SELECT %s AS shared)
SELECT pg_get_userbyid(refobjid)::text, kind, number, pg_describe_object(classid, objid, objsubid) FROM (
    SELECT found.*, count(*) OVER (PARTITION BY refobjid, kind) AS number,
           row_number() OVER (PARTITION BY refobjid, kind ORDER BY objid) AS position
    FROM found, also
    WHERE (kind <> 'a' OR classid = 'pg_catalog.pg_auth_members'::regclass)
      AND (dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) OR (also.shared AND dbid = 0))
) s WHERE position <= 10
UNION ALL
SELECT pg_get_userbyid(nspowner)::text, 'S', 1, nspname::text
FROM pg_namespace WHERE nspowner IN (SELECT refobjid FROM found)
UNION ALL
SELECT DISTINCT pg_get_userbyid(refobjid)::text, 'd', 1, d.datname::text
FROM also, found JOIN pg_database d ON d.oid = found.dbid
WHERE also.shared AND NOT d.datname = ANY(%s::name[])
ORDER BY 1, 2, 4
"""

# What DROP OWNED would drop of accounts, without what is temporary. Parameter: their names
_OWNED = """
SELECT r.rolname::text, pg_describe_object(s.classid, s.objid, s.objsubid)
FROM pg_shdepend s JOIN pg_roles r ON r.oid = s.refobjid
WHERE s.refclassid = 'pg_catalog.pg_authid'::regclass AND r.rolname = ANY(%s::name[])
  AND (s.deptype IN ('o', 'r') OR s.classid = 'pg_catalog.pg_auth_members'::regclass)
  AND s.dbid IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
  AND NOT EXISTS (SELECT FROM pg_identify_object(s.classid, s.objid, s.objsubid) i
                  WHERE i.schema ~ '^"?pg_(toast_)?temp')
ORDER BY 1, 2
"""

# Of what is shared, a subscription belongs to one database
_HERE = """
(s.dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) OR
 (s.classid = 'pg_subscription'::regclass AND s.objid IN (
    SELECT b.oid FROM pg_subscription b JOIN pg_database d ON d.oid = subdbid WHERE datname = current_database())))
"""

_OWNED_BY = f"""
owned AS (
    SELECT pair.*, s.classid, s.objid FROM pair JOIN pg_shdepend s ON s.refobjid = pair.account
    WHERE s.refclassid = 'pg_catalog.pg_authid'::regclass AND s.deptype = 'o' AND {_HERE}
)
"""

# Code that changes owner, in three columns: account, description, and a checksum of what it does.
#
# parts    what is owned, and all that is a part of it: indexes, constraints, defaults, rules, triggers, policies
# code     what runs with its owner's rights: so do rules but SELECT of a view with security_invoker, and subscriptions.
#          ANALYZE evaluates the expressions of extended statistics as the table's owner, and they may call any
#          function: https://www.postgresql.org/docs/current/sql-createstatistics.html
# uses     what the expressions of the parts refer to directly, and reached, what that leads to: operators to functions,
#          types to their input functions and constraints, operator classes, views, functions with SQL bodies
# decided  what its owner may replace at any time, so that others than the new owner decide what runs with its rights.
#          Who owns an extension may add functions to it. Foreign keys cascade as the owner of the table, where triggers
#          of others fire, and are checked as the owner of the key, with casts that belong to a type's owner. Indexes on
#          a partitioned table are built as the owner of each partition.
# calls    functions of the server and of extensions that execute queries, read types or have another effect:
#          https://www.postgresql.org/docs/current/functions-xml.html#FUNCTIONS-XML-MAPPING
# The server records no dependency on what initdb made. https://www.postgresql.org/docs/current/catalog-pg-depend.html
_PART_OF = "('a', 'i', 'P', 'S')"
# Volatile functions that defaults use and that neither execute nor read what others made
_HARMLESS = (
    "nextval,clock_timestamp,random,gen_random_uuid,uuidv4,uuidv7,uuid_generate_v1,uuid_generate_v4,txid_current"
)
_CODE_OF = f"""
parts AS (
    SELECT * FROM owned
    UNION SELECT parts.account, parts.new_owner, d.classid, d.objid FROM parts JOIN pg_depend d
    ON d.refclassid = parts.classid AND d.refobjid = parts.objid
    AND (d.deptype IN {_PART_OF} OR (d.classid = 'pg_cast'::regclass AND d.refclassid = 'pg_type'::regclass))
), code AS (
    SELECT account, classid, objid, to_jsonb(p) - '{{proowner,proacl}}'::text[] AS definition
    FROM owned JOIN pg_proc p ON p.oid = objid WHERE classid = 'pg_proc'::regclass
    UNION ALL SELECT account, classid, objid, to_jsonb(e) - 'evtowner'
    FROM owned JOIN pg_event_trigger e ON e.oid = objid WHERE classid = 'pg_event_trigger'::regclass
    UNION ALL SELECT account, 'pg_trigger'::regclass, t.oid, to_jsonb(t)
    FROM owned JOIN pg_trigger t ON t.tgrelid = objid WHERE classid = 'pg_class'::regclass AND NOT t.tgisinternal
    UNION ALL SELECT account, 'pg_rewrite'::regclass, w.oid, to_jsonb(w)
    FROM owned JOIN pg_rewrite w ON w.ev_class = objid JOIN pg_class c ON c.oid = objid
    WHERE classid = 'pg_class'::regclass
      AND NOT (w.ev_type = '1' AND coalesce('security_invoker=true' = ANY(c.reloptions), false))
    UNION ALL SELECT account, classid, objid, to_jsonb(ARRAY[b.subname::text, b.subpublications::text])
    FROM owned JOIN pg_subscription b ON b.oid = objid WHERE classid = 'pg_subscription'::regclass
    UNION ALL SELECT account, classid, objid, to_jsonb(x) - 'stxowner'
    FROM parts JOIN pg_statistic_ext x ON x.oid = objid
    WHERE classid = 'pg_statistic_ext'::regclass AND to_jsonb(x) ->> 'stxexprs' IS NOT NULL
), uses AS (
    SELECT DISTINCT parts.*, d.refclassid, d.refobjid
    FROM parts JOIN pg_depend d ON d.classid = parts.classid AND d.objid = parts.objid
    WHERE d.refclassid NOT IN ('pg_namespace'::regclass, 'pg_extension'::regclass, 'pg_language'::regclass)
      AND NOT EXISTS (SELECT FROM pg_class WHERE d.refclassid = 'pg_class'::regclass AND oid = d.refobjid
                      AND relkind NOT IN ('v', 'm', 'c'))
      AND (parts.account, d.refclassid, d.refobjid) NOT IN (SELECT account, classid, objid FROM parts)
), reached AS (
    SELECT DISTINCT refclassid AS rootclass, refobjid AS root, refclassid AS classid, refobjid AS objid FROM uses
    UNION SELECT rootclass, root, next.classid, next.objid FROM reached, LATERAL (
        SELECT d.refclassid, d.refobjid FROM pg_depend d
        WHERE d.classid = reached.classid AND d.objid = reached.objid
        UNION ALL SELECT d.classid, d.objid FROM pg_depend d
        WHERE d.refclassid = reached.classid AND d.refobjid = reached.objid AND d.deptype IN {_PART_OF}
    ) AS next(classid, objid)
    WHERE next.classid NOT IN ('pg_namespace'::regclass, 'pg_extension'::regclass, 'pg_language'::regclass)
      AND NOT EXISTS (SELECT FROM pg_class WHERE next.classid = 'pg_class'::regclass AND oid = next.objid
                      AND relkind NOT IN ('v', 'm', 'c'))
), replaceable(classid, objid, owner) AS (
    SELECT tableoid, oid, proowner FROM pg_proc
    UNION ALL SELECT tableoid, oid, typowner FROM pg_type WHERE typtype = 'd'
    UNION ALL SELECT tableoid, oid, relowner FROM pg_class WHERE relkind = 'v'
), tables AS (
    SELECT owned.*, c.relacl, a.attacl FROM owned JOIN pg_class c ON c.oid = objid
    LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attacl IS NOT NULL WHERE classid = 'pg_class'::regclass
), tree AS (
    SELECT objid AS root, inhparent AS relid, true AS up FROM tables JOIN pg_inherits ON inhrelid = objid
    UNION ALL SELECT objid, inhrelid, false FROM tables JOIN pg_inherits ON inhparent = objid
    UNION SELECT root, CASE WHEN up THEN inhparent ELSE inhrelid END, up
    FROM tree JOIN pg_inherits ON relid = CASE WHEN up THEN inhrelid ELSE inhparent END
), decided(account, new_owner, classid, objid, what, owner) AS (
    SELECT u.account, u.new_owner, u.classid, u.objid, pg_describe_object(r.classid, r.objid, 0), r.owner
    FROM uses u JOIN reached ON rootclass = u.refclassid AND root = u.refobjid
    JOIN replaceable r ON r.classid = reached.classid AND r.objid = reached.objid
    UNION ALL SELECT account, new_owner, classid, objid, 'privilege ' || x.privilege_type, x.grantee
    FROM tables, LATERAL (SELECT * FROM aclexplode(relacl) UNION ALL SELECT * FROM aclexplode(attacl)) x
    WHERE x.privilege_type IN ('TRIGGER', 'REFERENCES')
    UNION ALL SELECT account, new_owner, f.tableoid, f.oid, pg_describe_object(t.tableoid, t.oid, 0), t.typowner
    FROM tables JOIN pg_constraint f ON f.contype = 'f' AND objid IN (f.conrelid, f.confrelid)
    CROSS JOIN unnest(f.conkey, f.confkey) AS k(referencing, referenced)
    JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = k.referencing
    JOIN pg_attribute b ON b.attrelid = f.confrelid AND b.attnum = k.referenced AND b.atttypid <> a.atttypid
    JOIN pg_type t ON t.oid IN (a.atttypid, b.atttypid)
    UNION ALL SELECT account, new_owner, classid, objid, pg_describe_object(c.tableoid, c.oid, 0), c.relowner
    FROM tables JOIN tree ON root = objid JOIN pg_class c ON c.oid = relid WHERE NOT up OR c.relkind = 'p'
), untrusted AS (
    SELECT d.* FROM decided d LEFT JOIN pg_roles o ON o.oid = d.owner
    WHERE o.oid IS NULL OR (
        NOT o.rolsuper AND d.owner NOT IN (d.account, d.new_owner) AND o.rolname NOT IN (session_user, current_user)
        AND NOT pg_has_role(d.owner, d.new_owner, 'USAGE'))
), expressions AS (
    SELECT parts.*, conbin::text AS tree FROM parts JOIN pg_constraint c ON c.oid = objid AND c.tableoid = classid
    UNION ALL SELECT parts.*, adbin::text FROM parts JOIN pg_attrdef a ON a.oid = objid AND a.tableoid = classid
    UNION ALL SELECT parts.*, concat(polqual, polwithcheck)
    FROM parts JOIN pg_policy p ON p.oid = objid AND p.tableoid = classid
), calls AS (
    SELECT e.account, e.new_owner, e.classid, e.objid, pg_describe_object(p.tableoid, p.oid, 0), p.proowner
    FROM expressions e, regexp_matches(tree, 'funcid ([0-9]+)', 'g') AS m(found)
    JOIN pg_proc p ON p.oid = m.found[1]::oid JOIN pg_roles o ON o.oid = p.proowner
    WHERE o.rolsuper AND (starts_with(p.proname, 'pg_input_') OR 'cstring'::regtype = ANY(p.proargtypes)
                          OR (p.provolatile = 'v' AND p.proname <> ALL('{{{_HARMLESS}}}')))
)
SELECT pg_get_userbyid(account)::text, pg_describe_object(classid, objid, 0), md5(definition::text) FROM code
UNION ALL
SELECT DISTINCT pg_get_userbyid(account)::text, pg_describe_object(classid, objid, 0) || ' with ' || what || ' of '
       || CASE owner WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(owner) END, ''
FROM (SELECT * FROM untrusted UNION ALL SELECT * FROM calls) AS found
ORDER BY 1, 2
"""

# Before: the code of accounts. Parameters: two lists of equal length, accounts and their new owners
_CODE = f"""
WITH RECURSIVE pair AS (SELECT * FROM unnest(%s::oid[], %s::oid[]) AS p(account, new_owner)), {_OWNED_BY}, {_CODE_OF}
"""

# After: the code of what this transaction has given to new owners, with these in the place of the accounts. The server
# writes an object's entry in pg_shdepend when its owner changes, and no other owner has an entry of this transaction.
# Parameters: the new owners
_REASSIGNED_CODE = f"""
WITH RECURSIVE owned AS (
    SELECT s.refobjid AS account, s.refobjid AS new_owner, s.classid, s.objid
    FROM pg_shdepend s JOIN pg_roles n ON n.oid = s.refobjid
    WHERE n.rolname = ANY(%s::name[]) AND s.refclassid = 'pg_catalog.pg_authid'::regclass AND s.deptype = 'o'
      AND {_HERE} AND s.xmin = (txid_current() & 4294967295)::text::xid
), {_CODE_OF}
"""

# Views and SECURITY DEFINER routines that change owner, with the privileges that the account has on objects of others
# and its new owner lacks. What a view reads is known, and of a routine's body nothing. Simple views can be written to.
# Columns: account, description, number of the other's object, its description, privilege
# Parameters: two lists of equal length, accounts and their new owners
_NEEDS = """
WITH pair AS (SELECT * FROM unnest(%s::oid[], %s::oid[]) AS p(account, new_owner)),
known AS (
    SELECT DISTINCT pair.*, s.classid, s.objid
    FROM pair JOIN pg_shdepend s ON pg_has_role(pair.account, s.refobjid, 'USAGE')
    WHERE s.refclassid = 'pg_authid'::regclass AND s.deptype IN ('o', 'a')
      AND s.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND pair.account IN (SELECT relowner FROM pg_class WHERE relkind IN ('v', 'm')
                           UNION ALL SELECT proowner FROM pg_proc WHERE prosecdef)
), lacking AS (
    SELECT account, new_owner, classid, objid, p.privilege, p.event
    FROM known JOIN pg_class c ON c.oid = objid AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relowner <> account
    CROSS JOIN (VALUES ('SELECT', 0), ('UPDATE', 4), ('INSERT', 8)) AS p(privilege, event)
    WHERE classid = 'pg_class'::regclass AND has_any_column_privilege(account, objid, p.privilege)
      AND NOT has_any_column_privilege(new_owner, objid, p.privilege)
    UNION ALL SELECT account, new_owner, classid, objid, 'DELETE', 16
    FROM known JOIN pg_class c ON c.oid = objid AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relowner <> account
    WHERE classid = 'pg_class'::regclass AND has_table_privilege(account, objid, 'DELETE')
      AND NOT has_table_privilege(new_owner, objid, 'DELETE')
    UNION ALL SELECT account, new_owner, classid, objid, 'EXECUTE', -1
    FROM known JOIN pg_proc p ON p.oid = objid AND p.proowner <> account
    WHERE classid = 'pg_proc'::regclass AND has_function_privilege(account, objid, 'EXECUTE')
      AND NOT has_function_privilege(new_owner, objid, 'EXECUTE')
)
SELECT DISTINCT pg_get_userbyid(account)::text, pg_describe_object(v.tableoid, v.oid, 0), lacking.objid::bigint,
       pg_describe_object(lacking.classid, lacking.objid, 0), privilege
FROM lacking JOIN pg_class v ON v.relowner = account AND v.relkind IN ('v', 'm')
JOIN pg_rewrite w ON w.ev_class = v.oid
JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid
 AND d.refclassid = lacking.classid AND d.refobjid = lacking.objid
WHERE NOT coalesce('security_invoker=true' = ANY(v.reloptions), false)
  AND (event = 0 OR event > 0 AND pg_relation_is_updatable(v.oid, false) & event <> 0)
UNION ALL
SELECT pg_get_userbyid(account)::text, pg_describe_object(p.tableoid, p.oid, 0), lacking.objid::bigint,
       pg_describe_object(lacking.classid, lacking.objid, 0), privilege
FROM lacking JOIN pg_proc p ON p.proowner = account AND p.prosecdef
ORDER BY 1, 2, 4, 5
"""

# Which of these privileges roles still lack. Parameters: three lists of equal length, roles, numbers of objects,
# privileges
_LACKING = """
SELECT number::int
FROM unnest(%s::name[], %s::oid[], %s::text[]) WITH ORDINALITY AS n(role, object, privilege, number)
WHERE NOT CASE privilege WHEN 'EXECUTE' THEN has_function_privilege(role, object, privilege)
                         WHEN 'DELETE' THEN has_table_privilege(role, object, privilege)
                         ELSE has_any_column_privilege(role, object, privilege) END
ORDER BY 1
"""

# Rights that a new owner has by itself, with the database in which they count, which is empty for all of them;
# memberships are known from elsewhere. A session cannot act in another database, so code in one database gains nothing
# by what its owner has in another. Parameters: accounts, their new owners
_NEW_OWNERS = """
WITH pair AS (SELECT * FROM unnest(%s::oid[], %s::oid[]) AS p(account, new_owner))
SELECT pg_get_userbyid(account)::text, '', a.name FROM pair
JOIN pg_roles o ON o.oid = account JOIN pg_roles n ON n.oid = new_owner,
LATERAL (VALUES ('is SUPERUSER', n.rolsuper > o.rolsuper), ('has CREATEROLE', n.rolcreaterole > o.rolcreaterole),
                ('has CREATEDB', n.rolcreatedb > o.rolcreatedb), ('has BYPASSRLS', n.rolbypassrls > o.rolbypassrls),
                ('has REPLICATION', n.rolreplication > o.rolreplication)) AS a(name, more)
WHERE a.more
UNION ALL
SELECT pg_get_userbyid(account)::text, coalesce(d.datname::text, ''),
       CASE s.deptype WHEN 'o' THEN 'owns ' ELSE 'has privileges on ' END || count(*)
       || CASE count(*) WHEN 1 THEN ' object' ELSE ' objects' END || coalesce(' in database ' || d.datname, '')
FROM pair JOIN pg_shdepend s ON s.refobjid = new_owner AND s.refclassid = 'pg_catalog.pg_authid'::regclass
LEFT JOIN pg_subscription b ON b.oid = s.objid AND s.classid = 'pg_subscription'::regclass
LEFT JOIN pg_database d ON d.oid IN (s.dbid, b.subdbid)
WHERE s.deptype IN ('o', 'a') GROUP BY account, s.deptype, d.datname
ORDER BY 1, 2, 3
"""


# What is read of sessions stays as it is until the end of the transaction.
# https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-STATS-VIEWS
FORGET_SESSIONS = "SELECT pg_stat_clear_snapshot()::text"
# Parameter: process IDs
_OPEN_SESSIONS = "SELECT pid FROM pg_stat_activity WHERE pid IN (SELECT unnest(%s::int[]))"


def obstacles(accounts: Sequence[int], ending: Sequence[int], shared: bool, visible: Sequence[str]) -> Query:
    """``ending``: those of the accounts whose sessions end; ``visible``: the databases that are in sight."""
    return _OBSTACLES, (list(ending), list(accounts), shared, list(visible))


def owned(accounts: Iterable[str]) -> Query:
    return _OWNED, (sorted(accounts),)


def code(reassigned: Mapping[int, int]) -> Query:
    """``reassigned``: accounts and their new owners."""
    return _CODE, _pairs(reassigned)


def reassigned_code(new_owners: Iterable[str]) -> Query:
    return _REASSIGNED_CODE, (sorted(new_owners),)


def needs(reassigned: Mapping[int, int]) -> Query:
    return _NEEDS, _pairs(reassigned)


def lacking(roles: Sequence[str], objects: Sequence[int], privileges: Sequence[str]) -> Query:
    return _LACKING, (list(roles), list(objects), list(privileges))


def new_owners(reassigned: Mapping[int, int]) -> Query:
    return _NEW_OWNERS, _pairs(reassigned)


def open_sessions(processes: Iterable[int]) -> Query:
    return _OPEN_SESSIONS, (list(processes),)


def _pairs(reassigned: Mapping[int, int]) -> tuple[list[int], list[int]]:
    return list(reassigned), list(reassigned.values())

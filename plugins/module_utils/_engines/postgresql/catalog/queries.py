# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Queries that read a cluster in bulk, however many accounts there are: one for each subject.

pg_authid is never read: RDS hides it from everybody. What pg_roles, pg_auth_members and pg_shdepend say is enough, and
pg_shdepend tells which databases and objects an account has anything to do with, without a connection to each.
https://www.postgresql.org/docs/current/catalog-pg-shdepend.html
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.roles import (
    MEMBERSHIP_OPTIONS,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.iam_login import LOCK_MARKER, RDS_IAM

# The accounts with their members, and what all of these and the other names are members of.
#
# The server's statistics know nothing of accounts that were made a moment ago, and for a recursion it multiplies what
# it guesses. Through an array it takes the start for ten rows, which keeps its tables small; and it would join whatever
# is found by comparing each with each, but not in a test that is no plain IN and of distinct numbers.
# https://www.postgresql.org/docs/current/planner-stats.html
_ROLES = """
WITH RECURSIVE
account AS (SELECT unnest(ARRAY(SELECT oid FROM pg_roles WHERE rolname = ANY(%s::name[]))) AS oid),
down AS (SELECT oid FROM account UNION SELECT m.member FROM down JOIN pg_auth_members m ON m.roleid = down.oid),
known AS (SELECT unnest(ARRAY(
    SELECT oid FROM down UNION SELECT oid FROM pg_roles WHERE rolname = ANY(%s::name[]) OR rolname = session_user
)) AS oid),
up AS (SELECT oid FROM known UNION SELECT m.roleid FROM up JOIN pg_auth_members m ON m.member = up.oid)
SELECT r.oid::bigint, r.rolname::text, r.rolcanlogin, r.rolsuper, r.rolcreaterole, r.rolconnlimit,
       coalesce((SELECT d.description FROM pg_shdescription d
                 WHERE d.objoid = r.oid AND d.classoid = 'pg_catalog.pg_authid'::regclass), ''),
       coalesce(current_setting('createrole_self_grant', true), ''),
       EXISTS (SELECT FROM pg_settings WHERE name = 'rds.extensions'),
       r.oid IN (SELECT usesysid FROM pg_stat_activity WHERE usesysid IS NOT NULL),
       CASE WHEN r.rolvaliduntil < now() THEN 'VALID UNTIL ' || r.rolvaliduntil::text END
FROM pg_roles r WHERE (r.oid IN (SELECT DISTINCT oid FROM up)) IS TRUE
"""
# The member's INHERIT attribute decided before 16, and since then the membership's own options.
_MEMBERSHIPS = """
SELECT pg_get_userbyid(a.roleid)::text, pg_get_userbyid(a.member)::text, pg_get_userbyid(a.grantor)::text,
       a.admin_option, {options}
FROM pg_auth_members a WHERE a.member IN (SELECT unnest(%s::oid[])) OR {granted} IN (SELECT unnest(%s::oid[]))
"""
_MEMBERSHIPS_BEFORE_16 = _MEMBERSHIPS.format(
    options="a.member IN (SELECT oid FROM pg_roles WHERE rolinherit), true", granted="NULL"
)
_MEMBERSHIPS_SINCE_16 = _MEMBERSHIPS.format(options="a.inherit_option, a.set_option", granted="a.grantor")

# Custom parameters, which have a dot in their names, need not be there to be granted; all are the superuser's.
# A database with the connection limit -2 is invalid: its DROP DATABASE was interrupted.
_SHARED_OBJECTS = """
SELECT 'DATABASE', d.oid::bigint, d.datname::text, pg_get_userbyid(d.datdba)::text,
       d.datallowconn AND has_database_privilege(d.oid, 'CONNECT') AND d.datconnlimit <> -2
       AND (d.datconnlimit <> 0 OR (SELECT rolsuper FROM pg_roles WHERE rolname = session_user)),
       EXISTS (SELECT FROM pg_shdepend s WHERE s.dbid = d.oid AND s.refobjid IN (SELECT unnest(%s::oid[]))
               AND s.refclassid = 'pg_catalog.pg_authid'::regclass),
       coalesce(cardinality(d.datacl), 0), coalesce(pg_column_size(d.datacl), 0)
FROM pg_database d
UNION ALL
SELECT 'TABLESPACE', oid::bigint, spcname::text, pg_get_userbyid(spcowner)::text, true, true, 0, 0 FROM pg_tablespace
UNION ALL
SELECT 'PARAMETER', 0, name, pg_get_userbyid(10)::text, true, true, 0, 0
FROM unnest(%s::text[]) AS n(name) WHERE name LIKE '%%.%%' OR name IN (SELECT lower(name) FROM pg_settings)
"""
_ENTRY = "pg_get_userbyid({0})::text, pg_get_userbyid(e.grantor)::text, e.privilege_type, e.is_grantable"
_GRANTEE = _ENTRY.format("nullif(e.grantee, 0)")
# PUBLIC, whose number is 0, becomes NULL.
_SELECTED = "WHERE e.grantee IN (SELECT unnest(%s::oid[])) OR e.grantor IN (SELECT unnest(%s::oid[]))"

_PARAMETER_LISTS = " UNION ALL SELECT 'PARAMETER', parname, paracl FROM pg_parameter_acl"
_SHARED_ENTRIES = f"""
SELECT a.kind, a.name, {_GRANTEE} FROM (
    SELECT 'DATABASE'::text, datname::text, coalesce(datacl, acldefault('d', datdba)) FROM pg_database
    UNION ALL SELECT 'TABLESPACE', spcname::text, spcacl FROM pg_tablespace{{parameters}}
) a(kind, name, acl), aclexplode(a.acl) e {_SELECTED}
"""
_SHARED_ENTRIES_BEFORE_15 = _SHARED_ENTRIES.format(parameters="")
_SHARED_ENTRIES_SINCE_15 = _SHARED_ENTRIES.format(parameters=_PARAMETER_LISTS)

_RELATION_KIND = "CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END"
_ROUTINE_KIND = "CASE p.prokind WHEN 'p' THEN 'PROCEDURE' ELSE 'FUNCTION' END"
_SIZE = "coalesce(cardinality({0}), 0), coalesce(pg_column_size({0}), 0)"


def _supplied(catalogue: str, oid: str, owner: str) -> str:
    return (
        f"{owner} IN (SELECT oid FROM pg_roles WHERE rolsuper) OR EXISTS (SELECT FROM pg_depend d "
        f"WHERE d.deptype = 'e' AND (d.classid, d.objid, d.objsubid) = ({catalogue}, {oid}, 0))"
    )


def _source(catalogue: str, owner: str, acl: str, name: str, kind: str) -> str:
    """Objects of the catalogues that need no more than a name."""
    # What depends on a large object names pg_largeobject: https://www.postgresql.org/docs/current/catalog-pg-shdepend.html
    dependent = catalogue.replace("pg_largeobject_metadata", "pg_largeobject")
    return f"""
UNION ALL SELECT '{kind}', c.tableoid::bigint, c.oid::bigint, NULL, c.{name}::text, '',
       pg_get_userbyid(c.{owner})::text,
       {_SIZE.format("c." + acl)}, '', false, false
FROM {catalogue} c WHERE c.oid IN (SELECT objid FROM dep WHERE classid = '{dependent}'::regclass)
   OR ('{kind}', c.{name}::text) IN (SELECT kind, name FROM wanted)
"""


# What the accounts have privileges on, and what the task names. Arrays have no privileges of their own, nor have
# multiranges since 17. A wanted name that is NULL stands for all in a schema.
_OBJECTS = f"""
WITH wanted AS (SELECT * FROM unnest(%s::text[], %s::text[], %s::text[]) AS w(kind, schema, name)),
dep AS (
    SELECT DISTINCT classid, objid FROM pg_shdepend
    WHERE refclassid = 'pg_catalog.pg_authid'::regclass AND refobjid IN (SELECT unnest(%s::oid[])) AND deptype = 'a'
      AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
),
relation AS (
    SELECT objid AS oid FROM dep WHERE classid = 'pg_class'::regclass
    UNION SELECT c.oid FROM wanted w JOIN pg_namespace n ON n.nspname = w.schema::name
    JOIN pg_class c ON c.relnamespace = n.oid AND (w.name IS NULL OR c.relname = w.name::name) WHERE w.kind = 'RELATION'
),
routine AS (
    SELECT objid AS oid FROM dep WHERE classid = 'pg_proc'::regclass
    UNION SELECT p.oid FROM wanted w JOIN pg_namespace n ON n.nspname = w.schema::name
    JOIN pg_proc p ON p.pronamespace = n.oid AND (w.name IS NULL OR p.proname = w.name::name) WHERE w.kind = 'ROUTINE'
),
type AS (
    SELECT objid AS oid FROM dep WHERE classid = 'pg_type'::regclass
    UNION SELECT t.oid FROM wanted w JOIN pg_namespace n ON n.nspname = w.schema::name
    JOIN pg_type t ON t.typnamespace = n.oid AND t.typname = w.name::name WHERE w.kind = 'TYPE'
)
SELECT {_RELATION_KIND}, c.tableoid::bigint, c.oid::bigint, n.nspname::text, c.relname::text, '',
       pg_get_userbyid(c.relowner)::text, {_SIZE.format("c.relacl")}, '', false,
       {_supplied("c.tableoid", "c.oid", "c.relowner")}
FROM relation JOIN pg_class c ON c.oid = relation.oid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'v', 'm', 'p', 'f', 'S')
UNION ALL
SELECT {_ROUTINE_KIND}, p.tableoid::bigint, p.oid::bigint, n.nspname::text, p.proname::text,
       oidvectortypes(p.proargtypes), pg_get_userbyid(p.proowner)::text, 0, 0, p.proargtypes::text, false,
       {_supplied("p.tableoid", "p.oid", "p.proowner")}
FROM routine JOIN pg_proc p ON p.oid = routine.oid JOIN pg_namespace n ON n.oid = p.pronamespace
UNION ALL
SELECT 'TYPE', t.tableoid::bigint, t.oid::bigint, n.nspname::text, t.typname::text, '',
       pg_get_userbyid(t.typowner)::text, 0, 0,
       CASE WHEN t.typelem <> 0 AND t.typlen = -1 THEN format_type(t.typelem, NULL)
            WHEN t.typtype = 'm' AND current_setting('server_version_num')::int >= 170000 THEN 'its range type'
            ELSE '' END,
       t.typtype = 'd', false
FROM type JOIN pg_type t ON t.oid = type.oid JOIN pg_namespace n ON n.oid = t.typnamespace
UNION ALL
SELECT 'COLUMN', c.tableoid::bigint, c.oid::bigint, n.nspname::text, c.relname::text, a.attname::text,
       pg_get_userbyid(c.relowner)::text, {_SIZE.format("a.attacl")}, '', false, false
FROM (SELECT DISTINCT schema, name FROM wanted WHERE kind = 'COLUMNS') w
JOIN pg_namespace n ON n.nspname = w.schema::name
JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = w.name::name
JOIN pg_attribute a ON a.attrelid = c.oid AND NOT a.attisdropped
UNION ALL
SELECT 'ARGUMENT', 0, coalesce(to_regtype(w.name), to_regtype(nullif(w.schema, '') || '.' || w.name))::oid::bigint,
       NULL, w.name, '', '', 0, 0, '', false, false
FROM (SELECT DISTINCT schema, name FROM wanted WHERE kind = 'ARGUMENT') w
{_source("pg_namespace", "nspowner", "nspacl", "nspname", "SCHEMA")}
{_source("pg_language", "lanowner", "lanacl", "lanname", "LANGUAGE")}
{_source("pg_foreign_data_wrapper", "fdwowner", "fdwacl", "fdwname", "FOREIGN DATA WRAPPER")}
{_source("pg_foreign_server", "srvowner", "srvacl", "srvname", "FOREIGN SERVER")}
{_source("pg_largeobject_metadata", "lomowner", "lomacl", "oid", "LARGE OBJECT")}
"""


def _lists(catalogue: str, owner: str, acl: str, default: str) -> str:
    return (
        f"SELECT o.classid, o.objid, '', coalesce(c.{acl}, acldefault({default}, c.{owner})) FROM o JOIN {catalogue} c "
        f"ON o.classid = '{catalogue}'::regclass AND c.oid = o.objid"
    )


# A list that is NULL stands for the built-in default, which gives PUBLIC something on some kinds of objects.
_ENTRIES = f"""
WITH o AS (SELECT * FROM unnest(%s::oid[], %s::oid[]) AS o(classid, objid)),
lists(classid, objid, attribute, acl) AS (
    {_lists("pg_class", "relowner", "relacl", "(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END)::" + '"char"')}
    UNION ALL SELECT o.classid, o.objid, a.attname::text, a.attacl
    FROM o JOIN pg_attribute a ON o.classid = 'pg_class'::regclass AND a.attrelid = o.objid
    WHERE a.attacl IS NOT NULL AND NOT a.attisdropped
    UNION ALL {_lists("pg_proc", "proowner", "proacl", "'f'")}
    UNION ALL {_lists("pg_type", "typowner", "typacl", "'T'")}
    UNION ALL {_lists("pg_namespace", "nspowner", "nspacl", "'n'")}
    UNION ALL {_lists("pg_language", "lanowner", "lanacl", "'l'")}
    UNION ALL {_lists("pg_foreign_data_wrapper", "fdwowner", "fdwacl", "'F'")}
    UNION ALL {_lists("pg_foreign_server", "srvowner", "srvacl", "'S'")}
    UNION ALL {_lists("pg_largeobject_metadata", "lomowner", "lomacl", "'L'")}
)
SELECT a.classid::bigint, a.objid::bigint, a.attribute, {_GRANTEE} FROM lists a, aclexplode(a.acl) e {_SELECTED}
"""

_DEFAULT_PRIVILEGES = f"""
SELECT pg_get_userbyid(d.defaclrole)::text, n.nspname::text, d.defaclobjtype::text, {_GRANTEE}
FROM pg_default_acl d LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace, aclexplode(d.defaclacl) e {_SELECTED}
"""

# Who owns schemas or something in them. A wanted name that is NULL stands for all schemas but the system's.
_CREATORS = """
WITH schema AS (
    SELECT oid, nspname, nspowner FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
    AND EXISTS (SELECT FROM unnest(%s::text[]) AS w(name) WHERE w.name IS NULL OR w.name = nspname::text)
)
SELECT DISTINCT nspname::text, pg_get_userbyid(owner)::text FROM (
    SELECT oid, nspowner FROM schema
    UNION SELECT relnamespace, relowner FROM pg_class
    UNION SELECT pronamespace, proowner FROM pg_proc
    UNION SELECT typnamespace, typowner FROM pg_type
) AS found(namespace, owner) JOIN schema ON schema.oid = namespace
"""

_NAMESAKES = "SELECT rolname::text FROM pg_roles WHERE lower(rolname) = ANY(%s::text[])"

_IAM_ACCOUNTS = """
WITH RECURSIVE member AS (
    SELECT oid FROM pg_roles WHERE rolname = '{role}'
    UNION SELECT m.member FROM member JOIN pg_auth_members m ON m.roleid = member.oid {options}
)
SELECT rolname::text FROM pg_roles r JOIN member USING (oid)
WHERE rolcanlogin OR EXISTS (
    SELECT FROM pg_shdescription d WHERE d.objoid = r.oid AND d.classoid = 'pg_catalog.pg_authid'::regclass
    AND split_part(d.description, chr(10), 1) = %s
)
"""

Query = tuple[str, tuple[Any, ...]]


class Wanted(NamedTuple):
    """Something to look for in a database: RELATION, ROUTINE, TYPE, COLUMNS, ARGUMENT, SCHEMA … An argument's name is
    that of its type, to be looked for in ``schema`` too. CREATORS: who owns something in the schema of that name."""

    kind: str
    schema: str = ""
    name: object = None


PARAMETER_LISTS = 15
"""The first major version with pg_parameter_acl."""


def iam_accounts(major: int) -> Query:
    """Without group roles."""
    options = "AND (m.inherit_option OR m.set_option)" if major >= MEMBERSHIP_OPTIONS else ""
    return _IAM_ACCOUNTS.format(role=RDS_IAM, options=options), (LOCK_MARKER,)


def namesakes(missing: Iterable[str]) -> Query:
    """Roles that are called like those which do not exist, but in another case."""
    return _NAMESAKES, ([name.lower() for name in missing],)


def roles(accounts: Sequence[str], others: Sequence[str]) -> Query:
    """The accounts, their members, and all that these, the others and the login are members of."""
    return _ROLES, (list(accounts), list(others))


def memberships(members: Sequence[int], grantors: Sequence[int], major: int) -> Query:
    """Of the members, and from 16 on also those that the grantors have granted."""
    text = _MEMBERSHIPS_SINCE_16 if major >= MEMBERSHIP_OPTIONS else _MEMBERSHIPS_BEFORE_16
    return text, (list(members), list(grantors))


def shared_objects(accounts: Sequence[int], parameters: Sequence[str]) -> Query:
    """``parameters``: their names in lower case."""
    return _SHARED_OBJECTS, (list(accounts), list(parameters))


def shared_entries(roles: Sequence[int], accounts: Sequence[int], major: int) -> Query:
    """What the roles have, and what the accounts have granted."""
    text = _SHARED_ENTRIES_SINCE_15 if major >= PARAMETER_LISTS else _SHARED_ENTRIES_BEFORE_15
    return text, (list(roles), list(accounts))


def objects(wanted: Iterable[Wanted], accounts: Sequence[int]) -> Query:
    items = sorted(wanted, key=repr)
    columns = ([item.kind for item in items], [item.schema for item in items], [item.name for item in items])
    return _OBJECTS, (*columns, list(accounts))


def entries(numbers: Iterable[tuple[int, int]], roles: Sequence[int], accounts: Sequence[int]) -> Query:
    """``numbers``: pairs of a catalogue and an object. See :func:`shared_entries`."""
    catalogues, items = [list(each) for each in zip(*numbers)] or ([], [])
    return _ENTRIES, (catalogues, items, list(roles), list(accounts))


def creators(schemas: Iterable[object]) -> Query:
    """``schemas``: their names; None for all."""
    return _CREATORS, (sorted(schemas, key=repr),)


def default_privileges(accounts: Sequence[int]) -> Query:
    return _DEFAULT_PRIVILEGES, (list(accounts), list(accounts))

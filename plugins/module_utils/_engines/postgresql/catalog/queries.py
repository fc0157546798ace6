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

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.base import Others
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.grouping import together
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.roles import (
    MEMBERSHIP_OPTIONS,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.grammar.kinds import (
    CLUSTER,
    DATABASE,
    FUTURE,
    KINDS,
    SCHEMA,
    Catalog,
    Kind,
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
in_rds_iam AS (
    SELECT oid FROM pg_roles WHERE rolname = '{rds_iam}'
    UNION SELECT m.member FROM in_rds_iam i JOIN pg_auth_members m ON m.roleid = i.oid {gives_rights}
),
iam_account AS (
    SELECT oid, rolname FROM pg_roles r JOIN in_rds_iam USING (oid)
    WHERE rolcanlogin OR EXISTS (
        SELECT FROM pg_shdescription d WHERE d.objoid = r.oid AND d.classoid = 'pg_catalog.pg_authid'::regclass
        AND split_part(d.description, chr(10), 1) = %s
    )
),
account AS (SELECT unnest(ARRAY(SELECT oid FROM pg_roles WHERE rolname = ANY(%s::name[]) {and_others})) AS oid),
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
{and_names}
"""
_AND_NAMES = f"UNION ALL SELECT NULL, rolname::text{', NULL' * 9} FROM iam_account"
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


def _in(place: str, major: int) -> list[Kind]:
    return [kind for kind in KINDS if kind.place == place and kind.since <= major]


def _by_catalog(kinds: Iterable[Kind]) -> dict[Catalog, list[Kind]]:
    return together((kind.catalog, kind) for kind in kinds)


def _case(kinds: Sequence[Kind], values: Iterable[str]) -> str:
    """The value of the kind that a row of their catalog is of."""
    pairs = list(zip(kinds, values))
    if len(pairs) == 1:
        return f"'{pairs[0][1]}'"
    cases = " ".join(f"WHEN {kind.condition} THEN '{value}'" for kind, value in pairs)
    return f"CASE {cases} END"


def _list(catalog: Catalog, kinds: Sequence[Kind]) -> str:
    """An access list. One that is NULL stands for the built-in default, which gives PUBLIC something on some kinds."""
    letter = _case(kinds, (kind.letter for kind in kinds))
    return f'coalesce({catalog.acl}, acldefault(({letter})::"char", {catalog.owner}))'


def _shared_entries(major: int) -> str:
    lists = (
        f"SELECT '{kind.word}'::text, {kind.catalog.name}::text, {_list(kind.catalog, [kind])} "
        f"FROM {kind.catalog.table} c"
        for kind in _in(CLUSTER, major)
    )
    return f"""
SELECT a.kind, a.name, {_GRANTEE} FROM ({" UNION ALL ".join(lists)}) a(kind, name, acl), aclexplode(a.acl) e {_SELECTED}
"""


_SIZE = "coalesce(cardinality({0}), 0), coalesce(pg_column_size({0}), 0)"


def _supplied(catalog: Catalog) -> str:
    if not catalog.supplied:
        return "false"
    return (
        f"{catalog.owner} IN (SELECT oid FROM pg_roles WHERE rolsuper) OR EXISTS (SELECT FROM pg_depend d "
        "WHERE d.deptype = 'e' AND (d.classid, d.objid, d.objsubid) = (c.tableoid, c.oid, 0))"
    )


def _dependent(catalog: Catalog) -> str:
    return f"SELECT objid FROM dep WHERE classid = '{catalog.dependent or catalog.table}'::regclass"


def _named(kind: Kind) -> str:
    """Objects that belong to no schema."""
    catalog = kind.catalog
    return f"""
SELECT '{kind.word}', c.tableoid::bigint, c.oid::bigint, NULL, {catalog.name}::text, {catalog.arguments},
       pg_get_userbyid({catalog.owner})::text, {_SIZE.format(catalog.acl)}, {catalog.types}, {catalog.domain},
       {_supplied(catalog)}
FROM {catalog.table} c WHERE c.oid IN ({_dependent(catalog)})
   OR ('{kind.word}', {catalog.name}::text) IN (SELECT kind, name FROM wanted)
"""


def _found(catalog: Catalog) -> str:
    """Objects of a schema. A wanted name that is NULL stands for all in it."""
    return f"""
{catalog.table}_found AS (
    {_dependent(catalog)}
    UNION SELECT c.oid FROM wanted w JOIN pg_namespace n ON n.nspname = w.schema::name
    JOIN {catalog.table} c ON {catalog.schema} = n.oid AND (w.name IS NULL OR {catalog.name} = w.name::name)
    WHERE w.kind = '{catalog.table}'
)"""


def _in_schema(catalog: Catalog, kinds: Sequence[Kind]) -> str:
    size = _SIZE.format(catalog.acl) if catalog.in_row else "0, 0"
    condition = " OR ".join(kind.condition for kind in kinds if kind.condition)
    return f"""
SELECT {_case(kinds, (kind.word for kind in kinds))}, c.tableoid::bigint, c.oid::bigint, n.nspname::text,
       {catalog.name}::text, {catalog.arguments}, pg_get_userbyid({catalog.owner})::text, {size},
       {catalog.types}, {catalog.domain}, {_supplied(catalog)}
FROM {catalog.table}_found f JOIN {catalog.table} c ON c.oid = f.objid JOIN pg_namespace n ON n.oid = {catalog.schema}
{f"WHERE {condition}" if condition else ""}
"""


# to_regtype() takes the words of the server's own types, and fails where the login may not use the schema of another.
_COLUMNS_AND_ARGUMENTS = f"""
SELECT 'COLUMN', c.tableoid::bigint, c.oid::bigint, n.nspname::text, c.relname::text, a.attname::text,
       pg_get_userbyid(c.relowner)::text, {_SIZE.format("a.attacl")}, '', false, false
FROM (SELECT DISTINCT schema, name FROM wanted WHERE kind = 'COLUMNS') w
JOIN pg_namespace n ON n.nspname = w.schema::name
JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = w.name::name
JOIN pg_attribute a ON a.attrelid = c.oid AND NOT a.attisdropped
UNION ALL
SELECT 'ARGUMENT', 0, CASE WHEN starts_with(w.name, '"') THEN (
           SELECT CASE right(w.name, 2) WHEN '[]' THEN nullif(t.typarray, 0) ELSE t.oid END
           FROM parse_ident(w.name, false) AS path JOIN pg_namespace n
             ON n.nspname = ANY(CASE cardinality(path) WHEN 1 THEN ARRAY['pg_catalog', 'public'] ELSE path[1:1] END)
           JOIN pg_type t ON t.typnamespace = n.oid AND t.typname = path[cardinality(path)]
           ORDER BY n.nspname LIMIT 1
       ) ELSE to_regtype(w.name) END::oid::bigint, NULL, w.name, '', '', 0, 0, '', false, false
FROM (SELECT DISTINCT name FROM wanted WHERE kind = 'ARGUMENT') w
"""


# Those of the accounts, and those that have them in their access lists
_DEFAULT_PRIVILEGES = f"""
SELECT '{FUTURE}' || d.defaclobjtype::text, d.tableoid::bigint, d.oid::bigint, n.nspname::text, '', '',
       pg_get_userbyid(d.defaclrole)::text, 0, 0, '', false, false
FROM pg_default_acl d LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace
WHERE d.defaclobjtype = ANY(ARRAY[{", ".join(f"'{kind.future}'" for kind in KINDS if kind.future)}]::"char"[])
"""


def _objects(major: int) -> str:
    """What the accounts have privileges on, and what the task names."""
    in_schemas = _by_catalog(_in(SCHEMA, major))
    parts = [
        *(_in_schema(catalog, kinds) for catalog, kinds in in_schemas.items()),
        _COLUMNS_AND_ARGUMENTS,
        _DEFAULT_PRIVILEGES,
        *map(_named, _in(DATABASE, major)),
    ]
    return f"""
WITH wanted AS (SELECT * FROM unnest(%s::text[], %s::text[], %s::text[]) AS w(kind, schema, name)),
dep AS (
    SELECT DISTINCT classid, objid FROM pg_shdepend
    WHERE refclassid = 'pg_catalog.pg_authid'::regclass AND refobjid IN (SELECT unnest(%s::oid[])) AND deptype = 'a'
      AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
),
{",".join(map(_found, in_schemas))}
{"UNION ALL".join(parts)}
"""


def _entries(major: int) -> str:
    lists = (
        f"SELECT o.classid, o.objid, '', {_list(catalog, kinds)} FROM o JOIN {catalog.table} c "
        f"ON o.classid = '{catalog.table}'::regclass AND c.oid = o.objid"
        for catalog, kinds in _by_catalog([*_in(SCHEMA, major), *_in(DATABASE, major)]).items()
    )
    return f"""
WITH o AS (SELECT * FROM unnest(%s::oid[], %s::oid[]) AS o(classid, objid)),
lists(classid, objid, attribute, acl) AS (
    {" UNION ALL ".join(lists)}
    UNION ALL SELECT o.classid, o.objid, a.attname::text, a.attacl
    FROM o JOIN pg_attribute a ON o.classid = 'pg_class'::regclass AND a.attrelid = o.objid
    WHERE a.attacl IS NOT NULL AND NOT a.attisdropped
    UNION ALL SELECT o.classid, o.objid, '', d.defaclacl
    FROM o JOIN pg_default_acl d ON o.classid = 'pg_default_acl'::regclass AND d.oid = o.objid
)
SELECT a.classid::bigint, a.objid::bigint, a.attribute, {_GRANTEE} FROM lists a, aclexplode(a.acl) e {_SELECTED}
"""


def _creators(major: int) -> str:
    """Who owns schemas or something in them. A wanted name that is NULL stands for all schemas but the system's."""
    owners = (
        f"UNION SELECT {catalog.schema}, {catalog.owner} FROM {catalog.table} c"
        for catalog in _by_catalog(_in(SCHEMA, major))
    )
    return f"""
WITH schema AS (
    SELECT oid, nspname, nspowner FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
    AND EXISTS (SELECT FROM unnest(%s::text[]) AS w(name) WHERE w.name IS NULL OR w.name = nspname::text)
)
SELECT DISTINCT nspname::text, pg_get_userbyid(owner)::text
FROM (SELECT oid, nspowner FROM schema {" ".join(owners)}) AS found(namespace, owner)
JOIN schema ON schema.oid = namespace
"""


_NAMESAKES = "SELECT rolname::text FROM pg_roles WHERE lower(rolname) = ANY(%s::text[])"

Query = tuple[str, tuple[Any, ...]]


class Wanted(NamedTuple):
    """Something to look for in a database.

    kind  of what belongs to no schema, its word; of what belongs to one, the table of its catalog. COLUMNS: of a table.
          ARGUMENT: its name is that of its type. CREATORS: who owns something in the schema of that name
    """

    kind: str
    schema: str = ""
    name: object = None


def namesakes(missing: Iterable[str]) -> Query:
    """Roles that are called like those which do not exist, but in another case."""
    return _NAMESAKES, ([name.lower() for name in missing],)


def roles(accounts: Sequence[str], more: Sequence[str], others: Others, major: int) -> Query:
    """The accounts, their members, and all that these, the further roles and the login are members of; and rows with
    nothing but the names of the IAM-authenticated accounts, without group roles. One row for all of them would be too
    large for the Data API."""
    text = _ROLES.format(
        rds_iam=RDS_IAM,
        gives_rights="AND (m.inherit_option OR m.set_option)" if major >= MEMBERSHIP_OPTIONS else "",
        and_others="UNION SELECT oid FROM iam_account" if others is Others.ACCOUNTS else "",
        and_names="" if others is Others.NOTHING else _AND_NAMES,
    )
    return text, (LOCK_MARKER, list(accounts), list(more))


def memberships(members: Sequence[int], grantors: Sequence[int], major: int) -> Query:
    """Of the members, and from 16 on also those that the grantors have granted."""
    text = _MEMBERSHIPS_SINCE_16 if major >= MEMBERSHIP_OPTIONS else _MEMBERSHIPS_BEFORE_16
    return text, (list(members), list(grantors))


def shared_objects(accounts: Sequence[int], parameters: Sequence[str]) -> Query:
    """``parameters``: their names in lower case."""
    return _SHARED_OBJECTS, (list(accounts), list(parameters))


def shared_entries(roles: Sequence[int], accounts: Sequence[int], major: int) -> Query:
    """What the roles have, and what the accounts have granted."""
    return _shared_entries(major), (list(roles), list(accounts))


def objects(wanted: Iterable[Wanted], accounts: Sequence[int], major: int) -> Query:
    items = sorted(wanted, key=repr)
    columns = ([item.kind for item in items], [item.schema for item in items], [item.name for item in items])
    return _objects(major), (*columns, list(accounts))


def entries(numbers: Iterable[tuple[int, int]], roles: Sequence[int], accounts: Sequence[int], major: int) -> Query:
    """``numbers``: pairs of a catalogue and an object. See :func:`shared_entries`."""
    catalogues, items = [list(each) for each in zip(*numbers)] or ([], [])
    return _entries(major), (catalogues, items, list(roles), list(accounts))


def creators(schemas: Iterable[object], major: int) -> Query:
    """``schemas``: their names; None for all."""
    return _creators(major), (sorted(schemas, key=repr),)

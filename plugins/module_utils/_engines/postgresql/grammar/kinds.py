# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""The kinds of objects that GRANT knows, a row each: grammar, privileges and queries are made from these rows.

https://www.postgresql.org/docs/current/ddl-priv.html#PRIVILEGES-SUMMARY-TABLE
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

PARENT = "ALL "
FUTURE = "FUTURE "
"""Before the plural of a kind: all that are in a schema, and those that will be created."""

CLUSTER, DATABASE, SCHEMA = "cluster", "database", "schema"
"""Where an object belongs: to all databases, to one of them, or to a schema of it."""

IDENTIFIER, SIGNATURE, NUMBER, SETTING = "identifier", "signature", "number", "setting"
"""How an object is named: by an identifier, with the types of its arguments, by a number, or by a parameter's words."""


class Catalog(NamedTuple):
    """Where the server keeps objects. Columns are written with the alias ``c``.

    schema     the column with the schema's number; empty where objects belong to no schema
    place      where objects without schema belong
    form       how they are named
    arguments  of routines: their types as text
    types      of routines: their types as numbers; of types: what to grant on in their place, or nothing
    domain     of types: whether it is a domain
    supplied   objects are told apart by whether an extension or a superuser has brought them along
    in_row     an access list must fit into its row, because the catalog has no TOAST table
    dependent  the catalog that pg_shdepend names instead, where it names another one
    """

    table: str
    name: str
    owner: str
    acl: str
    schema: str = ""
    place: str = DATABASE
    form: str = IDENTIFIER
    arguments: str = "''"
    types: str = "''"
    domain: str = "false"
    supplied: bool = False
    in_row: bool = False
    dependent: str = ""


class Kind(NamedTuple):
    """
    word          as it stands after ON
    letter        for acldefault()
    privileges    with the first major version that has them; 0 for all supported versions
    plural        after FUTURE and ALL … IN SCHEMA
    condition     which rows of the catalog; empty for all
    together      there is ALL … IN SCHEMA
    future        the letter of pg_default_acl; empty if there are no default privileges
    since         the first major version with this kind, and with default privileges for it; 0 for all supported ones
    """

    word: str
    catalog: Catalog
    letter: str
    privileges: Mapping[str, int]
    plural: str = ""
    condition: str = ""
    together: bool = False
    future: str = ""
    since: int = 0
    future_since: int = 0

    @property
    def place(self) -> str:
        """CLUSTER, DATABASE or SCHEMA."""
        return SCHEMA if self.catalog.schema else self.catalog.place


# Arrays have no privileges of their own, nor have multiranges since 17
_INSTEAD = (
    "CASE WHEN c.typelem <> 0 AND c.typlen = -1 THEN format_type(c.typelem, NULL) "
    "WHEN c.typtype = 'm' AND current_setting('server_version_num')::int >= 170000 THEN 'its range type' ELSE '' END"
)

_CLASS = Catalog("pg_class", "c.relname", "c.relowner", "c.relacl", "c.relnamespace", supplied=True, in_row=True)
_PROC = Catalog(
    "pg_proc",
    "c.proname",
    "c.proowner",
    "c.proacl",
    "c.pronamespace",
    form=SIGNATURE,
    arguments="oidvectortypes(c.proargtypes)",
    types="c.proargtypes::text",
    supplied=True,
)
_TYPE = Catalog(
    "pg_type", "c.typname", "c.typowner", "c.typacl", "c.typnamespace", types=_INSTEAD, domain="c.typtype = 'd'"
)
_SCHEMA = Catalog("pg_namespace", "c.nspname", "c.nspowner", "c.nspacl")
_LANGUAGE = Catalog("pg_language", "c.lanname", "c.lanowner", "c.lanacl")
_WRAPPER = Catalog("pg_foreign_data_wrapper", "c.fdwname", "c.fdwowner", "c.fdwacl")
_SERVER = Catalog("pg_foreign_server", "c.srvname", "c.srvowner", "c.srvacl")
# https://www.postgresql.org/docs/current/catalog-pg-shdepend.html
_LARGE_OBJECT = Catalog(
    "pg_largeobject_metadata", "c.oid", "c.lomowner", "c.lomacl", form=NUMBER, dependent="pg_largeobject"
)
_DATABASE = Catalog("pg_database", "c.datname", "c.datdba", "c.datacl", place=CLUSTER)
_TABLESPACE = Catalog("pg_tablespace", "c.spcname", "c.spcowner", "c.spcacl", place=CLUSTER)
# All parameters are the bootstrap superuser's
_PARAMETER = Catalog("pg_parameter_acl", "c.parname", "10::oid", "c.paracl", place=CLUSTER, form=SETTING)


def _always(*privileges: str) -> dict[str, int]:
    return dict.fromkeys(privileges, 0)


_TABLE = {**_always("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"), "MAINTAIN": 17}
_ON_SEQUENCE = _always("USAGE", "SELECT", "UPDATE")
_USAGE, _EXECUTE = _always("USAGE"), _always("EXECUTE")

KINDS: tuple[Kind, ...] = (
    Kind("DATABASE", _DATABASE, "d", _always("CONNECT", "CREATE", "TEMPORARY")),
    Kind("SCHEMA", _SCHEMA, "n", _always("USAGE", "CREATE"), "SCHEMAS", future="n"),
    Kind("TABLE", _CLASS, "r", _TABLE, "TABLES", "c.relkind IN ('r', 'v', 'm', 'p', 'f')", together=True, future="r"),
    Kind("SEQUENCE", _CLASS, "s", _ON_SEQUENCE, "SEQUENCES", "c.relkind = 'S'", together=True, future="S"),
    Kind("FUNCTION", _PROC, "f", _EXECUTE, "FUNCTIONS", "c.prokind <> 'p'", together=True, future="f"),
    Kind("PROCEDURE", _PROC, "f", _EXECUTE, "PROCEDURES", "c.prokind = 'p'", together=True),
    Kind("TYPE", _TYPE, "T", _USAGE, "TYPES", future="T"),
    Kind("LANGUAGE", _LANGUAGE, "l", _USAGE),
    Kind("FOREIGN DATA WRAPPER", _WRAPPER, "F", _USAGE),
    Kind("FOREIGN SERVER", _SERVER, "S", _USAGE),
    Kind("LARGE OBJECT", _LARGE_OBJECT, "L", _always("SELECT", "UPDATE"), "LARGE OBJECTS", future="L", future_since=18),
    Kind("TABLESPACE", _TABLESPACE, "t", _always("CREATE")),
    Kind("PARAMETER", _PARAMETER, "p", _always("SET", "ALTER SYSTEM"), since=15),
)

OTHER_WORDS: Mapping[str, tuple[str, ...]] = {"ROUTINE": ("FUNCTION", "PROCEDURE"), "DOMAIN": ("TYPE",)}
OTHER_PLURALS: Mapping[str, tuple[str, ...]] = {"ROUTINES": ("FUNCTION", "PROCEDURE")}
"""Words that GRANT takes as well, and the kinds that they stand for."""

WORDS = (*(kind.word for kind in KINDS), *OTHER_WORDS)


def _by_scope() -> Iterator[tuple[str, tuple[Kind, ...]]]:
    by_word = {kind.word: kind for kind in KINDS}
    for kind in KINDS:
        yield kind.word, (kind,)
        if kind.together:
            yield PARENT + kind.plural, (kind,)
        if kind.future:
            yield FUTURE + kind.plural, (kind,)
    for prefix, others in (("", OTHER_WORDS), (PARENT, OTHER_PLURALS)):
        yield from ((prefix + word, tuple(by_word[each] for each in words)) for word, words in others.items())


_BY_SCOPE: Mapping[str, tuple[Kind, ...]] = dict(_by_scope())


def kinds_of(scope: str) -> tuple[Kind, ...]:
    """What a scope's kind stands for: ``ALL ROUTINES`` for functions and procedures, ``FUTURE TABLES`` for tables."""
    return _BY_SCOPE[scope]


def kind_of(scope: str) -> Kind:
    """Of several kinds, which have everything but their word in common, the first."""
    return _BY_SCOPE[scope][0]


def first_version(scope: str) -> int:
    """The first major version that knows it; 0 for all supported ones."""
    kind = kind_of(scope)
    return max(kind.since, kind.future_since if scope.startswith(FUTURE) else 0)

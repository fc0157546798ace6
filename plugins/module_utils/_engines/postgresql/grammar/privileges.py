# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Which privileges there are on which kind of object, since which major version.

https://www.postgresql.org/docs/current/ddl-priv.html#PRIVILEGES-SUMMARY-TABLE
"""

from __future__ import annotations

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.base import ParsedPrivilege
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.grammar.names import Clause
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import UnknownPrivilege

ALL = "ALL"

_TABLE = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER", "MAINTAIN")
_SEQUENCE = ("USAGE", "SELECT", "UPDATE")
_ROUTINE = ("EXECUTE",)
_SCHEMA = ("USAGE", "CREATE")
_LARGE_OBJECT = ("SELECT", "UPDATE")
_USAGE = ("USAGE",)

ON_COLUMNS = ("SELECT", "INSERT", "UPDATE", "REFERENCES")

BY_KIND: dict[str, tuple[str, ...]] = {
    "DATABASE": ("CONNECT", "CREATE", "TEMPORARY"),
    "SCHEMA": _SCHEMA,
    "TABLE": _TABLE,
    "SEQUENCE": _SEQUENCE,
    "FUNCTION": _ROUTINE,
    "PROCEDURE": _ROUTINE,
    "ROUTINE": _ROUTINE,
    "TYPE": _USAGE,
    "DOMAIN": _USAGE,
    "LANGUAGE": _USAGE,
    "FOREIGN DATA WRAPPER": _USAGE,
    "FOREIGN SERVER": _USAGE,
    "PARAMETER": ("SET", "ALTER SYSTEM"),
    "LARGE OBJECT": _LARGE_OBJECT,
    "TABLESPACE": ("CREATE",),
    "ALL TABLES": _TABLE,
    "ALL SEQUENCES": _SEQUENCE,
    "ALL FUNCTIONS": _ROUTINE,
    "ALL PROCEDURES": _ROUTINE,
    "ALL ROUTINES": _ROUTINE,
    "FUTURE TABLES": _TABLE,
    "FUTURE SEQUENCES": _SEQUENCE,
    "FUTURE FUNCTIONS": _ROUTINE,
    "FUTURE TYPES": _USAGE,
    "FUTURE SCHEMAS": _SCHEMA,
    "FUTURE LARGE OBJECTS": _LARGE_OBJECT,
}
SINCE = {"MAINTAIN": 17, "PARAMETER": 15, "FUTURE LARGE OBJECTS": 18}
"""The first major version with this privilege or kind; those that 11 has are not listed."""

_SYNONYMS = {"TEMP": "TEMPORARY", "ALL PRIVILEGES": ALL}


def available(kind: str, major: int) -> tuple[str, ...]:
    """What ALL means on this kind of object, on this version."""
    return tuple(name for name in BY_KIND[kind] if SINCE.get(name, 0) <= major)


def parse_privilege(text: str, kind: str, label: str) -> ParsedPrivilege:
    """One element of ``privileges``. Raises UnknownPrivilege, InvalidOption (unreadable)."""
    clause = Clause(text, label)
    words = []
    token = clause.peek()
    while token is not None and token.kind == "word":
        clause.keywords(token.text.upper())
        words.append(token.text.upper())
        token = clause.peek()
    columns = clause.parenthesised()
    clause.finish("write one privilege an element")
    name = _SYNONYMS.get(" ".join(words), " ".join(words))
    _check(name, kind, columns is not None, label)
    if columns is None:
        return ParsedPrivilege(name)
    if not columns:
        raise clause.error("names no column; write SELECT for the whole table or name the columns")
    return ParsedPrivilege(name, tuple(sorted({_column(column, label) for column in columns})))


def _check(name: str, kind: str, on_columns: bool, label: str) -> None:
    if name in ("GRANT OPTION", "WITH GRANT OPTION"):
        raise UnknownPrivilege(f"{label}: GRANT OPTION is not a privilege; set grant_option: true beside privileges.")
    if on_columns and kind != "TABLE":
        raise UnknownPrivilege(f"{label}: only grants on a TABLE can be limited to columns; leave the columns out.")
    known = ON_COLUMNS if on_columns else BY_KIND[kind]
    if name != ALL and name not in known:
        columns = "columns of a " if on_columns else ""
        raise UnknownPrivilege(
            f"{label}: {name or 'an empty text'} is not a privilege on {columns}{kind}; there are {', '.join(known)} "
            "and ALL."
        )


def _column(text: str, label: str) -> str:
    clause = Clause(text, label)
    name = clause.name("a column name")
    clause.finish("separate columns with commas")
    return name

# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""The arguments of a routine, as GRANT takes them, and the types that remain of them, in words that always parse.

Whatever is no keyword of the grammar is quoted, so that the catalogue can be asked for it whatever it is. What does not
tell one routine from another goes: names, modes, lengths, what comes out.
https://www.postgresql.org/docs/current/sql-grant.html, https://www.postgresql.org/docs/current/datatype.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.grammar.names import (
    Clause,
    quote_identifier,
)

_KEYWORDS = {
    "double precision": ("DOUBLE PRECISION",),
    "character varying": (
        "NATIONAL CHARACTER VARYING",
        "NATIONAL CHAR VARYING",
        "NCHAR VARYING",
        "CHARACTER VARYING",
        "CHAR VARYING",
        "VARCHAR",
    ),
    "character": ("NATIONAL CHARACTER", "NATIONAL CHAR", "NCHAR", "CHARACTER", "CHAR"),
    "bit varying": ("BIT VARYING",),
    "bit": ("BIT",),
    "integer": ("INTEGER", "INT"),
    "smallint": ("SMALLINT",),
    "bigint": ("BIGINT",),
    "real": ("REAL",),
    "float": ("FLOAT",),
    "numeric": ("NUMERIC", "DECIMAL", "DEC"),
    "boolean": ("BOOLEAN",),
    "timestamp": ("TIMESTAMP",),
    "time": ("TIME",),
    "interval": ("INTERVAL",),
}
"""The types with a grammar of their own; of two that begin alike the longer one stands first."""
_FIELDS = ("YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND", "TO")
_MOST_DIGITS_OF_REAL = 24
_PLAIN = re.compile(r'"([a-z_][a-z0-9_$]*)"')


def read_argument(text: str, label: str) -> str:
    """The argument's type, or nothing for one that only comes out. Raises InvalidOption."""
    whole = Clause(text, label)
    rest = text
    for _part in ("mode and name", "name and mode"):
        clause = Clause(rest, label)
        if clause.keywords("OUT") and clause.peek() is not None:
            return ""
        if clause.keywords("IN", "OUT") or any(clause.keywords(mode) for mode in ("IN", "INOUT", "VARIADIC")):
            rest = clause.rest()
        found = _read_type(rest, label)
        if found:
            return found
        name = Clause(rest, label)
        token = name.peek()
        if token is None or token.kind not in ("word", "quoted"):
            break
        name.name("an argument")
        rest = name.rest()
    raise whole.error("is no type of an argument; write types only, as in f(integer, text[])")


def readable_type(text: str) -> str:
    """As a person would write it."""
    return _PLAIN.sub(r"\1", text)


def _read_type(text: str, label: str) -> str:
    """Empty if it is none."""
    clause = Clause(text, label)
    name = _read_keywords(clause) or _read_path(clause)
    if not name:
        return ""
    array = _read_dimensions(clause)
    return "" if array is None or clause.peek() is not None else name + array


def _read_path(clause: Clause) -> str:
    token = clause.peek()
    if token is None or token.kind not in ("word", "quoted"):
        return ""
    name = ".".join(quote_identifier(part) for part in clause.path("a type", 2))
    clause.parenthesised()
    return name


def _read_dimensions(clause: Clause) -> str | None:
    """``[]`` for any number of them: PostgreSQL does not tell them apart. None where a bracket is not closed."""
    is_array = clause.keywords("ARRAY")
    while clause.symbol("["):
        token = clause.peek()
        if token is not None and token.kind == "number":
            clause.number("a size")
        if not clause.symbol("]"):
            return None
        is_array = True
    return "[]" if is_array else ""


def _read_keywords(clause: Clause) -> str:
    name = next((name for name, spellings in _KEYWORDS.items() if _reads_any(clause, spellings)), "")
    if not name:
        return ""
    if name == "interval":
        while _reads_any(clause, _FIELDS):
            continue
    length = clause.parenthesised()
    if name == "float":
        return _float(length)
    return name + _time_zone(clause) if name in ("timestamp", "time") else name


def _float(length: list[str] | None) -> str:
    if not length or not length[0].isdigit():
        return "float"
    return "real" if int(length[0]) <= _MOST_DIGITS_OF_REAL else "double precision"


def _reads_any(clause: Clause, spellings: Iterable[str]) -> bool:
    return any(clause.keywords(*spelling.split()) for spelling in spellings)


def _time_zone(clause: Clause) -> str:
    if clause.keywords("WITH", "TIME", "ZONE"):
        return " with time zone"
    clause.keywords("WITHOUT", "TIME", "ZONE")
    return ""

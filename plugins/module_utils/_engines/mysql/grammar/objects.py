# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""The object clause of GRANT, read by MySQL's rules, and written again.

https://dev.mysql.com/doc/refman/8.4/en/grant.html#grant-overview
https://dev.mysql.com/doc/refman/8.4/en/identifiers.html

A scope of kind DATABASE names one database, letter by letter. Where ``partial_revokes`` is OFF the server reads the
database of a grant as a pattern, so such a name is escaped when it is sent and unescaped when it is read; a grant that
really is a pattern has the kind PATTERN, and its path holds the pattern as it is stored.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.grouping import object_of, together
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.names import is_storable
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import InvalidOption
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import AccountName, Grant, Scope

GLOBAL = Scope("GLOBAL")
MAX_IDENTIFIER = 64
ROUTINE_KINDS = ("FUNCTION", "PROCEDURE")
_KEYWORDS = ("PATTERN", "TABLE", *ROUTINE_KINDS)

_TOKEN = re.compile(
    r"""[ \t\r\n]*(?:
        `(?P<backticks>(?:[^`]|``)*)`
      | "(?P<quotes>(?:[^"]|"")*)"
      | (?P<word>[0-9A-Za-z$_%\\\u0080-\uffff]+)
      | (?P<mark>[.*(),])
    )""",
    re.VERBOSE,
)
_UNQUOTED = re.compile(r"[0-9A-Za-z$_]*[A-Za-z$_][0-9A-Za-z$_]*\Z")


@dataclass(frozen=True)
class Token:
    """``text`` without its quotes. ``kind``: ``name`` (quoted), ``word`` (an unquoted name or keyword) or ``mark``."""

    kind: str
    text: str


def tokens(text: str) -> list[Token] | None:
    """Divide by MySQL's rules for names; None if something in ``text`` is neither a name nor one of ``. * ( ) ,``.

    ``%`` and a backslash count as letters, so that a pattern need not be quoted. Double quotes enclose a name, as under
    ANSI_QUOTES: a string has no place where this is used, so they cannot mean anything else.
    """
    found: list[Token] = []
    text = text.strip(" \t\r\n")
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if not match:
            return None
        found.append(_token(match))
        position = match.end()
    return found


def _token(match: re.Match[str]) -> Token:
    if match["backticks"] is not None:
        return Token("name", match["backticks"].replace("``", "`"))
    if match["quotes"] is not None:
        return Token("name", match["quotes"].replace('""', '"'))
    if match["word"] is not None:
        return Token("word", match["word"])
    return Token("mark", match["mark"])


def parse_scope(on: str) -> Scope:
    """Read ``on``. Raises InvalidOption."""
    found = tokens(on)
    if not found:
        raise _unreadable(on)
    keyword = ""
    if len(found) > 1 and found[0].kind == "word" and found[0].text.upper() in _KEYWORDS and found[1].text != ".":
        keyword = found.pop(0).text.upper()
    if len(found) == 1 and found[0].kind != "mark":
        raise InvalidOption(
            f"{on} names no database; write {on}.* for a database, or database.{on} for what is in one."
        )
    if len(found) != 3 or found[1] != Token("mark", "."):
        raise _unreadable(on)
    return _scope(keyword, found[0], found[2], on)


def _scope(keyword: str, first: Token, second: Token, on: str) -> Scope:
    star = Token("mark", "*")
    if first == second == star and keyword in ("", "TABLE"):
        return GLOBAL
    if first.kind == "mark" or (second.kind == "mark" and second != star):
        raise _unreadable(on)
    if second == star:
        return _databases(keyword, first.text, on)
    if keyword == "PATTERN":
        raise InvalidOption(f"{on}: only databases can be a pattern; write PATTERN `…`.*.")
    return Scope(keyword or "TABLE", path=(_identifier(first.text), _identifier(second.text)))


def _databases(keyword: str, name: str, on: str) -> Scope:
    if keyword not in ("", "PATTERN"):
        raise InvalidOption(f"{on} is no object; {keyword} takes database.name.")
    scope = database_scope(name) if keyword == "PATTERN" else _named_database(name)
    _identifier(scope.path[0])
    return scope


def _identifier(text: str) -> str:
    if not text or len(text) > MAX_IDENTIFIER or not is_storable(text):
        raise InvalidOption(
            f"{text!r} cannot be a name on MySQL, which has 1 to {MAX_IDENTIFIER} characters, "
            "each from the Basic Multilingual Plane; correct it."
        )
    return text


def _unreadable(on: str) -> InvalidOption:
    return InvalidOption(
        f"{on!r} cannot be read; write *.*, database.*, database.table, PROCEDURE database.name or "
        "FUNCTION database.name, with `backticks` around a name with other characters than letters, digits, _ and $."
    )


def _named_database(text: str) -> Scope:
    r"""In a name, ``\_``, ``\%`` and ``\\`` are those characters; a bare ``_`` is itself, a bare ``%`` a wildcard."""
    parts = re.split(r"\\([_%\\])|(%)", text)
    literal, pattern = "", ""
    for plain, escaped, wildcard in zip(parts[0::3], parts[1::3] + [None], parts[2::3] + [None]):
        literal += plain + (escaped or wildcard or "")
        pattern += escaped_name(plain + (escaped or "")) + (wildcard or "")
    return Scope("PATTERN", path=(pattern,)) if pattern != escaped_name(literal) else Scope("DATABASE", path=(literal,))


def escaped_name(name: str) -> str:
    """The pattern that matches exactly this database."""
    return re.sub(r"([_%\\])", r"\\\1", name)


def database_scope(stored: str) -> Scope:
    """The scope of what the grant tables hold, where they hold patterns: PATTERN unless exactly one name matches."""
    name = re.sub(r"\\(.)", r"\1", stored)
    return Scope("DATABASE", path=(name,)) if escaped_name(name) == stored else Scope("PATTERN", path=(stored,))


_ANY, _ONE = ("", "%"), ("", "_")


def matches(pattern: str, database: str) -> bool:
    """Whether a stored pattern covers a database."""
    wildcards = {"%": ".*", "_": "."}
    regex = "".join(wildcards.get(plain, re.escape(escaped + plain)) for escaped, plain in _parts(pattern))
    return re.fullmatch(regex, database, re.DOTALL) is not None


def covers(pattern: str, narrower: str) -> bool:
    """Whether a stored pattern covers another one, or the escaped name of a database."""
    units = "".join(
        f"W{plain}" if plain in ("%", "_") else f"L{escaped + plain}" for escaped, plain in _parts(narrower)
    )
    wildcards = {"%": "(?:..)*", "_": "(?:L.|W_)"}
    regex = "".join(wildcards.get(plain, f"L{re.escape(escaped + plain)}") for escaped, plain in _parts(pattern))
    return re.fullmatch(regex, units, re.DOTALL) is not None


def overlap(pattern: str, other: str) -> bool:
    """Whether there is a text that both patterns match."""
    left, right = _parts(pattern), _parts(other)
    reached: set[tuple[int, int]] = set()
    ahead = [(0, 0)]
    while ahead:
        place = ahead.pop()
        if place not in reached:
            reached.add(place)
            ahead += _further(left, right, *place)
    return (len(left), len(right)) in reached


def _further(
    left: Sequence[tuple[str, str]], right: Sequence[tuple[str, str]], i: int, j: int
) -> Iterator[tuple[int, int]]:
    """Where both patterns may be after one more character, or where a ``%`` ends."""
    one, other = left[i : i + 1], right[j : j + 1]
    if _ANY in (*one, *other):
        yield from [(i + 1, j)] * len(one)
        yield from [(i, j + 1)] * len(other)
    elif one and other and (_ONE in (*one, *other) or "".join(one[0]) == "".join(other[0])):
        yield i + 1, j + 1


def _parts(pattern: str) -> list[tuple[str, str]]:
    """Its characters: an escaped one, or a plain one."""
    return re.findall(r"\\(.)|(.)", pattern, re.DOTALL)


def tables_in_two_spellings(grants: Iterable[Grant]) -> set[Scope]:
    """Those of which a column was granted in two spellings.

    The server confuses the rows of the two: what is in effect is no longer what the rows say, after a GRANT and after a
    REVOKE that names columns (which may also fail, with error 1147).
    """
    limited = {grant.scope for grant in grants if grant.scope.column}
    columns = together((object_of(scope), scope.column.lower()) for scope in limited)
    return {table for table, names in columns.items() if len(names) != len(set(names))}


def is_lost(name: AccountName, scope: Scope) -> bool:
    """Whether the server loses a privilege on a routine when it restarts: see :func:`names.as_in_procs_priv`."""
    return scope.kind in ROUTINE_KINDS and not all(text.isascii() for text in (name.name, *scope.path))


def on_table(grants: Iterable[Grant], table: Scope) -> set[Grant]:
    """Those on a table and its columns."""
    return {grant for grant in grants if object_of(grant.scope) == table}


def identifier(name: str) -> str:
    """Always quoted; backticks mean the same under every sql_mode, and nothing else is special between them."""
    return "`" + name.replace("`", "``") + "`"


def format_scope(scope: Scope) -> str:
    """``on`` as a person would write it; read again, it gives the same scope (its table, for a column)."""
    if scope.kind == "GLOBAL":
        return "*.*"
    if scope.kind == "PATTERN":
        return _format_pattern(scope.path[0])
    if scope.kind == "DATABASE":
        return f"{_format_name(_escaped_for_on(scope.path[0]))}.*"
    path = ".".join(_format_name(name) for name in scope.path)
    return path if scope.kind == "TABLE" else f"{scope.kind} {path}"


def _format_pattern(pattern: str) -> str:
    short = re.sub(r"\\_", "_", pattern)
    if _named_database(short) == Scope("PATTERN", path=(pattern,)):
        return f"{identifier(short)}.*"
    return f"PATTERN {identifier(pattern)}.*"


def _escaped_for_on(name: str) -> str:
    """Escape only what would otherwise be read as something else."""
    return name if _named_database(name) == Scope("DATABASE", path=(name,)) else escaped_name(name)


def _format_name(name: str) -> str:
    if _UNQUOTED.match(name) and name.upper() not in _KEYWORDS:
        return name
    return identifier(name)


def canonical(scope: Scope, folds_names: bool) -> Scope:
    """As the catalogue and the grant tables spell it: routines in lower case; with ``lower_case_table_names``,
    databases and tables too."""
    path = tuple(name.lower() for name in scope.path) if folds_names else scope.path
    if scope.kind in ROUTINE_KINDS:
        path = (path[0], path[1].lower())
    return replace(scope, path=path)

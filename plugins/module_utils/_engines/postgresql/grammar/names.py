# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Names and literals by PostgreSQL's lexical rules: reading what users write, quoting what the server gets.

https://www.postgresql.org/docs/current/sql-syntax-lexical.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.service_names import is_of_service
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import InvalidOption, Where

NAME_BYTES = 63
"""NAMEDATALEN - 1. The server cuts longer names off with no more than a notice."""

_TOKEN = re.compile(
    r"""\s*(?:"(?P<quoted>(?:[^"]|"")*)"
            |(?P<word>[A-Za-z_\u0080-\U0010ffff][A-Za-z0-9_$\u0080-\U0010ffff]*)
            |(?P<number>[0-9]+)
            |(?P<symbol>\S))""",
    re.VERBOSE,
)
_PLAIN = re.compile(r"[a-z_][a-z0-9_$]*\Z")
_UPPER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}


_RESERVED = re.compile(r"(pg_.*|public|none)\Z", re.DOTALL)
"""PostgreSQL's own roles, and the two words that no role may be called."""


_HALF_A_PAIR = re.compile("[\ud800-\udfff]")


def is_reserved(name: str) -> bool:
    return is_of_service(name) or bool(_RESERVED.match(name))


def quote_identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def quote_literal(text: str) -> str:
    """Right under both values of standard_conforming_strings: a backslash only ever appears in an E string."""
    quoted = "'" + text.replace("'", "''") + "'"
    return "E" + quoted.replace("\\", "\\\\") if "\\" in text else quoted


def with_arrays(parameters: Iterable[Any]) -> list[Any]:
    """Parameters of a query, with the text of an array in place of each list; the queries say of which type it is.

    The Data API binds no arrays, and where a driver writes one as ARRAY[…] the server parses each element as an
    expression. https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO
    """
    return [_array(value) if isinstance(value, (list, tuple)) else value for value in parameters]


def _array(values: Iterable[Any]) -> str:
    return "{" + ",".join(map(_element, values)) + "}"


def _element(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, int):
        return str(value)
    escaped = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def readable_identifier(name: str) -> str:
    """As a person would write it: quoted only where folding or the lexer would change it."""
    return name if _PLAIN.match(name) else quote_identifier(name)


def fold(word: str) -> str:
    """Case folding of an unquoted name. In a UTF-8 database the server folds ASCII letters only."""
    return word.translate(_UPPER)


def check_name(name: str, what: str, element: str = "") -> None:
    """Raises InvalidOption for a name that the server could not store as it is.

    what     begins the sentence
    element  of the account's options
    """
    if not name:
        raise InvalidOption(f"{what} is empty; give the name.", Where(element=element))
    check_text(name, what, element)
    size = len(name.encode())
    if size > NAME_BYTES:
        raise InvalidOption(
            f"{what} {name} is {size} bytes long, and PostgreSQL would cut it off at {NAME_BYTES}; choose a shorter "
            "name.",
            Where(element=element),
        )


def check_text(text: str, what: str, element: str = "") -> None:
    """Raises InvalidOption for what is no text to the server."""
    problem, remedy = "", ""
    if "\0" in text:
        problem, remedy = "holds a NUL character, which PostgreSQL cannot store", "remove it"
    elif _HALF_A_PAIR.search(text):
        problem, remedy = "contains invalid UTF-8 (half of a surrogate pair)", "correct its encoding"
    if problem:
        raise InvalidOption(f"{what or repr(text)} {problem}; {remedy}.", Where(element=element))


class Token(NamedTuple):
    kind: str
    """quoted, word, number or symbol"""
    text: str
    start: int
    end: int


class Clause:
    """Reads one clause from left to right. ``label``: of which option, for error messages."""

    def __init__(self, text: str, label: str) -> None:
        self.text = text
        self.label = label
        check_text(text, "", label)
        self._tokens: list[Token] = []
        at = 0
        end = len(text.rstrip())
        while at < end:
            match = _TOKEN.match(text, at)
            if match is None or match.lastgroup is None:
                raise self.error("cannot be read")
            kind = match.lastgroup
            if kind == "symbol" and match.group(kind) == '"':
                raise self.error("has a quotation mark that is not closed")
            self._tokens.append(Token(kind, match.group(kind), match.start(kind), match.end()))
            at = match.end()
        self._next = 0

    def error(self, problem: str) -> InvalidOption:
        return InvalidOption(f"{self.text!r} {problem}.", Where(element=self.label))

    def peek(self) -> Token | None:
        return self._tokens[self._next] if self._next < len(self._tokens) else None

    def keywords(self, *words: str) -> bool:
        """Consume these keywords if all of them come next."""
        coming = self._tokens[self._next : self._next + len(words)]
        if [t.text.upper() if t.kind == "word" else "" for t in coming] != list(words):
            return False
        self._next += len(words)
        return True

    def symbol(self, sign: str) -> bool:
        token = self.peek()
        if token is None or token.kind != "symbol" or token.text != sign:
            return False
        self._next += 1
        return True

    def name(self, what: str) -> str:
        """The next identifier as the server would store it."""
        token = self.peek()
        if token is None or token.kind not in ("word", "quoted"):
            raise self.error(f"lacks {what} where {self._here()} stands")
        self._next += 1
        name = token.text.replace('""', '"') if token.kind == "quoted" else fold(token.text)
        check_name(name, what, self.label)
        return name

    def path(self, what: str, parts: int) -> tuple[str, ...]:
        """Names separated by dots, as many as ``parts`` at most."""
        names = [self.name(what)]
        while self.symbol("."):
            names.append(self.name(what))
        if len(names) > parts:
            raise self.error(f"has {len(names)} names joined by dots, and {what} has {parts} at most")
        return tuple(names)

    def number(self, what: str) -> str:
        token = self.peek()
        if token is None or token.kind != "number":
            raise self.error(f"lacks {what} where {self._here()} stands")
        self._next += 1
        return str(int(token.text))

    def parenthesised(self) -> list[str] | None:
        """The texts between the commas of a parenthesis, if one comes next. Inner parentheses belong to the texts."""
        if not self.symbol("("):
            return None
        texts: list[str] = []
        depth, begin = 1, self._tokens[self._next - 1].end
        while True:
            token = self.peek()
            if token is None:
                raise self.error("has a parenthesis that is not closed")
            self._next += 1
            sign = token.text if token.kind == "symbol" else ""
            depth += (sign == "(") - (sign == ")")
            if depth == 0 or (depth == 1 and sign == ","):
                texts.append(self.text[begin : token.start].strip())
                begin = token.end
            if depth == 0:
                return texts if texts != [""] else []

    def rest(self) -> str:
        """What has not been read yet."""
        token = self.peek()
        return self.text[token.start - (token.kind == "quoted") :] if token else ""

    def finish(self, advice: str) -> None:
        if self.peek() is not None:
            raise self.error(f"goes on where it should end, at {self._here()}; {advice}")

    def _here(self) -> str:
        token = self.peek()
        return repr(self.text[token.start :]) if token else "the end"

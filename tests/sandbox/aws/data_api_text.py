# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""SQL as the Data API reads it before the server does: where parameters stand, and whether it is one statement."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

_PIECE = re.compile(
    r"""
      (?P<quoted>'(?:[^'\\]|''|\\.)*' | "(?:[^"]|"")*" | `(?:[^`]|``)*`)
    | (?P<dollar>\$(?P<tag>[A-Za-z_]*)\$.*?\$(?P=tag)\$)
    | (?P<comment>--[^\n]* | /\*.*?\*/)
    | (?P<cast>::|:=)
    | :(?P<name>[A-Za-z_][A-Za-z_0-9]*)
    | (?P<end>;)
    | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_BODY = re.compile(r"\s*CREATE\b.*\bBEGIN\b", re.IGNORECASE | re.DOTALL)


def _pieces(sql: str) -> Iterator[re.Match[str]]:
    return _PIECE.finditer(sql)


def is_one_statement(sql: str) -> bool:
    """What stands after a semicolon is another statement, but for what a body consists of."""
    ended = False
    for piece in _pieces(sql):
        if ended and not piece["comment"] and piece[0].strip() and not piece["end"]:
            return bool(_BODY.match(sql))
        ended = ended or bool(piece["end"])
    return True


def bind(sql: str, literal: Callable[[str], str]) -> str:
    """The SQL with a literal in the place of each ``:name``. ``literal`` raises KeyError for a name that it lacks."""
    return "".join(literal(piece["name"]) if piece["name"] else piece[0] for piece in _pieces(sql))

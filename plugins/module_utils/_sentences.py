# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Sentences for people. A name may hold characters that a terminal or a browser acts on instead of showing them.

https://cwe.mitre.org/data/definitions/150.html, https://www.unicode.org/reports/tr36/#Bidirectional_Text_Spoofing
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Callable

INVISIBLE = (
    "\x00-\x1f\x7f-\x9f"  # control characters
    "\u2028\u2029"  # line and paragraph separators
    "\ud800-\udfff"  # surrogates
    "\u2800"  # the blank pattern of Braille
    "\ufff9-\ufffb\U00013430-\U0001345f"  # format controls that are not ignorable: interlinear, hieroglyphs
    # Default_Ignorable_Code_Point: https://www.unicode.org/Public/UCD/latest/ucd/DerivedCoreProperties.txt
    "\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
"""For a class of a regular expression. Not asked of unicodedata, whose version differs between Pythons."""

_IN_LINE = re.compile(f"[{INVISIBLE}]")
_IN_TEXT = re.compile(f"(?!\n)[{INVISIBLE}]")
_SHORT = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}

EACH = object()

_LINES: tuple[tuple[object, ...], ...] = (
    ("msg",),
    ("warnings", EACH),
    ("errors", EACH, "message"),
    ("diff", "before_header"),
    ("diff", "after_header"),
    ("ansible_facts", "aurora_iam", "findings", EACH, "message"),
    ("ansible_facts", "aurora_iam", "unseen", EACH, "what"),
    ("ansible_facts", "aurora_iam", "unseen", EACH, "why"),
)
"""Where a result has a sentence. Everything else is data, which stays exact: names, statements that can be executed."""

_TEXTS: tuple[tuple[object, ...], ...] = (
    ("diff", "before"),
    ("diff", "after"),
    ("planned",),
    ("found",),
    ("exception",),
)
"""Where a result has a text of several lines."""


def line(text: str) -> str:
    """A sentence with what is invisible in it written as in a string of Python, JSON or YAML."""
    return _IN_LINE.sub(_escape, text)


def text(lines: str) -> str:
    """The same for a text of several lines. YAML with quoted scalars stays the same YAML."""
    return _IN_TEXT.sub(_escape, lines)


def escape_sentences(result: Mapping[str, Any]) -> dict[str, Any]:
    """A module's result with its sentences escaped and its data as they are."""
    escaped: Any = result
    for paths, escape in ((_LINES, line), (_TEXTS, text)):
        for path in paths:
            escaped = _at(escaped, path, escape)
    return dict(escaped)


def _at(value: Any, path: tuple[object, ...], escape: Callable[[str], str]) -> Any:
    """A copy of the value in which what is at the path is escaped, if there is anything."""
    if not path:
        return escape(value) if isinstance(value, str) else value
    step, rest = path[0], path[1:]
    if step is EACH:
        return [_at(element, rest, escape) for element in value] if isinstance(value, (list, tuple)) else value
    if isinstance(value, Mapping) and step in value:
        return {**value, step: _at(value[step], rest, escape)}
    return value


def _escape(found: re.Match[str]) -> str:
    character = found.group()
    number = ord(character)
    if character in _SHORT:
        return _SHORT[character]
    if number < 0x100:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"

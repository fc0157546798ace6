# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""The patterns of IAM policies: ``*``, ``?``, and policy variables such as ``${aws:username}``.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Callable, Union


@dataclass(frozen=True)
class Unknown:
    """The value of a condition key that is only known when somebody logs in. It begins with ``prefix``."""

    prefix: str = ""


@dataclass(frozen=True)
class NotBefore(Unknown):
    """A moment that is only known when somebody logs in, and that is not before this one, in seconds since 1970."""

    moment: float = 0.0


Value = Union[str, None, Unknown]
"""The value of a condition key: known, absent from the request, or not known yet."""
Values = Callable[[str], Value]
"""Gives the value of a condition key, whose name is in lower case."""


@dataclass(frozen=True)
class Glob:
    """A pattern without variables, as alternating literal texts and wildcards.

    head        the literal text before the first wildcard
    expression  the regular expression; empty where the head is all there is
    stars       how many ``*`` there are
    keys        the condition keys whose value is not known: with any, a match is only a possible one
    wider       the same where IAM's documents can also be read so that more matches: such a match is a possible one
    """

    head: str
    expression: str = ""
    stars: int = 0
    keys: tuple[str, ...] = ()
    wider: Glob | None = None

    @property
    def literal(self) -> bool:
        return not self.expression


_SPECIAL = re.compile(r"\$\{([^}]*)\}|\*+|\?")
_ESCAPED = frozenset("*?$")

# A last * of a segment of an ARN reaches beyond the colon, one within a segment does not. The resource part, such as
# dbuser:cluster-ABC/jane, is one segment of the six that an ARN has, and has a colon itself. Whether a * in front of
# that one reaches beyond it, as in …:123456789012:*/jane, the documents do not say.
_ANYTHING, _IN_SEGMENT = ".*", "[^:]*"
_BEFORE_RESOURCE = 5
"""The colons of an ARN in front of its resource part"""

_MAX_STARS = 5
"""Up to so many ``*`` a regular expression is fast on any text; with more, a crafted pattern could take minutes."""


@cache
def plain_glob(pattern: str, arn: bool = True) -> Glob:
    """The pattern with ``*`` and ``?``; variables are read as they are written."""
    return _glob(pattern, arn, None) or Glob(pattern)


def resolve(pattern: str, values: Values, arn: bool = True) -> Glob | None:
    """The pattern with its variables replaced. None where one has no value: such a pattern matches nothing."""
    return _glob(pattern, arn, values) if "${" in pattern else plain_glob(pattern, arn)


def _glob(pattern: str, arn: bool, values: Values | None) -> Glob | None:
    pieces: list[tuple[str, str]] = []
    wider: list[str] = []
    keys: list[str] = []
    end = 0
    for found in _SPECIAL.finditer(pattern):
        text, wildcard = _special(found, arn, values, keys)
        if text is None:
            return None
        pieces += [(pattern[end : found.start()] + text, wildcard)]
        in_resource = pattern.count(":", 0, found.start()) >= _BEFORE_RESOURCE
        wider += [_ANYTHING if wildcard == _IN_SEGMENT and in_resource else wildcard]
        end = found.end()
    pieces += [(pattern[end:], "")]
    texts, wildcards = zip(*pieces)
    narrow = _assembled(texts, wildcards, tuple(keys))
    if tuple(wider) == wildcards[:-1]:
        return narrow
    return replace(narrow, wider=_assembled(texts, (*wider, ""), tuple(keys)))


def _assembled(texts: Sequence[str], wildcards: Sequence[str], keys: tuple[str, ...]) -> Glob:
    wild = next((number for number, wildcard in enumerate(wildcards) if wildcard), len(texts) - 1)
    return Glob(
        head="".join(texts[: wild + 1]),
        expression="".join(map(_escaped, texts, wildcards)) if wildcards[wild] else "",
        stars=sum(wildcard.endswith("*") for wildcard in wildcards),
        keys=keys,
    )


def _escaped(text: str, wildcard: str) -> str:
    return re.escape(text) + wildcard


def _special(found: re.Match[str], arn: bool, values: Values | None, keys: list[str]) -> tuple[str | None, str]:
    """What a special part of a pattern stands for: literal text, then a wildcard. Adds keys that are not known."""
    if found[0][0] == "*":
        crosses = not arn or found.string[found.end() : found.end() + 1] in ("", ":")
        return "", _ANYTHING if crosses else _IN_SEGMENT
    if found[0] == "?":
        return "", "[^:]" if arn else "."
    if values is None:
        return found[0], ""
    return (found[1], "") if found[1] in _ESCAPED else _variable(found[1], values, keys)


def _variable(text: str, values: Values, keys: list[str]) -> tuple[str | None, str]:
    """What a policy variable, with its default value if it has one, stands for."""
    key, comma, default = text.partition(",")
    value = values(key.strip().lower())
    if isinstance(value, Unknown):
        keys.append(key.strip())
        return value.prefix, _ANYTHING
    return (default.strip().strip("'") if comma and value is None else value), ""


def matcher(glob: Glob) -> Callable[[str], object]:
    """A function that says whether a text matches."""
    if glob.literal:
        return glob.head.__eq__
    if glob.stars <= _MAX_STARS:
        return re.compile(glob.expression, re.DOTALL).fullmatch
    return _Automaton(glob.expression).matches


def matches(pattern: str, arn: str) -> bool:
    """Whether a pattern of a Resource element, without variables, covers the ARN."""
    return bool(matcher(plain_glob(pattern))(arn))


class _Automaton:
    """Matches in a time that grows with the text only. A state is a bit: how many tokens have matched so far."""

    _TOKEN = re.compile(r"(?P<star>\.\*|\[\^:\]\*)|(?P<one>\.|\[\^:\])|\\?(?P<literal>.)", re.DOTALL)

    def __init__(self, expression: str) -> None:
        """``expression`` is a Glob's."""
        self._literals: dict[str, int] = {}
        self._stars = self._one = self._crossing = 0
        self._accepting = 1
        for found in self._TOKEN.finditer(re.sub(r"(?:\[\^:\]\*)*\.\*(?:\.\*|\[\^:\]\*)*", ".*", expression)):
            bit, self._accepting = self._accepting, self._accepting << 1
            if found["literal"] is not None:
                self._literals[found["literal"]] = self._literals.get(found["literal"], 0) | bit
                continue
            self._stars |= bit if found["star"] else 0
            self._one |= bit if found["one"] else 0
            self._crossing |= bit if found[0].startswith(".") else 0

    def matches(self, text: str) -> bool:
        states = self._past_stars(1)
        for letter in text:
            allowed = self._crossing if letter == ":" else -1
            taken = states & (self._literals.get(letter, 0) | self._one & allowed)
            states = self._past_stars(taken << 1 | states & self._stars & allowed)
        return bool(states & self._accepting)

    def _past_stars(self, states: int) -> int:
        """A star also matches nothing. Adjacent stars cannot be: ``_SPECIAL`` reads them as one."""
        return states | (states & self._stars) << 1

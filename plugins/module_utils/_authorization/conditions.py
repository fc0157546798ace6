# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""The Condition element, as far as its keys are known before somebody logs in.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any, Optional

from ansible_collections.dbops.aurora_iam.plugins.module_utils._authorization.patterns import (
    Glob,
    NotBefore,
    Unknown,
    Value,
    Values,
    matcher,
    plain_glob,
    resolve,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._authorization.policies import Statement

Truth = Optional[bool]
"""None: it depends on what is known only at the login."""

_OPERATOR = re.compile(
    r"(?P<set>ForAllValues:|ForAnyValue:)?(?P<family>String|Arn|Bool|Numeric|Date|Binary|Ip|NotIp)"
    r"(?P<comparison>(?:Not)?(?:Equals(?:IgnoreCase)?|Like|(?:Less|Greater)Than(?:Equals)?|Address)?)"
    r"(?P<if_exists>IfExists)?",
    re.IGNORECASE,
)
_WILDCARD_OR_VARIABLE = re.compile(r"\$\{[^}]*\}|[*?]")


def all_true(truths: Iterable[Truth]) -> Truth:
    """Their conjunction. One that is False decides, whatever is not known."""
    outcome: Truth = True
    for truth in truths:
        if truth is False:
            return False
        outcome = None if truth is None else outcome
    return outcome


def any_true(truths: Iterable[Truth]) -> Truth:
    return negated(all_true(map(negated, truths)))


def negated(truth: Truth) -> Truth:
    return None if truth is None else not truth


def holds(statement: Statement, values: Values) -> tuple[Truth, tuple[str, ...]]:
    """Whether the statement's condition is met, and the keys that this depends on where it is not known.

    A key that is absent meets no operator but a negated one, ``…IfExists``, ``ForAllValues`` and ``Null``.
    """
    clauses = [
        _clause(operator, key, wanted, values, statement.variables)
        for operator, by_key in statement.condition.items()
        for key, wanted in by_key.items()
    ]
    truth = all_true(met for met, _keys in clauses)
    return truth, tuple(key for met, keys in clauses if met is None for key in keys) if truth is None else ()


def unmet(statement: Statement, values: Values) -> list[tuple[str, str]]:
    """Operator and key of each clause that no login can meet."""
    return [
        (operator, key)
        for operator, by_key in statement.condition.items()
        for key, wanted in by_key.items()
        if _clause(operator, key, wanted, values, statement.variables)[0] is False
    ]


def _clause(operator: str, key: str, wanted: Any, values: Values, variables: bool) -> tuple[Truth, list[str]]:
    """Whether one clause is met, and the keys that are not known: its own, or those of its variables."""
    keys: list[str] = []

    def noted(name: str) -> Value:
        value = values(name)
        if isinstance(value, Unknown):
            keys.append(name)
        return value

    actual = values(key.lower())
    truth = _clause_holds(operator, wanted, actual, noted if variables else None)
    return truth, [key] if isinstance(actual, Unknown) or not keys else keys


def _clause_holds(operator: str, wanted: Any, actual: Value, variables: Values | None) -> Truth:
    choices = [_text(choice) for choice in (wanted if isinstance(wanted, list) else [wanted])]
    if operator.lower() == "null":
        return _null_holds(choices, actual)
    parts = _OPERATOR.fullmatch(operator)
    if parts is None:
        return None
    if actual is None:
        return _holds_without_key(parts)
    met = any_true(_matches(parts, choice, actual, variables) for choice in choices)
    return negated(met) if _is_negative(parts) else met


def _null_holds(choices: list[str], actual: Value) -> Truth:
    if isinstance(actual, Unknown) and not (actual.prefix or isinstance(actual, NotBefore)):
        return None
    # A value of which the beginning is known is there, and so is the time
    return ("true" if actual is None else "false") in choices


def _is_negative(parts: re.Match[str]) -> bool:
    return "not" in (parts["family"] + parts["comparison"]).lower()


def _holds_without_key(parts: re.Match[str]) -> bool:
    """Whether the operator is met where the request does not have the key."""
    by_set = (parts["set"] or "").lower()
    return bool(parts["if_exists"]) or by_set == "forallvalues:" or (_is_negative(parts) and not by_set)


def _matches(parts: re.Match[str], choice: str, actual: Value, variables: Values | None) -> Truth:
    """Whether a key's value, which is there, is the one that the policy wants."""
    family, comparison = parts["family"].lower(), parts["comparison"].lower()
    ignore_case = family == "bool" or comparison.endswith("ignorecase")
    if isinstance(actual, NotBefore):
        return _comes(comparison, choice, actual.moment)
    if family not in ("string", "arn", "bool"):
        # Numbers and addresses: nothing of the kind is known before the login
        return None
    like = family == "arn" or comparison.endswith("like")
    if variables is None:
        glob: Glob | None = plain_glob(choice, family == "arn") if like else Glob(choice)
    else:
        glob = resolve(choice if like else _without_wildcards(choice), variables, family == "arn")
    if glob is None:
        return False
    if ignore_case:
        glob = replace(glob, head=glob.head.lower(), expression=glob.expression.lower())
    return _covers(glob, actual, ignore_case)


def _comes(comparison: str, choice: str, earliest: float) -> Truth:
    """Whether a moment that is not before ``earliest`` compares so with the one that the policy wants."""
    wanted = _moment(choice)
    if wanted is None:
        return None
    if comparison in ("lessthan", "lessthanequals"):
        return None if wanted > earliest else False
    if comparison in ("greaterthan", "greaterthanequals"):
        return True if wanted < earliest else None
    return None if wanted >= earliest else False


def _moment(text: str) -> float | None:
    """Seconds since 1970 of a date in one of the W3C's ISO 8601 formats, or of the seconds themselves.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
    """
    try:
        if "-" not in text:
            return float(text)
        read = datetime.fromisoformat(text.upper().replace("Z", "+00:00"))
    except ValueError:
        return None
    return (read if read.tzinfo else read.replace(tzinfo=timezone.utc)).timestamp()


def _covers(glob: Glob, actual: Value, ignore_case: bool) -> Truth:
    known = (actual.prefix if isinstance(actual, Unknown) else actual) or ""
    known = known.lower() if ignore_case else known
    matched = bool(matcher(glob)(known))
    if isinstance(actual, Unknown) and not (matched and known and glob.expression.endswith(".*")):
        return _may_cover(glob, known)
    # A match of a pattern with keys that are not known is only a possible one
    return matched and (None if glob.keys else True)


def _may_cover(glob: Glob, beginning: str) -> Truth:
    """What a pattern says of a value of which only the beginning is known."""
    possible = glob.head.startswith(beginning) or (not glob.literal and beginning.startswith(glob.head))
    return None if possible else False


def _without_wildcards(choice: str) -> str:
    """The same text for operators that know variables but no wildcards."""
    return _WILDCARD_OR_VARIABLE.sub(lambda found: found[0] if found[0][1:] else f"${{{found[0]}}}", choice)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)

# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Condition element of IAM policies, for the operators and keys that make sense for a database login."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from ipaddress import ip_address, ip_network
from typing import Any

from tests.sandbox.aws.policy_patterns import matches


def _date(text: str) -> datetime:
    moment = datetime.fromisoformat(text) if "-" in text else datetime.fromtimestamp(float(text), UTC)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


_OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda actual, wanted: actual == wanted,
    "StringEqualsIgnoreCase": lambda actual, wanted: actual.casefold() == wanted.casefold(),
    "StringLike": lambda actual, wanted: matches(wanted, actual),
    "ArnEquals": lambda actual, wanted: matches(wanted, actual, arn=True),
    "ArnLike": lambda actual, wanted: matches(wanted, actual, arn=True),
    "Bool": lambda actual, wanted: actual.casefold() == wanted.casefold(),
    "IpAddress": lambda actual, wanted: ip_address(actual) in ip_network(wanted, strict=False),
    "DateEquals": lambda actual, wanted: _date(actual) == _date(wanted),
    "DateLessThan": lambda actual, wanted: _date(actual) < _date(wanted),
    "DateLessThanEquals": lambda actual, wanted: _date(actual) <= _date(wanted),
    "DateGreaterThan": lambda actual, wanted: _date(actual) > _date(wanted),
    "DateGreaterThanEquals": lambda actual, wanted: _date(actual) >= _date(wanted),
}


def holds(condition: Mapping[str, Mapping[str, Any]], context: Mapping[str, str], *, otherwise: bool) -> bool:
    """Whether every clause of a Condition element is met.

    ``context`` maps lower-case condition keys to values. ``otherwise`` is the answer for a clause that this
    sandbox cannot judge, so that an Allow with such a clause does not count and a Deny with one does.
    """
    return all(
        _clause_holds(operator, key.lower(), wanted, context, otherwise)
        for operator, clauses in condition.items()
        for key, wanted in clauses.items()
    )


def _clause_holds(operator: str, key: str, wanted: Any, context: Mapping[str, str], otherwise: bool) -> bool:
    choices = [_text(choice) for choice in (wanted if isinstance(wanted, list) else [wanted])]
    if operator == "Null":
        return ("false" if key in context else "true") in choices
    plain = operator.removesuffix("IfExists")
    negated = "Not" in plain
    compare = _OPERATORS.get(plain.replace("Not", "", 1))
    if compare is None or any("${" in choice for choice in choices):
        return otherwise
    if key not in context:
        return negated or plain != operator
    try:
        return any(compare(context[key], choice) for choice in choices) != negated
    except ValueError:
        return otherwise


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)

# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The patterns of IAM policies: ``*`` and ``?``, and policy variables such as ``${aws:username}``."""

from __future__ import annotations

import re
from collections.abc import Mapping

_SPECIAL = re.compile(r"\$\{(?P<variable>[^}]*)\}|(?P<star>\*)|(?P<question>\?)")
_ESCAPED_WILDCARDS = frozenset("*?$")

# A last * of an ARN's segment reaches beyond the colon, one in the middle of a segment does not:
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
_WITHIN_SEGMENT = "[^:]"


def matches(
    pattern: str,
    value: str,
    *,
    arn: bool = False,
    ignore_case: bool = False,
    variables: Mapping[str, str] | None = None,
) -> bool:
    """Whether ``value`` is what the policy's ``pattern`` describes.

    ``variables`` maps lower-case context keys to values; None leaves ``${...}`` as it is written, which is what
    policies of a version before 2012-10-17 mean by it. A variable without a value matches nothing.
    """
    expression = _expression(pattern, arn, variables)
    if expression is None:
        return False
    return re.fullmatch(expression, value, re.DOTALL | (re.IGNORECASE if ignore_case else 0)) is not None


def _expression(pattern: str, arn: bool, variables: Mapping[str, str] | None) -> str | None:
    """The regular expression for a pattern, or None where a policy variable has no value."""
    parts: list[str] = []
    end = 0
    for found in _SPECIAL.finditer(pattern):
        parts.append(re.escape(pattern[end : found.start()]))
        end = found.end()
        if found["star"]:
            segment_ends = end == len(pattern) or pattern[end] == ":"
            parts.append(".*" if not arn or segment_ends else f"{_WITHIN_SEGMENT}*")
        elif found["question"]:
            parts.append(_WITHIN_SEGMENT if arn else ".")
        elif variables is None:
            parts.append(re.escape(found[0]))
        else:
            value = _variable(found["variable"], variables)
            if value is None:
                return None
            parts.append(re.escape(value))
    return "".join(parts) + re.escape(pattern[end:])


def _variable(text: str, variables: Mapping[str, str]) -> str | None:
    """The value of what stands between the braces: a wildcard meant literally, or a key with an optional default."""
    if text in _ESCAPED_WILDCARDS:
        return text
    key, comma, default = text.partition(",")
    return variables.get(key.strip().lower(), default.strip().strip("'") if comma else None)

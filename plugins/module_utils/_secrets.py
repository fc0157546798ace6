# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""The secrets of a task, and how they are masked.

A server or AWS may repeat in an error what it was sent, so that not only options are masked but also passwords, tokens
and temporary keys that the task reads or makes itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

try:
    # Since ansible-core 2.22, the controller masks what is registered in everything that it prints
    from ansible.module_utils.secrets import register_secrets
except ImportError:
    register_secrets = None

WHOLE = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"
PART = "********"
"""Ansible's own placeholders: https://docs.ansible.com/ansible/latest/reference_appendices/logging.html"""

_known: set[str] = set()
"""Of the task that this process carries out. A secret is registered where it appears, far from where results leave."""


def forget_secrets() -> None:
    """At the start of a task."""
    _known.clear()


def register_secret(*secrets: str) -> None:
    """Mask these from now on, and where Ansible can, let it do the same."""
    new = {secret for secret in secrets if secret} - _known
    _known.update(new)
    if register_secrets is not None and new:
        register_secrets(new)


def register_token(token: str) -> None:
    """An IAM token, and those of its parts that are secret by themselves: it is a URL without its scheme.

    https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/UsingWithRDS.IAMDBAuth.Connecting.html
    """
    parts = parse_qs(urlsplit(f"//{token}").query)
    register_secret(
        token, *(part for name in ("X-Amz-Signature", "X-Amz-Security-Token") for part in parts.get(name, ()))
    )


def known_secrets() -> frozenset[str]:
    return frozenset(_known)


def mask(value: Any) -> Any:
    """The value without secrets, in the way that Ansible masks the options that it knows to be secret.

    https://github.com/ansible/ansible/blob/v2.19.0/lib/ansible/module_utils/common/parameters.py#L866
    """
    forms = {form for secret in _known for form in _forms(secret)}
    if not forms:
        return value
    longest_first = sorted(forms, key=lambda form: (-len(form), form))
    return _masked(value, re.compile("|".join(map(re.escape, longest_first))))


def _masked(value: Any, secrets: re.Pattern[str]) -> Any:
    if isinstance(value, str):
        return WHOLE if secrets.fullmatch(value) else secrets.sub(PART, value)
    if isinstance(value, Mapping):
        return {_masked(key, secrets): _masked(element, secrets) for key, element in value.items()}
    if isinstance(value, (list, tuple)):
        return [_masked(element, secrets) for element in value]
    if isinstance(value, (int, float)) and not isinstance(value, bool) and secrets.search(str(value)):
        return WHOLE
    return value


def _forms(secret: str) -> set[str]:
    """How an error may write it: as it is, in a URL, in JSON, in a Python exception, in SQL."""
    doubled = {secret.replace(mark, mark * 2) for mark in "'\""}
    return {
        secret,
        quote(secret, safe=""),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        repr(secret)[1:-1],
        *doubled,
    } - {""}

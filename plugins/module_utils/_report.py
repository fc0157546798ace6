# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Accounts as a person reads them: the dictionaries that tasks return, and the YAML that ``--diff`` shows."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Callable

from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import (
    IAM,
    Account,
    AccountName,
    Capabilities,
    Grant,
)

DescribeGrants = Callable[[frozenset[Grant]], list[dict[str, Any]]]

_TEXT = json.JSONEncoder(ensure_ascii=False).encode
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_RESERVED_WORDS = frozenset({"true", "false", "yes", "no", "on", "off", "null", "y", "n"})


def describe_account(account: Account, capabilities: Capabilities, describe_grants: DescribeGrants) -> dict[str, Any]:
    """The account in the words of the options that would make it; fed back, they change nothing."""
    described: dict[str, Any] = {"name": account.name.name}
    if capabilities.hosts:
        described["host"] = account.name.host
    if capabilities.tls_requirement:
        described["require_tls"] = bool(account.tls)
    described.update(
        locked=account.locked,
        connection_limit=account.connection_limit,
        comment=account.comment,
        roles=sorted(_role(role, capabilities) for role in account.roles),
        grants=describe_grants(account.grants),
    )
    return described


def _role(role: AccountName, capabilities: Capabilities) -> str:
    return role.name if capabilities.hosts and role.host == "%" else str(role)


def diff_side(
    accounts: Mapping[AccountName, Account], capabilities: Capabilities, describe_grants: DescribeGrants
) -> str:
    """One side of the diff: the accounts as YAML, sorted by name. How one logs in is shown where it is not by IAM."""
    listed = []
    for name in sorted(accounts):
        described = describe_account(accounts[name], capabilities, describe_grants)
        if accounts[name].authentication != IAM:
            described = {"authentication": accounts[name].authentication, **described}
        listed.append(described)
    return to_yaml(listed) if listed else ""


def to_yaml(value: Any, indent: int = 0) -> str:
    """Lists, dictionaries and scalars as block YAML. A target host need not have a YAML library.

    Scalars are JSON's, which YAML includes; words that no YAML reader mistakes for something else stay plain.
    """
    pad = "  " * indent
    if isinstance(value, dict) and value:
        return "".join(f"{pad}{_scalar(key)}:{_nested(item, indent + 1)}" for key, item in value.items())
    if isinstance(value, list) and value:
        # The first line of an element stands behind its dash, which takes the place of two spaces of indentation.
        return "".join(f"{pad}- {to_yaml(item, indent + 1)[len(pad) + 2 :]}" for item in value)
    return f"{pad}{_scalar(value)}\n"


def _nested(value: Any, indent: int) -> str:
    if isinstance(value, (dict, list)) and value:
        return "\n" + to_yaml(value, indent)
    return f" {_scalar(value)}\n"


def _scalar(value: Any) -> str:
    return _text(value) if isinstance(value, str) else _TEXT(value)


@lru_cache(maxsize=1024)
def _text(value: str) -> str:
    """Remembered, because accounts of a set have the same keys and often the same texts."""
    return value if _PLAIN.match(value) and value.lower() not in _RESERVED_WORDS else _TEXT(value)

# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Take accounts out of a policy document. What is left of it says nothing that it did not say before."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.dbops.aurora_iam.plugins.module_utils._authorization.policies import ACTION, listed

Document = Mapping[str, Any]

_KEYS = frozenset({"Sid", "Effect", "Action", "Resource", "Condition"})


@dataclass(frozen=True)
class Revocation:
    """
    named      ARNs that an Allow statement of the document names, letter by letter
    document   without them; empty where nothing is left
    is_own     whether the document is about nothing but connecting to this one database, through a proxy too
    """

    named: tuple[str, ...]
    document: Document
    is_own: bool


def revoke(document: Document, database: str | tuple[str, ...], connect_arns: Collection[str]) -> Revocation:
    """
    database      what the connect ARNs of all accounts of the database begin with; several, where it has proxies
    connect_arns  of the accounts as which nobody is to connect any more
    """
    statements = listed(document.get("Statement", []))
    kept = [left for statement in statements if (left := _without(statement, connect_arns))]
    return Revocation(
        named=tuple(sorted(set(connect_arns).intersection(_allowed(statements)))),
        document={**document, "Statement": kept} if kept else {},
        is_own=all(_is_own(statement, database) for statement in statements),
    )


def _allowed(statements: Iterable[Any]) -> list[str]:
    return [resource for statement in statements if _allows(statement) for resource in _resources(statement)]


def _allows(statement: Any) -> bool:
    return isinstance(statement, Mapping) and statement.get("Effect") == "Allow"


def _resources(statement: Mapping[str, Any]) -> list[str]:
    return [str(resource) for resource in listed(statement.get("Resource", []))]


def _without(statement: Any, connect_arns: Collection[str]) -> Any:
    """The statement for the other accounts; None where there are none. A Deny stays."""
    if not _allows(statement):
        return statement
    left = [resource for resource in _resources(statement) if resource not in connect_arns]
    if len(left) == len(_resources(statement)):
        return statement
    return {**statement, "Resource": left} if left else None


def _is_own(statement: Any, database: str | tuple[str, ...]) -> bool:
    if not _allows(statement) or not statement.keys() <= _KEYS:
        return False
    actions = [str(action).lower() for action in listed(statement.get("Action", []))]
    return actions == [ACTION] and all(resource.startswith(database) for resource in _resources(statement))

# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Many small grants as few wide statements: accounts, objects and privileges that go together share one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Callable, NamedTuple

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql import statements
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.grantor import SELF
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.observed import (
    without_column,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.grammar.objects import FUTURE
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import Scope
from ansible_collections.dbops.aurora_iam.plugins.module_utils._plan import Statement


class Item(NamedTuple):
    """One privilege of one account.

    option  the grant option, to be given or to be taken
    holder  by whose grant option it is granted: what goes by those of several roles cannot share a statement
    """

    account: str
    privilege: str
    scope: Scope
    acting: str
    """As whom: the login itself, or a role by SET ROLE."""
    option: bool
    holder: str = ""


@dataclass(frozen=True, order=True)
class Bundle:
    """What one statement says."""

    acting: str
    option: bool
    scopes: tuple[Scope, ...]
    privileges: tuple[str, ...]
    accounts: tuple[str, ...]


Write = Callable[[Sequence[str], Sequence[Scope], Sequence[str], bool], Statement]


def bundle(items: Iterable[Item]) -> list[Bundle]:
    """First by account and object, then accounts with the same privileges, then objects with the same accounts."""
    cells: dict[tuple[str, bool, str, Scope], dict[str, set[tuple[str, str]]]] = {}
    for item in items:
        cell = cells.setdefault((item.acting, item.option, item.holder, without_column(item.scope)), {})
        cell.setdefault(item.account, set()).add((item.privilege, item.scope.column))
    scopes: dict[tuple[str, bool, str, str, tuple[str, ...], frozenset[str]], list[Scope]] = {}
    for (acting, option, holder, scope), accounts in sorted(cells.items(), key=lambda cell: cell[0]):
        same: dict[frozenset[tuple[str, str]], set[str]] = {}
        for account, privileges in accounts.items():
            same.setdefault(frozenset(privileges), set()).add(account)
        for privileges_of_all, names in same.items():
            # ALTER DEFAULT PRIVILEGES names one owner and one schema
            apart = repr(scope) if scope.kind.startswith(FUTURE) else scope.database + scope.kind
            key = (acting, option, holder, apart, _words(privileges_of_all), frozenset(names))
            scopes.setdefault(key, []).append(scope)
    return sorted(
        Bundle(acting, option, tuple(together), privileges, tuple(sorted(names)))
        for (acting, option, _holder, _apart, privileges, names), together in scopes.items()
    )


def _words(privileges: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """As they stand in the statement: whole privileges first, then those on columns, each with all of its columns."""
    whole = sorted(name for name, column in privileges if not column)
    columns: dict[str, list[str]] = {}
    for name, column in sorted(privileges):
        if column:
            columns.setdefault(name, []).append(column)
    return (*whole, *(statements.on_columns(name, names) for name, names in sorted(columns.items())))


def write(bundles: Iterable[Bundle], statement: Write) -> list[Statement]:
    """In order, with SET ROLE around those that another role has to say."""
    written: list[Statement] = []
    acting = SELF
    for item in bundles:
        if item.acting != acting:
            written += [statements.reset_role()] if acting != SELF else []
            written += [statements.set_role(item.acting)] if item.acting != SELF else []
            acting = item.acting
        written.append(statement(item.privileges, item.scopes, item.accounts, item.option))
    return written + ([statements.reset_role()] if acting != SELF else [])

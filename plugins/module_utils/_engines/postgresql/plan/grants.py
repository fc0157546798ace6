# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Many small grants as few wide statements: accounts, objects and privileges that go together share one."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Callable, NamedTuple

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.grouping import (
    columns_by_privilege,
    object_of,
    together,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql import statements
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.grantor import SELF
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.grammar.kinds import (
    FUTURE,
)
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
class Grouped:
    """What one statement says."""

    acting: str
    option: bool
    scopes: tuple[Scope, ...]
    privileges: tuple[str, ...]
    accounts: tuple[str, ...]


Write = Callable[[Sequence[str], Sequence[Scope], Sequence[str], bool], Statement]


def grouped(items: Iterable[Item]) -> list[Grouped]:
    """First by account and object, then accounts with the same privileges, then objects with the same accounts."""
    cells = together((_Cell(item.acting, item.option, item.holder, object_of(item.scope)), item) for item in items)
    scopes = together(pair for cell, found in sorted(cells.items()) for pair in _with_accounts(cell, found))
    return sorted(
        Grouped(key.acting, key.option, tuple(objects), key.privileges, tuple(sorted(key.accounts)))
        for key, objects in scopes.items()
    )


class _Cell(NamedTuple):
    acting: str
    option: bool
    holder: str
    scope: Scope


class _Key(NamedTuple):
    """What the scopes of one statement share. ``apart``: what else must be equal for them to share it."""

    acting: str
    option: bool
    holder: str
    apart: str
    privileges: tuple[str, ...]
    accounts: frozenset[str]


def _with_accounts(cell: _Cell, items: Iterable[Item]) -> Iterator[tuple[_Key, Scope]]:
    """One pair for all accounts that have the same privileges on the scope."""
    scope = cell.scope
    # ALTER DEFAULT PRIVILEGES names one owner and one schema
    apart = repr(scope) if scope.kind.startswith(FUTURE) else scope.database + scope.kind
    by_account = together((item.account, (item.privilege, item.scope.column)) for item in items)
    same = together((frozenset(privileges), account) for account, privileges in by_account.items())
    for privileges, accounts in same.items():
        yield _Key(cell.acting, cell.option, cell.holder, apart, _words(privileges), frozenset(accounts)), scope


def _words(privileges: Collection[tuple[str, str]]) -> tuple[str, ...]:
    """As they stand in the statement: whole privileges first, then those on columns, each with all of its columns."""
    whole = sorted(name for name, column in privileges if not column)
    limited = columns_by_privilege(privileges)
    return (*whole, *(statements.on_columns(name, columns) for name, columns in limited.items()))


Around = Callable[[str], "tuple[list[Statement], list[Statement]]"]
"""What stands before the statements that a role has to say, and what after them."""


def as_role(role: str) -> tuple[list[Statement], list[Statement]]:
    if role == SELF:
        return [], []
    return [statements.set_role(role)], [statements.reset_role()]


def write(groups: Iterable[Grouped], statement: Write, around: Around = as_role) -> list[Statement]:
    """In order."""
    written: list[Statement] = []
    for acting, found in groupby(groups, key=lambda item: item.acting):
        before, after = around(acting)
        said = [statement(item.privileges, item.scopes, item.accounts, item.option) for item in found]
        accounts = tuple(dict.fromkeys(account for item in said for account in item.accounts))
        written += [*(replace(item, accounts=accounts) for item in before), *said, *after]
    return written

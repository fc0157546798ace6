# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Where the grants of an account are not what it can do: grants of others count for it, or its own hide each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import permutations

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql import statements
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.access import (
    GrantTables,
    Privileges,
    added_by,
    listed,
    lost_to,
    rows_of_others,
    takes_from,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.observed import MySQLObserved
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.names import quoted_account
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.objects import (
    format_scope,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.privileges import (
    USAGE,
    in_order,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.plan.resolve import element_of_grant
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import Refused
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import (
    Account,
    AccountChange,
    AccountName,
    Changes,
    Grant,
    Scope,
)


def check_hidden(change: AccountChange, observed: MySQLObserved) -> None:
    """Raises Refused where a grant on a database or a pattern would make the server pass over another one that gives
    more. While a role is active, the server chooses by another rule.

    https://dev.mysql.com/doc/refman/8.4/en/request-access.html
    """
    before, after = _hidden(change.before, observed), _hidden(change.after, observed)
    for (counting, hidden), privileges in sorted(after.items()):
        lost = privileges - before.get((counting, hidden), frozenset())
        if lost:
            element = next(grant for grant in sorted(_grants(change.after)) if grant.scope == counting)
            words, on = _words(lost), format_scope(counting)
            raise Refused(
                f"{change.name} would not have {words} on {on}, because its grant there hides that on "
                f"{format_scope(hidden)}: with partial_revokes OFF, MySQL reads only one of the grants that match a "
                f"database. List {words} for {on} too.",
                change.at(element_of_grant(change, element, observed)),
            )


def _grants(account: Account | None) -> frozenset[Grant]:
    return account.grants if account is not None else frozenset()


def _words(privileges: Privileges) -> str:
    return ", ".join("the grant option" if word == USAGE else word for word in sorted(privileges, key=in_order))


def _hidden(account: Account | None, observed: MySQLObserved) -> Mapping[tuple[Scope, Scope], Privileges]:
    """By two databases of an account's grants: what the second one does not give where the first one matches too."""
    if account is None or not any(grant.scope.kind == "PATTERN" for grant in account.grants):
        return {}
    tables = GrantTables(observed.dialect, {account.name: account.grants})
    everywhere = {grant.privilege for grant in tables.global_grants(account.name)}
    may_have_roles = bool(account.roles or observed.mandatory_roles)
    return {
        (row.scope, other.scope): takes_from(row, other, may_have_roles) - everywhere
        for row, other in permutations(tables.rows(account.name), 2)
    }


def foreign_access(changes: Changes, observed: MySQLObserved) -> Iterator[str]:
    """Warnings about accounts whose ``grants`` are meant to be all that they have."""
    grants = dict(observed.grant_tables.grants)
    grants.update((change.name, _grants(change.after)) for change in changes.accounts)
    tables = GrantTables(observed.dialect, grants, observed.grant_tables.restrictions)
    names = [change.name for change in changes.accounts if _is_exhaustive(change)]
    accounts = _existing_after(changes, observed)
    for name, rows in rows_of_others(names, tables, accounts, observed.resolves_hosts).items():
        added = added_by(rows, name, tables)
        if added:
            yield (
                f"{name} also has {listed(added)}: MySQL looks for grants by user name and client while no role is "
                "active. Revoke there what the account should not have, or list it here."
            )
        for row, own, lost in lost_to(rows, name, tables):
            yield (
                f"{name} does not have {_words(lost)} of {format_scope(own.scope)} on {format_scope(row.scope)}, "
                f"because the grant of {quoted_account(row.account)} there counts instead. Revoke it, or grant "
                f"{_words(lost)} on {format_scope(row.scope)} to {name} too."
            )


def _existing_after(changes: Changes, observed: MySQLObserved) -> frozenset[AccountName]:
    remaining = {change.name for change in changes.accounts if change.after is not None}
    return (observed.existing - {change.name for change in changes.accounts}) | remaining


def kept_rights(changes: Changes, observed: MySQLObserved) -> Iterator[str]:
    """Warnings about what accounts keep that neither ``grants`` nor ``roles`` can say."""
    for change in changes.accounts:
        request = change.request
        proxied = sorted(observed.proxied.get(change.name, ()))
        if proxied and _is_exhaustive(change):
            yield (
                f"{change.name} may act as {', '.join(map(quoted_account, proxied))} (PROXY), which is not in grants. "
                "Say REVOKE PROXY if it should not."
            )
        if change.after is not None and request is not None and request.roles is not None and request.purge_roles:
            roles = sorted(change.after.roles & set(observed.admin_roles.get(change.name, ())))
            if roles:
                yield (
                    f"{change.name} may give {', '.join(map(str, roles))} to others (WITH ADMIN OPTION). MySQL takes "
                    "that away with the role only, and sessions that begin in between lack the role. If it should not, "
                    f"execute: {_without_admin_option(change.after, roles)}"
                )


def _without_admin_option(account: Account, roles: Sequence[AccountName]) -> str:
    """Statements after which the account has the roles as before."""
    names = [account.name]
    again = [statements.revoke_roles(roles, names), statements.grant_roles(roles, names)]
    if account.default_roles.intersection(roles):
        again += statements.set_default_roles(sorted(account.default_roles), False, names)
    return "; ".join(statement.text for statement in again)


def _is_exhaustive(change: AccountChange) -> bool:
    request, after = change.request, change.after
    exhaustive = request is not None and request.grants is not None and request.purge_grants
    return exhaustive and after is not None and not after.locked

# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Where the grants of an account are not what it can do: grants of others count for it, or its own hide each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

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
    GLOBAL,
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
    """Raises Refused where a grant on a database would make the server pass over one on a pattern that gives more.

    https://dev.mysql.com/doc/refman/8.4/en/request-access.html
    """
    before, after = _hidden(change.before, observed), _hidden(change.after, observed)
    for (narrow, wide), privileges in sorted(after.items()):
        lost = privileges - before.get((narrow, wide), frozenset())
        if lost:
            element = next(grant for grant in sorted(_grants(change.after)) if grant.scope == narrow)
            words = _words(lost)
            raise Refused(
                f"{change.name} would not have {words} on {format_scope(narrow)}, because its grant there hides that "
                f"on {format_scope(wide)}: with partial_revokes OFF, MySQL reads the most specific one only. List "
                f"{words} for {format_scope(narrow)} too.",
                change.at(element_of_grant(change, element, observed)),
            )


def _grants(account: Account | None) -> frozenset[Grant]:
    return account.grants if account is not None else frozenset()


def _words(privileges: Privileges) -> str:
    return ", ".join("the grant option" if word == USAGE else word for word in sorted(privileges, key=in_order))


def _hidden(account: Account | None, observed: MySQLObserved) -> Mapping[tuple[Scope, Scope], Privileges]:
    """By two databases of an account's grants: what the wider one would give in the narrower one."""
    if account is None or not any(grant.scope.kind == "PATTERN" for grant in account.grants):
        return {}
    everywhere = {grant.privilege for grant in account.grants if grant.scope == GLOBAL}
    rows = GrantTables(observed.dialect, {account.name: account.grants}).rows(account.name)
    return {
        (row.scope, other.scope): takes_from(row, other) - everywhere for row in rows for other in rows if row != other
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
                f"because the grant of {quoted_account(row.account)} there is more specific. Revoke it, or grant "
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
                    "that away with the role only: if it should not, revoke the role, and run the task again."
                )


def _is_exhaustive(change: AccountChange) -> bool:
    request, after = change.request, change.after
    exhaustive = request is not None and request.grants is not None and request.purge_grants
    return exhaustive and after is not None and not after.locked

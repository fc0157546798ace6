# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""What every account of a MySQL server has without a grant of its own, and what of it is a danger."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.roles import reachable
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.rows import (
    GrantedRows,
    PrivilegeRow,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.facts.administrators import (
    Holder,
    administrator_by,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.describe import describe_grants
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.statements import Dialect
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import AccountName
from ansible_collections.dbops.aurora_iam.plugins.module_utils._survey import (
    Exposure,
    PublicGrant,
    PublicRights,
    SurveyedAccount,
    first_of,
)


def rights(
    rows: Collection[PrivilegeRow], mandatory: Iterable[AccountName], dialect: Dialect, folds: bool
) -> tuple[PublicRights, ...]:
    """``rows``: those of ``privileges_of_everybody``; ``mandatory``: the roles of mandatory_roles."""
    found = GrantedRows(dialect, folds, {AccountName("", row.host.lower()) for row in rows})
    found.add(rows)
    grants = [
        PublicGrant(tuple(element["privileges"]), "DATABASE", 1, (_object(element["on"], name.host or ""),))
        for name, held in sorted(found.grants.items())
        for element in describe_grants(held)
    ]
    roles = tuple(sorted(mandatory))
    return (PublicRights("", tuple(grants), roles=roles),) if grants or roles else ()


def _object(scope: str, host: str) -> str:
    return scope if host in ("%", "") else f"{scope} from {host}"


def exposures(
    title: str,
    public: Iterable[PublicRights],
    accounts: Iterable[SurveyedAccount],
    holder: Callable[[AccountName], Holder],
    roles: Mapping[AccountName, Collection[AccountName]],
) -> Iterator[Exposure]:
    """
    holder  what an account or a role has
    roles   of each account and role
    """
    for each in public:
        if each.grants:
            listed = [f"{', '.join(item.privileges)} on {item.objects[0]}" for item in each.grants]
            yield Exposure(
                "public_grant",
                title,
                f"Every account of {title} has {first_of(listed, 20)}, because rows of mysql.db without a user name "
                "count for every session that has no active role; grant these privileges to the accounts that need "
                "them, then revoke them from the anonymous account ''@host of the row.",
            )
        yield from _strong_roles(title, each.roles, holder, roles)
    for account in accounts:
        if not account.name.name and account.can_log_in:
            yield Exposure(
                "anonymous_account",
                title,
                f"{title} has the anonymous account ''@'{account.name.host}', by which anybody can log in under a name "
                f"that no other account has; DROP USER ''@'{account.name.host}' if nobody needs it.",
            )


def _strong_roles(
    title: str,
    mandatory: Iterable[AccountName],
    holder: Callable[[AccountName], Holder],
    roles: Mapping[AccountName, Collection[AccountName]],
) -> Iterator[Exposure]:
    for role in mandatory:
        words = administrator_by(Holder(role, frozenset()), [holder(each) for each in {role, *reachable(role, roles)}])
        if words:
            yield Exposure(
                "public_powerful",
                title,
                f"Every account of {title} has role {role} by mandatory_roles, and by it {', '.join(words)}; grant the "
                "role to the accounts that need it, then take it out of the parameter mandatory_roles.",
            )

# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""What makes an account an administrator: privileges by which it can take the others for itself."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.grouping import object_of, together
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.objects import (
    GLOBAL,
    format_scope,
    matches,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.privileges import (
    DATABASE_PRIVILEGES,
    USAGE,
    in_order,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import AccountName, Grant, Scope

_SYSTEM = "mysql"
_SUPER_LIKE = (
    "ALLOW_NONEXISTENT_DEFINER",
    "BINLOG_ADMIN",
    "CREATE USER",
    "FILE",
    "ROLE_ADMIN",
    "SET_ANY_DEFINER",
    "SET_USER_ID",
    "SUPER",
    "SYSTEM_USER",
    "SYSTEM_VARIABLES_ADMIN",
)
"""https://dev.mysql.com/doc/refman/8.4/en/privileges-provided.html"""

_MASTER_ROLE = "rds_superuser_role"
"""https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/AuroraMySQL.Compare-80-v3.html"""


_GRANT_TABLES = (
    "columns_priv",
    "db",
    "default_roles",
    "global_grants",
    "procs_priv",
    "proxies_priv",
    "role_edges",
    "tables_priv",
    "user",
)
"""https://dev.mysql.com/doc/refman/8.4/en/grant-tables.html"""

_WRITES = ("INSERT", "UPDATE", "DELETE")


class Holder(NamedTuple):
    """
    name        of an account or a role
    grants      its own
    restricted  its partial revokes in the database mysql
    """

    name: AccountName
    grants: frozenset[Grant]
    restricted: frozenset[str] = frozenset()


def administrator_by(account: Holder, roles: Collection[Holder]) -> tuple[str, ...]:
    """In words, of the account itself and of each role that it has, directly or not."""
    found = list(_words(account))
    for role in sorted(roles, key=lambda each: each.name):
        if role.name.name == _MASTER_ROLE:
            found.append(_MASTER_ROLE)
        else:
            found += [f"{word} through role {role.name}" for word in _words(role)]
    return tuple(found)


def _words(holder: Holder) -> Iterator[str]:
    everywhere = {grant.privilege for grant in holder.grants if grant.scope == GLOBAL}
    everything = everywhere.issuperset(DATABASE_PRIVILEGES)
    if everything:
        yield "ALL on *.*"
    yield from (word for word in _SUPER_LIKE if word in everywhere)
    if Grant(USAGE, GLOBAL, True) in holder.grants and everywhere - {USAGE}:
        yield "the grant option on *.*"
    written = _written(holder)
    if everything:
        written.pop(GLOBAL, None)
    yield from (
        f"{', '.join(sorted(set(privileges), key=in_order))} on {format_scope(scope)}"
        for scope, privileges in sorted(written.items())
    )


def _written(holder: Holder) -> dict[Scope, list[str]]:
    """What it may write to the grant tables by, with the privileges."""
    return together((object_of(grant.scope), grant.privilege) for grant in holder.grants if _writes(grant, holder))


def _writes(grant: Grant, holder: Holder) -> bool:
    """Whether it lets somebody write to a grant table, and so take every privilege."""
    if grant.privilege not in _WRITES:
        return False
    kind, path = grant.scope.kind, grant.scope.path
    if kind == "GLOBAL":
        return grant.privilege not in holder.restricted
    if kind == "PATTERN":
        return matches(path[0], _SYSTEM)
    return path[0] == _SYSTEM and (kind == "DATABASE" or path[1] in _GRANT_TABLES)

# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""What makes an account an administrator: privileges by which it can take the others for itself."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.objects import GLOBAL
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.privileges import (
    DATABASE_PRIVILEGES,
    USAGE,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import AccountName, Grant

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


def administrator_by(
    grants: Collection[Grant], roles: Collection[tuple[AccountName, frozenset[Grant]]]
) -> tuple[str, ...]:
    """In words, of the account itself and of each role that it has, directly or not."""
    found = list(_words(grants))
    for role, held in sorted(roles, key=lambda pair: pair[0]):
        if role.name == _MASTER_ROLE:
            found.append(_MASTER_ROLE)
        else:
            found += [f"{word} through role {role}" for word in _words(held)]
    return tuple(found)


def _words(grants: Collection[Grant]) -> Iterator[str]:
    everywhere = {grant.privilege for grant in grants if grant.scope == GLOBAL}
    if everywhere.issuperset(DATABASE_PRIVILEGES):
        yield "ALL on *.*"
    yield from (word for word in _SUPER_LIKE if word in everywhere)
    if Grant(USAGE, GLOBAL, True) in grants and everywhere - {USAGE}:
        yield "the grant option on *.*"

# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""What makes an account an administrator: attributes and roles by which it can take the others for itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.roles import (
    RDS_SUPERUSER,
    Roles,
    format_chain,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.iam_login import (
    chain_of_administration,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._survey import Defect, SurveyedAccount

_STRONG_ROLES = (
    RDS_SUPERUSER,
    "rds_replication",
    "pg_execute_server_program",
    "pg_read_server_files",
    "pg_write_server_files",
)
"""https://www.postgresql.org/docs/current/predefined-roles.html"""


_ATTRIBUTES = ("SUPERUSER", "CREATEROLE", "BYPASSRLS", "REPLICATION")


class Attributes(NamedTuple):
    """Of a role, as pg_roles has them, in the order of their words."""

    superuser: bool = False
    creates_roles: bool = False
    bypasses_row_security: bool = False
    replicates: bool = False


def administrator_by(name: str, roles: Roles, attributes: Attributes) -> tuple[str, ...]:
    return tuple(_words(name, roles, attributes))


def _words(name: str, roles: Roles, attributes: Attributes) -> Iterator[str]:
    for word, held in zip(_ATTRIBUTES, attributes):
        if held:
            yield word
    reachable = roles.reachable(name)
    yield from (role for role in _STRONG_ROLES if role in reachable)


def find_locked_out(accounts: Iterable[SurveyedAccount], roles: Roles, master: str) -> Iterator[Defect]:
    """Administrators whose password is refused by a membership that gives them nothing but the ADMIN option."""
    for item in accounts:
        if item.can_log_in and item.administrator_by and not item.reserved:
            chain = chain_of_administration(item.name.name, roles, master)
            if chain:
                yield Defect(
                    "administrator_lockout", item.name, _locked_out(item.name.name, item.administrator_by, chain)
                )


def _locked_out(name: str, words: Iterable[str], chain: Sequence[str]) -> str:
    return (
        f"The administrator {name} ({', '.join(words)}) is a member of rds_iam by a membership with the ADMIN option "
        f"only ({format_chain(chain)}), so that its password is refused. To log in by password: revoke {chain[1]} from "
        f"{name}. To log in with a token: grant rds_iam to {name}."
    )

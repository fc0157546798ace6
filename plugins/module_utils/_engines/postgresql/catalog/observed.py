# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""What was read from a cluster, indexed for the questions that are asked of it. Values only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.grantor import Authority
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.objects import (
    Catalogue,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.roles import (
    Roles,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.drop.code import (
    Advantage,
    Code,
    Need,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.drop.dependencies import Obstacle
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import Observed


@dataclass(frozen=True)
class PostgreSQLObserved(Observed):
    """
    title, iam_auth  of the endpoint, for messages and for the refusal where IAM authentication is off
    master           the master user's name; empty when not known
    major            the server's major version
    on_rds           the server has RDS's own parameters: its master may do some of what is left to superusers elsewhere
    database         the one that the login is in
    locks            room in the server's lock table
    connected        names of roles that have open sessions
    self_grant       createrole_self_grant of the login: what 16 and later grant it of each role that it creates
    namesakes        roles that are called like missing accounts of the task, in another case
    obstacles        what keeps an account from being dropped, and what changes owner; read if it may be
    advantages       what the new owner of an account's objects has or may do and the account may not
    code             what of an account's code changes owner, if its objects do
    needs            privileges of the account that this code needs and its new owner lacks
    """

    title: str = ""
    iam_auth: bool | None = None
    master: str = ""
    major: int = 0
    on_rds: bool = False
    database: str = ""
    locks: int = 0
    connected: frozenset[str] = frozenset()
    self_grant: str = ""
    roles: Roles = field(default_factory=Roles)
    catalogue: Catalogue = field(default_factory=Catalogue)
    namesakes: Sequence[str] = ()
    obstacles: Mapping[str, tuple[Obstacle, ...]] = field(default_factory=dict)
    advantages: Mapping[str, tuple[Advantage, ...]] = field(default_factory=dict)
    code: Mapping[str, tuple[Code, ...]] = field(default_factory=dict)
    needs: Mapping[str, tuple[Need, ...]] = field(default_factory=dict)

    @cached_property
    def authority(self) -> Authority:
        """Of the login."""
        return Authority(self.login.name, self.roles, self.catalogue, self.major, self.on_rds)

# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""What follows from the changes of a task and from what was observed. Pure."""

from __future__ import annotations

from functools import cached_property

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.observed import (
    PostgreSQLObserved,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.roles import any_membership
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.drop.cascade import Cascade
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.iam_login import (
    RDS_IAM,
    Afterwards,
    afterwards,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.plan.acting import Acting
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.plan.lockout import Logins, logins_of
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.plan.resolve import Resolver
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import Changes


class Derived:
    """Each is worked out once in a task, when it is first asked for.

    changes  with what others lose by what is dropped
    cascade  which says what that is
    """

    def __init__(self, changes: Changes, observed: PostgreSQLObserved, cascade: Cascade) -> None:
        self.changes, self.observed, self.cascade = changes, observed, cascade

    @cached_property
    def after(self) -> Afterwards:
        """The graph of memberships that the plan leads to."""
        return afterwards(self.observed.roles, self.changes)

    @cached_property
    def acting(self) -> Acting:
        """For who is in rds_iam, before or after."""
        graphs = (self.observed.roles, self.after.roles)
        return Acting(
            self.observed.authority, set().union(*(roles.members(RDS_IAM, any_membership) for roles in graphs))
        )

    @cached_property
    def logins(self) -> Logins:
        return logins_of(self.changes, self.observed)

    @cached_property
    def resolver(self) -> Resolver:
        """For what the accounts' elements mean."""
        return Resolver((), self.observed)

# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""A transaction after which somebody could log in another way than before."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.dbops.aurora_iam.plugins.module_utils._plan import Step


@dataclass(frozen=True)
class Enrolment(Step):
    """A transaction that changes memberships. Before it commits, the server is asked who is in rds_iam then.

    accounts  of the task: the others stay in rds_iam, or out of it
    """

    accounts: frozenset[str] = frozenset()

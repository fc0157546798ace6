# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""What AWS is asked, for messages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Asked:
    """A question to AWS.

    action   the IAM action that it needs, such as ``rds:DescribeDBClusters``
    subject  what it is about, such as ``cluster orders``
    missing  error code → sentence, for the errors that have a better explanation than AWS's own
    unsent   how a sentence begins when AWS could not be asked
    also     what the answer depends on too: service → resource
    """

    action: str
    subject: str
    missing: Mapping[str, str] = field(default_factory=dict)
    unsent: str = ""
    also: Mapping[str, str] = field(default_factory=dict)

    @property
    def title(self) -> str:
        return f"{self.action} on {self.subject}"

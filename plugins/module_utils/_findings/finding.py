# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""What a finding is, and every code that there is. A code keeps its meaning for ever: people filter by it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SEVERITIES = ("critical", "high", "medium", "low", "info")
"""The gravest first."""

CODES: dict[str, str] = {
    "account_hidden": "medium",
    "account_orphan": "medium",
    "administrator_by_iam": "low",
    "administrator_lockout": "critical",
    "anonymous_account": "high",
    "auth_string": "high",
    "case_twins": "low",
    "failed_logins": "high",
    "foreign_grants": "medium",
    "host_unreachable": "medium",
    "iam_auth_off": "critical",
    "iam_auth_pending": "low",
    "iam_by_group": "medium",
    "kerberos_too": "high",
    "never_used": "low",
    "password_convertible": "info",
    "policy_any_account": "high",
    "policy_condition_ineffective": "medium",
    "policy_dangling": "low",
    "policy_everything": "info",
    "policy_ineffective": "medium",
    "policy_other_cluster": "medium",
    "powerful": "high",
    "public_connect": "low",
    "public_create": "medium",
    "public_definer_code": "high",
    "public_grant": "medium",
    "public_powerful": "high",
    "tls_not_required": "high",
    "valid_until": "low",
    "valid_until_over": "high",
}
"""Code → severity. docs/facts.md says what each means."""


@dataclass(frozen=True)
class Finding:
    """
    kind     what the subject is: cluster, account, database or policy
    message  one sentence: what is wrong, and the next step
    remedy   a task that puts it right; None where there is none, or a person has to decide
    account  the account's name that it is about; empty where it is about none
    reason   of a policy that lets nobody connect; empty of all else
    """

    code: str
    kind: str
    subject: str
    message: str
    remedy: Mapping[str, Any] | None = None
    account: str = ""
    reason: str = ""

    @property
    def severity(self) -> str:
        return CODES[self.code]

    @property
    def order(self) -> tuple[int, str, str, str]:
        """A sort key: the gravest first."""
        return (SEVERITIES.index(self.severity), self.code, self.subject, self.message)

    def describe(self) -> dict[str, Any]:
        return {
            "code": self.code,
            "severity": self.severity,
            "kind": self.kind,
            "subject": self.subject,
            "reason": self.reason,
            "message": self.message,
            "remedy": None if self.remedy is None else dict(self.remedy),
        }

# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""From what is known of a database to what is wrong with it. Pure."""

from __future__ import annotations

from ansible_collections.dbops.aurora_iam.plugins.module_utils._findings.accounts import account_findings
from ansible_collections.dbops.aurora_iam.plugins.module_utils._findings.cluster import cluster_findings
from ansible_collections.dbops.aurora_iam.plugins.module_utils._findings.estate import Estate
from ansible_collections.dbops.aurora_iam.plugins.module_utils._findings.finding import Finding
from ansible_collections.dbops.aurora_iam.plugins.module_utils._findings.policies import policy_findings
from ansible_collections.dbops.aurora_iam.plugins.module_utils._findings.public import public_findings


def find(estate: Estate) -> list[Finding]:
    """The gravest first."""
    policies = list(policy_findings(estate))
    others = [*cluster_findings(estate), *account_findings(estate, policies), *public_findings(estate)]
    return sorted([*policies, *others], key=lambda finding: finding.order)

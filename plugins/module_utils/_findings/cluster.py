# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Findings about the cluster itself."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.dbops.aurora_iam.plugins.module_utils._findings.estate import Estate
from ansible_collections.dbops.aurora_iam.plugins.module_utils._findings.finding import Finding


def cluster_findings(estate: Estate) -> Iterator[Finding]:
    """https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/UsingWithRDS.IAMDBAuth.Enabling.html"""
    endpoint = estate.endpoint
    number = len(estate.iam_accounts)
    if number and estate.iam_auth_off:
        yield Finding(
            "iam_auth_off",
            "cluster",
            endpoint.title,
            f"IAM authentication is off on {endpoint.title}, and {number} of its accounts can log in by IAM only; turn "
            "it on with dbops.aurora_iam.aurora_iam_cluster, or drop them.",
            estate.cluster_task(f"Turn IAM authentication on for {endpoint.title}", iam_auth="enabled"),
        )
    pending = endpoint.pending_iam_auth
    if pending is not None and pending != endpoint.iam_auth:
        word = "enabled" if pending else "disabled"
        yield Finding(
            "iam_auth_pending",
            "cluster",
            endpoint.title,
            f"IAM authentication of {endpoint.title} will be {word} in the next maintenance window; apply it "
            "immediately, or take the change back.",
            estate.cluster_task(
                f"Apply the pending change of IAM authentication of {endpoint.title}",
                iam_auth=word,
                apply_immediately=True,
            ),
        )

# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Findings about what every account has without a grant of its own."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.dbops.aurora_iam.plugins.module_utils._findings.estate import Estate
from ansible_collections.dbops.aurora_iam.plugins.module_utils._findings.finding import Finding


def public_findings(estate: Estate) -> Iterator[Finding]:
    """Without a remedy: what is revoked from everybody must be granted to those who need it first, and who does is for
    a person to say."""
    for exposure in estate.survey.exposures:
        yield Finding(exposure.code, "database", exposure.subject, exposure.message)

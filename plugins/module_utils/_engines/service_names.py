# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Names that the service keeps for itself on either engine, by rule: AWS adds accounts with new versions.

What else an engine reserves, such as pg_…, is in its ``grammar/names.py``.
"""

from __future__ import annotations

import re

_SERVICE = re.compile(
    r"""(?: rds_.*                                 # rds_superuser, rds_superuser_role, rds_iam, rds_ad
          | rds[a-z]*admin(?:_priv_checks_user)?   # rdsadmin, rdsproxyadmin, rdsrepladmin, rdsgrprepladmin
          | rds[a-z]*forwarduser                   # rdswriteforwarduser
          | rdstopmgr
        )\Z""",
    re.VERBOSE | re.DOTALL,
)


def is_of_service(name: str) -> bool:
    """One word of letters between ``rds`` and the stem: rdsuser_jane, rdsuser and rds2admin are a user's own names.

    https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Appendix.PostgreSQL.CommonDBATasks.Roles.html
    https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/AuroraMySQL.Compare-80-v3.html
    """
    return bool(_SERVICE.match(name.lower()))

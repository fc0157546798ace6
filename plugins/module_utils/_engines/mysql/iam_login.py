# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""How an account is IAM-authenticated on MySQL: by a plugin. Recognise it, make it so, find it broken."""

from __future__ import annotations

from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import IAM, IAM_BROKEN, PASSWORD

PLUGIN = "AWSAuthenticationPlugin"


AUTHENTICATION_STRING = "RDS"


IDENTIFIED = f"IDENTIFIED WITH {PLUGIN} AS '{AUTHENTICATION_STRING}'"
"""https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/UsingWithRDS.IAMDBAuth.DBAccounts.html"""


def authentication(plugin: str, authentication: str | None) -> str:
    if plugin != PLUGIN:
        return PASSWORD
    return IAM if authentication == AUTHENTICATION_STRING else IAM_BROKEN

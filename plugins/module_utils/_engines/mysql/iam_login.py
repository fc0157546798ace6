# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""How an account is IAM-authenticated on MySQL: by a plugin. Recognise it, make it so, find it broken.

That it does not require TLS is not broken but unsafe, which ``_findings/accounts.py`` judges.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import (
    IAM,
    IAM_BROKEN,
    PASSWORD,
    Account,
    AccountName,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._survey import Defect

PLUGIN, AUTHENTICATION_STRING = "AWSAuthenticationPlugin", "RDS"
IDENTIFIED = f"IDENTIFIED WITH {PLUGIN} AS '{AUTHENTICATION_STRING}'"
"""https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/UsingWithRDS.IAMDBAuth.DBAccounts.html"""


class PasswordRules(NamedTuple):
    """What an account keeps when its password goes, and what then keeps its holder out.

    counts_failures  FAILED_LOGIN_ATTEMPTS: a few wrong tokens, from anybody, block the account
    factors          how many factors it has beside the first
    https://dev.mysql.com/doc/refman/8.4/en/password-management.html#failed-login-tracking
    https://dev.mysql.com/doc/refman/8.4/en/multifactor-authentication.html
    """

    counts_failures: bool = False
    factors: int = 0


NO_RULES = PasswordRules()


def authentication(plugin: str, string: str | None, rules: PasswordRules = NO_RULES) -> str:
    """``plugin``, ``string``: as mysql.user has them."""
    if plugin != PLUGIN:
        return PASSWORD
    return IAM if string == AUTHENTICATION_STRING and rules == NO_RULES else IAM_BROKEN


def is_blockable(plugin: str, string: str | None, rules: PasswordRules) -> bool:
    """Whether somebody can log in with a token, until failed logins block the account."""
    without = rules._replace(counts_failures=False)
    return rules.counts_failures and authentication(plugin, string, without) == IAM


def means_of_login(plugin: str) -> str:
    """For a person: what logs in by this plugin. https://dev.mysql.com/doc/refman/8.4/en/authentication-plugins.html"""
    if plugin == PLUGIN:
        return "an IAM token"
    return "a password" if plugin.endswith("_password") else plugin


def is_admitted(policy: str, created: bool) -> bool:
    """Whether authentication_policy lets somebody create an account, or convert one, to IAM as its only factor.

    https://dev.mysql.com/doc/refman/8.4/en/server-system-variables.html#sysvar_authentication_policy
    """
    first, *others = [factor.partition(":") for factor in policy.replace(" ", "").split(",")]
    needs_second = [factor for factor, colon, _default in others if factor == "*" and not colon]
    return first[0] in ("*", PLUGIN) and not (created and needs_second)


def find_broken(accounts: Iterable[Account], blockable: Iterable[AccountName]) -> Iterator[Defect]:
    """``blockable``: those that failed logins block."""
    for name in sorted(blockable):
        yield Defect(
            "failed_logins",
            name,
            f"{name} has FAILED_LOGIN_ATTEMPTS, so that anybody who sends a few wrong tokens keeps it out. Run "
            "aurora_iam_user for it.",
            {},
        )
    for account in accounts:
        if account.authentication == IAM_BROKEN:
            yield Defect(
                "auth_string",
                account.name,
                f"{account.name} has {PLUGIN} with another authentication string than {AUTHENTICATION_STRING} or with "
                "a second factor, so that nobody can log in with a token. Run aurora_iam_user for it.",
                {},
            )

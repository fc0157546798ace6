# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.iam_login import (
    PasswordRules,
    authentication,
    find_broken,
    is_blockable,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import (
    IAM,
    IAM_BROKEN,
    PASSWORD,
    Account,
    AccountName,
)


@pytest.mark.parametrize(
    ("plugin", "string", "found"),
    [
        ("AWSAuthenticationPlugin", "RDS", IAM),
        ("AWSAuthenticationPlugin", "rds", IAM_BROKEN),
        ("AWSAuthenticationPlugin", "", IAM_BROKEN),
        ("AWSAuthenticationPlugin", None, IAM_BROKEN),
        ("caching_sha2_password", "RDS", PASSWORD),
    ],
)
def test_the_plugin_and_its_string_decide(plugin: str, string: str | None, found: str) -> None:
    assert authentication(plugin, string) == found


def test_what_is_broken() -> None:
    accounts = [Account(AccountName("jane", "%"), kind) for kind in (IAM, PASSWORD, IAM_BROKEN)]
    found = find_broken(accounts, {AccountName("joe", "%")})
    assert [(defect.code, defect.account.name, defect.remedy) for defect in found] == [
        ("failed_logins", "joe", {}),
        ("auth_string", "jane", {}),
    ]


@pytest.mark.parametrize(
    ("string", "rules", "found", "blockable"),
    [
        ("RDS", PasswordRules(), IAM, False),
        ("RDS", PasswordRules(counts_failures=True), IAM_BROKEN, True),
        ("RDS", PasswordRules(factors=1), IAM_BROKEN, False),
        ("RDS", PasswordRules(counts_failures=True, factors=1), IAM_BROKEN, False),
        ("rds", PasswordRules(counts_failures=True), IAM_BROKEN, False),
    ],
)
def test_rules_of_passwords_break_an_account(string: str, rules: PasswordRules, found: str, blockable: bool) -> None:
    assert authentication("AWSAuthenticationPlugin", string, rules) == found
    assert is_blockable("AWSAuthenticationPlugin", string, rules) is blockable
    assert not is_blockable("caching_sha2_password", string, rules)

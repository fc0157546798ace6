# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.iam_login import (
    authentication,
    find_broken,
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
    assert [(defect.code, defect.remedy) for defect in find_broken(accounts)] == [("auth_string", {})]

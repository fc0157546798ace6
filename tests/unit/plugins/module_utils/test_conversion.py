# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""When AWS is not asked who may log in. What it answers is in tests/integration/aws/test_conversion.py."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NoReturn

import pytest

from ansible_collections.dbops.aurora_iam.plugins.module_utils._account_module import is_checked_conversion
from ansible_collections.dbops.aurora_iam.plugins.module_utils._conversion import check_conversions
from ansible_collections.dbops.aurora_iam.plugins.module_utils._login import Endpoint
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import (
    IAM,
    PASSWORD,
    Account,
    AccountChange,
    AccountName,
    AccountRequest,
)

ADDRESS = Endpoint("db.example.org:3306", "mysql", "db.example.org", 3306)
NAME = AccountName("svc", "%")
BEFORE = Account(NAME, authentication=PASSWORD)
AFTER = replace(BEFORE, authentication=IAM)
REQUEST = AccountRequest("svc", convert=True)


def nobody(_service: str) -> NoReturn:
    raise AssertionError("AWS was asked")


UNASKED: list[Any] = [
    (AFTER, AFTER, REQUEST),
    (None, AFTER, REQUEST),
    (BEFORE, None, REQUEST),
    (BEFORE, BEFORE, REQUEST),
    (BEFORE, AFTER, None),
    (BEFORE, replace(AFTER, locked=True), REQUEST),
    (BEFORE, AFTER, replace(REQUEST, convert_unchecked=True)),
]


@pytest.mark.parametrize(("before", "after", "request_"), UNASKED)
def test_aws_is_only_asked_for_a_conversion_that_nobody_consented_to(before: Any, after: Any, request_: Any) -> None:
    assert is_checked_conversion(AccountChange(NAME, BEFORE, AFTER, REQUEST))
    assert not is_checked_conversion(AccountChange(NAME, before, after, request_))


def test_without_aws_there_is_a_warning() -> None:
    (warning,) = check_conversions(nobody, ADDRESS, [AccountChange(NAME, BEFORE, AFTER, REQUEST)])
    assert "may connect as svc@%, because the task names no cluster or instance" in warning

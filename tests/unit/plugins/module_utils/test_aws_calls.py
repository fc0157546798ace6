# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of exceptions while AWS is asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import NoCredentialsError

from ansible_collections.dbops.aurora_iam.plugins.module_utils._authorization.document import connect_policy_name
from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.asked import Asked
from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.calls import attempt
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import CloudError

ASKED = Asked("rds:DescribeDBClusters", "cluster orders")


def ask(work: Callable[[], Any]) -> None:
    attempt(lambda _service: None, ASKED, work)


def raise_in_a_library(error: Exception) -> None:
    raise error


def test_an_error_in_the_collection_is_no_failure_of_aws():
    broken: Any = None
    with pytest.raises(AttributeError):
        ask(lambda: connect_policy_name("aurora-iam", broken, "user", "jane"))


@pytest.mark.parametrize("error", [NoCredentialsError(), TypeError("x"), KeyError("AccessKeyId"), ImportError("x")])
def test_an_error_in_what_asks_aws_is_told_with_a_next_step(error: Exception):
    with pytest.raises(CloudError, match="cluster orders could not be sent"):
        ask(lambda: raise_in_a_library(error))

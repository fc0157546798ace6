# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""The policy that lets somebody connect as certain accounts, and as no others."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from ansible_collections.dbops.aurora_iam.plugins.module_utils._authorization.policies import ACTION
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import InvalidOption

SID = "ConnectToDatabase"

MAX_SIZE = 6144
"""Characters in a managed policy, without white space between its elements.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
"""

_CONNECT_ARN = re.compile(
    r"arn:[a-z-]+:rds-db:[a-z0-9-]+:\d{12}:dbuser:(?:cluster-[A-Z0-9]+|db-[A-Z0-9]+|prx-[a-z0-9]+)/"
    r"(?:[^*?$]|\$\{[*?$]\})+"
)
"""Special characters of the account's name are escaped: otherwise it is a pattern, which other accounts match.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#policy-vars-specialchars
"""


def connect_policy(connect_arns: Iterable[str]) -> dict[str, Any]:
    """The policy document: one statement that names each account once, in order.

    Raises InvalidOption where there is no account, one that is none, or more than a policy can name.
    """
    resources = sorted(set(map(_checked, connect_arns)))
    if not resources:
        raise InvalidOption("No account is given; a policy has to name at least one.")
    document = {
        "Version": "2012-10-17",
        "Statement": [{"Sid": SID, "Effect": "Allow", "Action": ACTION, "Resource": resources}],
    }
    size = _size(document)
    if size > MAX_SIZE:
        longest = max(map(_size, resources)) + 1
        fit = (MAX_SIZE - size + sum(map(_size, resources)) + len(resources)) // longest
        raise InvalidOption(
            f"A policy for these {len(resources)} accounts has {size} characters, and IAM takes {MAX_SIZE} in a "
            f"managed policy; give at most {fit} accounts at a time, as with batch({fit}), and attach several policies."
        )
    return document


def _checked(connect_arn: str) -> str:
    if not _CONNECT_ARN.fullmatch(connect_arn):
        raise InvalidOption(
            f"{connect_arn!r} is not the connect_arn of an account; take it from what aurora_iam_user or "
            "aurora_iam_users returned."
        )
    return connect_arn


def _size(part: Any) -> int:
    return len(json.dumps(part, separators=(",", ":")))

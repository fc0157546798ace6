# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""The policy that lets somebody connect as certain accounts, and as no others: its document, its name, its size."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.dbops.aurora_iam.plugins.module_utils._authorization.policies import ACTION
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import InvalidOption
from ansible_collections.dbops.aurora_iam.plugins.module_utils._login import Endpoint

SID = "ConnectToDatabase"

MAX_SIZE = 6144
"""Characters in a managed policy, without white space between its elements.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
"""

MAX_INLINE = {"user": 2048, "group": 5120, "role": 10240}
"""The same of all inline policies together of a user, group or role."""

_LONGEST_NAME = 128
_PREFIX = re.compile(r"[\w+=,@-]{1,32}", re.ASCII)
"""Without the dot, which separates the parts of a policy's name"""

_CONNECT_ARN = re.compile(
    r"arn:[a-z-]+:rds-db:[a-z0-9-]+:\d{12}:dbuser:(?:cluster-[A-Z0-9]+|db-[A-Z0-9]+|prx-[a-z0-9]+)/"
    r"(?:[^*?$]|\$\{[*?$]\})+"
)
"""Special characters of the account's name are escaped: otherwise it is a pattern, which other accounts match.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#policy-vars-specialchars
"""


def connect_policy(connect_arns: Iterable[str], limit: int | None = MAX_SIZE) -> dict[str, Any]:
    """The policy document: one statement that names each account once, in order.

    Raises InvalidOption where there is no account, one that is none, or more than fit into the ``limit``.
    """
    resources = sorted(set(map(_checked, connect_arns)))
    if not resources:
        raise InvalidOption("No account is given; a policy has to name at least one.")
    document = {
        "Version": "2012-10-17",
        "Statement": [{"Sid": SID, "Effect": "Allow", "Action": ACTION, "Resource": resources}],
    }
    size = policy_size(document)
    if limit is not None and size > limit:
        longest = max(map(policy_size, resources)) + 1
        fit = (limit - size + sum(map(policy_size, resources)) + len(resources)) // longest
        raise InvalidOption(
            f"A policy for these {len(resources)} accounts has {size} characters, and IAM takes {limit} in a "
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


def policy_size(part: Any) -> int:
    """Characters of a policy, or of a part of one, as IAM counts them."""
    return len(json.dumps(part, separators=(",", ":")))


def connect_policy_name(prefix: str, database: Endpoint, kind: str, name: str) -> str:
    """What the policy of a user, group or role for a database is called; no other pair has the same.

    It names the region, since resource IDs are unique within one, and the resource ID, so that a database that is
    made again under an old identifier has policies of its own. The parts are joined by dots: none has one but the
    principal's name, which is the last. A name that would be too long for IAM ends in a hash of all parts instead,
    behind a word that is no kind of principal. Raises InvalidOption.
    """
    if not _PREFIX.fullmatch(prefix):
        raise InvalidOption(
            f"The policies' names cannot begin with {prefix!r}; give up to 32 letters, digits and + = , @ _ - instead."
        )
    parts = (prefix, database.arn.split(":")[3], database.resource_id, kind, name)
    joined = ".".join(parts)
    if len(joined) <= _LONGEST_NAME:
        return joined
    digest = hashlib.sha256(joined.encode()).hexdigest()[:32]
    return ".".join((*parts[:3], f"{kind}-sha256", digest))


def foreign(document: Mapping[str, Any], database: Endpoint) -> str:
    """Why a policy is not one that :func:`connect_policy` has written for the database; empty where it is."""
    statements = document.get("Statement")
    statement = statements[0] if isinstance(statements, list) and len(statements) == 1 else statements
    if not isinstance(statement, Mapping) or statement.keys() != {"Sid", "Effect", "Action", "Resource"}:
        return "was not written by this collection"
    resources = statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]]
    if (statement["Sid"], statement["Effect"], statement["Action"]) != (SID, "Allow", ACTION):
        return "was not written by this collection"
    others = [str(each) for each in resources if not str(each).startswith(database.connect_resource(""))]
    return f"speaks of {others[0]}, which is not an account of {database.title}" if others else ""


def named_resources(document: Mapping[str, Any]) -> frozenset[str]:
    """The accounts' ARNs in a document that :func:`connect_policy` wrote."""
    statements = document["Statement"]
    resources = (statements if isinstance(statements, Mapping) else statements[0])["Resource"]
    return frozenset(resources if isinstance(resources, list) else [resources])

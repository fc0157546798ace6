# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Read who has which policies, in one call of the IAM API, which answers in pages.

https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountAuthorizationDetails.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Callable, Optional
from urllib.parse import unquote

from ansible_collections.dbops.aurora_iam.plugins.module_utils._authorization.policies import (
    Policy,
    Statement,
    listed,
    read_statements,
    speaks_of,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._authorization.principals import ROLE, USER, Principal
from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.calls import Clients, call
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import CloudError

_ACTION = "iam:GetAccountAuthorizationDetails"
_PAGE = 1000
"""As many items as a page may have"""

Managed = Callable[[str], Optional[tuple[Statement, ...]]]
"""ARN of a managed policy → the statements of its default version; None where AWS did not return it"""


def read_principals(clients: Clients) -> tuple[Principal, ...]:
    """Every user and role of the AWS account, with all that its policies say of ``rds-db:connect``.

    Users come first, each kind in the order of its ARNs. Raises CloudError.
    """
    lists: dict[str, list[Any]] = {"UserDetailList": [], "GroupDetailList": [], "RoleDetailList": [], "Policies": []}
    for page in _pages(clients):
        for name, found in lists.items():
            found.extend(page.get(name, []))
    documents = {policy["Arn"]: _default_version(policy) for policy in lists["Policies"]}

    @cache
    def managed(arn: str) -> tuple[Statement, ...] | None:
        """The same statements for all who have the policy, read when the first one has it."""
        return None if documents.get(arn) is None else _statements(documents[arn], f"policy {arn}")

    groups = {group["GroupName"]: _policies(group, "Group", managed) for group in lists["GroupDetailList"]}
    users = [_user(user, groups, managed) for user in lists["UserDetailList"]]
    roles = [_role(role, managed) for role in lists["RoleDetailList"]]
    return tuple(sorted(users, key=lambda user: user.arn) + sorted(roles, key=lambda role: role.arn))


def _pages(clients: Clients) -> Iterator[Mapping[str, Any]]:
    more: dict[str, Any] = {}
    while True:
        page = call(
            clients, "get_account_authorization_details", _ACTION, "the AWS account's policies", MaxItems=_PAGE, **more
        )
        yield page
        if not page.get("IsTruncated"):
            return
        more = {"Marker": page["Marker"]}


def _default_version(policy: Mapping[str, Any]) -> Any:
    return next((version["Document"] for version in policy["PolicyVersionList"] if version["IsDefaultVersion"]), None)


def _statements(document: Any, title: str) -> tuple[Statement, ...]:
    """``document`` is an object, or its JSON text as the API sends it, URL-encoded."""
    try:
        return read_statements(_parsed(document))
    except ValueError as error:
        raise CloudError(
            f"The {title} cannot be read ({error}), so it is not known who may connect; correct the policy in IAM."
        ) from error


def _parsed(document: Any) -> Mapping[str, Any]:
    parsed = json.loads(unquote(document)) if isinstance(document, str) else document
    if not isinstance(parsed, Mapping):
        raise ValueError("it is not an object")
    return parsed


def _policies(holder: Mapping[str, Any], kind: str, managed: Managed) -> tuple[Policy, ...]:
    """The inline and the attached policies of a user, group or role. ``kind`` is the API's word."""
    inline = [
        Policy(
            name=policy["PolicyName"],
            arn="",
            holder=holder["Arn"],
            statements=_statements(policy["PolicyDocument"], f"policy {policy['PolicyName']} in {holder['Arn']}"),
        )
        for policy in holder.get(f"{kind}PolicyList", [])
    ]
    attached = [
        _managed(policy["PolicyArn"], holder["Arn"], managed) for policy in holder.get("AttachedManagedPolicies", [])
    ]
    return (*inline, *attached)


def _managed(arn: str, holder: str, managed: Managed) -> Policy:
    statements = managed(arn)
    return Policy(arn.split("/")[-1], arn, holder, statements or (), unread=statements is None)


def _boundary(holder: Mapping[str, Any], managed: Managed) -> Policy | None:
    arn = (holder.get("PermissionsBoundary") or {}).get("PermissionsBoundaryArn")
    return _managed(arn, holder["Arn"], managed) if arn else None


def _user(
    user: Mapping[str, Any],
    groups: Mapping[str, tuple[Policy, ...]],
    managed: Managed,
) -> Principal:
    names = tuple(user.get("GroupList", []))
    inherited = [policy for name in names for policy in groups.get(name, ())]
    return Principal(
        arn=user["Arn"],
        kind=USER,
        name=user["UserName"],
        id=user["UserId"],
        policies=(*_policies(user, "User", managed), *inherited),
        groups=names,
        tags=_tags(user),
        boundary=_boundary(user, managed),
    )


def _role(role: Mapping[str, Any], managed: Managed) -> Principal:
    trust = _parsed(role.get("AssumeRolePolicyDocument") or {})
    return Principal(
        arn=role["Arn"],
        kind=ROLE,
        name=role["RoleName"],
        id=role["RoleId"],
        policies=_policies(role, "Role", managed),
        tags=_tags(role),
        boundary=_boundary(role, managed),
        session_tags=_lets_sessions_bring_tags(trust),
    )


def _lets_sessions_bring_tags(trust: Mapping[str, Any]) -> bool:
    """Whether a role's trust policy allows it to anybody, and does not deny it to everybody.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html#id_session-tags_permissions-required
    """
    about = [each for each in listed(trust.get("Statement", [])) if speaks_of(each, "sts:tagsession")]
    denied = any(
        each["Effect"] == "Deny" and not each.get("Condition") and each.get("Principal") in ("*", {"AWS": "*"})
        for each in about
    )
    return not denied and any(each["Effect"] == "Allow" for each in about)


def _tags(holder: Mapping[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in holder.get("Tags", [])}

# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""moto's IAM and STS, read as the verifier needs it: access key id -> secret, owner, policies in force."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.iam.models import AccessKey, Group, IAMBackend, Role, User, iam_backends
from moto.secretsmanager.models import secretsmanager_backends
from moto.sts.models import AssumedRole, sts_backends

from tests.sandbox.login.verifier import Credential, Principal
from tests.sandbox.servers.clusters import ACCOUNT_ID, REGION

_PARTITION = "aws"
_ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"


def create_operator(name: str) -> AccessKey:
    """An IAM user that may do everything, with one access key: whoever runs the sandbox."""
    iam = _iam()
    iam.create_user(REGION, name)
    iam.attach_user_policy(_ADMINISTRATOR, name)
    return iam.create_access_key(name)


def find_credential(access_key_id: str) -> Credential | None:
    """A user's access key, or the temporary one of an assumed role; those of other accounts do not count."""
    for user in list(_iam().users.values()):
        for key in list(user.access_keys):
            if key.access_key_id == access_key_id:
                return Credential(key.secret_access_key, _user(user), active=key.status == "Active")
    session = sts_backends[ACCOUNT_ID][_PARTITION].get_assumed_role_from_access_key(access_key_id)
    return None if session is None else _session(session)


def find_principal(arn: str) -> Principal | None:
    """A user or a role by its ARN."""
    user = next((user for user in list(_iam().users.values()) if user.arn == arn), None)
    if user is not None:
        return _user(user)
    role = _role(arn)
    return None if role is None else Principal(arn, tuple(_policies(role)), _ceilings(role))


def find_secret(arn_or_name: str) -> tuple[str, dict[str, Any]]:
    """The ARN and the value of a secret; an empty value where it is no JSON object. Raises LookupError."""
    backend = secretsmanager_backends[ACCOUNT_ID][REGION]
    try:
        found = backend.get_secret_value(arn_or_name, None, None)
    except JsonRESTError as error:
        raise LookupError(arn_or_name) from error
    try:
        value = json.loads(found.get("SecretString") or "")
    except ValueError:
        value = {}
    return str(found["ARN"]), value if isinstance(value, dict) else {}


def _iam() -> IAMBackend:
    return iam_backends[ACCOUNT_ID][_PARTITION]


def _user(user: User) -> Principal:
    groups = _iam().get_groups_for_user(user.name)
    owners: tuple[User | Group, ...] = (user, *groups)
    policies = [text for owner in owners for text in _policies(owner)]
    context = {"aws:username": user.name, "aws:userid": user.id, "aws:principaltype": "User"}
    return Principal(user.arn, tuple(policies), context=context)


def _session(session: AssumedRole) -> Credential:
    role = _role(session.role_arn)
    ceilings = {} if role is None else _ceilings(role)
    if session.policy:
        ceilings["session policy"] = session.policy
    tags = [] if role is None else role.tags
    context = {
        # The role's own, not the session's
        "aws:principalarn": session.role_arn,
        **{f"aws:principaltag/{tag['Key'].lower()}": tag["Value"] for tag in tags},
        "aws:userid": session.user_id,
        "aws:principaltype": "AssumedRole",
        "aws:tokenissuetime": _aware(session.access_key.create_date).isoformat(),
    }
    return Credential(
        secret_key=session.secret_access_key,
        principal=Principal(session.arn, () if role is None else tuple(_policies(role)), ceilings, context),
        session_token=session.session_token,
        expires=_aware(session.expiration),
    )


def _role(arn: str) -> Role | None:
    return next((role for role in list(_iam().roles.values()) if role.arn == arn), None)


def _ceilings(role: Role) -> dict[str, str]:
    boundary = role.permissions_boundary_arn
    return {"permissions boundary": _document(boundary)} if boundary else {}


def _policies(owner: User | Group | Role) -> list[str]:
    attached = [_document(arn) for arn in list(owner.managed_policies)]
    return list(owner.policies.values()) + attached


def _document(policy_arn: str) -> str:
    """The default version of a managed policy; one that is gone allows nothing."""
    policy = _iam().managed_policies.get(policy_arn)
    versions = [] if policy is None else [version.document for version in policy.versions if version.is_default]
    return versions[0] if versions else "{}"


def _aware(moment: datetime) -> datetime:
    """moto keeps UTC without saying so."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

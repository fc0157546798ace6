# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""moto's IAM API where it answers otherwise than AWS."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.iam.models import IAMBackend
from moto.iam.responses import IamResponse

_OF_AWS = "arn:aws:iam::aws:"
_moto_details = IAMBackend.get_account_authorization_details


def install() -> None:
    """GetAccountAuthorizationDetails tells of AWS's own policies where they are attached, not of all 1,500.

    ListServiceSpecificCredentials, which moto lacks, finds none: amazon.aws asks for them before it deletes a user.
    """
    IAMBackend.get_account_authorization_details = _attached_details
    IamResponse.list_service_specific_credentials = _no_service_specific_credentials


def _no_service_specific_credentials(_self: IamResponse) -> ActionResult:
    return ActionResult({"ServiceSpecificCredentials": []})


def _attached_details(backend: IAMBackend, policy_filter: list[str]) -> dict[str, Any]:
    details = _moto_details(backend, policy_filter)
    return {
        **details,
        "managed_policies": [
            policy
            for policy in details["managed_policies"]
            if policy.attachment_count or not policy.arn.startswith(_OF_AWS)
        ],
    }

# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Any failure of a call to AWS as a message: what was asked, for whom, what AWS or botocore said, what to do next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable, NamedTuple

from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.answers import DENIED, kind_of
from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.asked import Asked
from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.denials import read_denial
from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.obstacles import step_for
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import CloudError

_OF_CREDENTIALS = {
    # what botocore calls by itself to get credentials → the IAM action
    "AssumeRole": "sts:AssumeRole",
    "AssumeRoleWithSAML": "sts:AssumeRoleWithSAML",
    "AssumeRoleWithWebIdentity": "sts:AssumeRoleWithWebIdentity",
    "CreateOAuth2Token": "signin:CreateOAuth2Token",
    "CreateToken": "sso-oauth:CreateToken",
    "GetRoleCredentials": "sso:GetRoleCredentials",
    "GetSessionToken": "sts:GetSessionToken",
}

_WITHOUT_TEXT = {"EOFError": "nobody entered the MFA code that botocore asked for"}


def failure(error: Exception, asked: Asked, whoami: Callable[[], str]) -> CloudError:
    """``whoami`` is called only where AWS's own text does not name the principal; it never raises."""
    response = getattr(error, "response", None)
    if isinstance(response, Mapping) and response.get("Error", {}).get("Code"):
        return _answered(response, str(getattr(error, "operation_name", "")), asked, whoami)
    if response is not None or type(error).__name__ == "ResponseParserError":
        return CloudError(
            f"{asked.title} was answered by something that is not AWS; check region, endpoint_url and proxies. The "
            f"answer: {one_line(str(error))}."
        )
    begin = asked.unsent or f"{asked.title} could not be sent"
    return CloudError(f"{begin}: {_told(error)}. {step_for(error)}.")


class _Answer(NamedTuple):
    """
    before  the action that botocore needed to get credentials, if that is what was answered
    """

    code: str
    text: str
    status: int
    before: str


def _answered(response: Mapping[str, Any], operation: str, asked: Asked, whoami: Callable[[], str]) -> CloudError:
    code = str(response["Error"]["Code"])
    answer = _Answer(
        code=code,
        text=one_line(str(response["Error"].get("Message") or code)),
        status=int(response.get("ResponseMetadata", {}).get("HTTPStatusCode") or 0),
        before="" if asked.action.endswith(f":{operation}") else _OF_CREDENTIALS.get(operation, ""),
    )
    error = CloudError(_sentence(answer, asked, whoami), code=code)
    error.said = answer.text
    return error


def _sentence(answer: _Answer, asked: Asked, whoami: Callable[[], str]) -> str:
    kind = kind_of(answer.code, answer.text, answer.status)
    if answer.code in asked.missing and not answer.before:
        return f"{asked.missing[answer.code]} AWS says{_after(' to ', whoami())}: {answer.text}."
    if kind.name == DENIED:
        return _denied(answer.text, answer.before, asked, whoami)
    what = f"{answer.before}, for {asked.title}," if answer.before else asked.title
    who = whoami() if kind.of_principal and not answer.before else ""
    return f"{what} failed{_after(' for ', who)}: {answer.text} ({answer.code}). {kind.step}."


def _after(word: str, name: str) -> str:
    return f"{word}{name}" if name else ""


def _denied(text: str, before: str, asked: Asked, whoami: Callable[[], str]) -> str:
    denial = read_denial(text)
    action = denial.action or before or asked.action
    resource = denial.resource or _resource(action, asked)
    is_asked = action == asked.action
    principal = "" if denial.principal or before else whoami()
    on = f"{action} on {asked.subject if is_asked else resource}"
    purpose = "" if is_asked else f", which {asked.title} needs"
    return f"AWS denied {on}{_after(' to ', principal)}{purpose}: {text}. {denial.step(action, resource)}."


def _resource(action: str, asked: Asked) -> str:
    service = action.partition(":")[0]
    others = {"kms": f"the KMS key of {asked.subject}", "sts": "the role of the profile", **asked.also}
    return asked.subject if action == asked.action else others.get(service, asked.subject)


def _told(error: Exception) -> str:
    """An exception that is not botocore's own says little without its class."""
    text = one_line(str(error)) or _WITHOUT_TEXT.get(type(error).__name__, "")
    is_known = any(each.__module__ == "botocore.exceptions" for each in type(error).__mro__)
    if text and (is_known or isinstance(error, OSError)):
        return text
    return ": ".join(filter(None, (type(error).__name__, text)))


def one_line(text: str) -> str:
    """AWS's texts have line breaks, and most end with a full stop and some without."""
    return " ".join(text.split()).rstrip(".")

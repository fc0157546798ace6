# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""What AWS's error codes mean, and what to do next. https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html"""

from __future__ import annotations

import re
from typing import NamedTuple


class Kind(NamedTuple):
    """
    codes         a pattern for AWS's error code
    step          what to do next
    text          a pattern for AWS's text, where the code alone does not tell
    of_principal  whether it matters who the task is to AWS, who is in a certain AWS account
    """

    name: str
    codes: str
    step: str
    text: str = ""
    of_principal: bool = False


DENIED, THROTTLED, UNAVAILABLE = "denied", "throttled", "unavailable"

_KINDS = (
    Kind(
        "mfa",
        "AccessDenied",
        "A task cannot ask for an MFA code; begin a session with MFA before, and give the task its keys",
        text="MultiFactorAuthentication failed",
    ),
    Kind(
        "clock",
        "SignatureDoesNotMatch|InvalidSignatureException|RequestTimeTooSkewed|RequestExpired|RequestInTheFuture",
        "Set the clock of the host where the task runs, as with NTP",
        text="Signature expired|not yet current|too skewed|Request has expired|RequestTime|in the future",
    ),
    Kind(
        "web identity",
        "ExpiredTokenException|InvalidIdentityToken|IDPRejectedClaim|IDPCommunicationError",
        "Get a new token from the identity provider, and check that IAM has this provider and that the role trusts it",
        text="web identity|OpenIDConnect|identity provider|Token (expired|too old)|audience|OIDC|IDP",
    ),
    Kind(
        "expired",
        "ExpiredToken(Exception)?|RequestExpired|TokenRefreshRequired|UnauthorizedException",
        "Get new temporary credentials, as with aws sso login or by assuming the role again, then run the task again",
    ),
    Kind(
        "region",
        "RegionDisabledException|OptInRequired|SubscriptionRequired(Exception)?",
        "Enable the region or service for the AWS account, or set another region",
    ),
    Kind(
        "keys",
        "InvalidClientTokenId|UnrecognizedClientException|InvalidAccessKeyId|InvalidToken|AuthFailure|NotAuthorized",
        "Check access_key and that it is active, that session_token is set for temporary keys, and that the region is "
        "enabled for the AWS account",
    ),
    Kind(
        "signature",
        "SignatureDoesNotMatch|InvalidSignatureException|IncompleteSignature(Exception)?",
        "Check that secret_key is the one of access_key, whole and without spaces",
    ),
    Kind(
        "unsigned",
        "MissingAuthenticationToken(Exception)?|MissingSecurityHeader",
        "Check endpoint_url, and that no proxy on the way removes headers",
    ),
    Kind(
        "key",
        r"DecryptionFailure|EncryptionFailure|KMS\w*|KmsKey\w*|.*\bDisabledException|KMSInvalidStateException",
        "Check that the KMS key is enabled and not pending deletion, and that the principal may use it (kms:Decrypt)",
        of_principal=True,
    ),
    Kind(
        DENIED,
        r"AccessDenied\w*|(Client\.)?UnauthorizedOperation|Forbidden\w*|403|AuthorizationError\w*|NotAuthorized\w*",
        "",
    ),
    Kind(
        THROTTLED,
        r"Throttl\w+|Request(Limit|Throttl)\w+|TooManyRequests\w*|SlowDown|BandwidthLimitExceeded"
        r"|ProvisionedThroughputExceeded\w*|PriorRequestNotComplete|EC2Throttled\w*|429",
        "It was repeated with growing pauses; run fewer hosts at a time (forks, throttle), or set AWS_MAX_ATTEMPTS "
        "higher",
    ),
    Kind(
        UNAVAILABLE,
        r"Internal\w*|Service(Unavailable|Failure)\w*|Unavailable|RequestTimeout\w*|5\d\d",
        "It was repeated; run the task again later, and look at the AWS Health Dashboard",
    ),
    Kind(
        "deleted secret",
        "InvalidRequestException",
        "Restore the secret with aws secretsmanager restore-secret, or name another one",
        text="marked for deletion|marked deleted",
    ),
    Kind(
        "missing",
        r"\w*(NotFound|NoSuch)\w*",
        "Check the name, the region, and that the credentials are of the right AWS account",
        of_principal=True,
    ),
    Kind("state", r"Invalid\w*State\w*|\w*InUse\w*|\w*Conflict\w*", "Run the task again when that has changed"),
    Kind(
        "limit",
        r"\w*(LimitExceeded|QuotaExceeded)\w*",
        "Have the quota of the AWS account raised, or use less of it",
    ),
    Kind("invalid", r"\w*(Valid|Malformed|InvalidParameter|InvalidInput|InvalidRequest)\w*", "Correct what AWS names"),
)
_OTHER = Kind("other", "", "Correct what AWS names, then run the task again")
_SERVER_ERROR = 500


def kind_of(code: str, text: str, status: int) -> Kind:
    """The first kind that fits; an HTTP status of 500 and more is unavailable, whatever the code."""
    for kind in _KINDS:
        if re.fullmatch(kind.codes, code) and re.search(kind.text, text, re.IGNORECASE):
            return kind
    if status >= _SERVER_ERROR:
        return next(kind for kind in _KINDS if kind.name == UNAVAILABLE)
    return _OTHER

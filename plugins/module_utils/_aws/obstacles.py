# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""What keeps botocore from asking AWS at all, and what to do next: credentials, settings, the network.

By the names of botocore's exceptions, because older versions lack some of them.
https://github.com/boto/botocore/blob/develop/botocore/exceptions.py
"""

from __future__ import annotations

import re

_CHECK_FILES = "Correct it in ~/.aws/config or ~/.aws/credentials, or in the files that AWS_CONFIG_FILE and "
_SSO = "Run aws sso login for this profile, then run the task again"
_LOGIN = "Run aws login for this profile, then run the task again"
_CREDENTIALS = (
    "Set profile, or access_key and secret_key, or give the host where the task runs credentials by its environment or "
    "an IAM role"
)
_MFA = (
    "The profile needs an MFA code, which a task cannot ask for; begin a session with MFA before, and give the task "
    "its keys or a profile that has them"
)
_REGION = "Set region to one that AWS has, or AWS_REGION"
_NETWORK = (
    "Check region, endpoint_url and, if there is one, the proxy (HTTPS_PROXY), and that this host reaches AWS, as by a "
    "VPC endpoint"
)
_OPTIONS = "Correct the option that is named (aws_config, region or endpoint_url), or the setting in ~/.aws/config"
_FILES = f"{_CHECK_FILES}AWS_SHARED_CREDENTIALS_FILE name"

_STEPS = {
    "NoCredentialsError": _CREDENTIALS,
    "PartialCredentialsError": "Set access_key and secret_key together, and session_token for temporary keys",
    "NoAuthTokenError": _SSO,
    "ProfileNotFound": "Correct profile (or AWS_PROFILE), or add it to ~/.aws/config on the host where the task runs",
    "ConfigNotFound": _FILES,
    "ConfigParseError": _FILES,
    "InvalidConfigError": _FILES,
    "UnknownCredentialError": _FILES,
    "CredentialRetrievalError": (
        "Run the profile's credential_process, or ask its provider of credentials, by hand as the user of the task to "
        "see why"
    ),
    "MetadataRetrievalError": (
        "Check that this host has an IAM role, and that it may ask the metadata service for its credentials"
    ),
    "TokenRetrievalError": _SSO,
    "SSOError": _SSO,
    "LoginInsufficientPermissions": "Allow signin:CreateOAuth2Token to the principal, or use other credentials",
    "LoginError": _LOGIN,
    "RefreshWithMFAUnsupportedError": _MFA,
    "EOFError": _MFA,
    "GetPassWarning": _MFA,
    "MissingDependencyException": "Install botocore[crt] for the Python that runs the task",
    "NoRegionError": "Set region, or AWS_REGION in the environment of the task",
    "InvalidRegionError": _REGION,
    "UnknownRegionError": _REGION,
    "UnknownEndpointError": _REGION,
    "EndpointProviderError": _REGION,
    "ServiceNotInRegionError": _REGION,
    "BaseEndpointResolverError": _REGION,
    "ProxyConnectionError": "Check the proxy (HTTPS_PROXY, or proxies in aws_config)",
    "InvalidProxiesConfigError": "Correct proxies_config in aws_config",
    "SSLError": "Set aws_ca_bundle to the authorities that the answering server's certificate comes from",
    "ConnectionError": _NETWORK,
    "HTTPClientError": _NETWORK,
    "ParamValidationError": "Correct the option that this value comes from",
    "ValidationError": _OPTIONS,
}
_LOCAL = (
    # text of exceptions that are not botocore's own → what to do next
    (
        r"refreshed credentials are still expired",
        "The source of the credentials (credential_process, or a file that another program writes) gives expired ones; "
        "make it give new ones",
    ),
    (r"CA certificate bundle|invalid path", "Correct aws_ca_bundle, or AWS_CA_BUNDLE: the path of an existing file"),
    (r"Invalid endpoint", "Correct endpoint_url: an address that begins with https://"),
)
_NOT_JSON = (
    "The profile's credential_process must print JSON with Version, AccessKeyId and SecretAccessKey; run it by hand to "
    "see what it prints"
)
_NO_FILE = (
    "Correct the path where the task takes it from: credential_process or web_identity_token_file of the profile, "
    "AWS_WEB_IDENTITY_TOKEN_FILE, or aws_ca_bundle"
)


def step_for(error: BaseException) -> str:
    """What to do next, by the nearest class that is known; an unknown one is a matter of settings."""
    names = [each.__name__ for each in type(error).__mro__]
    step = next((_STEPS[name] for name in names if name in _STEPS), "")
    return step or _of_others(error, names)


def _of_others(error: BaseException, names: list[str]) -> str:
    found = next((step for pattern, step in _LOCAL if re.search(pattern, str(error))), "")
    if found:
        return found
    if "JSONDecodeError" in names:
        return _NOT_JSON
    return _NO_FILE if isinstance(error, OSError) else _OPTIONS

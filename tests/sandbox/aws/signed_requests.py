# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may ask the AWS endpoint: requests signed with a key of the sandbox's IAM, and nobody else on this machine.

Every user of a machine reaches its loopback addresses, so the address keeps nobody out.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, quote

from tests.sandbox.login.token import ALGORITHM, Scope, signature
from tests.sandbox.login.verifier import Credential

FindCredential = Callable[[str], Credential | None]
Environment = dict[str, Any]

CLOCK_SKEW = timedelta(minutes=15)
_AUTHORIZATION = re.compile(
    rf"{ALGORITHM} Credential=(?P<scope>[^,\s]+),\s*SignedHeaders=(?P<headers>[a-z0-9;-]+),"
    r"\s*Signature=(?P<signature>[0-9a-f]+)"
)


class RequestRefused(Exception):
    """``code`` is AWS's. https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html"""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def check_signature(environment: Environment, find_credential: FindCredential, now: datetime) -> None:
    """Raises RequestRefused for what no live key of the sandbox has signed. The body stays readable."""
    header = str(environment.get("HTTP_AUTHORIZATION", ""))
    if not header:
        raise RequestRefused("MissingAuthenticationToken", "Request is missing Authentication Token")
    found = _AUTHORIZATION.fullmatch(header)
    scope = found["scope"].split("/") if found else []
    if found is None or len(scope) != 5:
        raise RequestRefused("IncompleteSignature", "The Authorization header is not a Signature Version 4.")
    credential = _live(find_credential(scope[0]), now)
    presented = str(environment.get("HTTP_X_AMZ_SECURITY_TOKEN", ""))
    if credential is None or not hmac.compare_digest(presented.encode(), (credential.session_token or "").encode()):
        raise RequestRefused("InvalidClientTokenId", "The security token included in the request is invalid.")
    _check_age(str(environment.get("HTTP_X_AMZ_DATE", "")), now)
    request = _canonical(environment, found["headers"])
    made = signature(
        credential.secret_key, Scope(*scope), str(environment["HTTP_X_AMZ_DATE"]), hashlib.sha256(request).hexdigest()
    )
    if not hmac.compare_digest(made, found["signature"].encode()):
        raise RequestRefused(
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided.",
        )


def check_password(environment: Environment, find_credential: FindCredential, now: datetime) -> None:
    """For the hook: a key's ID and secret as HTTP's user and password. Raises RequestRefused."""
    scheme, _space, words = str(environment.get("HTTP_AUTHORIZATION", "")).partition(" ")
    try:
        name, _colon, secret = base64.b64decode(words, validate=True).decode().partition(":")
    except ValueError:
        name, secret = "", ""
    credential = _live(find_credential(name), now) if scheme == "Basic" else None
    if credential is None or not hmac.compare_digest(secret.encode(), credential.secret_key.encode()):
        raise RequestRefused(
            "AccessDenied", "The sandbox's hook takes an access key of the sandbox as user, and its secret as password."
        )


def password(access_key: str, secret_key: str) -> str:
    """The Authorization header that ``check_password`` wants."""
    return f"Basic {base64.b64encode(f'{access_key}:{secret_key}'.encode()).decode()}"


def read_body(environment: Environment) -> bytes:
    """The request's body, which stays readable."""
    body = bytes(environment["wsgi.input"].read(int(environment.get("CONTENT_LENGTH") or 0)))
    environment["wsgi.input"] = io.BytesIO(body)
    return body


def _live(credential: Credential | None, now: datetime) -> Credential | None:
    if credential is None or not credential.active:
        return None
    return None if credential.expires is not None and credential.expires <= now else credential


def _check_age(date: str, now: datetime) -> None:
    try:
        signed_at = datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise RequestRefused("IncompleteSignature", "The request has no valid X-Amz-Date.") from None
    if abs(now - signed_at) > CLOCK_SKEW:
        raise RequestRefused("SignatureDoesNotMatch", f"Signature expired: {date} is not within 15 minutes of now.")


def _canonical(environment: Environment, signed: str) -> bytes:
    query = parse_qsl(str(environment.get("QUERY_STRING", "")), keep_blank_values=True)
    pairs = sorted((quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in query)
    lines = [
        str(environment["REQUEST_METHOD"]),
        quote(quote(str(environment.get("PATH_INFO") or "/"), safe="/-_.~"), safe="/-_.~"),
        "&".join(f"{name}={value}" for name, value in pairs),
        *(f"{name}:{_header(environment, name)}" for name in signed.split(";")),
        "",
        signed,
        hashlib.sha256(read_body(environment)).hexdigest(),
    ]
    return "\n".join(lines).encode()


def _header(environment: Mapping[str, Any], name: str) -> str:
    key = name.upper().replace("-", "_")
    value = environment.get(key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}", "")
    return " ".join(str(value).split())

# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An IAM authentication token, taken apart: a presigned Signature Version 4 request without its scheme.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote, unquote

ALGORITHM = "AWS4-HMAC-SHA256"
SERVICE = "rds-db"
_SIGNATURE = "X-Amz-Signature"
_SHAPE = re.compile(r"(?P<host>[A-Za-z0-9.-]+):(?P<port>[0-9]{1,5})/\?(?P<query>[\x21-\x7e]+)")
_REQUIRED = (
    "Action",
    "DBUser",
    "X-Amz-Algorithm",
    "X-Amz-Credential",
    "X-Amz-Date",
    "X-Amz-Expires",
    "X-Amz-SignedHeaders",
    _SIGNATURE,
)


@dataclass(frozen=True)
class Scope:
    """The X-Amz-Credential of a token: who signed it, and for which day, region and service."""

    access_key: str
    date: str
    region: str
    service: str
    terminator: str


@dataclass(frozen=True)
class LoginToken:
    host: str
    port: int
    parameters: Mapping[str, str]
    """The query's parameters, decoded. Each occurs once."""
    scope: Scope
    signed_at: datetime

    @property
    def security_token(self) -> str | None:
        return self.parameters.get("X-Amz-Security-Token")

    @classmethod
    def parse(cls, text: str) -> LoginToken:
        """Raises ValueError, with what is wrong in words that do not repeat the token."""
        found = _SHAPE.fullmatch(text)
        if found is None:
            raise ValueError("it does not have the form host:port/?query")
        parameters = _parameters(found["query"])
        missing = [name for name in _REQUIRED if name not in parameters]
        if missing:
            raise ValueError(f"it lacks {', '.join(missing)}")
        scope = parameters["X-Amz-Credential"].split("/")
        if len(scope) != 5:
            raise ValueError("its X-Amz-Credential does not have five parts")
        try:
            signed_at = datetime.strptime(parameters["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        except ValueError:
            raise ValueError("its X-Amz-Date is not a time in the form 20260131T235959Z") from None
        return cls(found["host"], int(found["port"]), parameters, Scope(*scope), signed_at)

    def is_signed_with(self, secret_key: str) -> bool:
        """Whether the signature is the one that this secret makes. Compares in constant time."""
        return hmac.compare_digest(self._signature(secret_key), self.parameters[_SIGNATURE].encode())

    def _signature(self, secret_key: str) -> bytes:
        signed = ((_encoded(name), _encoded(value)) for name, value in self.parameters.items() if name != _SIGNATURE)
        query = "&".join(f"{name}={value}" for name, value in sorted(signed))
        empty_body = hashlib.sha256(b"").hexdigest()
        request = "\n".join(["GET", "/", query, f"host:{self.host}:{self.port}\n", "host", empty_body])
        digest = hashlib.sha256(request.encode()).hexdigest()
        return signature(secret_key, self.scope, self.parameters["X-Amz-Date"], digest)


def signature(secret_key: str, scope: Scope, date: str, digest: str) -> bytes:
    """The hexadecimal signature of a request: its X-Amz-Date, and the SHA-256 of its canonical form."""
    credential_scope = "/".join([scope.date, scope.region, scope.service, scope.terminator])
    key = f"AWS4{secret_key}".encode()
    for part in (scope.date, scope.region, scope.service, scope.terminator):
        key = hmac.digest(key, part.encode(), "sha256")
    to_sign = "\n".join([ALGORITHM, date, credential_scope, digest])
    return hmac.digest(key, to_sign.encode(), "sha256").hex().encode()


def _parameters(query: str) -> dict[str, str]:
    parameters: dict[str, str] = {}
    for pair in query.split("&"):
        name, equals, value = pair.partition("=")
        if not equals or unquote(name) in parameters:
            raise ValueError("a parameter of its query has no value or occurs twice")
        try:
            parameters[unquote(name, errors="strict")] = unquote(value, errors="strict")
        except UnicodeDecodeError:
            raise ValueError("a parameter of its query is not UTF-8") from None
    return parameters


def _encoded(text: str) -> str:
    return quote(text, safe="-_.~")

# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hook for tests on the AWS endpoint: which API calls were made, and calls that fail on purpose.

``GET /_sandbox/calls`` counts calls by action, ``GET /_sandbox/requests`` lists them with their parameters, ``POST
/_sandbox/faults`` takes a list of faults, ``DELETE /_sandbox/faults`` forgets all three, ``GET /_sandbox/auth-log``
lists the refused logins. ``POST`` of any other name is what the sandbox's RDS makes of it. Only who has an access key
of the sandbox may ask.
"""

from __future__ import annotations

import json
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from tests.sandbox.aws.signed_requests import FindCredential, RequestRefused, check_password, check_signature, read_body

Environment = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environment, StartResponse], Iterable[bytes]]
Hooks = Mapping[str, Callable[[Any], None]]
"""what else can be posted: name → what is done with the document; raises ValueError"""

PREFIX = "/_sandbox/"
DATA_API_PATHS = {
    "/Execute": "ExecuteStatement",
    "/BatchExecute": "BatchExecuteStatement",
    "/BeginTransaction": "BeginTransaction",
    "/CommitTransaction": "CommitTransaction",
    "/RollbackTransaction": "RollbackTransaction",
}
LIMITS_PATH = f"{PREFIX}data-api"
"""the Data API's own hook"""
_KINDS = ("throttle", "delay", "error")
_THROTTLE_CODE = "Throttling"
_JSON_CODES = {
    "IncompleteSignature": "IncompleteSignatureException",
    "InvalidClientTokenId": "UnrecognizedClientException",
    "MissingAuthenticationToken": "MissingAuthenticationTokenException",
    "SignatureDoesNotMatch": "InvalidSignatureException",
}
"""the names that the JSON protocols have for errors of the query protocol"""
_REMEMBERED = 1000
"""How many requests are listed, the last ones."""
_REASONS = {200: "OK", 400: "Bad Request", 403: "Forbidden", 404: "Not Found", 500: "Internal Server Error"}


@dataclass
class Fault:
    action: str
    """An API action such as ``DescribeDBClusters``, or ``*`` for any."""
    kind: str
    """``throttle``, ``delay`` or ``error``."""
    count: int = 1
    """How many more calls it meets."""
    seconds: float = 0.0
    """How long a delay lasts."""
    code: str = "InternalFailure"
    """The error code that an ``error`` answers with."""
    status: int = 500
    message: str = "The sandbox was told to fail this call."
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """It meets only calls that have these, such as one user's: ``{"UserName": "jane"}``."""

    def meets(self, action: str, parameters: Mapping[str, Any]) -> bool:
        return (
            self.count > 0
            and self.action in (action, "*")
            and all(parameters.get(name) == value for name, value in self.parameters.items())
        )

    @classmethod
    def from_json(cls, document: Any) -> Fault:
        """Raises ValueError for what is no fault."""
        try:
            fault = cls(**document)
        except TypeError as error:
            raise ValueError(f"a fault has the keys {', '.join(cls.__annotations__)}: {error}") from None
        if fault.kind not in _KINDS:
            raise ValueError(f"a fault's kind is one of {', '.join(_KINDS)}, not {fault.kind!r}")
        return fault


class FaultHook:
    """WSGI middleware around the AWS API."""

    def __init__(
        self,
        application: Application,
        find_credential: FindCredential,
        refusals: Callable[[], list[dict[str, Any]]],
        hooks: Hooks | None = None,
    ) -> None:
        self._application = application
        self._find_credential = find_credential
        self._refusals = refusals
        self._hooks = hooks or {}
        self._lock = threading.Lock()
        self._calls: Counter[str] = Counter()
        self._requests: deque[dict[str, Any]] = deque(maxlen=_REMEMBERED)
        self._faults: list[Fault] = []

    def __call__(self, environment: Environment, start_response: StartResponse) -> Iterable[bytes]:
        path = str(environment.get("PATH_INFO", ""))
        check = check_password if path.startswith(PREFIX) else check_signature
        try:
            check(environment, self._find_credential, datetime.now(UTC))
        except RequestRefused as refused:
            return _failure(environment, _denial(environment, refused), start_response)
        if path.startswith(PREFIX) and path != LIMITS_PATH:
            return self._hook(environment, path.removeprefix(PREFIX), start_response)
        action, parameters = _request(environment)
        fault = self._count(action, parameters) if action else None
        if fault is not None and fault.kind == "delay":
            time.sleep(fault.seconds)
        elif fault is not None:
            return _failure(environment, fault, start_response)
        return self._application(environment, start_response)

    def _count(self, action: str, parameters: Any) -> Fault | None:
        """Counts a call and uses up one of the fault that meets it, if any does."""
        with self._lock:
            self._calls[action] += 1
            self._requests.append({"action": action, "parameters": parameters})
            fault = next((fault for fault in self._faults if fault.meets(action, parameters)), None)
            if fault is not None:
                fault.count -= 1
            return fault

    def _hook(self, environment: Environment, name: str, start_response: StartResponse) -> Iterable[bytes]:
        request = f"{environment['REQUEST_METHOD']} {name}"
        with self._lock:
            if request == "GET calls":
                return _json(start_response, 200, dict(self._calls))
            if request == "GET requests":
                return _json(start_response, 200, list(self._requests))
            if request == "DELETE faults":
                for memory in (self._calls, self._requests, self._faults):
                    memory.clear()
                return _json(start_response, 200, {})
        if request == "GET auth-log":
            return _json(start_response, 200, self._refusals())
        posted = {"POST faults": self._add_faults, **{f"POST {name}": hook for name, hook in self._hooks.items()}}
        if request not in posted:
            return _json(start_response, 404, {"message": f"The sandbox has no {request}."})
        try:
            posted[request](json.loads(read_body(environment)))
        except (AttributeError, TypeError, ValueError) as error:
            return _json(start_response, 400, {"message": str(error)})
        return _json(start_response, 200, {})

    def _add_faults(self, documents: Any) -> None:
        faults = [Fault.from_json(document) for document in documents]
        with self._lock:
            self._faults.extend(faults)


def _is_json(environment: Environment) -> bool:
    return "HTTP_X_AMZ_TARGET" in environment or environment.get("PATH_INFO") in DATA_API_PATHS


def _request(environment: Environment) -> tuple[str, dict[str, Any]]:
    """The API action and its parameters: in a header and the body for the JSON protocols, in the form for the query
    protocol, in the path and the body for the Data API. No action where it is none of these."""
    path = str(environment.get("PATH_INFO", ""))
    if path in DATA_API_PATHS:
        return DATA_API_PATHS[path], {}
    if _is_json(environment):
        return str(environment["HTTP_X_AMZ_TARGET"]).rpartition(".")[2], json.loads(read_body(environment) or b"{}")
    if not str(environment.get("CONTENT_TYPE", "")).startswith("application/x-www-form-urlencoded"):
        return "", {}
    form = parse_qs(read_body(environment).decode("utf-8", errors="replace"), keep_blank_values=True)
    parameters = {name: values[0] for name, values in form.items() if name not in ("Action", "Version")}
    return form.get("Action", [""])[0], parameters


def _denial(environment: Environment, refused: RequestRefused) -> Fault:
    code = _JSON_CODES.get(refused.code, refused.code) if _is_json(environment) else refused.code
    return Fault("*", "error", code=code, status=403, message=str(refused))


def _failure(environment: Environment, fault: Fault, start_response: StartResponse) -> Iterable[bytes]:
    """An error as AWS sends it in the protocol of the request."""
    code, status, message = fault.code, fault.status, fault.message
    if fault.kind == "throttle":
        code, status, message = _THROTTLE_CODE, 400, "Rate exceeded"
    if _is_json(environment):
        return _json(start_response, status, {"__type": code, "message": message})
    sender = "Sender" if status < 500 else "Receiver"
    error = f"<Type>{sender}</Type><Code>{escape(code)}</Code><Message>{escape(message)}</Message>"
    text = f"<ErrorResponse><Error>{error}</Error><RequestId>sandbox</RequestId></ErrorResponse>"
    return _respond(start_response, status, "text/xml", text)


def _json(start_response: StartResponse, status: int, document: Any) -> Iterable[bytes]:
    return _respond(start_response, status, "application/json", json.dumps(document))


def _respond(start_response: StartResponse, status: int, content_type: str, text: str) -> Iterable[bytes]:
    body = text.encode()
    headers = [("Content-Type", content_type), ("Content-Length", str(len(body)))]
    start_response(f"{status} {_REASONS.get(status, 'Error')}", headers)
    return [body]

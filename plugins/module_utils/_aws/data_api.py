# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""The RDS Data API: SQL over AWS's own endpoint, with the user and password of a secret.

https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/data-api.html
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Sequence
from typing import Any

from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.asked import Asked
from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.calls import Clients, attempt
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import CannotConnect, CloudError
from ansible_collections.dbops.aurora_iam.plugins.module_utils._login import Endpoint
from ansible_collections.dbops.aurora_iam.plugins.module_utils._transport import (
    MAX_CALL,
    DatabaseRefused,
    ResultTooLarge,
    Rows,
    TransactionLost,
    Transport,
    named,
)

MAX_SQL = 65536
"""Characters of one statement, by the API's own model."""

_RETRIED = frozenset(
    (
        "DatabaseResumingException",
        "ServiceUnavailableError",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    )
)
"""Answers that mean that nothing was done. A statement that timed out is not among them: it may go on."""
_PATIENCE = 90.0
"""Seconds; a paused Aurora Serverless instance resumes in about 15, longer after a day.

https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-serverless-v2-auto-pause.html
"""
_NETWORK_PATIENCE = 10.0
"""Seconds for an address that cannot be reached."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 8.0
_IN_DOUBT = frozenset(("InternalServerErrorException", "InternalFailure", "ReadTimeoutError", "ConnectionClosedError"))
"""Answers, and botocore's exceptions, after which nobody knows whether a statement was carried out."""
_UNSENT = frozenset(("EndpointConnectionError", "ConnectTimeoutError", "ProxyConnectionError"))
_BEGINNINGS = ("rds-data:BeginTransaction",)
"""What changes nothing, and may be sent twice: a transaction that nobody uses expires."""

_DATABASE_ERRORS = ("DatabaseErrorException", "BadRequestException")
_NO_DATABASE = ("DatabaseUnavailableException", "DatabaseNotFoundException")
_TOO_LARGE = re.compile(
    r"response size limit|response exceeded size limit|packet for query is too large", re.IGNORECASE
)
_SWITCHED_OFF = re.compile("HttpEndpoint is not enabled", re.IGNORECASE)
_LOST = re.compile(r"Transaction \S+ is not found|still running a query", re.IGNORECASE)
_STATE = re.compile(r";\s*SQLState:\s*(\w+)\s*\Z")
_NUMBER = re.compile(r";\s*Error code:\s*(\d+)")
_ADDED = re.compile(r"\s*\b(?:Detail|Hint): ")
_POSITION = re.compile(r"\s*;?\s*Position: \d+")


class DataApi(Transport):
    """``secret`` is an ARN or a name."""

    def __init__(self, clients: Clients, endpoint: Endpoint, secret: str) -> None:
        self._clients = clients
        self._title = endpoint.title
        self._secret = secret
        self._target = {"resourceArn": endpoint.arn, "secretArn": secret}

    def begin(self, database: str) -> str:
        arguments = {"database": database} if database else {}
        number: str = self._call("begin_transaction", "BeginTransaction", **self._target, **arguments)["transactionId"]
        return number

    def execute(
        self, sql: str, values: Sequence[Any] = (), database: str = "", transaction: str = "", lasting: bool = False
    ) -> Rows:
        text, parameters = named(sql, values)
        if len(text) > MAX_SQL:
            raise CloudError(
                f"The Data API takes statements of up to {MAX_SQL} characters, and one for {self._title} has "
                f"{len(text)}; name fewer accounts or objects in one task, or use another login_method."
            )
        arguments: dict[str, Any] = {"sql": text, **self._target}
        if parameters:
            arguments["parameters"] = [{"name": name, "value": field(value)} for name, value in parameters.items()]
        if database:
            arguments["database"] = database
        if transaction:
            arguments["transactionId"] = transaction
        if lasting:
            arguments["continueAfterTimeout"] = True
        answer = self._call("execute_statement", "ExecuteStatement", **arguments)
        return [tuple(map(value_of, record)) for record in answer.get("records") or ()]

    def end(self, transaction: str, commit: bool) -> None:
        target = {**self._target, "transactionId": transaction}
        if commit:
            self._call("commit_transaction", "CommitTransaction", **target)
        else:
            self._call("rollback_transaction", "RollbackTransaction", **target)

    def _call(self, operation: str, action: str, **arguments: Any) -> Any:
        secret = f"secret {self._secret}"
        also = {"secretsmanager": secret, "kms": f"the KMS key of {secret}"}
        asked = Asked(f"rds-data:{action}", self._title, also=also)
        begun = time.monotonic()
        pause = _FIRST_PAUSE
        while True:
            try:
                return attempt(self._clients, asked, lambda: getattr(self._clients("rds-data"), operation)(**arguments))
            except CloudError as error:
                if time.monotonic() > begun + _patience(error, asked.action):
                    raise self.failure(error, asked.action, bool(arguments.get("transactionId"))) from error
            # Full jitter: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
            time.sleep(random.uniform(0, pause))  # noqa: S311 - nothing is kept secret by it
            pause = min(2 * pause, _LONGEST_PAUSE)

    def failure(self, error: CloudError, action: str, in_transaction: bool) -> Exception:
        """What to raise for an answer of the API, or for none."""
        code, message = str(error.details.get("code", "")), error.said
        if code in ("UnsupportedResultException", *_DATABASE_ERRORS) and _TOO_LARGE.search(message):
            return ResultTooLarge(message)
        lost = _lost(error, action, in_transaction)
        if lost:
            return TransactionLost(lost)
        if _SWITCHED_OFF.search(message):
            code = "HttpEndpointNotEnabledException"
        if code in (*_DATABASE_ERRORS, "ValidationException"):
            return refused(message)
        kind = CannotConnect if code in _NO_DATABASE else CloudError
        return kind(self._sentence(code, error), code=code) if code else error

    def _sentence(self, code: str, error: CloudError) -> str:
        secret, message = f"secret {self._secret}", error.said
        if code == "ForbiddenException" and "not authorized to perform" not in message:
            return f"{error.message} The principal also needs secretsmanager:GetSecretValue on {secret}."
        sentences = {
            "HttpEndpointNotEnabledException": (
                f"The Data API is off on {self._title} ({message}); turn it on with: aws rds enable-http-endpoint "
                f"--resource-arn {self._target['resourceArn']}, or use another login_method."
            ),
            "SecretsErrorException": (
                f"The Data API cannot read the {secret} ({message}); check login_secret, and the permission to decrypt "
                "its KMS key."
            ),
            "InvalidSecretException": (
                f"The {secret} is not one that the Data API can use ({message}); its value must be JSON with username "
                "and password."
            ),
            "DatabaseResumingException": (
                f"The instance of {self._title} is paused and has not resumed within {_PATIENCE:.0f} s; run the task "
                "again in a minute."
            ),
            "DatabaseUnavailableException": (
                f"The Data API cannot reach the writer of {self._title} ({message}); run the task when it is available."
            ),
            "DatabaseNotFoundException": f"The {self._title} has no DB instance; add a writer, then run the task.",
            "InvalidResourceStateException": (
                f"The {self._title} cannot be used now ({message}); run the task when it is available."
            ),
        }
        return sentences.get(code, error.message)


def _patience(error: CloudError, action: str) -> float:
    """How long a call is repeated, in seconds; less than none where it is not."""
    code = error.details.get("code")
    if code in _RETRIED or (code in _IN_DOUBT and action in _BEGINNINGS):
        return _PATIENCE
    return _NETWORK_PATIENCE if _UNSENT & _class_names(error) else -1.0


def _class_names(error: CloudError) -> set[str]:
    """Of botocore's exception behind it, which need not be imported for that."""
    return {each.__name__ for each in type(error.__cause__).__mro__}


def _lost(error: CloudError, action: str, in_transaction: bool) -> str:
    """Why a transaction is gone, or nobody knows what became of a statement; empty where that is not so."""
    code, message = str(error.details.get("code", "")), error.said
    if code == "StatementTimeoutException":
        return f"a statement took longer than {MAX_CALL} s and may still be running"
    if code in _DATABASE_ERRORS:
        return message if _LOST.search(message) else ""
    if code == "TransactionNotFoundException" or (in_transaction and code == "DatabaseUnavailableException"):
        return message
    if action not in _BEGINNINGS and _IN_DOUBT & {code, *_class_names(error)}:
        return f"{action} failed: {message} ({code})" if code else error.message.rstrip(".")
    return ""


def field(value: Any) -> dict[str, Any]:
    """A value by its type, as the API wants it."""
    if value is None:
        return {"isNull": True}
    if isinstance(value, bool):
        return {"booleanValue": value}
    if isinstance(value, int):
        return {"longValue": value}
    return {"stringValue": str(value)}


def value_of(found: dict[str, Any]) -> Any:
    """What a field holds; binary values as they are."""
    if found.get("isNull"):
        return None
    return next(iter(found.values()))


def refused(message: str) -> DatabaseRefused:
    """Read what the driver on the other side says: the text, then ``Detail`` and ``Hint`` (PostgreSQL), ``Error code``
    (MySQL) and ``SQLState``."""
    state = _STATE.search(message)
    number = _NUMBER.search(message)
    end = number.start() if number else state.start() if state else len(message)
    text, *added = _ADDED.split(_POSITION.sub("", message[:end]))
    text = re.sub(r"\A(ERROR|FATAL|PANIC): ", "", text)
    return DatabaseRefused(
        int(number.group(1)) if number else 0, text.strip(), state.group(1) if state else "", " ".join(added).strip()
    )

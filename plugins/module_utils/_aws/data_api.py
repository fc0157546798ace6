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

from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.calls import Clients
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
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 8.0

_DATABASE_ERRORS = ("DatabaseErrorException", "BadRequestException")
_TOO_LARGE = re.compile(
    r"response size limit|response exceeded size limit|packet for query is too large", re.IGNORECASE
)
_LOST = re.compile(r"Transaction \S+ is not found|still running a query", re.IGNORECASE)
_STATE = re.compile(r";\s*SQLState:\s*(\w+)\s*\Z")
_NUMBER = re.compile(r";\s*Error code:\s*(\d+)")
_ADDED = re.compile(r"\s*\b(?:Detail|Hint): ")
_POSITION = re.compile(r"\s*;?\s*Position: \d+")
_DENIED_ACTION = re.compile(r"not authorized to perform: ([\w-]+:\w+)")


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
        client = self._clients("rds-data")
        # Not before there is a client: only then is it worth its time
        from botocore.exceptions import BotoCoreError, ClientError

        deadline = time.monotonic() + _PATIENCE
        pause = _FIRST_PAUSE
        while True:
            try:
                return getattr(client, operation)(**arguments)
            except ClientError as error:
                code = error.response["Error"]["Code"]
                if code not in _RETRIED or time.monotonic() > deadline:
                    message = " ".join(error.response["Error"].get("Message", code).split())
                    raise self.failure(
                        code, message, f"rds-data:{action}", bool(arguments.get("transactionId"))
                    ) from error
            except BotoCoreError as error:
                raise CloudError(
                    f"rds-data:{action} on {self._title} could not be sent: {error}. Check region, credentials and "
                    "endpoint_url."
                ) from error
            # Full jitter: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
            time.sleep(random.uniform(0, pause))  # noqa: S311 - nothing is kept secret by it
            pause = min(2 * pause, _LONGEST_PAUSE)

    def failure(self, code: str, message: str, action: str, in_transaction: bool) -> Exception:
        """What to raise for an error code of the API."""
        if code in ("UnsupportedResultException", *_DATABASE_ERRORS) and _TOO_LARGE.search(message):
            return ResultTooLarge(message)
        if _ends_transaction(code, message, in_transaction):
            return TransactionLost(message)
        if code == "StatementTimeoutException":
            return TransactionLost(f"a statement took longer than {MAX_CALL} s and may still be running")
        if code in _DATABASE_ERRORS or code == "ValidationException":
            return refused(message)
        sentence = self._sentence(code, message, action)
        kind = CannotConnect if code in ("DatabaseUnavailableException", "DatabaseNotFoundException") else CloudError
        return kind(sentence, code=code)

    def _sentence(self, code: str, message: str, action: str) -> str:
        secret = f"secret {self._secret}"
        if code in ("AccessDeniedException", "AccessDenied", "ForbiddenException"):
            denied = _DENIED_ACTION.search(message)
            named_action = denied.group(1) if denied else action
            subject = secret if named_action.startswith(("secretsmanager:", "kms:")) else self._title
            also = "" if denied else f" and secretsmanager:GetSecretValue on {secret}"
            return (
                f"AWS denied {named_action} on {subject}; allow this action{also} to the principal that runs the task."
            )
        sentences = {
            "HttpEndpointNotEnabledException": (
                f"The Data API is off on {self._title}; turn it on with: aws rds enable-http-endpoint --resource-arn "
                f"{self._target['resourceArn']}, or use another login_method."
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
        return sentences.get(code, f"{action} on {self._title} failed: {message} ({code}). Run the task again.")


def _ends_transaction(code: str, message: str, in_transaction: bool) -> bool:
    if code in _DATABASE_ERRORS:
        return _LOST.search(message) is not None
    return code == "TransactionNotFoundException" or (in_transaction and code == "DatabaseUnavailableException")


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

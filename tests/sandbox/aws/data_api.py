# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The RDS Data API in front of the sandbox's real servers, with the limits that AWS documents.

https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/data-api.limitations.html
"""

from __future__ import annotations

import json
import re
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from tests.sandbox.aws.data_api_servers import Answer, ApiError, ServerSession, database_error, open_session
from tests.sandbox.aws.data_api_text import is_one_statement
from tests.sandbox.aws.data_api_transactions import Limits, StillRunning, Transactions, execute
from tests.sandbox.aws.faults import DATA_API_PATHS, LIMITS_PATH
from tests.sandbox.aws.policy import Decision, evaluate
from tests.sandbox.aws.rds_clusters import SandboxCluster
from tests.sandbox.login.verifier import Credential
from tests.sandbox.servers.clusters import ACCOUNT_ID, REGION

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
FindSecret = Callable[[str], tuple[str, Mapping[str, Any]]]
"""From a secret's ARN or name to its ARN and its value. Raises LookupError."""


class DataApi:
    """WSGI middleware: answers the Data API's calls, and passes all others on. ``POST /_sandbox/data-api`` sets limits
    (the fields of Limits), ``DELETE`` resets them."""

    def __init__(
        self,
        clusters: Callable[[], Iterable[SandboxCluster]],
        find_secret: FindSecret,
        find_credential: Callable[[str], Credential | None],
        ca_cert: str,
    ) -> None:
        self._clusters = clusters
        self._find_secret = find_secret
        self._find_credential = find_credential
        self._ca_cert = ca_cert
        self._limits = Limits()
        self._transactions = Transactions(self._limits)

    def before(self, application: Application) -> Application:
        def answer(environment: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
            path = str(environment.get("PATH_INFO", ""))
            if environment.get("REQUEST_METHOD") not in ("POST", "DELETE") or path not in (
                *DATA_API_PATHS,
                LIMITS_PATH,
            ):
                return application(environment, start_response)
            body = environment["wsgi.input"].read(int(environment.get("CONTENT_LENGTH") or 0))
            try:
                document = self._call(path, body, str(environment.get("HTTP_AUTHORIZATION", "")))
            except ApiError as error:
                return _respond(start_response, error.status, {"message": str(error)}, error.code)
            except Exception:
                traceback.print_exc(file=sys.stderr)
                return _respond(start_response, 500, {"message": "Internal error"}, "InternalServerErrorException")
            return _respond(start_response, 200, document)

        return answer

    def _call(self, path: str, body: bytes, authorization: str) -> dict[str, Any]:
        if path == LIMITS_PATH:
            vars(self._limits).update(vars(replace(Limits(), **json.loads(body or b"{}"))))
            return {}
        if len(body) > self._limits.request_bytes:
            raise ApiError("BadRequestException", "The request exceeds the size limit of 4 MiB")
        request: dict[str, Any] = json.loads(body)
        if request.get("schema"):
            raise ApiError("ValidationException", "Schema parameter isn't supported")
        action = DATA_API_PATHS[path]
        cluster = self._cluster(request["resourceArn"])
        self._authorize(authorization, f"rds-data:{action}", request["resourceArn"])
        if not cluster.http_endpoint_enabled:
            raise ApiError(
                "HttpEndpointNotEnabledException",
                f"HttpEndpoint is not enabled for cluster {cluster.db_cluster_identifier}",
            )
        return self._answer(action, cluster, request, authorization)

    def _cluster(self, arn: str) -> SandboxCluster:
        """One that is not there is answered like one that has no Data API."""
        found = next((cluster for cluster in self._clusters() if cluster.db_cluster_arn == arn), None)
        if found is None:
            raise ApiError(
                "HttpEndpointNotEnabledException",
                f"HttpEndpoint is not enabled for cluster {arn.rpartition(':')[2]}",
            )
        return found

    def _authorize(self, authorization: str, action: str, resource: str, code: str = "AccessDeniedException") -> None:
        key = re.search(r"Credential=([^/]+)/", authorization)
        credential = self._find_credential(key[1]) if key else None
        if credential is None or not credential.active:
            raise ApiError("UnrecognizedClientException", "The security token included in the request is invalid.", 403)
        principal = credential.principal
        context = {
            **principal.context,
            "aws:principalarn": principal.arn,
            "aws:principalaccount": ACCOUNT_ID,
            "aws:requestedregion": REGION,
            "aws:currenttime": datetime.now(UTC).isoformat(),
        }
        layers = [principal.policies, *((text,) for text in principal.ceilings.values())]
        if any(evaluate(layer, action, resource, context) is not Decision.ALLOWED for layer in layers):
            raise ApiError(
                code,
                f"User: {principal.arn} is not authorized to perform: {action} on resource: {resource}",
                403,
            )

    def _answer(
        self, action: str, cluster: SandboxCluster, request: dict[str, Any], authorization: str
    ) -> dict[str, Any]:
        owner = (request["resourceArn"], request["secretArn"])
        if action in ("CommitTransaction", "RollbackTransaction"):
            return self._end(request["transactionId"], owner, action == "CommitTransaction")
        if action == "BeginTransaction":
            return {"transactionId": self._transactions.begin(self._session(cluster, request, authorization), owner)}
        if action != "ExecuteStatement":
            raise ApiError("BadRequestException", f"The sandbox has no {action}.")
        sql = request["sql"]
        if len(sql) > self._limits.sql_characters:
            raise ApiError(
                "ValidationException",
                "1 validation error detected: Value at 'sql' failed to satisfy constraint: Member must have length "
                f"less than or equal to {self._limits.sql_characters}",
            )
        if not is_one_statement(sql):
            raise ApiError("ValidationException", "Multistatements aren't supported")
        if request.get("transactionId"):
            self._credentials(request, authorization)
            with self._transactions.call(request["transactionId"], owner) as transaction:
                return self._execute(transaction.session, request)
        session = self._session(cluster, request, authorization)
        try:
            document = self._execute(session, request)
        except StillRunning as running:
            running.then(session.close)
            raise
        except Exception:
            session.close()
            raise
        session.close()
        return document

    def _end(self, number: str, owner: tuple[str, str], commit: bool) -> dict[str, Any]:
        with self._transactions.call(number, owner) as transaction:
            transaction.session.end(commit)
        self._transactions.drop(number)
        return {"transactionStatus": "Transaction Committed" if commit else "Rollback Complete"}

    def _session(self, cluster: SandboxCluster, request: dict[str, Any], authorization: str) -> ServerSession:
        user, password = self._credentials(request, authorization)
        database = request.get("database") or ""
        return open_session(cluster.running, user, password, database, self._ca_cert)

    def _credentials(self, request: dict[str, Any], authorization: str) -> tuple[str, str]:
        try:
            arn, value = self._find_secret(request["secretArn"])
        except LookupError:
            raise ApiError("SecretsErrorException", "Secrets Manager can't find the specified secret.") from None
        self._authorize(authorization, "secretsmanager:GetSecretValue", arn, "ForbiddenException")
        try:
            return value["username"], value["password"]
        except (KeyError, TypeError):
            raise ApiError("InvalidSecretException", "The secret does not hold a user name and a password.") from None

    def _execute(self, session: ServerSession, request: dict[str, Any]) -> dict[str, Any]:
        parameters = {item["name"]: item["value"] for item in request.get("parameters") or ()}
        lasting = bool(request.get("continueAfterTimeout"))
        answer = execute(session, request["sql"], parameters, self._limits.call_seconds, lasting)
        self._check_size(answer)
        document: dict[str, Any] = {"numberOfRecordsUpdated": answer.updated, "generatedFields": []}
        if answer.columns:
            document["records"] = answer.records
            if request.get("includeResultMetadata"):
                document["columnMetadata"] = [{"name": name, "label": name} for name in answer.columns]
        return document

    def _check_size(self, answer: Answer) -> None:
        if any(size > self._limits.row_bytes for size in answer.sizes):
            raise database_error(f"Packet for query is too large ({max(answer.sizes)} > {self._limits.row_bytes}).")
        if sum(answer.sizes) > self._limits.response_bytes:
            raise ApiError("UnsupportedResultException", "Database returned more than the allowed response size limit")


def _respond(
    start_response: Callable[..., Any], status: int, document: dict[str, Any], error: str = ""
) -> Iterable[bytes]:
    body = json.dumps(document).encode()
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    if error:
        headers.append(("x-amzn-ErrorType", error))
    start_response(f"{status} {'OK' if status == 200 else 'Error'}", headers)
    return [body]

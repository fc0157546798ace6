# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server that answers as AWS with what a test prepares, in the protocol of the service that is asked."""

from __future__ import annotations

import contextlib
import http.server
import json
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.calls import Clients, call
from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.clients import AwsClients
from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.credentials import (
    secret_credentials,
    token_credentials,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.data_api import DataApi
from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.options import aws_spec
from ansible_collections.dbops.aurora_iam.plugins.module_utils._login import Endpoint

WHO = "arn:aws:sts::123456789012:assumed-role/deploy/ci"
REGION = "eu-central-1"
ORDERS = Endpoint(
    "cluster orders",
    "aurora-mysql",
    f"orders.cluster-abc123.{REGION}.rds.amazonaws.com",
    3306,
    arn=f"arn:aws:rds:{REGION}:123456789012:cluster:orders",
)
_IDENTITY = f"""<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>
<Arn>{WHO}</Arn><UserId>AROAEXAMPLE:ci</UserId><Account>123456789012</Account></GetCallerIdentityResult>
</GetCallerIdentityResponse>"""


class Aws(http.server.ThreadingHTTPServer):
    """
    answer    status, code and text of the next answers; a text without a code is the whole body
    identity  whether sts:GetCallerIdentity is answered
    seconds   how long an answer takes
    asked     the operations that were called
    """

    answer: tuple[int, str, str] = (200, "", "")
    identity = True
    seconds = 0.0

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Answers(http.server.BaseHTTPRequestHandler):
    server: Aws

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        target = self.headers.get("X-Amz-Target", "").rpartition(".")[2]
        operation = target or parse_qs(body).get("Action", [self.path])[0]
        self.server.asked.append(operation)
        if operation == "GetCallerIdentity" and self.server.identity:
            self._send(200, "text/xml", _IDENTITY)
            return
        time.sleep(self.server.seconds)
        status, code, text = self.server.answer
        if not code:
            self._send(status, "text/html", text)
        elif target or self.path != "/":
            self._send(status, "application/json", json.dumps({"__type": code, "message": text}), code)
        else:
            error = f"<Code>{escape(code)}</Code><Message>{escape(text)}</Message>"
            self._send(status, "text/xml", f"<ErrorResponse><Error>{error}</Error></ErrorResponse>")

    def _send(self, status: int, kind: str, text: str, code: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(text.encode())))
        if code:
            self.send_header("x-amzn-ErrorType", code)
        self.end_headers()
        self.wfile.write(text.encode())

    def handle(self) -> None:
        with contextlib.suppress(ConnectionError):  # a client that does not wait for the answer
            super().handle()

    def log_message(self, *_words: object) -> None:  # type: ignore[override]
        return


def clients(url: str, **options: Any) -> Clients:
    """As a task with these options has them."""
    given = {"access_key": "AKIAIOSFODNN7EXAMPLE", "secret_key": "wJalrXUtnFEMI", "region": REGION, "endpoint_url": url}
    defaults = {name: spec.get("default") for name, spec in aws_spec().items()}
    return AwsClients({**defaults, **given, **options}).client


def describe(asked: Clients) -> object:
    return call(
        asked, "describe_db_clusters", "rds:DescribeDBClusters", ORDERS.title, DBClusterIdentifier=ORDERS.title[8:]
    )


ASK: Mapping[str, Callable[[Clients], object]] = {
    "cluster": describe,
    "secret": lambda asked: secret_credentials(asked, "orders/admin"),
    "policies": lambda asked: call(
        asked,
        "get_account_authorization_details",
        "iam:GetAccountAuthorizationDetails",
        "the AWS account's policies",
    ),
    "sql": lambda asked: DataApi(asked, ORDERS, "orders/admin").begin("orders"),
    "token": lambda asked: token_credentials(asked, ORDERS, "jane"),
}
"""what a task asks AWS for"""

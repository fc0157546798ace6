# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values by type, errors as sentences: how the Data API's words are read."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.asked import Asked
from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.data_api import (
    MAX_SQL,
    DataApi,
    field,
    refused,
    value_of,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.failures import failure
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import CannotConnect, CloudError
from ansible_collections.dbops.aurora_iam.plugins.module_utils._login import Endpoint
from ansible_collections.dbops.aurora_iam.plugins.module_utils._transport import (
    DatabaseRefused,
    ResultTooLarge,
    TransactionLost,
)

ARN = "arn:aws:rds:eu-central-1:123456789012:cluster:orders"


def no_client(service: str) -> None:
    raise AssertionError(f"asked AWS for a client of {service}")


API = DataApi(no_client, Endpoint("cluster orders", "aurora-mysql", "h", 3306, arn=ARN), "rds!cluster-1")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, {"isNull": True}),
        (True, {"booleanValue": True}),
        (0, {"longValue": 0}),
        ("", {"stringValue": ""}),
        ("7", {"stringValue": "7"}),
    ],
)
def test_a_value_goes_by_its_type_and_comes_back(value: object, expected: dict[str, object]) -> None:
    assert field(value) == expected
    assert value_of(expected) == value


def test_a_binary_value_comes_as_it_is() -> None:
    assert value_of({"blobValue": b"\xff"}) == b"\xff"


@pytest.mark.parametrize(
    ("message", "number", "text", "state", "hint"),
    [
        ("No table 'a.b'; Error code: 1146; SQLState: 42S02", 1146, "No table 'a.b'", "42S02", ""),
        ('ERROR: role "x" does not exist; SQLState: 42704', 0, 'role "x" does not exist', "42704", ""),
        ('ERROR: error at or near "x" Position: 1; SQLState: 42601', 0, 'error at or near "x"', "42601", ""),
        (
            "ERROR: permission denied Detail: Only roles with ADMIN. Hint: Ask. Position: 3; SQLState: 42501",
            0,
            "permission denied",
            "42501",
            "Only roles with ADMIN. Ask.",
        ),
        ("something new", 0, "something new", "", ""),
    ],
)  # fmt: skip
def test_what_a_database_says_is_taken_apart(message: str, number: int, text: str, state: str, hint: str) -> None:
    error = refused(message)
    assert (error.args, error.text, error.state, error.hint) == ((number, text), text, state, hint)


EXECUTE = "rds-data:ExecuteStatement"


def answered(code: str, message: str) -> CloudError:
    answer = {"Error": {"Code": code, "Message": message}}
    also = {"secretsmanager": "secret rds!cluster-1"}
    return failure(ClientError(answer, "ExecuteStatement"), Asked(EXECUTE, "cluster orders", also=also), lambda: "")


DENIED = "User: arn:aws:iam::1:user/ops is not authorized to perform: {} on resource: *"


@pytest.mark.parametrize(
    ("code", "message", "kind", "words"),
    [
        ("HttpEndpointNotEnabledException", "x", CloudError, f"is off on cluster orders.*enable-http-endpoint.*{ARN}"),
        ("SecretsErrorException", "not found", CloudError, r"cannot read the secret rds!cluster-1 \(not found\)"),
        ("InvalidSecretException", "bad", CloudError, "must be JSON with username and password"),
        ("AccessDeniedException", DENIED.format("rds-data:ExecuteStatement"), CloudError,
         "AWS denied rds-data:ExecuteStatement on cluster orders: User: .* Allow rds-data:ExecuteStatement on cluster"),
        ("ForbiddenException", DENIED.format("secretsmanager:GetSecretValue"), CloudError,
         "AWS denied secretsmanager:GetSecretValue on secret rds!cluster-1, which rds-data:Execute"),
        ("ForbiddenException", "Forbidden", CloudError,
         "to the principal. The principal also needs secretsmanager:GetSecretValue on secret rds!cl"),
        ("DatabaseResumingException", "x", CloudError, "is paused and has not resumed"),
        ("DatabaseUnavailableException", "no writer", CannotConnect, "cannot reach the writer of cluster orders"),
        ("DatabaseNotFoundException", "x", CannotConnect, "has no DB instance"),
        ("InvalidResourceStateException", "stopped", CloudError, r"cannot be used now \(stopped\)"),
        ("ThrottlingException", "Rate exceeded", CloudError, r"failed: Rate exceeded \(ThrottlingException\)"),
        ("InternalServerErrorException", "no", TransactionLost, r"ExecuteStatement failed: no \(InternalServerError"),
        ("TransactionNotFoundException", "Transaction x is not found", TransactionLost, "is not found"),
        ("BadRequestException", "Transaction x is not found", TransactionLost, "is not found"),
        ("DatabaseErrorException", "Transaction is still running a query", TransactionLost, "still running"),
        ("StatementTimeoutException", "x", TransactionLost, "took longer than 45 s and may still be running"),
        ("UnsupportedResultException", "More than the allowed response size limit", ResultTooLarge, "size limit"),
        ("BadRequestException", "Database response exceeded size limit", ResultTooLarge, "size limit"),
        ("DatabaseErrorException", "Packet for query is too large (70000 > 65536).", ResultTooLarge, "too large"),
        ("DatabaseErrorException", "ERROR: key is too large; SQLState: 54000", DatabaseRefused, "key is too large"),
        ("DatabaseErrorException", "ERROR: no; SQLState: 42501", DatabaseRefused, "no"),
    ],
)  # fmt: skip
def test_each_error_has_its_meaning(code: str, message: str, kind: type[Exception], words: str) -> None:
    with pytest.raises(kind, match=words):
        raise API.failure(answered(code, message), EXECUTE, False)


def test_a_writer_that_goes_away_in_a_transaction_takes_it_along() -> None:
    error = API.failure(answered("DatabaseUnavailableException", "gone"), EXECUTE, True)
    assert isinstance(error, TransactionLost)


def test_a_statement_that_the_api_would_not_take_is_not_sent() -> None:
    with pytest.raises(CloudError, match=r"up to 65536 characters.*has 65537; name fewer accounts"):
        API.execute("x" * (MAX_SQL + 1))


class Rds:
    """The Data API's client, which fails first."""

    def __init__(self, *failures: Exception) -> None:
        self._failures = list(failures)
        self.calls = 0

    def _answer(self, **_arguments: object) -> dict[str, str]:
        self.calls += 1
        if self._failures:
            raise self._failures.pop(0)
        return {"transactionId": "t"}

    begin_transaction = execute_statement = commit_transaction = _answer


INTERNAL = ClientError({"Error": {"Code": "InternalServerErrorException", "Message": "no"}}, "x")
THROTTLED = ClientError({"Error": {"Code": "ThrottlingException", "Message": "Rate exceeded"}}, "x")
UNREACHED = EndpointConnectionError(endpoint_url="https://rds-data.example")


def over(rds: Rds) -> DataApi:
    return DataApi(lambda _service: rds, Endpoint("cluster orders", "aurora-mysql", "h", 3306, arn=ARN), "s")


@pytest.mark.parametrize("failure", [INTERNAL, THROTTLED, UNREACHED])
def test_what_changes_nothing_is_sent_again(failure: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    rds = Rds(failure, failure)
    assert over(rds).begin("orders") == "t"
    assert rds.calls == 3


@pytest.mark.parametrize("failure", [INTERNAL, ReadTimeoutError(endpoint_url="https://rds-data.example")])
def test_a_statement_whose_end_is_not_known_is_not_sent_again(failure: Exception) -> None:
    rds = Rds(failure)
    with pytest.raises(TransactionLost):
        over(rds).execute("CREATE USER jane")
    assert rds.calls == 1


@pytest.mark.parametrize("failure", [THROTTLED, UNREACHED])
def test_a_statement_that_was_not_carried_out_is_sent_again(
    failure: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    rds = Rds(failure)
    over(rds).execute("CREATE USER jane")
    assert rds.calls == 2

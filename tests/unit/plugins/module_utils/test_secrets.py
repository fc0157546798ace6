# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from ansible_collections.dbops.aurora_iam.plugins.module_utils import _secrets
from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.credentials import secret_credentials
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import AuroraIamError
from ansible_collections.dbops.aurora_iam.plugins.module_utils._login import Credentials
from ansible_collections.dbops.aurora_iam.plugins.module_utils._perform import perform
from ansible_collections.dbops.aurora_iam.plugins.module_utils._secrets import (
    forget_secrets,
    mask,
    register_secret,
    register_token,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._task import Operation, Result, Task

SECRET = "hunter'2\"x\\yz é/+"
SIGNED = "db.example.org:3306/?Action=connect&X-Amz-Security-Token=IQoJb3%2FJpZ2%2B&X-Amz-Signature=0123abcd"


@pytest.fixture(autouse=True)
def _one_task() -> Iterator[None]:
    forget_secrets()
    yield
    forget_secrets()


@pytest.mark.parametrize(
    "written",
    [
        SECRET,
        quote(SECRET, safe=""),
        json.dumps(SECRET),
        json.dumps(SECRET, ensure_ascii=False),
        repr(SECRET),
        SECRET.replace("'", "''"),
    ],
)
def test_a_secret_is_masked_however_an_error_writes_it(written: str):
    register_secret(SECRET)
    assert mask({"msg": f"x {written} y"})["msg"].strip("xy '\"") == "********"


def test_values_are_masked_as_ansible_does():
    register_secret("54321", "abc", "abcdef")
    value = {"xabc": "y", "a": ["abcdef", "x abcdef abc", 543210, 5, True, None, 1.5], "b": ("abc",)}
    placeholder = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"
    assert mask(value) == {
        "x********": "y",
        "a": [placeholder, "x ******** ********", placeholder, 5, True, None, 1.5],
        "b": [placeholder],
    }


def test_an_empty_secret_hides_nothing():
    register_secret("")
    assert mask("abc") == "abc"


@pytest.mark.parametrize("part", [SIGNED, "0123abcd", "IQoJb3/JpZ2+", "IQoJb3%2FJpZ2%2B"])
def test_parts_of_a_token_are_secrets_too(part: str):
    register_token(SIGNED)
    assert part not in mask(f"refused: {part}.")


def failing(text: str, error: type[Exception] = AuroraIamError) -> Operation:
    """A task that has a credential and then fails with a text, which its warning has too."""

    def act(task: Task) -> Result:
        Credentials("jane", SECRET)
        task.warn(text)
        raise error(text)

    return Operation({}, act)


@pytest.mark.parametrize("error", [AuroraIamError, ValueError])
def test_what_a_task_read_is_masked_in_errors_tracebacks_and_warnings(error: type[Exception]):
    result = perform(failing(f"it said {SECRET}", error), {"debug_botocore_endpoint_logs": False}, (), write=False)
    assert result["failed"]
    assert "it said ********" in result["msg"]
    assert result["warnings"] == ["it said ********"]
    assert "hunter" not in json.dumps(result)


def test_a_task_does_not_mask_secrets_of_the_task_before():
    register_secret("jane")
    result = perform(failing("jane"), {"debug_botocore_endpoint_logs": False}, ["x"], write=False)
    assert result["msg"] == "jane"


class KeptSecret:
    def __init__(self, value: str) -> None:
        self.value = value

    def get_secret_value(self, **_arguments: object) -> dict[str, str]:
        return {"SecretString": self.value}


def test_a_secret_that_is_not_of_a_database_is_one_all_the_same():
    with pytest.raises(AuroraIamError, match="is not a database secret"):
        secret_credentials(lambda _service: KeptSecret("not-json"), "s")
    assert mask("a not-json b") == "a ******** b"


def test_ansible_is_told_where_it_asks(monkeypatch: pytest.MonkeyPatch):
    told: set[str] = set()
    monkeypatch.setattr(_secrets, "register_secrets", told.update)
    Credentials("jane", SECRET)
    Credentials("jane", SIGNED, is_token=True)
    assert {SECRET, SIGNED} <= told

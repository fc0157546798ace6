# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a module the way Ansible does, without the second that starting Ansible takes."""

from __future__ import annotations

import contextlib
import functools
import importlib
import io
import json
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from unittest import mock

import boto3
import botocore.session
import pytest
from ansible.module_utils import _internal
from ansible.module_utils.testing import patch_module_args
from ansible_collections.amazon.aws.plugins.module_utils import botocore as amazon_aws
from botocore.loaders import create_loader

from tests.sandbox.clients import State

Result = dict[str, Any]
LOGIN_OPTIONS = frozenset(("login_host", "login_port", "login_user", "login_password", "login_method", "ssl_mode"))
MODULES = "ansible_collections.dbops.aurora_iam.plugins.modules"


OVER_DATA_API = "AURORA_IAM_TEST_OVER_DATA_API"


def over_data_api() -> bool:
    """Whether this run of the tests was asked to go over the Data API (``--data-api``)."""
    return bool(os.environ.get(OVER_DATA_API))


def examples(ordinarily: int = 25) -> int:
    """How many examples a property test tries on each server: AURORA_IAM_EXAMPLES. Over the Data API only the way to
    the server is another, and a longer one."""
    return int(os.environ.get("AURORA_IAM_EXAMPLES", "8" if over_data_api() else str(ordinarily)))


# Each task makes clients anew, and reading AWS's service models again would take most of its time
botocore.session.create_loader = functools.lru_cache(maxsize=None)(create_loader)

_connect, _clients = amazon_aws.boto3_conn, {}


def _remembered_client(module: Any, **options: Any) -> Any:
    """Then making clients would. One that the same code made with these keys knows nothing else of the task."""
    if not options.get("aws_access_key_id") or options.get("profile_name"):
        return _connect(module, **options)
    key = boto3.Session.client, repr(sorted(options.items()))
    if key not in _clients:
        _clients[key] = _connect(module, **options)
    return _clients[key]


amazon_aws.boto3_conn = _remembered_client


class TaskFailed(Exception):
    """The task's ``msg``; ``result`` has the rest."""

    def __init__(self, result: Result) -> None:
        super().__init__(result["msg"])
        self.result = result


def run_module(module: str, arguments: dict[str, Any]) -> Result:
    """What a module that is given these arguments prints, in this process."""
    main = importlib.import_module(f"{MODULES}.{module}").main
    printed = io.StringIO()
    with (
        patch_module_args({**arguments, "_ansible_remote_tmp": "/tmp"}),
        # Else it would print warnings, like the controller that this process is once a test has imported Ansible's
        mock.patch.object(_internal, "is_controller", False),
        contextlib.redirect_stdout(printed),
        contextlib.suppress(SystemExit),
    ):
        main()
    result: Result = json.loads(printed.getvalue())
    return result


Guard = Callable[[str], contextlib.AbstractContextManager[None]]


class Tasks:
    """Runs tasks against the sandbox with its AWS credentials and its certificate authority.

    ``writes_nothing`` holds of its cluster or instance while a task runs in check mode.
    """

    def __init__(
        self,
        state: State,
        writes_nothing: Guard = lambda _cluster: contextlib.nullcontext(),
        over_data_api: frozenset[str] = frozenset(),
    ) -> None:
        """``over_data_api``: clusters that tasks reach by the Data API, where they do not say how they log in."""
        self._writes_nothing = writes_nothing
        self._over_data_api = over_data_api
        self.connection = {
            "endpoint_url": state["endpoint_url"],
            "region": state["region"],
            "access_key": state["access_key"],
            "secret_key": state["secret_key"],
            "ca_cert": state["ca_cert"],
        }

    def run(self, module: str, *, check: bool = False, **options: Any) -> Result:
        """The module's result. Raises TaskFailed."""
        given = {name: value for name, value in {**self.connection, **options}.items() if value is not None}
        if given.get("cluster") in self._over_data_api and not LOGIN_OPTIONS & given.keys():
            given["login_method"] = "data_api"
        database = options.get("cluster") or options.get("instance")
        guard = self._writes_nothing(database) if check and database else contextlib.nullcontext()
        with guard:
            result = run_module(module, {**given, "_ansible_check_mode": check, "_ansible_diff": True})
        if result.get("failed"):
            raise TaskFailed(result)
        return result

    def user(self, *, check: bool = False, **options: Any) -> Result:
        return self.run("aurora_iam_user", check=check, **_without_principals(options))

    def cluster(self, *, check: bool = False, **options: Any) -> Result:
        return self.run("aurora_iam_cluster", check=check, **options)

    def users(self, *, check: bool = False, users: Sequence[Any], **options: Any) -> Result:
        elements = [_without_principals(user) if isinstance(user, Mapping) else user for user in users]
        return self.run("aurora_iam_users", check=check, users=elements, **options)

    def facts(self, **options: Any) -> Result:
        """What is under ``aurora_iam``."""
        result = self.run("aurora_iam_facts", **options)
        assert not result["changed"]
        facts: Result = result["ansible_facts"]["aurora_iam"]
        return facts


def _without_principals(account: Mapping[str, Any]) -> dict[str, Any]:
    """Most tests are not about who may connect, and convert accounts as which nobody may."""
    return {"convert_unchecked": True, **account} if account.get("convert") else dict(account)


PROMISED = ("changed", "diff", "statements")


def converge(task: Callable[..., Result]) -> Result:
    """Check, apply, check, apply: the check says what the run does, and the second run does nothing."""
    planned, applied = task(check=True), task()
    assert {key: planned[key] for key in PROMISED} == {key: applied[key] for key in PROMISED}
    assert applied["changed"], "the case has nothing to do"
    assert_settled(task)
    return applied


def assert_settled(task: Callable[..., Result]) -> None:
    """Neither a check nor a run finds anything to do."""
    for check in (True, False):
        again = task(check=check)
        assert not again["changed"], again["diff"]
        assert again["statements"] == []
        assert again["diff"]["before"] == again["diff"]["after"] == ""


def refused_alike(task: Callable[..., Any]) -> str:
    """What check mode and the run are refused with."""
    texts = []
    for check in (True, False):
        with pytest.raises(TaskFailed) as failure:
            task(check=check)
        texts.append((str(failure.value), failure.value.result.get("statement")))
    assert texts[0] == texts[1]
    return texts[0][0]

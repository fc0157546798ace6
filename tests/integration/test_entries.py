# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A task comes to the same on the controller and as a module in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.interpreters import other_interpreter
from tests.sandbox.__main__ import environment
from tests.sandbox.clients import CHECKOUT, State

pytestmark = pytest.mark.direct("starts Ansible itself")

USER, USERS = "dbops.aurora_iam.aurora_iam_user", "dbops.aurora_iam.aurora_iam_users"


def tasks(state: State, cluster: str, name: str) -> list[dict[str, Any]]:
    keys = {name: state[name] for name in ("region", "access_key", "secret_key")}
    secret = "{{ 'not-the-pass' ~ 'word' }}"
    return [
        {USER: {"cluster": cluster, "name": name, "comment": "{{ 'Dörte' }}"}, "check_mode": True},
        {USER: {"cluster": cluster, "name": name, "connection_limit": "{{ 2 + 3 }}"}},
        {USERS: {"cluster": cluster, "users": [{"name": name}, {"name": name.upper()}]}, "check_mode": True},
        {USER: {"cluster": cluster, "name": name, "locked": "yes"}},
        {USER: {"cluster": cluster, "name": name, "connection_limit": "many"}},
        {USER: {"cluster": cluster, "name": name, "colour": "red"}},
        {USER: {"cluster": cluster}},
        {USER: {"cluster": cluster, "name": name, "login_password": secret}},
        {USER: {"cluster": "not-the-password", "name": name, "login_password": secret}},
        {USER: {"cluster": cluster, "name": name, "profile": "none-such"}},
        {USER: {"cluster": cluster, "name": name, **keys}},
        {USERS: {"cluster": cluster, "users": [{"name": name, "state": "absent"}]}, "loop": [1, 2]},
    ]


def results(state: State, tmp_path: Path, play_tasks: list[dict[str, Any]], **variables: str) -> list[dict[str, Any]]:
    """What callbacks are given for each task."""
    play = {"hosts": "localhost", "gather_facts": False, "ignore_errors": True, "tasks": play_tasks}
    path = tmp_path / f"{uuid.uuid4().hex}.yml"
    path.write_text(yaml.safe_dump([play], sort_keys=False))
    words = [str(Path(sys.executable).parent / "ansible-playbook"), str(path), "--diff", "-e", json.dumps(variables)]
    # Where HOME is not the user's home, Ansible looks for the results of async in another place than it writes them to
    more = {"ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json", "ANSIBLE_ASYNC_DIR": str(tmp_path / "async")}
    ran = subprocess.run(
        words,
        cwd=CHECKOUT,
        env={**os.environ, **environment(state), **more},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return [task["hosts"]["localhost"] for task in json.loads(ran.stdout)["plays"][0]["tasks"]]


def was_a_module(result: dict[str, Any]) -> bool:
    return any("invocation" in each for each in result.get("results", [result]))


@pytest.mark.parametrize("cluster", ["orders", "ledger"])
def test_both_entries_come_to_the_same(state: State, tmp_path: Path, cluster: str, account: str):
    play = tasks(state, cluster, account)
    here = results(state, tmp_path, play)
    elsewhere = results(state, tmp_path, play, ansible_python_interpreter=other_interpreter(tmp_path))
    assert not any(was_a_module(result) for result in here)
    assert all(was_a_module(result) for result in elsewhere if "failed" not in result)
    for number, (one, other) in enumerate(zip(here, elsewhere, strict=True)):
        assert comparable(one) == comparable(other), play[number]
    assert "not-the-password" not in json.dumps([here, elsewhere])
    assert [bool(result.get("failed")) for result in here] == [False] * 4 + [True] * 6 + [False] * 2


def comparable(result: Any) -> Any:
    """Without what only describes how the task was run."""
    if isinstance(result, list):
        return [comparable(element) for element in result]
    if not isinstance(result, dict):
        return result
    left_out = ("invocation", "exception", "_ansible_no_log", "_ansible_parsed", "deprecations")
    return {key: comparable(value) for key, value in result.items() if key not in left_out}


@pytest.mark.parametrize(
    "keywords",
    [{"environment": {"TZ": "UTC"}}, {"async": 60, "poll": 1}],
    ids=["environment", "async"],
)
def test_what_only_a_process_of_its_own_can_have_is_a_module(
    state: State, tmp_path: Path, account: str, keywords: dict[str, Any]
):
    task = {USER: {"cluster": "orders", "name": account}, "check_mode": "async" not in keywords, **keywords}
    (result,) = results(state, tmp_path, [task])
    assert result["changed"]
    assert was_a_module(result)


def test_defaults_for_the_group_of_modules_hold(state: State, tmp_path: Path, account: str):
    task = {USER: {"name": account}, "module_defaults": {"group/dbops.aurora_iam.all": {"cluster": "orders"}}}
    (result,) = results(state, tmp_path, [{**task, "check_mode": True}])
    assert result["account"]["name"] == account
    assert not was_a_module(result)

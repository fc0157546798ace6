# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A task comes to the same on the controller and as a module.

Most modules run in this process, where one takes a tenth of the time; some in a process of their own, for what Ansible
does on the way there and back.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import unicodedata
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.warnings import _global_warnings
from jinja2.nativetypes import NativeEnvironment

from tests.integration.administration import Administration
from tests.integration.administrators import put_secret
from tests.integration.tasks import Tasks, run_module
from tests.interpreters import other_interpreter
from tests.sandbox.__main__ import environment
from tests.sandbox.clients import CHECKOUT, State

pytestmark = pytest.mark.direct("starts Ansible itself")

USER, USERS = "dbops.aurora_iam.aurora_iam_user", "dbops.aurora_iam.aurora_iam_users"
CLUSTER, FACTS = "dbops.aurora_iam.aurora_iam_cluster", "dbops.aurora_iam.aurora_iam_facts"
SECRET = "hunter2xyz"
GIVEN = "{{ 'hunter2' ~ 'xyz' }}"
"""The secret, as it stands nowhere in the playbook."""
HOSTILE = "x\x1b[2K\x1b[1A\u202ea\u200db\u2066c\u200d\n\u2028\x9b\x7f"
"""What erases the line above on a terminal, turns what follows around, and cannot be seen."""
SHOWN = r"x\x1b[2K\x1b[1A\u202ea\u200db\u2066c\u200d\n\u2028\x9b\x7f"

Cases = list[tuple[str, dict[str, Any]]]


def engine_tasks(cluster: str, name: str, secret: str) -> Cases:
    """What each engine does by itself: a word for the outcome, and the task."""
    at = {"cluster": cluster, "name": name}
    table = {"orders": f"TABLE shop.`{HOSTILE}`", "ledger": f'TABLE public."{HOSTILE}"'}[cluster]
    grant = {"privileges": ["SELECT"], "on": table, **({"database": "shop"} if cluster == "ledger" else {})}
    twins = [{"name": f"{letter}\u202e\u200d"} for letter in "aA"]
    return [
        ("changed", {USER: {**at, "comment": "{{ 'Dörte' }}"}, "check_mode": True}),
        ("changed", {USER: {**at, "connection_limit": "{{ 2 + 3 }}"}}),
        ("ok", {USER: {**at, "connection_limit": "5"}}),
        (
            "changed",
            {USERS: {"cluster": cluster, "users": [{"name": name}, {"name": name.upper()}]}, "check_mode": True},
        ),
        ("changed", {USERS: {"cluster": cluster, "users": twins}, "check_mode": True}),
        ("changed", {USER: {**at, "locked": "yes"}}),
        (
            "changed",
            {
                USER: {**at, "comment": f"a {GIVEN} b", "login_method": "secret", "login_password": GIVEN},
                "check_mode": True,
            },
        ),
        ("failed", {USER: {**at, "grants": [grant]}}),
        ("failed", {USER: {**at, "grants": [{"privileges": [HOSTILE], "on": table}]}}),
        (
            {"orders": "failed", "ledger": "changed"}[cluster],
            {USER: {"cluster": cluster, "name": f"rds{HOSTILE}", "comment": HOSTILE}, "check_mode": True},
        ),
        ("failed", {USER: {**at, "login_password": GIVEN}}),
        ("failed", {USER: {**at, "login_secret": secret, "login_method": "secret"}}),
        ("failed", {USER: {**at, "ca_cert": "/nowhere.pem"}}),
        ("failed", {USER: {**at, "login_host": "127.0.0.1", "login_port": 1}}),
        ("ok", {FACTS: {"cluster": cluster, "gather_subset": "min", "debug_botocore_endpoint_logs": True}}),
        ("changed", {USERS: {"cluster": cluster, "users": [{"name": name, "state": "absent"}]}}),
    ]


def general_tasks(name: str) -> Cases:
    """What is decided before there is an engine."""
    at = {"cluster": "orders", "name": name, "login_password": GIVEN}
    twice = {"name": name, "region": "eu-central-1", "aws_region": "eu-central-1"}
    return [
        ("failed", {USER: {**at, "login_port": GIVEN}}),
        ("failed", {USER: {**at, "login_port": f"1{GIVEN}2"}}),
        ("failed", {USER: {**at, "ssl_mode": GIVEN}}),
        ("failed", {USER: {**at, SECRET: "red"}}),
        ("failed", {USER: {**at, "colour": GIVEN}}),
        ("failed", {USER: {**at, "grants": [{"privileges": [], SECRET: 1}]}}),
        ("failed", {USER: {**at, "connection_limit": f"{HOSTILE}"}}),
        ("failed", {USER: {**at, "grants": GIVEN}}),
        ("failed", {USER: {**at, "login_password": [GIVEN], "login_port": GIVEN}}),
        ("failed", {USER: {**at, "cluster": GIVEN}}),
        ("failed", {USER: {**at, "cluster": f"no{GIVEN}"}}),
        ("failed", {USERS: {"cluster": "orders", "users": GIVEN, "login_password": GIVEN}}),
        ("failed", {USERS: {"cluster": "orders", "users": [{"name": name, "colour": GIVEN}], "login_password": GIVEN}}),
        ("failed", {USERS: {"cluster": "orders", "users": [{"name": name}, {"name": name}]}}),
        ("failed", {USER: {"cluster": "orders"}}),
        ("failed", {USER: {"cluster": "orders", "name": name, "profile": "none-such"}}),
        (
            "failed",
            {USER: {"cluster": "orders", "name": name, "access_key": "AKIA", "secret_key": GIVEN}, "check_mode": True},
        ),
        (
            "failed",
            {USER: {"cluster": "orders", "name": name, "endpoint_url": "http://127.0.0.1:9", "secret_key": "x"}},
        ),
        ("failed", {USER: {"cluster": "orders", "name": name, "login_method": "data_api", "login_user": HOSTILE}}),
        (
            "failed",
            {USER: {"name": name, "engine": "mysql", "login_unix_socket": f"/no/{GIVEN}", "login_password": GIVEN}},
        ),
        ("changed", {USER: {"cluster": "orders", **twice}, "check_mode": True}),
        ("failed", {USER: {"cluster": "orders", **twice, "login_port": "x"}}),
        ("failed", {FACTS: {"cluster": "orders", "gather_subset": HOSTILE}}),
        ("ok", {CLUSTER: {"cluster": "orders", "iam_auth": "enabled"}, "check_mode": True}),
        ("failed", {CLUSTER: {"cluster": "orders", "proxy": GIVEN, "login_password": GIVEN}}),
    ]


def tasks_of_processes(name: str, owner: str, secret: str) -> list[dict[str, Any]]:
    """One task of each kind of result."""
    at = {"cluster": "orders", "name": name}
    twins = [{"name": f"{letter}\u202e\u200d"} for letter in "aA"]
    return [
        {USER: {**at, "comment": GIVEN, "login_password": GIVEN, "login_method": "secret"}, "check_mode": True},
        {USER: {**at, "comment": "{{ 'Dörte' }}"}},
        {USERS: {"cluster": "ledger", "users": twins}, "check_mode": True},
        {USER: {**at, "region": "eu-central-1", "aws_region": "eu-central-1"}, "check_mode": True},
        {USERS: {"cluster": "orders", "users": [{"name": name, "state": "absent"}]}, "loop": [1, 2]},
        {USER: {"cluster": "ledger", "name": owner, "state": "absent"}},
        {USER: {**at, "login_secret": secret, "login_method": "secret"}},
        {USER: {**at, "login_password": GIVEN, "colour": GIVEN}},
        {FACTS: {"cluster": "orders", "gather_subset": "min", "debug_botocore_endpoint_logs": True}},
        {CLUSTER: {"cluster": "orders", "iam_auth": "enabled"}, "check_mode": True},
    ]


def outcome(result: dict[str, Any]) -> str:
    return "failed" if result.get("failed") else "changed" if result["changed"] else "ok"


def invisible(text: str) -> list[str]:
    return [character for character in text if unicodedata.category(character) in ("Cc", "Cf", "Zl", "Zp", "Cs")]


def sentences(result: dict[str, Any]) -> Iterator[str]:
    for each in result.get("results", [result]):
        yield from (each.get("msg", ""), *each.get("warnings", ()))
        diff = each.get("diff") or {}
        yield from (diff.get("before_header", ""), diff.get("after_header", ""))
        yield from "".join((diff.get("before", ""), diff.get("after", ""))).splitlines()


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


def in_this_process(task: dict[str, Any]) -> dict[str, Any]:
    """The result of the task's module, as Ansible reads what the module prints."""
    (name, options), *_keywords = task.items()
    how = {"_ansible_check_mode": task.get("check_mode", False), "_ansible_diff": True, "_ansible_module_name": name}
    _global_warnings.clear()  # AnsibleModule's, which last as long as the process
    result = run_module(name.rpartition(".")[2], {**templated(options), **how})
    told = [summary["event"]["msg"] for summary in result.pop("warnings", [])]
    return {"changed": False, **result, "action": name, **({"warnings": told} if told else {})}


def templated(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: templated(element) for key, element in value.items()}
    if isinstance(value, list):
        return [templated(element) for element in value]
    return NativeEnvironment().from_string(value).render() if isinstance(value, str) and "{{" in value else value


def was_a_module(result: dict[str, Any]) -> bool:
    return any("invocation" in each for each in result.get("results", [result]))


@pytest.fixture
def owner(admin: Administration, tasks: Tasks, account: str) -> Iterator[str]:
    """An account that owns code on both clusters, in a database on PostgreSQL, all with names that cannot be seen."""
    owner = f"owner_{account[-10:]}"
    for cluster in ("orders", "ledger"):
        tasks.user(cluster=cluster, name=owner)
    database = f"{account[-10:]}{HOSTILE}"
    schema = f"`{account[-10:]}\u202e\u200d`"
    admin.sql("orders", f"CREATE DATABASE {schema}")
    admin.sql("orders", f"CREATE DEFINER=`{owner}`@`%` PROCEDURE {schema}.`{HOSTILE}`() SELECT 1")
    admin.sql("ledger", f'CREATE DATABASE "{database}" OWNER {owner}')
    function = f'public."{HOSTILE}"()'
    admin.sql("ledger", f"CREATE FUNCTION {function} RETURNS int LANGUAGE sql AS 'SELECT 1'", database)
    admin.sql("ledger", f"ALTER FUNCTION {function} OWNER TO {owner}", database)
    yield owner
    admin.sql("orders", f"DROP DATABASE {schema}")
    admin.sql("orders", f"DROP USER `{owner}`@`%`")
    admin.sql("ledger", f'DROP DATABASE "{database}"')
    admin.sql("ledger", f"DROP ROLE {owner}")


@pytest.fixture
def secret(state: State) -> str:
    """The name of a secret whose password is wrong."""
    return put_secret(state, f"entries/{uuid.uuid4().hex}", {"username": SECRET, "password": SECRET})


def test_both_entries_come_to_the_same(
    state: State, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, account: str, owner: str, secret: str
):
    """And neither shows a secret, or a character that a terminal acts on."""
    cases = [
        *engine_tasks("orders", account, secret),
        *engine_tasks("ledger", account, secret),
        *(("failed", {USER: {"cluster": each, "name": owner, "state": "absent"}}) for each in ("orders", "ledger")),
        *general_tasks(account),
    ]
    play = [task for _outcome, task in cases]
    here = results(state, tmp_path, play)
    surprising = [
        f"{expected}: {each}" for (expected, _task), each in zip(cases, here, strict=True) if outcome(each) != expected
    ]
    assert not surprising, "\n".join(surprising)
    for name, value in environment(state).items():
        monkeypatch.setenv(name, value)
    assert_the_same(play, here, [in_this_process(task) for task in play])
    said = [sentence for result in here for sentence in sentences(result)]
    assert len([sentence for sentence in said if SHOWN in sentence]) >= 8


def test_a_process_of_its_own_comes_to_the_same(state: State, tmp_path: Path, account: str, owner: str, secret: str):
    play = tasks_of_processes(account, owner, secret)
    here = results(state, tmp_path, play)
    elsewhere = results(state, tmp_path, play, ansible_python_interpreter=other_interpreter(tmp_path))
    expected = [*["changed"] * 3, "ok", "changed", *["failed"] * 3, *["ok"] * 2]
    assert [outcome(result) for result in here] == expected
    assert all(was_a_module(result) for result in elsewhere if "failed" not in result)
    assert_the_same(play, here, elsewhere)


def assert_the_same(play: list[dict[str, Any]], here: list[dict[str, Any]], elsewhere: list[dict[str, Any]]) -> None:
    """What the tasks of the play came to on the controller and as modules: nothing of it is secret or invisible."""
    assert not any(was_a_module(result) for result in here)
    for task, one, other in zip(play, here, elsewhere, strict=True):
        assert comparable(one) == comparable(other), task
    shown = [printed for printed in map(json.dumps, (*here, *elsewhere)) if SECRET in printed]
    assert not shown, "\n".join(shown)
    assert [sentence for result in here for sentence in sentences(result) if invisible(sentence)] == []


def comparable(result: Any) -> Any:
    """Without what only describes how the task was run: the arguments, which only a module's process gets, and the
    traceback of where it failed."""
    if isinstance(result, list):
        return [comparable(element) for element in result]
    if not isinstance(result, dict):
        return result
    left_out = ("invocation", "exception", "_ansible_no_log", "_ansible_parsed")
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

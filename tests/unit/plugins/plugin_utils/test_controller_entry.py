# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.dbops.aurora_iam.plugins.action.aurora_iam_user import ActionModule
from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.clients import AwsClients
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import MissingLibrary
from ansible_collections.dbops.aurora_iam.plugins.plugin_utils._controller_entry import plain

HERE = {"ansible_python_interpreter": sys.executable}


def action(transport: str = "local", become: object = None, **task: Any) -> ActionModule:
    made = ActionModule.__new__(ActionModule)
    made._connection = SimpleNamespace(transport=transport, become=become)
    made._task = SimpleNamespace(**{"async_val": 0, "environment": [None, {}], "delegate_to": None, **task})
    made._templar = SimpleNamespace(template=lambda text: text.replace("{{ here }}", sys.executable))
    return made


def test_a_local_task_is_done_where_it_is():
    assert action()._would_run_here(HERE)
    assert action()._would_run_here({"ansible_python_interpreter": "{{ here }}"})
    assert action(delegate_to="localhost")._would_run_here({"ansible_delegated_vars": {"localhost": HERE}})


@pytest.mark.parametrize(
    ("made", "task_vars"),
    [
        (action(transport="ssh"), HERE),
        (action(become=object()), HERE),
        (action(async_val=30), HERE),
        (action(environment=[{}, {"AWS_PROFILE": "other"}]), HERE),
        (action(), {"ansible_python_interpreter": "/usr/bin/another-python3"}),
        (action(), {}),
        (action(delegate_to="bastion"), {**HERE, "ansible_delegated_vars": {"bastion": {}}}),
        (action(delegate_to="bastion"), HERE),
    ],
)
def test_every_other_task_is_run_as_a_module(made, task_vars):
    assert not made._would_run_here(task_vars)


def test_a_controller_without_amazon_aws_is_told_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "ansible_collections.amazon.aws.plugins.module_utils.botocore", None)
    with pytest.raises(MissingLibrary, match=r"ansible-galaxy collection install amazon\.aws"):
        AwsClients({}).client("rds")


class Text(str):
    """As the templating of Ansible makes them."""

    __slots__ = ()


def test_values_are_made_plain():
    value = {Text("a"): [Text("b"), 1, True, None, (1.5,)]}
    assert plain(value) == {"a": ["b", 1, True, None, [1.5]]}
    (key, (first, *_rest)) = next(iter(plain(value).items()))
    assert {key.__class__, first.__class__} == {str}

# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection as its users start it: ad hoc and from playbooks, with nothing but the environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.command_line import ansible, playbook
from tests.sandbox.clients import State

pytestmark = pytest.mark.direct("starts Ansible itself")


@pytest.mark.parametrize("cluster", ["orders", "ledger"])
@pytest.mark.parametrize("module", ["aurora_iam_user", "dbops.aurora_iam.aurora_iam_user"])
def test_ad_hoc(state: State, cluster: str, module: str, account: str):
    def run(*more: str) -> str:
        words = ("localhost", "-m", module, "-a", f"cluster={cluster} name={account}", *more)
        result = ansible(state, "ansible", *words)
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    assert "CHANGED" in run("--check", "--diff")
    assert "CHANGED" in run()
    assert "SUCCESS" in run()


def test_the_diff_is_yaml_that_a_person_reads(state: State, tmp_path: Path, account: str):
    grants = [{"privileges": ["SELECT"], "on": "orders.*"}]
    task = {"dbops.aurora_iam.aurora_iam_user": {"cluster": "orders", "name": account, "grants": grants}}
    result = ansible(state, "ansible-playbook", playbook(tmp_path, task), "--check", "--diff")
    assert result.returncode == 0, result.stdout
    for line in (f"+- name: {account}", "+  grants:", "+    - privileges:", "+        - SELECT"):
        assert line in result.stdout.splitlines()


def test_an_unquoted_on_is_understood(state: State, tmp_path: Path, account: str):
    path = tmp_path / "play.yml"
    path.write_text(
        "- hosts: localhost\n  gather_facts: false\n  tasks:\n    - dbops.aurora_iam.aurora_iam_user:\n"
        f"        cluster: orders\n        name: {account}\n"
        "        grants:\n          - privileges: [SELECT]\n            on: orders.*\n"
    )
    result = ansible(state, "ansible-playbook", str(path))
    assert result.returncode == 0, result.stdout

# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all playbooks have in common."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.checkout import ROOT

PLAYBOOKS = [path for path in sorted((ROOT / "playbooks").glob("*.yml")) if path.stem != "demo"]


@pytest.mark.parametrize("path", PLAYBOOKS, ids=lambda path: path.stem)
def test_a_playbook_first_checks_that_it_has_hosts(path: Path) -> None:
    """The play that checks has all hosts, so that --limit leaves it some, and this machine if there are none."""
    plays: list[dict[str, Any]] = yaml.safe_load(path.read_text())
    check, *others = plays
    (task,) = check["tasks"]
    assert task["ansible.builtin.import_tasks"] == "tasks/hosts.yml"
    assert check["hosts"] == "all,localhost"
    assert {play["hosts"] for play in others} == {task["vars"]["wanted"]}
    assert f"{{{{ {task['vars']['variable']} | default(" in task["vars"]["wanted"]

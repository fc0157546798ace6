# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What docs/ci.md has pipelines run, where something is wrong. That it ends well where nothing is, the test of the
documentation shows."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.documentation.blocks import Block, blocks
from tests.integration.command_line import PROGRAMS, settings
from tests.sandbox.clients import State

pytestmark = pytest.mark.direct("starts Ansible itself")

PAGE = blocks("docs/ci.md")
FILES = {block.marks["file"]: block.text for block in PAGE if "file" in block.marks}


def shell_blocks() -> list[Block]:
    return [block for block in PAGE if block.language == "shell"]


def recipes() -> dict[str, str]:
    """The page's shell blocks, and what its pipelines for GitHub and GitLab run, by where they stand."""
    found = {block.place: block.text for block in shell_blocks()}
    for block in PAGE:
        pipeline: Any = yaml.safe_load(block.text) if block.language == "yaml" and not block.is_run else {}
        if isinstance(pipeline, dict) and "jobs" in pipeline:
            (step,) = [
                each["run"] for each in pipeline["jobs"]["accounts"]["steps"] if "provision" in str(each.get("run"))
            ]
            found[f"{block.place} (GitHub)"] = re.sub(r"\$\{\{.*?\}\}", " ", step)
        elif "accounts" in pipeline:
            found[f"{block.place} (GitLab)"] = "\n".join(pipeline["accounts"]["script"])
    return found


RECIPES = recipes()


def run(state: State, folder: Path, script: str, more_hosts: dict[str, Any], **accounts: Any) -> Any:
    """By a shell that fails as late as any CI's does: without pipefail."""
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        document = yaml.safe_load(text)
        if "aurora_iam" in document:
            document["aurora_iam"]["hosts"].update(more_hosts)
        path.write_text(yaml.safe_dump({**document, **accounts} if "aurora_iam" not in document else document))
    variables = {**settings(state), "PATH": f"{PROGRAMS}:/usr/bin:/bin", "PWD": str(folder)}
    return subprocess.run(
        ["sh", "-e", "-c", script], cwd=folder, env=variables, capture_output=True, text=True, check=False
    )


def test_the_page_has_these_recipes():
    assert [place.partition(" ")[2] for place in RECIPES] == ["", "", "", "(GitHub)", "(GitLab)"]


@pytest.mark.parametrize("place", RECIPES)
def test_a_failed_host_fails_the_job_and_not_the_other_hosts(state: State, tmp_path: Path, place: str):
    ended = run(state, tmp_path, RECIPES[place], {"never-was": None}, aurora_iam_accounts_team=[])
    assert ended.returncode != 0, ended.stdout
    assert "There is no cluster never-was" in " ".join((ended.stdout + ended.stderr).split())
    assert re.search(r"orders .*failed=0", ended.stdout)


def test_drift_fails_the_job(state: State, tmp_path: Path, account: str):
    (drift,) = [block.text for block in shell_blocks() if "plan.txt" in block.text]
    ended = run(state, tmp_path, drift, {}, aurora_iam_accounts_team=[{"name": account}])
    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert len(re.findall("changed=1 .*failed=0", ended.stdout)) == 2

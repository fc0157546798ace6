# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every code block of the documentation that can run is run, in the order of its page (CONTRIBUTING.md).

So are the examples of every plugin.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.checkout import ROOT
from tests.documentation.blocks import Block, blocks, pages
from tests.documentation.examples import examples
from tests.documentation.scene import Stage
from tests.integration.administration import Administration
from tests.sandbox.__main__ import environment
from tests.sandbox.clients import State

pytestmark = pytest.mark.direct("starts Ansible itself")

PROGRAMS = Path(sys.executable).parent
ALL = {**{page: blocks(page) for page in pages()}, **examples()}
RUN = [(page, block) for page, found in ALL.items() for block in found if block.is_run]
LINKED = (".venv", "docs", "playbooks", "roles")
"""what a page's commands may name as in the checkout"""


@dataclass
class Reader:
    """Who tries a page: in a folder of their own, with the environment of the sandbox."""

    folder: Path
    stage: Stage
    variables: dict[str, str]

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            words,
            cwd=self.folder,
            env=self.variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )

    def keep_files(self, page: str, line: int) -> None:
        """Write the files that the page has shown before this line."""
        for block in ALL[page]:
            if "file" in block.marks and block.line < line:
                path = self.folder / block.marks["file"]
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(block.text)


@pytest.fixture(scope="module")
def stage(state: State, admin: Administration) -> Stage:
    """Without the accounts of other tests, which reports would show."""
    admin.drop_accounts()
    return Stage(state, admin)


@pytest.fixture(scope="module")
def reader(
    request: pytest.FixtureRequest, state: State, stage: Stage, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Reader]:
    """A reader of the page ``request.param``; what the page made is gone afterwards."""
    folder = tmp_path_factory.mktemp("page")
    for name in LINKED:
        if (ROOT / name).exists():
            (folder / name).symlink_to(ROOT / name)
    variables = {
        **os.environ,
        **environment(state),
        "PATH": os.pathsep.join([str(PROGRAMS), os.environ.get("PATH", os.defpath)]),
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
        "PWD": str(folder),
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_NOCOLOR": "1",
    }
    with stage.kept():
        yield Reader(folder, stage, variables)


def judge(block: Block, told: subprocess.CompletedProcess[str]) -> None:
    output = told.stdout + told.stderr
    if "fails" in block.marks:
        assert told.returncode, f"{block.place} did not fail"
        assert " ".join(block.marks["fails"].split()) in " ".join(output.split())
    else:
        assert told.returncode == 0, f"{block.place}:\n{output}"


def run_yaml(reader: Reader, block: Block) -> None:
    """Check, run, and run again, which must change nothing."""
    rounds = [] if "not checked" in block.marks else [{"check_mode": True, "diff": True}]
    rounds += [{}] if "fails" in block.marks else [{}, {}]
    path = reader.folder / f"line_{block.line}.yml"
    plays = block.plays()
    path.write_text(yaml.safe_dump([{**play, **more} for more in rounds for play in plays], sort_keys=False))
    reader.variables["ANSIBLE_STDOUT_CALLBACK"] = "ansible.posix.json"
    told = reader.run("ansible-playbook", str(path))
    del reader.variables["ANSIBLE_STDOUT_CALLBACK"]
    judge(block, told)
    if "fails" not in block.marks and "changes again" not in block.marks:
        again = json.loads(told.stdout[told.stdout.index("{") :])["plays"][-len(plays) :]
        assert changed(again) == [], f"{block.place} changes something again"


def changed(plays: list[dict[str, Any]]) -> list[str]:
    return [
        task["task"]["name"]
        for play in plays
        for task in play["tasks"]
        if any(result.get("changed") for result in task["hosts"].values())
    ]


def run_shell(reader: Reader, block: Block) -> None:
    """The commands, without those of make, whose targets are checks of their own (tests/documentation)."""
    script = re.sub(r"^make .*$", "", block.text, flags=re.MULTILINE)
    judge(block, reader.run("bash", "-euo", "pipefail", "-c", script))


def run_sql(reader: Reader, block: Block) -> None:
    cluster, _slash, database = block.marks["on"].partition("/")
    reader.stage.run(cluster, database or None, block.text)


RUNNERS = {"yaml": run_yaml, "shell": run_shell, "sql": run_sql}


@pytest.mark.parametrize(
    ("reader", "block"), RUN, ids=[block.place for _reader, block in RUN], indirect=["reader"], scope="module"
)
def test_the_block_does_what_the_page_says(reader: Reader, block: Block) -> None:
    reader.keep_files(block.page, block.line)
    for cluster, database, sql in block.setup():
        reader.stage.run(cluster, database, sql)
    RUNNERS[block.language](reader, block)

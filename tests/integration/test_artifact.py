# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The artifact, installed into an empty home, with nothing of the checkout in reach: only Ansible's own packages."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.artifact import PROGRAMS, build
from tests.documentation.blocks import blocks
from tests.documentation.scene import Stage
from tests.integration.conftest import Administration
from tests.sandbox.__main__ import environment
from tests.sandbox.clients import State

pytestmark = pytest.mark.direct("starts Ansible itself")

CONTENT = {
    "CONTRIBUTING.md",
    "FILES.json",
    "LICENSE",
    "LICENSES",
    "MANIFEST.json",
    "README.md",
    "REUSE.toml",
    "bindep.txt",
    "changelogs",
    "docs",
    "meta",
    "playbooks",
    "roles",
    "plugins",
    "requirements.txt",
}
LATER = {"CHANGELOG.md"}
"""what a release has, or will have"""


@dataclass
class Home:
    """An empty home with the collection in it."""

    folder: Path
    variables: dict[str, str]

    def run(self, *words: str) -> str:
        """What a program printed. It must succeed."""
        told = subprocess.run(
            words, cwd=self.folder, env=self.variables, capture_output=True, text=True, check=False, timeout=300
        )
        assert told.returncode == 0, told.stdout + told.stderr
        return told.stdout


@pytest.fixture(scope="module")
def home(state: State, tmp_path_factory: pytest.TempPathFactory) -> Home:
    folder = tmp_path_factory.mktemp("home")
    artifact = build(tmp_path_factory.mktemp("artifact"))
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "AWS_", "PYTHON"))}
    path = os.pathsep.join([str(PROGRAMS), os.environ.get("PATH", os.defpath)])
    there = Home(folder, {**kept, **environment(state), "HOME": str(folder), "PATH": path, "ANSIBLE_NOCOLOR": "1"})
    there.run("ansible-galaxy", "collection", "install", "--offline", str(artifact))
    return there


@pytest.fixture
def clean(state: State, admin: Administration) -> Iterator[None]:
    with Stage(state, admin).kept():
        yield


def test_the_artifact_has_what_users_need_and_nothing_else(home: Home) -> None:
    installed = home.folder / ".ansible" / "collections" / "ansible_collections" / "dbops" / "aurora_iam"
    there = {path.name for path in installed.iterdir()}
    assert there >= CONTENT
    assert there <= CONTENT | LATER
    assert not list(installed.rglob("__pycache__"))
    assert sum(path.stat().st_size for path in installed.rglob("*") if path.is_file()) < 2_000_000


def test_ansible_uses_the_installed_collection(home: Home) -> None:
    printed = home.run("ansible-doc", "--json", "dbops.aurora_iam.aurora_iam_user")
    module = json.loads(printed)["dbops.aurora_iam.aurora_iam_user"]["doc"]
    assert Path(module["filename"]).is_relative_to(home.folder)


@pytest.mark.parametrize("cluster", ["orders", "ledger"])
def test_a_task_runs_from_it(home: Home, clean: None, cluster: str, account: str) -> None:
    words = (
        "ansible",
        "localhost",
        "-m",
        "dbops.aurora_iam.aurora_iam_user",
        "-a",
        f"cluster={cluster} name={account}",
    )
    assert "CHANGED" in home.run(*words, "--check", "--diff")
    assert "CHANGED" in home.run(*words)
    assert "SUCCESS" in home.run(*words)


def test_the_playbook_of_the_readme_runs_unchanged(home: Home, clean: None) -> None:
    playbook = next(block for block in blocks("README.md") if block.language == "yaml" and "hosts:" in block.text)
    (home.folder / "play.yml").write_text(playbook.text)
    assert yaml.safe_load(playbook.text) == playbook.plays()
    assert "failed=0" in home.run("ansible-playbook", "play.yml", "--check", "--diff")
    assert "changed=0" not in home.run("ansible-playbook", "play.yml")
    assert "changed=0" in home.run("ansible-playbook", "play.yml")


def test_the_demo_of_the_collection_runs_by_its_full_name(home: Home, clean: None) -> None:
    assert "failed=0" in home.run("ansible-playbook", "dbops.aurora_iam.demo")

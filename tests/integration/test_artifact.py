# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The artifact, installed into an empty home, with nothing of the checkout in reach: only Ansible's own packages."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.artifact import PROGRAMS, ROOT, build, run
from tests.checkout import files, link
from tests.documentation.blocks import blocks
from tests.documentation.scene import Stage
from tests.integration.administration import Administration
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
    "SECURITY.md",
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


LEFTOVERS = [
    "audit/report.json",
    "aurora-iam-audit/access.csv",
    "audit.html",
    "demo.yml",
    "site.yml",
    "inventory.yml",
    "ansible.log",
    ".env",
    ".vault-password",
    "vault.yml",
    "key.pem",
    "global-bundle.pem",
    "credentials.json",
    "host_vars/orders.yml",
    "group_vars/all/vault.yml",
    "inventory/hosts.yml",
    ".sandbox/run/state.json",
    ".sandbox-gw0/run/tls/server.key",
    ".venv/lib/secret.py",
    "dist/old.tar.gz",
    "dbops-aurora_iam-0.0.9.tar.gz",
    "docs/report.json",
    "docs/report.html",
    "docs/examples/inventory.yml",
    "docs/examples/report/access.csv",
    "meta/key.pem",
    "changelogs/report.csv",
    "LICENSES/key.pem",
    "playbooks/site.yml",
    "playbooks/vault.yml",
    "playbooks/audit/report.json",
    "playbooks/host_vars/orders.yml",
    "playbooks/group_vars/all.yml",
    "playbooks/inventory/hosts.yml",
    "plugins/.env",
    "plugins/modules/key.pem",
    "plugins/modules/.hidden.py",
    "plugins/module_utils/__pycache__/model.pyc",
    "plugins/report.json",
    "roles/audit/files/report.json",
    "roles/audit/files/report.html",
    "roles/audit/files/key.pem",
    "roles/audit/defaults/vault.yml",
    "roles/audit/vars/secret.yml",
    "roles/audit/audit/access.csv",
]


def test_nothing_that_lies_in_the_checkout_gets_into_it(tmp_path: Path) -> None:
    """Built as ansible-galaxy builds it, in a copy of the checkout that is full of what people leave there."""
    wanted = {name for name in files() if is_content(name)}
    for name in files():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, tmp_path / name)
    for name in LEFTOVERS:
        assert name not in wanted
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("secret")
    link(tmp_path / ".cache" / "collections", tmp_path)
    built = run(tmp_path, "ansible-galaxy", "collection", "build", "--output-path", str(tmp_path / "dist"))
    assert built.returncode == 0, built.stdout + built.stderr
    with tarfile.open(tmp_path / "dist" / "dbops-aurora_iam-0.1.0.tar.gz") as artifact:
        there = {member.name for member in artifact if member.isfile()}
    assert there == wanted | {"FILES.json", "MANIFEST.json"}


def is_content(name: str) -> bool:
    """Whether a file of the repository belongs into the artifact."""
    left_out = ("docs/docsite/", "docs/examples/estate/", "changelogs/fragments/")
    return name.partition("/")[0] in CONTENT | LATER and not name.startswith(left_out)


@pytest.mark.parametrize("name", ["report.json", "findings.csv", "access.csv", "report.html"])
def test_git_ignores_a_report_in_the_checkout(name: str) -> None:
    defaults = yaml.safe_load((ROOT / "roles" / "audit" / "defaults" / "main.yml").read_text())
    report = f"{defaults['aurora_iam_audit_folder']}/{name}"
    for folder in ("", "playbooks/"):
        assert run(ROOT, "git", "check-ignore", "--quiet", folder + report).returncode == 0

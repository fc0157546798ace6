# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nothing that runs in CI or comes into .venv can change without a commit."""

from __future__ import annotations

import re
from importlib.metadata import distributions

import pytest
import yaml
from packaging.requirements import Requirement

from tests.checkout import ROOT, files

WORKFLOWS = [name for name in files() if name.startswith(".github/workflows/")]
SHOWN = ["docs/ci.md"]
REQUIREMENTS = ["requirements.txt", "tests/requirements.txt"]


def lines(name: str) -> list[str]:
    return (ROOT / name).read_text().splitlines()


def requirements(name: str) -> list[Requirement]:
    return [Requirement(line) for line in lines(name) if line and not line.startswith(("#", "-r"))]


@pytest.mark.parametrize("name", [*WORKFLOWS, *SHOWN])
def test_actions_are_pinned_by_commit(name: str) -> None:
    used = [line.partition("uses:")[2].strip() for line in lines(name) if "uses:" in line]
    assert used
    assert [one for one in used if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40}  # v\d+\.\d+\.\d+", one)] == []


def test_containers_are_pinned_by_digest_and_are_the_one_that_is_updated() -> None:
    (image,) = (line.removeprefix("FROM ") for line in lines(".ci/Dockerfile") if line.startswith("FROM "))
    assert re.fullmatch(r"[\w./:-]+@sha256:[0-9a-f]{64}", image)
    jobs = [job for name in WORKFLOWS for job in yaml.safe_load((ROOT / name).read_text())["jobs"].values()]
    assert [job["container"] for job in jobs] == [image] * len(jobs)


@pytest.mark.parametrize("name", WORKFLOWS)
def test_workflows_install_only_from_files_with_exact_versions(name: str) -> None:
    installed = re.findall(r"pip install (.*?)(?: &&|$)", (ROOT / name).read_text(), re.MULTILINE)
    assert set(installed) == {"-r .ci/requirements.txt"}
    assert all(re.fullmatch(r"==[^*,]+", str(each.specifier)) for each in requirements(".ci/requirements.txt"))


@pytest.mark.parametrize("name", REQUIREMENTS)
def test_every_requirement_has_a_lower_and_an_upper_bound(name: str) -> None:
    for each in requirements(name):
        assert {specifier.operator for specifier in each.specifier} == {">=", "<"}, each


def test_the_constraints_pin_what_is_installed_within_the_bounds() -> None:
    pinned = {each.name.lower().replace("_", "-"): each for each in requirements("tests/constraints.txt")}
    assert all(re.fullmatch(r"==[^*,]+", str(each.specifier)) for each in pinned.values())
    for each in (each for name in REQUIREMENTS for each in requirements(name)):
        version = str(pinned[each.name.lower().replace("_", "-")].specifier).removeprefix("==")
        assert each.specifier.contains(version), each
    installed = {found.name.lower().replace("_", "-"): found.version for found in distributions()}
    for name in sorted(installed.keys() - {"pip", "setuptools", "wheel"}):
        assert pinned[name].specifier.contains(installed[name]), name


def test_an_update_bot_looks_after_each_of_them() -> None:
    looked = yaml.safe_load((ROOT / ".github" / "dependabot.yml").read_text())["updates"]
    assert {each["package-ecosystem"] for each in looked} == {"github-actions", "pip", "docker"}

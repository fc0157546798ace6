# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said to be supported is said the same way everywhere, and tried."""

from __future__ import annotations

import yaml

from tests.matrix.versions import OLDEST_TARGET, ROOT, SUPPORTED, pairs

WORKFLOW = ROOT / ".github" / "workflows" / "test.yml"


def test_the_workflow_tries_every_pair() -> None:
    tried = yaml.safe_load(WORKFLOW.read_text())["jobs"]["matrix"]["strategy"]["matrix"]["include"]
    assert tried == [{"core": pair.core, "python": pair.python} for pair in pairs()]


def test_the_oldest_ansible_core_is_the_one_that_the_collection_asks_for() -> None:
    runtime = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text())
    assert runtime["requires_ansible"] == f">={next(iter(SUPPORTED))}.0"


def test_the_oldest_target_is_the_one_that_ansible_test_and_ruff_are_told() -> None:
    settings = yaml.safe_load((ROOT / "tests" / "config.yml").read_text())
    assert settings["modules"]["python_requires"] == f">={OLDEST_TARGET}"
    assert f'target-version = "py{OLDEST_TARGET.replace(".", "")}"' in (ROOT / "pyproject.toml").read_text()

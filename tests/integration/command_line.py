# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible's commands, as users start them: with nothing but the environment."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import yaml

from tests.sandbox.__main__ import environment
from tests.sandbox.clients import CHECKOUT, State

PROGRAMS = Path(sys.executable).parent


def settings(state: State) -> dict[str, str]:
    """The environment in which the collection is found from any folder."""
    collections = {"ANSIBLE_COLLECTIONS_PATH": str(CHECKOUT / ".cache" / "collections")}
    return {**os.environ, **environment(state), **collections, "ANSIBLE_NOCOLOR": "1"}


def ansible(state: State, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(PROGRAMS / program), *arguments],
        cwd=CHECKOUT,
        env={**os.environ, **environment(state), "ANSIBLE_NOCOLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def playbook(tmp_path: Path, *tasks: dict[str, object]) -> str:
    play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": list(tasks)}
    path = tmp_path / "play.yml"
    path.write_text(yaml.safe_dump([play], sort_keys=False))
    return str(path)

# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read every code block of the documentation: marks, YAML, JSON, make's targets; plays and tasks by ansible-lint.

``python -m tests.documentation``. tests/integration/test_documentation.py runs them.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

from tests.checkout import ROOT
from tests.documentation.blocks import Block, Unclear, blocks, pages

PLAYBOOKS = ROOT / ".cache" / "documentation" / "playbooks"
PROGRAMS = Path(sys.executable).parent


def targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def read(block: Block) -> list[str]:
    """What is wrong with a block by itself."""
    try:
        if block.language == "yaml":
            list(yaml.safe_load_all(block.text))
        if block.language == "json":
            json.loads(block.text)
    except (yaml.YAMLError, json.JSONDecodeError) as error:
        return [f"{block.place}: {error}"]
    named = re.findall(r"^make ((?:[a-z-]+ ?)+)", block.text, re.MULTILINE) if block.language == "shell" else []
    unknown = sorted({target for words in named for target in words.split()} - targets())
    return [f"{block.place}: the Makefile has no target {target}" for target in unknown]


def used_files(found: list[Block]) -> list[str]:
    """A playbook that is only kept as a file must be run by a later shell block of its page."""
    wrong = []
    for number, block in enumerate(found):
        name = block.marks.get("file", "")
        later = "".join(other.text for other in found[number + 1 :] if other.language == "shell" and other.is_run)
        if name and block.language == "yaml" and block.plays() and name not in later:
            wrong.append(f"{block.place}: no later shell block of the page runs {name}")
    return wrong


def write_playbook(block: Block) -> Path:
    path = PLAYBOOKS / f"{re.sub(r'[^a-z0-9]+', '_', block.page.lower())}_{block.line}.yml"
    path.write_text(yaml.safe_dump(block.plays(), sort_keys=False, explicit_start=True))
    return path


def lint(playbooks: list[Path]) -> list[str]:
    """What ansible-lint says in its production profile, about the content: a page's lines are not a file's."""
    words = [str(PROGRAMS / "ansible-lint"), "--offline", "--profile", "production", "--strict", "-q", "--nocolor"]
    words += [
        "--config-file",
        "/dev/null",
        "--skip-list",
        "yaml,var-naming[no-role-prefix]",
        "--project-dir",
        str(ROOT),
        "--format",
        "pep8",
    ]
    told = subprocess.run([*words, *map(str, playbooks)], cwd=ROOT, capture_output=True, text=True, check=False)
    return (told.stdout + told.stderr).splitlines() if told.returncode else []


def main() -> int:
    """Print what is wrong and ``N passed, N failed``, counting blocks."""
    wrong: list[str] = []
    count = 0
    shutil.rmtree(PLAYBOOKS, ignore_errors=True)
    PLAYBOOKS.mkdir(parents=True)
    playbooks: list[Path] = []
    for page in pages():
        try:
            found = blocks(page)
        except (Unclear, yaml.YAMLError) as error:
            wrong.append(f"{page}: {error}" if isinstance(error, yaml.YAMLError) else str(error))
            continue
        count += len(found)
        wrong += [complaint for block in found for complaint in read(block)] + used_files(found)
        playbooks += [write_playbook(block) for block in found if block.language == "yaml" and block.plays()]
    wrong += lint(playbooks)
    print(*wrong, sep="\n", end="\n" if wrong else "")
    failed = len(wrong)
    print(f"{max(count - failed, 0)} passed, {failed} failed")
    return int(failed > 0 or not playbooks)


if __name__ == "__main__":
    sys.exit(main())

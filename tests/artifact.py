# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The artifact as others receive it.

``python -m tests.artifact build`` builds it into dist/.
``python -m tests.artifact import`` imports it as Galaxy and Automation Hub do; a warning is a failure.
``python -m tests.artifact environment`` puts it into an execution environment, up to the image itself.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path

import yaml

from tests.checkout import files

ROOT = Path(__file__).resolve().parents[1]
PROGRAMS = Path(sys.executable).parent
EXAMPLE = ROOT / "docs" / "examples" / "execution-environment.yml"

Complaints = dict[str, list[str]]
"""what was looked at, and what was wrong with it"""


def run(folder: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    """A program in ``folder``, with the programs of the virtual environment first on PATH."""
    path = os.pathsep.join([str(PROGRAMS), os.environ.get("PATH", os.defpath)])
    return subprocess.run(
        words, cwd=folder, env={**os.environ, "PATH": path, **more}, capture_output=True, text=True, check=False
    )


def build(folder: Path) -> Path:
    """Build the artifact into ``folder``. Raises SystemExit with what ansible-galaxy says if it cannot.

    ansible-galaxy reads the whole folder before it chooses, so it is given a copy without what git ignores: a sandbox
    that runs there makes and removes files all the time.
    """
    with tempfile.TemporaryDirectory() as copy:
        for name in files():
            (Path(copy) / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, Path(copy) / name)
        built = run(Path(copy), "ansible-galaxy", "collection", "build", "--force", "--output-path", str(folder))
    if built.returncode:
        raise SystemExit(built.stdout + built.stderr)
    return next(folder.glob("dbops-aurora_iam-*.tar.gz"))


def import_it(folder: Path) -> Complaints:
    settings = {"GALAXY_IMPORTER_CONFIG": str(ROOT / "tests" / "galaxy-importer.cfg")}
    settings["GALAXY_IMPORTER_ANSIBLE_LOCAL_TMP"] = str(folder / "tmp")
    told = run(folder, sys.executable, "-m", "galaxy_importer.main", str(build(folder)), **settings)
    output = told.stdout + told.stderr
    wrong = [line for line in output.splitlines() if re.match("WARNING|ERROR|CRITICAL", line)]
    if told.returncode or "Importer processing completed successfully" not in output:
        return {"import": wrong or [output]}
    found = json.loads((folder / "importer_result.json").read_text())
    complaints: Complaints = {"import": wrong}
    documented = {content["content_name"] for content in found["docs_blob"]["contents"] if content["doc_strings"]}
    for path in sorted(path for kind in ("modules", "lookup") for path in (ROOT / "plugins" / kind).glob("*.py")):
        told_of = path.stem in documented
        complaints[path.stem] = [] if told_of else [f"ERROR: the importer found no documentation of {path.stem}"]
    return complaints


def put_into_an_environment(folder: Path) -> Complaints:
    installed = folder / "collections" / "ansible_collections" / "dbops" / "aurora_iam"
    with tarfile.open(build(folder)) as artifact:
        artifact.extractall(installed, filter="data")
    told = run(folder, "ansible-builder", "introspect", str(folder / "collections"))
    asked = yaml.safe_load(told.stdout) or {} if told.returncode == 0 else {}
    return {
        "python": missing("python", requirements("requirements.txt"), asked),
        "system": missing("system", requirements("bindep.txt"), asked),
        "create": create(folder),
    }


def requirements(name: str) -> list[str]:
    return [line for line in (ROOT / name).read_text().splitlines() if line and not line.startswith("#")]


def missing(kind: str, needed: list[str], asked: dict[str, list[str]]) -> list[str]:
    found = [line.partition("#")[0].strip() for line in asked.get(kind, [])]
    return [f"{line} is not asked for by meta/execution-environment.yml" for line in needed if line not in found]


def create(folder: Path) -> list[str]:
    """Lay the build context of the documentation's example, with a stand-in for the file that its reader downloads."""
    (folder / EXAMPLE.name).write_text(EXAMPLE.read_text())
    (folder / "global-bundle.pem").touch()
    context = folder / "context"
    told = run(folder, "ansible-builder", "create", "--file", EXAMPLE.name, "--context", str(context))
    if told.returncode:
        return [told.stdout + told.stderr]
    listed = yaml.safe_load((context / "_build" / "requirements.yml").read_text())["collections"]
    return [] if {"name": "dbops.aurora_iam"} in listed else [f"the build context has only {listed}"]


COMMANDS: dict[str, Callable[[Path], Complaints]] = {"import": import_it, "environment": put_into_an_environment}


def main() -> int:
    """Print where the artifact is; or the complaints and ``N passed, N failed``."""
    if sys.argv[1:] == ["build"]:
        print(build(ROOT / "dist"))
        return 0
    if len(sys.argv) != 2 or sys.argv[1] not in COMMANDS:
        print(__doc__, file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        complaints = COMMANDS[sys.argv[1]](Path(folder))
    for wrong in complaints.values():
        print(*wrong, sep="\n", end="\n" if wrong else "")
    failed = sum(bool(wrong) for wrong in complaints.values())
    print(f"{len(complaints) - failed} passed, {failed} failed")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())

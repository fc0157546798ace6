# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run ``ansible-test sanity``, every test of it, on a copy of the checkout, without touching the home folder.

ansible-test wants the collection at ``ansible_collections/dbops/aurora_iam`` and follows links to their end, so it
gets a copy of what git would commit. Without the tests, which no artifact has: pylint would take twice as long for
them as for the plugins, and ruff and mypy read them too. It makes a virtual environment for each test under HOME, which
is a folder of ``.cache`` here, so that the second run is fast.
"""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import ansible_collections.amazon.aws
from ansible_test._internal.python_requirements import get_venv_packages

from tests.checkout import ROOT, files
from tests.interpreters import find_python
from tests.matrix.versions import OLDEST_TARGET

CACHE = ROOT / ".cache" / "sanity"
COLLECTIONS = CACHE / "ansible_collections"
COPY = COLLECTIONS / "dbops" / "aurora_iam"
HOME = CACHE / "home"
PROGRAMS = CACHE / "bin"
CONFIGURATION = "tests/config.yml"
GET_PIP = """
import ensurepip, pathlib, sysconfig, zipfile
wheels = list((pathlib.Path(ensurepip.__file__).parent / "_bundled").glob("*.whl"))
for wheel in wheels:
    zipfile.ZipFile(wheel).extractall(sysconfig.get_path("purelib"))
if not wheels:
    ensurepip.bootstrap()
"""
"""Puts the pip that comes with Python into a virtual environment. Unpacking it takes a tenth of installing it."""


def copy_checkout() -> None:
    """Lay the files that git tracks, or would track, at COPY, without the tests; amazon.aws beside them."""
    shutil.rmtree(COPY, ignore_errors=True)
    for name in files():
        if name.startswith("tests/") and name != CONFIGURATION:
            continue
        (COPY / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, COPY / name, follow_symlinks=False)
    # Without a repository of its own, ansible-test asks the checkout's, which ignores .cache
    subprocess.run(["git", "init", "--quiet", COPY], check=True)
    link(COLLECTIONS / "amazon", Path(next(iter(ansible_collections.amazon.aws.__path__))).parent)


def link(path: Path, target: Path) -> None:
    path.unlink(missing_ok=True)
    path.symlink_to(target)


def prepare_home() -> None:
    """Give ansible-test a pip to install with, and pip the configuration that it has here.

    ansible-test downloads get-pip from a server of its own unless the file is in its cache, and hands no PIP_ variable
    to pip.
    """
    cache = HOME / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    version = get_venv_packages(SimpleNamespace(version=f"{sys.version_info.major}.{sys.version_info.minor}"))["pip"]
    (cache / f"get_pip_{version.replace('.', '_')}.py").write_text(GET_PIP)
    configuration = HOME / ".config" / "pip" / "pip.conf"
    configuration.parent.mkdir(parents=True, exist_ok=True)
    configuration.write_text(pip_configuration())


def pip_configuration() -> str:
    """pip's settings, of files and of PIP_ variables, as one file. A variable is listed first, and holds."""
    listing = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], check=True, capture_output=True, text=True
    ).stdout
    # Most of what is installed is never imported
    settings = {"quiet": "1", "disable-pip-version-check": "true", "no-compile": "true"}
    for line in listing.splitlines():
        name, value = line.split("=", maxsplit=1)
        section, key = name.rsplit(".", maxsplit=1)
        if section in (":env:", "global", "install"):
            settings.setdefault(key, ast.literal_eval(value).replace("\n", "\n  "))
    return "[global]\n" + "".join(f"{key} = {value}\n" for key, value in settings.items())


def target_pythons() -> list[str]:
    """The versions to compile and import the plugins with: the controller's, and the oldest where it is there."""
    shutil.rmtree(PROGRAMS, ignore_errors=True)
    PROGRAMS.mkdir(parents=True)
    versions = [f"{sys.version_info.major}.{sys.version_info.minor}"]
    oldest = find_python(OLDEST_TARGET)
    if oldest:
        link(PROGRAMS / f"python{OLDEST_TARGET}", oldest)
        versions.insert(0, OLDEST_TARGET)
    else:
        print(f"Python {OLDEST_TARGET} is not on PATH: compile and import run on Python {versions[0]} only.")
    return versions


def environment() -> dict[str, str]:
    path = os.pathsep.join([str(PROGRAMS), str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    return {**os.environ, "HOME": str(HOME), "PATH": path}


def main() -> int:
    """Print ansible-test's output and ``N passed, N failed``, counting its tests."""
    copy_checkout()
    prepare_home()
    versions = target_pythons()
    command = ["ansible-test", "sanity", "--color", "no", "--controller", f"origin:python={versions[-1]}"]
    command += [word for version in versions for word in ("--target-python", version)]
    ran: set[str] = set()
    complaints = 0
    with subprocess.Popen(
        [*command, *sys.argv[1:]],
        cwd=COPY,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as run:
        for line in run.stdout or ():
            print(line, end="", flush=True)
            if line.startswith("Running sanity test "):
                ran.add(line.split('"')[1])
            complaints += bool(re.match("ERROR: Found |FATAL: (?!The )", line))
    failed = max(complaints, int(run.returncode != 0))
    print(f"{max(len(ran) - failed, 0)} passed, {failed} failed")
    return run.returncode


if __name__ == "__main__":
    sys.exit(main())

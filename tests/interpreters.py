# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Pythons of this machine."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path


def find_python(version: str) -> Path | None:
    """Where a Python of this version (``3.9``) really is: on PATH, or one of pyenv's or uv's.

    A version manager's stand-in on PATH may answer only with an error.
    """
    for candidate in _candidates(version):
        if candidate.exists():
            answer = subprocess.run(
                [candidate, "-c", "import sys; print(sys.executable)"], capture_output=True, text=True, check=False
            )
            if answer.returncode == 0:
                return Path(answer.stdout.strip())
    return None


def _candidates(version: str) -> Iterator[Path]:
    yield from (Path(folder) / f"python{version}" for folder in os.get_exec_path())
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from sorted(pyenv.glob(f"versions/{version}.*/bin/python3"))
    uv = Path(os.environ.get("UV_PYTHON_INSTALL_DIR", Path.home() / ".local" / "share" / "uv" / "python"))
    yield from sorted(uv.glob(f"cpython-{version}.*/bin/python3"))


def other_interpreter(tmp_path: Path) -> str:
    """The same Python under a name that is not the controller's, so that Ansible runs modules by it."""
    link = tmp_path / "bin" / "python-elsewhere"
    link.parent.mkdir(exist_ok=True)
    link.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    link.chmod(0o755)
    return str(link)

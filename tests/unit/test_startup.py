# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where tests/startup is on PYTHONPATH, a text in a zip is compiled once; and what is imported is what the zip has."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

from tests.checkout import ROOT

PROGRAM = """
import sys
sys.addaudithook(lambda event, about: print("compiled") if event == "compile" else None)
import greeting
"""


def imports(folder: Path, text: str) -> list[str]:
    """What a new Python prints that imports this text, packed."""
    packed = folder / "packed.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("greeting.py", text)
    variables = {
        "PYTHONPATH": os.pathsep.join([str(ROOT / "tests" / "startup"), str(packed)]),
        "PYTHONPYCACHEPREFIX": str(folder / "pycache"),
    }
    told = subprocess.run(
        [sys.executable, "-c", PROGRAM], env={**os.environ, **variables}, capture_output=True, text=True, check=True
    )
    return told.stdout.split()


def test_a_text_is_compiled_once(tmp_path: Path):
    assert imports(tmp_path, "print('hello')") == ["compiled", "hello"]
    assert imports(tmp_path, "print('hello')") == ["hello"]
    assert imports(tmp_path, "print('world')") == ["compiled", "world"]


def test_what_is_not_whole_is_compiled_again(tmp_path: Path):
    imports(tmp_path, "print('hello')")
    (kept,) = (tmp_path / "pycache" / "packed").iterdir()
    kept.write_bytes(kept.read_bytes()[:20])
    assert imports(tmp_path, "print('hello')") == ["compiled", "hello"]

# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps the bytecode of what Ansible packs for a module's process: Python keeps none of what it imports from a zip.

Every Python that starts with this folder on PYTHONPATH, and with a PYTHONPYCACHEPREFIX, imports this file. The packed
sources are imported as ever, but the same text is compiled once, and not again for each task: that takes a third of
what a module's process does. A traceback names the zip with which a text came first.
"""

from __future__ import annotations

import _imp
import contextlib
import importlib.util
import marshal
import os
import sys
import zipimport
from types import CodeType

FOLDER = os.path.join(sys.pycache_prefix, "packed") if sys.pycache_prefix else ""
VERSION = int.from_bytes(importlib.util.MAGIC_NUMBER, "little")

compile_source = zipimport._compile_source  # type: ignore[attr-defined]


def compile_once(pathname: str, source: bytes) -> CodeType:
    # As Python names a source in its own bytecode: https://peps.python.org/pep-0552/
    digest = _imp.source_hash(VERSION, source).hex()
    kept = os.path.join(FOLDER, f"{os.path.basename(pathname)}-{len(source)}-{digest}")
    with contextlib.suppress(OSError, EOFError, ValueError, TypeError), open(kept, "rb") as found:
        code: CodeType = marshal.load(found)  # noqa: S302
        return code
    code = compile_source(pathname, source)
    with contextlib.suppress(OSError):
        os.makedirs(FOLDER, exist_ok=True)
        draft = f"{kept}.{os.getpid()}"
        with open(draft, "wb") as new:
            marshal.dump(code, new)
        os.replace(draft, kept)
    return code


if FOLDER:
    zipimport._compile_source = compile_once  # type: ignore[attr-defined]

# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What many tests would do again and again is done once. Every Python that starts with this folder on PYTHONPATH, and
with a PYTHONPYCACHEPREFIX, imports this file; the gate's do.

- Python keeps no bytecode of what it imports from a zip, such as Ansible packs for a module's process. Here it does:
  compiling is a third of what such a process takes. A traceback names the zip with which a text came first.
- ansible-playbook forks a worker for each task. What each of these would import of boto3, the drivers and the
  engines, and read of AWS's service models, is there before. Modules in processes of their own import it themselves.
"""

from __future__ import annotations

import _imp
import contextlib
import functools
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


def import_ahead() -> None:
    import boto3  # noqa: F401
    import botocore.session
    import psycopg2  # noqa: F401
    import pymysql  # noqa: F401

    from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.registry import ENGINES

    for engine in ENGINES.values():
        engine()
    botocore.session.create_loader = functools.lru_cache(maxsize=None)(botocore.session.create_loader)
    loader = botocore.session.create_loader(None)
    for service in ("rds", "secretsmanager"):
        loader.load_service_model(service, "service-2")
        loader.load_service_model(service, "endpoint-rule-set-1")
    loader.load_data_with_path("endpoints")


waited_for = ["ansible_collections.dbops.aurora_iam.plugins.plugin_utils._controller_entry"]
"""What Ansible imports when a playbook comes to the first task of the collection, before it forks a worker for it."""


def see_imports(event: str, about: tuple[object, ...]) -> None:
    if event == "import" and about[0] in waited_for:
        waited_for.clear()
        with contextlib.suppress(ImportError):
            import_ahead()


if FOLDER:
    zipimport._compile_source = compile_once  # type: ignore[attr-defined]
    # Pythons that modules run on may be older than 3.10
    if os.path.basename("".join(getattr(sys, "orig_argv", ())[1:2])) == "ansible-playbook":
        sys.addaudithook(see_imports)

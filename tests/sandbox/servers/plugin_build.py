# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compile MySQL's AWSAuthenticationPlugin, once for each version of its source."""

from __future__ import annotations

import hashlib
import importlib.util
import shutil
import subprocess
import sys
import uuid
from pathlib import Path

from tests.sandbox.servers.programs import SandboxError

SOURCE = Path(__file__).with_name("aws_authentication_plugin.c")
LIBRARY = "aws_auth.so"
FLAGS = ("-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared")


NEEDED = ("auth_socket.so", "component_reference_cache.so")
"""The server's own: the superuser's authentication, and the component without which a server goes on accepting a
password that an account had before."""


def plugin_folder(cache: Path, prefix: Path) -> Path:
    """A folder with the plugin's library, compiled if it is not in ``cache`` yet, and what the server itself needs.

    prefix  where the server is installed
    Raises SandboxError.
    """
    digest = hashlib.sha256(SOURCE.read_bytes()).hexdigest()[:16]
    target = cache / "plugin" / digest / LIBRARY
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_suffix(f".{uuid.uuid4().hex}")
        result = subprocess.run(
            [*_compiler(), *FLAGS, "-o", str(draft), str(SOURCE)], capture_output=True, text=True, check=False
        )
        if result.returncode:
            raise SandboxError(f"The authentication plugin does not compile: {result.stderr.strip()}")
        draft.rename(target)
    for name in NEEDED:
        _copy_own(prefix, target.with_name(name))
    return target.parent


def _copy_own(prefix: Path, target: Path) -> None:
    """A library of the server's, where it has it and it is not there yet."""
    for own in [*prefix.glob(f"lib*/plugin/{target.name}"), *prefix.glob(f"lib*/mysql/plugin/{target.name}")][:1]:
        if not target.exists():
            draft = target.with_suffix(f".{uuid.uuid4().hex}")
            shutil.copy(own, draft)
            draft.rename(target)


def _compiler() -> list[str]:
    """The system's, or else the one in the package ziglang."""
    for name in ("cc", "gcc", "clang"):
        if found := shutil.which(name):
            return [found]
    if importlib.util.find_spec("ziglang"):
        return [sys.executable, "-m", "ziglang", "cc"]
    raise SandboxError("There is no C compiler; install gcc, or: .venv/bin/pip install ziglang")

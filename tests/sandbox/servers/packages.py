# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Get the database servers: out of Debian's unstable suite, or from the machine."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.sandbox.servers import debian
from tests.sandbox.servers.programs import SandboxError

_ENVIRONMENT = {"mysql": "AURORA_SANDBOX_MYSQL", "postgresql-18": "AURORA_SANDBOX_POSTGRESQL"}
_UNPACKED = {"mysql": "usr/sbin", "postgresql-18": "usr/lib/postgresql/18/bin"}
_SERVER = {"mysql": "mysqld", "postgresql-18": "postgres", "postgresql-15": "postgres"}


@dataclass(frozen=True)
class Software:
    """A server's programs on this machine.

    programs  the folder of the server's executables
    prefix    what they were unpacked into, with ``bin``, ``lib`` and ``share``; the usual one where they are installed
    """

    family: str
    programs: Path
    prefix: Path


HOW_TO_GET = (
    "install it, or set AURORA_SANDBOX_MYSQL to the folder of mysqld (8.0 or newer, not MariaDB) and "
    "AURORA_SANDBOX_POSTGRESQL to the folder of postgres 18"
)


_SERVERS = debian.Wanted(
    packages=("mysql-server-core", "mysql-client-core", "postgresql-18", "postgresql-client-18"),
    programs=(
        "usr/sbin/mysqld",
        "usr/bin/mysql",
        *(f"{_UNPACKED['postgresql-18']}/{name}" for name in ("initdb", "pg_basebackup", "pg_ctl", "postgres", "psql")),
    ),
    libraries=("libproxyproto",),
    otherwise=HOW_TO_GET,
)


def locate(family: str, cache: Path) -> Software | None:
    """The programs for a family, fetched into ``cache`` at the first call. None where they cannot be had.

    Looked for in the folder that AURORA_SANDBOX_MYSQL or AURORA_SANDBOX_POSTGRESQL names, among Debian's packages, and
    on this machine. Raises SandboxError when fetching fails.
    """
    if named := os.environ.get(_ENVIRONMENT.get(family, "")):
        return _named(family, Path(named))
    if family in _UNPACKED and debian.available():
        prefix = _unpacked(cache)
        return Software(family, prefix / _UNPACKED[family], prefix / "usr")
    return _installed(family)


def _named(family: str, folder: Path) -> Software:
    if not (folder / _SERVER[family]).exists():
        raise SandboxError(
            f"{_ENVIRONMENT[family]} is {folder}, which has no {_SERVER[family]}; name the folder that does."
        )
    return Software(family, folder, folder.parent)


def _installed(family: str) -> Software | None:
    """From PATH, or where Debian puts PostgreSQL; only of the right version."""
    version = family.partition("-")[2]
    folders = [Path(f"/usr/lib/postgresql/{version}/bin")] if version else [Path("/usr/sbin")]
    if found := shutil.which(_SERVER[family]):
        folders.insert(0, Path(found).resolve().parent)
    for folder in folders:
        program = folder / _SERVER[family]
        if program.exists() and _is_version(program, family):
            return Software(family, folder, folder.parent)
    return None


def _is_version(program: Path, family: str) -> bool:
    printed = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    if family == "mysql":
        return "MariaDB" not in printed
    return f" {family.partition('-')[2]}." in printed


def _unpacked(cache: Path) -> Path:
    return debian.unpacked(cache / "debian", _SERVERS)

# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Get the database servers: from Debian's unstable suite into a folder of our own, or from the machine.

Nothing is installed. apt works on lists and a cache of its own, the packages are unpacked, and the programs are told to
take their loader and libraries from there. Needs no root.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.sandbox.programs import SandboxError

PACKAGES = ("mysql-server-core", "mysql-client-core", "postgresql-18", "postgresql-client-18")
_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
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


def locate(family: str, cache: Path) -> Software | None:
    """The programs for a family, fetched into ``cache`` at the first call. None where they cannot be had.

    Looked for in the folder that AURORA_SANDBOX_MYSQL or AURORA_SANDBOX_POSTGRESQL names, among Debian's packages, and
    on this machine. Raises SandboxError when fetching fails.
    """
    if named := os.environ.get(_ENVIRONMENT.get(family, "")):
        return _named(family, Path(named))
    if family in _UNPACKED and shutil.which("apt-get") and shutil.which("dpkg"):
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
    """The folder with all packages; made under a lock, and moved into place whole."""
    target = cache / "debian"
    with _locked(cache / "debian.lock"):
        if not target.exists():
            draft = cache / "debian.draft"
            shutil.rmtree(draft, ignore_errors=True)
            draft.mkdir(parents=True)
            for package in _download(cache / "apt"):
                _run("dpkg", "--extract", str(package), str(draft))
            _drop_what_is_not_needed(draft)
            _relink(draft, target)
            draft.rename(target)
            shutil.rmtree(cache / "apt")
    return target


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _download(folder: Path) -> list[Path]:
    """apt with sources, lists, state and cache of its own. An empty status makes it fetch every dependency."""
    shutil.rmtree(folder, ignore_errors=True)
    for part in ("lists/partial", "cache/archives/partial", "state", "sources"):
        (folder / part).mkdir(parents=True)
    (folder / "state" / "status").touch()
    mirror, keyring = _mirror()
    source = folder / "sources" / "unstable.sources"
    source.write_text(f"Types: deb\nURIs: {mirror}\nSuites: unstable\nComponents: main\nSigned-By: {keyring}\n")
    options = {
        "Dir::Etc::SourceList": "/dev/null",
        "Dir::Etc::SourceParts": source.parent,
        "Dir::State": folder / "state",
        "Dir::State::status": folder / "state" / "status",
        "Dir::State::Lists": folder / "lists",
        "Dir::Cache": folder / "cache",
        "Acquire::Languages": "none",
        "APT::Install-Recommends": "false",
        "APT::Sandbox::User": "root",
    }
    words = ["apt-get", "-qq", *(word for name, value in options.items() for word in ("-o", f"{name}={value}"))]
    _run(*words, "update")
    _run(*words, "--yes", "--download-only", "install", *PACKAGES)
    return sorted((folder / "cache" / "archives").glob("*.deb"))


def _mirror() -> tuple[str, str]:
    """The Debian mirror that this machine uses, and the keyring that it is trusted by."""
    texts = [path.read_text() for path in sorted(Path("/etc/apt/sources.list.d").glob("*.sources"))]
    for stanza in (stanza for text in texts for stanza in text.split("\n\n")):
        fields = dict(re.findall(r"^([A-Za-z-]+):\s*(.+)$", stanza, re.MULTILINE))
        if fields.get("URIs", "").rstrip("/").endswith("/debian"):
            return fields["URIs"].split()[0], fields.get("Signed-By", _KEYRING)
    lists = [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*.list"))]
    for text in (path.read_text() for path in lists if path.exists()):
        if found := re.search(r"^deb\s+(?:\[.*?\]\s+)?(\S+/debian/?)\s", text, re.MULTILINE):
            return found[1], _KEYRING
    raise SandboxError(
        "apt here has no Debian mirror to fetch the servers from; set AURORA_SANDBOX_MYSQL and "
        "AURORA_SANDBOX_POSTGRESQL to the folders of mysqld (8.0 or newer) and postgres 18."
    )


def _drop_what_is_not_needed(prefix: Path) -> None:
    for pattern in ("usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/perl*", "usr/lib/*/perl*", "etc"):
        for path in prefix.glob(pattern):
            shutil.rmtree(path)


def _relink(draft: Path, prefix: Path) -> None:
    """Let the programs, which will be moved from ``draft`` to ``prefix``, use the libraries they came with.

    RPATH, unlike RUNPATH, also holds for the libraries of libraries.
    """
    loader = prefix / next(draft.glob("usr/lib/*/ld-linux*.so.*")).relative_to(draft)
    libraries = loader.parent
    path = f"{libraries}:{libraries / 'libproxyproto'}"
    postgresql = draft / _UNPACKED["postgresql-18"]
    names = ("initdb", "pg_basebackup", "pg_ctl", "postgres", "psql")
    programs = [draft / "usr/sbin/mysqld", draft / "usr/bin/mysql", *(postgresql / name for name in names)]
    for program in programs:
        _run("patchelf", "--set-interpreter", str(loader), "--force-rpath", "--set-rpath", path, str(program))


def _run(*command: str) -> None:
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        raise SandboxError(f"{command[0]} failed while fetching the database servers: {result.stderr.strip()[-500:]}")

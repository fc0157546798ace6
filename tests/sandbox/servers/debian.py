# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs out of Debian's unstable suite, unpacked into a folder of our own.

Nothing is installed. apt works on lists and a cache of its own, the packages are unpacked, and the programs are told to
take their loader and libraries from there. Needs no root.
"""

from __future__ import annotations

import fcntl
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.sandbox.servers.programs import SandboxError

_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
_NOT_NEEDED = ("usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/perl*", "usr/lib/*/perl*")


def available() -> bool:
    return bool(shutil.which("apt-get") and shutil.which("dpkg"))


@dataclass(frozen=True)
class Wanted:
    """
    packages   fetched with all that they depend on
    programs   paths in them: what is going to be run
    libraries  folders of libraries below the usual one
    otherwise  what to do where there are no such packages
    """

    packages: tuple[str, ...]
    programs: tuple[str, ...]
    otherwise: str
    libraries: tuple[str, ...] = ()


def unpacked(target: Path, wanted: Wanted) -> Path:
    """The folder ``target`` with the packages in it; made at the first call, under a lock, and moved into place whole.

    Raises SandboxError.
    """
    with _locked(target.with_suffix(".lock")):
        if not target.exists():
            draft, downloads = target.with_suffix(".draft"), target.with_suffix(".apt")
            shutil.rmtree(draft, ignore_errors=True)
            draft.mkdir(parents=True)
            for package in _download(downloads, wanted):
                _run("dpkg", "--extract", str(package), str(draft))
            for path in (path for pattern in _NOT_NEEDED for path in draft.glob(pattern)):
                shutil.rmtree(path)
            _relink(draft, target, wanted)
            draft.rename(target)
            shutil.rmtree(downloads)
    return target


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _download(folder: Path, wanted: Wanted) -> list[Path]:
    """apt with sources, lists, state and cache of its own. An empty status makes it fetch every dependency."""
    shutil.rmtree(folder, ignore_errors=True)
    for part in ("lists/partial", "cache/archives/partial", "state", "sources"):
        (folder / part).mkdir(parents=True)
    (folder / "state" / "status").touch()
    mirror, keyring = _mirror(wanted)
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
    _run(*words, "--yes", "--download-only", "install", *wanted.packages)
    return sorted((folder / "cache" / "archives").glob("*.deb"))


def _mirror(wanted: Wanted) -> tuple[str, str]:
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
    raise SandboxError(f"apt here has no Debian mirror to fetch {wanted.packages[0]} from; {wanted.otherwise}.")


def _relink(draft: Path, prefix: Path, wanted: Wanted) -> None:
    """Let the programs, which will be moved from ``draft`` to ``prefix``, use the libraries they came with.

    RPATH, unlike RUNPATH, also holds for the libraries of libraries, unless these have a path of their own.
    """
    loader = next(draft.glob("usr/lib/*/ld-linux*.so.*")).relative_to(draft)
    path = ":".join(str(prefix / loader.parent / folder) for folder in ("", *wanted.libraries))
    for program in wanted.programs:
        words = ["--set-interpreter", str(prefix / loader), "--force-rpath", "--set-rpath", path]
        _run("patchelf", *words, str(draft / program))
    for library in (draft / loader.parent).glob("*.so.*"):
        if not library.is_symlink() and _run("patchelf", "--print-rpath", str(library)).startswith("/usr/lib"):
            _run("patchelf", "--remove-rpath", str(library))


def _run(*command: str) -> str:
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        raise SandboxError(f"{command[0]} failed while fetching Debian's packages: {result.stderr.strip()[-500:]}")
    return result.stdout

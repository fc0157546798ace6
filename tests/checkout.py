# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is in the checkout, and the path under which Ansible finds it.

``python -m tests.checkout <path of collections>`` makes this path.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def files() -> list[str]:
    """The paths of what is, or would be, in the repository."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return sorted({name for name in listing.split("\0") if name and (ROOT / name).is_file()})


def link(collections: Path, checkout: Path = ROOT) -> None:
    """Let Ansible find the checkout there. A link for each of its entries, because one for the whole would be a circle
    where ``collections`` is inside, in which ansible-galaxy, looking for what to build, gets lost."""
    folder = collections / "ansible_collections" / "dbops" / "aurora_iam"
    if folder.is_symlink():
        folder.unlink()
    folder.mkdir(parents=True, exist_ok=True)
    wanted = {name.partition("/")[0] for name in files() if not name.startswith(".")}
    for old in folder.iterdir():
        if old.name not in wanted:
            old.unlink()
    for name in wanted:
        if not (folder / name).is_symlink():
            (folder / name).symlink_to(os.path.relpath(checkout / name, folder))


if __name__ == "__main__":
    link(Path(sys.argv[1]))

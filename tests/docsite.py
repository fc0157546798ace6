# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the documentation's site into dist/docsite: the pages, and a reference of every plugin. A warning is a failure.

The pages are laid out as in the repository, so that their links work here as they do there. The changelog is the one
that a release of today would have.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

from tests.checkout import ROOT, files

PROGRAMS = Path(sys.executable).parent
SETTINGS = ROOT / "docs" / "docsite"
PAGES = ROOT / ".cache" / "docsite" / "pages"
DOCTREES = ROOT / ".cache" / "docsite" / "doctrees"
SITE = ROOT / "dist" / "docsite"


class Stopped(Exception):
    """A program of the build failed; it has said why."""


def run(*words: str, folder: Path = ROOT) -> None:
    """Run a program of the virtual environment. Raises Stopped."""
    path = os.pathsep.join([str(PROGRAMS), os.environ.get("PATH", os.defpath)])
    # The collection in the checkout; and amazon.aws, which git does not list, is copied by antsibull-docs all the same
    more = {"PATH": path, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "GIT_CEILING_DIRECTORIES": str(PROGRAMS.parent)}
    if subprocess.run(words, cwd=folder, env={**os.environ, **more}, check=False).returncode:
        raise Stopped


def lay_pages() -> None:
    """Copy what git tracks, or would track: Markdown, what it shows or links to, and the settings.

    A pattern of the index that no page matches is left out: Sphinx would warn.
    """
    shutil.rmtree(PAGES, ignore_errors=True)
    for name in files():
        if not name.startswith(("docs/docsite/", ".")):
            (PAGES / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, PAGES / name)
    shutil.copy2(SETTINGS / "conf.py", PAGES)
    index = (SETTINGS / "index.md").read_text().splitlines()
    kept = [line for line in index if "*" not in line or any(PAGES.glob(line + ".md"))]
    (PAGES / "index.md").write_text("\n".join(kept) + "\n")


def write_changelog() -> None:
    """CHANGELOG.md with the fragments that wait for the next release."""
    released = yaml.safe_load((PAGES / "changelogs" / "changelog.yaml").read_text())["releases"]
    version = yaml.safe_load((PAGES / "galaxy.yml").read_text())["version"]
    what = ["generate"] if version in released else ["release", "--version", version]
    run("antsibull-changelog", *what, folder=PAGES)


def write_reference() -> None:
    PAGES.chmod(0o755)  # antsibull-docs wants a folder that nobody else can write
    settings = ["--config-file", str(SETTINGS / "antsibull-docs.cfg")]
    how = ["--use-current", "--fail-on-error", "--cleanup", "no", "--dest-dir", str(PAGES)]
    run("antsibull-docs", *settings, "collection", *how, "dbops.aurora_iam")


def main() -> int:
    """Print ``N passed``, counting the pages, or ``1 failed`` after what is wrong."""
    try:
        lay_pages()
        write_changelog()
        write_reference()
        words = ["-b", "html", "-q", "-E", "-W", "--keep-going", "-d", str(DOCTREES)]
        run(sys.executable, "-m", "sphinx", *words, str(PAGES), str(SITE))
    except Stopped:
        print("0 passed, 1 failed")
        return 1
    pages = [page for page in SITE.rglob("*.html") if "_static" not in page.parts]
    print(f"The site is in {SITE.relative_to(ROOT)}; open {SITE.relative_to(ROOT)}/index.html.")
    print(f"{len(pages)} passed, 0 failed")
    return 0


if __name__ == "__main__":
    sys.exit(main())

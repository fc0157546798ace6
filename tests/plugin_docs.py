# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Render the documentation of every plugin with ansible-doc; a warning is a failure."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
KINDS = {"module": "modules", "lookup": "lookup", "filter": "filter"}


def rendered(kind: str, names: list[str]) -> bool:
    """Whether ansible-doc shows all of them without a complaint. Prints the complaints."""
    answer = subprocess.run(
        ["ansible-doc", "--type", kind, *names],
        cwd=ROOT,
        env={**os.environ, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    missing = [name for name in names if f" {name} " not in answer.stdout]
    if missing:
        print(f"ansible-doc shows nothing of {', '.join(missing)}.")
    print(answer.stderr, end="")
    return answer.returncode == 0 and not missing and not answer.stderr.strip()


def main() -> int:
    plugins = {
        kind: [f"dbops.aurora_iam.{path.stem}" for path in sorted((ROOT / "plugins" / folder).glob("[!_]*.py"))]
        for kind, folder in KINDS.items()
    }
    outcomes = {kind: rendered(kind, names) for kind, names in plugins.items() if names}
    failed = sum(len(plugins[kind]) for kind, good in outcomes.items() if not good)
    print(f"{sum(map(len, plugins.values())) - failed} passed, {failed} failed")
    return int(failed > 0 or not plugins["module"])


if __name__ == "__main__":
    sys.exit(main())

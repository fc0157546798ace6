# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What readers copy must not show their passwords."""

from __future__ import annotations

import re

from tests.checkout import ROOT, files


def test_no_page_has_a_password_in_a_command() -> None:
    """An ad hoc command's arguments are in the shell's history, in ps, and in what Ansible prints when it fails."""
    pages = [name for name in files() if name.endswith((".md", ".py", ".yml")) and not name.startswith("tests/")]
    assert "README.md" in pages
    written = re.compile(r"login_password=|-e\s+\S*password=", re.IGNORECASE)
    assert [name for name in pages if written.search((ROOT / name).read_text())] == []

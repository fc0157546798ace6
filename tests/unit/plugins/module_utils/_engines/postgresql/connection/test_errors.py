# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Notices as libpq writes them, in any language."""

from __future__ import annotations

import pytest

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.connection.errors import (
    Notice,
    Notices,
)

PLACE = "LOCATION:  restrict_and_check_grant, aclchk.c:331\n"


@pytest.mark.parametrize(
    ("text", "notice"),
    [
        (
            f'WARNING:  01007: no privileges were granted for "t"\n{PLACE}',
            ("01007", 'no privileges were granted for "t"'),
        ),
        (f"WARNUNG:  01007: es wurden keine Rechte gewährt\n{PLACE}", ("01007", "es wurden keine Rechte gewährt")),
        (f"警告:  01006: 没有撤销任何权限\n{PLACE}", ("01006", "没有撤销任何权限")),
        ("AVERTISSEMENT :  01006: aucun droit n'a pu être révoqué", ("01006", "aucun droit n'a pu être révoqué")),
        ("something else", ("", "something else")),
    ],
)
def test_a_notice_is_told_by_its_sqlstate(text: str, notice: tuple[str, str]) -> None:
    notices = Notices()
    notices.append(text)
    assert list(notices) == [Notice(*notice)]
    notices.clear()
    assert list(notices) == []

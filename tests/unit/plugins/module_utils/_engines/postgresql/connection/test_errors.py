# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Notices as libpq writes them, in any language."""

from __future__ import annotations

import pytest

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.connection.errors import (
    Notice,
    Notices,
    refusal,
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


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        ("42501", "Log in as the master user, as the owner of the object, or as a role that has the grant option"),
        ("2BP01", "Drop or revoke what depends on it first"),
        ("0LP01", "Take one of these grants out of the task"),
        ("0L000", "Log in as the role that granted it"),
        ("42P17", "Take this grant out of the task"),
        ("3F000", "Create the schema first, or correct its name"),
        ("42704", "Create it first, or correct its name"),
        ("XX000", "Nothing of this transaction was kept"),
    ],
)
def test_a_refusal_says_what_to_do_next(code: str, advice: str) -> None:
    error = refusal("cluster shop", "abgelehnt", "Nur\nEigentümer", code, "GRANT")
    assert str(error).startswith(
        f"cluster shop refused a statement: abgelehnt (Nur Eigentümer) (error {code}). {advice}"
    )
    assert (error.code, error.statement) == (code, "GRANT")

# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.drop.transactions import DropOwned
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.plan.lockout import Logins
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import NotDroppable


class Server:
    def __init__(self, *rows: tuple[str, str]) -> None:
        self.rows, self.asked = list(rows), 0

    def ask(self, text: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        self.asked += 1
        return self.rows

    def roll_back(self) -> None:
        raise AssertionError


def dropping(*keeping: str) -> DropOwned:
    return DropOwned((), "shop", Logins("cluster shop"), 17, frozenset(keeping))


def test_an_account_that_must_own_nothing_and_does() -> None:
    dropping("joe").first(Server())
    with pytest.raises(
        NotDroppable, match=r"joe has table a, view b in database shop\. Nothing was dropped"
    ) as refused:
        dropping("joe").first(Server(("joe", "table a"), ("joe", "view b")))
    assert refused.value.details["in_the_way"] == {"joe": ["table a", "view b"]}


def test_what_is_to_be_dropped_is_not_asked_for() -> None:
    server = Server(("joe", "table a"))
    dropping().first(server)
    assert server.asked == 0

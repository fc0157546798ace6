# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.drop.transactions import (
    DropOwned,
    refuse_owned,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import NotDroppable


def test_an_account_that_must_own_nothing_and_does() -> None:
    step = DropOwned((), "shop", frozenset({"joe"}), "", frozenset({"joe"}))
    refuse_owned(step, [], "cluster shop")
    with pytest.raises(
        NotDroppable, match=r"joe has table a, view b in database shop\. Nothing was dropped"
    ) as refused:
        refuse_owned(step, [("joe", "table a"), ("joe", "view b")], "cluster shop")
    assert refused.value.details["in_the_way"] == {"joe": ["table a", "view b"]}

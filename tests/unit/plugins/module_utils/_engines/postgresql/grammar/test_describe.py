# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.grammar.describe import (
    describe_grants,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.grammar.objects import (
    describe_scope,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import Grant, Scope
from tests.unit.plugins.module_utils._engines.postgresql import scenes


def test_described_grants_are_read_back_as_the_same_grants() -> None:
    future = Scope("FUTURE TABLES", "shop", ("public",), owner="master")
    grants = frozenset(
        {
            Grant("SELECT", scenes.TABLE),
            Grant("SELECT", scenes.COLUMN),
            Grant("UPDATE", scenes.COLUMN, grantable=True),
            Grant("SELECT", scenes.STRANGE, grantable=True),
            Grant("EXECUTE", scenes.ONE_ARGUMENT),
            Grant("CONNECT", scenes.DATABASE),
            Grant("USAGE", scenes.DOMAIN),
            Grant("INSERT", future),
        }
    )
    described = describe_grants(grants)
    assert described == describe_grants(sorted(grants, reverse=True))
    requests = [
        scenes.grant(
            item["on"], *item["privileges"], **{k: v for k, v in item.items() if k not in ("on", "privileges")}
        )
        for item in described
    ]
    # the signature is matched by the catalogue's type numbers, and the type is written as the catalogue prints it
    state = scenes.observed()
    state.catalogue.types = {("shop", "integer"): 23}
    account = scenes.AccountRequest("joe", grants=tuple(requests))
    assert scenes.changes(state, account).accounts[0].granted == grants


def test_a_described_column_stands_with_its_privilege() -> None:
    grants = {Grant("SELECT", scenes.COLUMN), Grant("INSERT", scenes.TABLE)}
    assert describe_grants(grants) == [
        {"on": "TABLE public.orders", "privileges": ["INSERT", "SELECT (id)"], "database": "shop"}
    ]
    assert describe_scope(scenes.COLUMN) == "TABLE public.orders"

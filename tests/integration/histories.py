# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Histories of some accounts, as property tests try them: what is declared, then something else, then nothing."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from ansible_collections.dbops.aurora_iam.plugins.module_utils._account_module import Outcome, converge
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.base import Engine
from ansible_collections.dbops.aurora_iam.plugins.module_utils._login import Login
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import AccountRequest, GrantRequest
from ansible_collections.dbops.aurora_iam.plugins.module_utils._reconcile import KEEP

History = list[list[AccountRequest]]
"""States of the same accounts, one after the other."""


@st.composite
def histories(
    draw: st.DrawFn, names: st.SearchStrategy[Sequence[tuple[str, str]]], wishes: st.SearchStrategy[AccountRequest]
) -> History:
    """
    names   name and host of each account
    wishes  what may be said of an account, its name aside
    """
    identities = draw(names)
    prefix = uuid.uuid4().hex[:6]
    return [
        [replace(draw(wishes), name=prefix + name, host=host) for name, host in identities]
        for _state in range(draw(st.integers(1, 3)))
    ]


def written_privileges(
    draw: st.DrawFn, privileges: Sequence[str], columns: Sequence[str], of_columns: Sequence[str]
) -> list[str]:
    """Some privileges as a person may write them, also on some of the columns."""
    chosen = draw(st.lists(st.sampled_from(privileges), max_size=4))
    words = [draw(st.sampled_from([word, word.lower(), word.title()])) for word in chosen]
    for privilege in draw(st.lists(st.sampled_from(of_columns), max_size=3)) if columns else ():
        named = draw(st.lists(st.sampled_from(columns), min_size=1, max_size=3))
        words.append(f"{privilege} ({', '.join(named)})")
    return words


def assert_each_state_is_reached(
    engine: Engine[Any], login: Login, history: History, assert_in_effect: Callable[[list[AccountRequest]], None]
) -> None:
    """The run does what the check says, and leaves nothing to do; nor do its results leave any. In the end, the
    accounts are dropped."""

    def run(requests: list[AccountRequest], write: bool) -> Outcome[Any]:
        return converge(engine, login, requests, KEEP, write=write)

    try:
        for requests in history:
            planned, applied = run(requests, False), run(requests, True)
            assert planned.result() == applied.result()
            assert not run(requests, False).statements
            assert_in_effect(requests)
            assert not run(fed_back(applied), False).statements
    finally:
        gone = [replace(request, present=False) for request in history[0]]
        run(gone, True)
        assert not run(gone, False).statements


def fed_back(outcome: Outcome[Any]) -> list[AccountRequest]:
    """The accounts as they are returned, as requests again."""
    return [_request(outcome.describe(account)) for account in outcome.accounts]


def _request(described: dict[str, Any]) -> AccountRequest:
    grants = (
        GrantRequest(
            tuple(element["privileges"]),
            element["on"],
            element.get("database", ""),
            element.get("grant_option", False),
            element.get("owner", ""),
        )
        for element in described["grants"]
    )
    return AccountRequest(
        name=described["name"],
        host=described.get("host", ""),
        grants=tuple(grants),
        roles=tuple(described["roles"]),
        require_tls=described.get("require_tls", True),
        locked=described["locked"],
        connection_limit=described["connection_limit"],
        comment=described["comment"],
    )

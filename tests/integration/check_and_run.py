# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What check mode and the run say of the same task, whatever it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import event

from ansible_collections.dbops.aurora_iam.plugins.module_utils._account_module import converge
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.base import Engine
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import AuroraIamError
from ansible_collections.dbops.aurora_iam.plugins.module_utils._login import Login
from ansible_collections.dbops.aurora_iam.plugins.module_utils._params import account_requests

Answer = tuple[object, ...]


def answer(engine: Engine[Any], login: Login, users: list[dict[str, Any]], unlisted: str, write: bool) -> Answer:
    """Statements, differences and warnings; or the refusal, with its sentence and statement."""
    try:
        options = {"users": users, "unlisted": unlisted, "confirm": True}
        outcome = converge(engine, login, account_requests(options), unlisted, write)
    except AuroraIamError as error:
        return type(error).__name__, str(error), error.details.get("statement")
    return outcome.result()["statements"], outcome.result()["diff"], outcome.warnings


def assert_check_equals_run(ask: Callable[[bool], Answer], snapshot: Callable[[], object]) -> None:
    """And that neither check mode nor a task that is refused changes anything.

    ask  whether to write → the answer
    """
    before = snapshot()
    checked = ask(False)
    assert snapshot() == before, "check mode has changed something"
    applied = ask(True)
    assert checked == applied
    event(str(applied[0]) if isinstance(applied[0], str) else "carried out" if applied[0] else "nothing to do")
    if isinstance(applied[0], str):
        assert snapshot() == before, "what was refused has changed something"

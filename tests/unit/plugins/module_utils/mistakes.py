# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one element of ``users`` can have wrong, whatever the engine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

CULPRIT = "culprit"


class Mistake(NamedTuple):
    """
    title    for the test's name
    element  what is wrong; empty where it is the account as a whole
    user     the element's options; ``name`` is CULPRIT unless they say otherwise
    state    what the engine has observed; None for a server where nothing else is wrong
    others   further elements without which it would be no mistake
    """

    title: str
    element: str
    user: Mapping[str, Any]
    state: Any = None
    others: tuple[Mapping[str, Any], ...] = ()

    @property
    def account(self) -> str:
        """As the message names it; empty where the element has no name that anybody could read."""
        name, host = self.user.get("name", CULPRIT), self.user.get("host", "")
        return (f"{name}@{host}" if host else name) if isinstance(name, str) else ""


def option(title: str, element: str, **user: Any) -> Mistake:
    return Mistake(f"{element} {title}", element, user)


def anywhere(sound: Mapping[str, Any], role: str) -> list[Mistake]:
    """
    sound  an element of ``grants`` with nothing wrong
    role   a role that exists
    """
    on = sound["on"]

    def grants(title: str, wrong: Any) -> Mistake:
        return Mistake(f"a grant {title}", "grants[1]", {"grants": [sound, wrong]})

    return [
        option("unknown", "colour", colour="red"),
        option("empty", "name", name=""),
        option("is a list", "name", name=["jane"]),
        option("is a boolean", "name", name=False),
        option("is a number with a fraction", "name", name=1.5),
        option("is no text", "name", name="jo\udcffe"),
        option("is a list", "comment", comment=["a"]),
        option("is no text", "comment", comment="a\udcff"),
        option("is a word", "connection_limit", connection_limit="many"),
        option("negative", "connection_limit", connection_limit=-2),
        option("no state", "state", state="gone"),
        option("is no boolean", "locked", locked="perhaps"),
        option("no way", "owned_objects", state="absent", owned_objects="burn"),
        option("without a new owner", "reassign_owned_to", state="absent", owned_objects="reassign"),
        option("without reassign", "reassign_owned_to", state="absent", reassign_owned_to=role),
        option("is no text", "reassign_owned_to", owned_objects="reassign", reassign_owned_to="\ud800"),
        option("empty", "roles[1]", roles=[role, ""]),
        option("is no text", "roles[1]", roles=[role, "\ud800"]),
        grants("is a text", "SELECT ON t"),
        grants("with an unknown option", {**sound, "colour": "red"}),
        grants("without privileges", {"on": on}),
        grants("with no privilege", {"privileges": [], "on": on}),
        grants("without an object", {"privileges": ["SELECT"]}),
        grants("whose object is a list", {"privileges": ["SELECT"], "on": [on]}),
        grants("whose object is a boolean", {"privileges": ["SELECT"], "on": False}),
        grants("whose object is no text", {"privileges": ["SELECT"], "on": "a\udcff"}),
        grants("whose privilege is no text", {"privileges": ["SELECT (\udcff)"], "on": on}),
        grants("whose option is no boolean", {**sound, "grant_option": "perhaps"}),
    ]

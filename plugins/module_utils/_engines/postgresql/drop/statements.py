# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Statements that only a drop takes. Text only."""

from __future__ import annotations

from collections.abc import Collection

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.grammar.names import (
    quote_identifier,
    quote_literal,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._plan import NEVER, Statement

_TIMEOUT = 5000
"""Milliseconds that the server waits for each session to end, since 14; before, it says true at once."""
_WAITS_SINCE = 14


def end_sessions(names: Collection[str], major: int) -> Statement:
    """https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-ADMIN-SIGNAL"""
    wait = f", {_TIMEOUT}" if major >= _WAITS_SINCE else ""
    listed = ", ".join(quote_literal(name) for name in sorted(names))
    return Statement(
        f"SELECT pg_terminate_backend(pid{wait}), usename::text, pid, coalesce(host(client_addr), 'local'), "
        f"coalesce(state, 'unknown') FROM pg_stat_activity WHERE usename IN ({listed})",
        NEVER,
        accounts=tuple(sorted(names)),
    )


def reassign_owned(names: Collection[str], new_owner: str) -> Statement:
    return Statement(
        f"REASSIGN OWNED BY {_names(names)} TO {quote_identifier(new_owner)}",
        advice=_to_reassign(new_owner),
        accounts=tuple(sorted(names)),
    )


def drop_owned(names: Collection[str]) -> Statement:
    """https://www.postgresql.org/docs/current/sql-drop-owned.html"""
    return Statement(
        f"DROP OWNED BY {_names(names)}",
        advice="Drop what depends on these objects or give it to their owner, let others revoke what they granted, or "
        "give the objects a new owner with owned_objects: reassign.",
        accounts=tuple(sorted(names)),
    )


def give_schema(schema: str, owner: str, new_owner: str) -> Statement:
    return Statement(
        f"ALTER SCHEMA {quote_identifier(schema)} OWNER TO {quote_identifier(new_owner)}",
        advice=_to_reassign(new_owner),
        accounts=(owner,),
    )


def _to_reassign(new_owner: str) -> str:
    return (
        f"Grant {new_owner} what an owner of such an object must have. What {new_owner} cannot own, drop yourself or "
        "with owned_objects: drop."
    )


def _names(names: Collection[str]) -> str:
    return ", ".join(quote_identifier(name) for name in sorted(names))

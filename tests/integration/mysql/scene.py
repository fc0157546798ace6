# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The clusters of MySQL, and how an account logs in to them with its token."""

from __future__ import annotations

from typing import Any

import pymysql

from tests.sandbox.clients import State, connect_statement, create_principal

CLUSTERS = ("orders", "warehouse")
"""``orders`` has partial_revokes ON, ``warehouse`` OFF."""


def connection(state: State, cluster: str, account: str) -> Any:
    """Log in with a token as the account."""
    principal = create_principal(state, account.replace("_", "-"), connect_statement(state, cluster, account))
    described = state["clusters"][cluster]
    return pymysql.connect(
        host=described["host"],
        port=described["port"],
        user=account,
        password=principal.token(state, described["host"], described["port"], account),
        ssl={"ca": state["ca_cert"]},
    )

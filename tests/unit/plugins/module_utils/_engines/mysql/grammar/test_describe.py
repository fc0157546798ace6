# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import replace

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.objects import GLOBAL
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.privileges import (
    TABLE_PRIVILEGES,
    USAGE,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import Grant, Scope
from tests.unit.plugins.module_utils._engines.mysql.scenes import CUSTOMERS, ENGINE, OPTION, ORDERS


def test_grants_are_described_as_a_person_writes_them():
    email, number = replace(CUSTOMERS, column="e,mail"), replace(CUSTOMERS, column="id")
    described = ENGINE.describe_grants(
        [
            OPTION,
            Grant("INSERT", ORDERS),
            Grant("SELECT", ORDERS),
            Grant("SELECT", number),
            Grant("SELECT", email),
            Grant("DELETE", CUSTOMERS),
            *(Grant(name, Scope("TABLE", path=("orders", "t"))) for name in TABLE_PRIVILEGES),
            Grant("SHOW_ROUTINE", GLOBAL, True),
            Grant(USAGE, GLOBAL, True),
            Grant("CONNECTION_ADMIN", GLOBAL),
            Grant(USAGE, Scope("PATTERN", path=("my_db",)), True),
        ]
    )
    assert described == [
        {"privileges": ["SELECT", "INSERT"], "on": "orders.*", "grant_option": True},
        {"privileges": ["CONNECTION_ADMIN"], "on": "*.*"},
        {"privileges": ["USAGE", "SHOW_ROUTINE"], "on": "*.*", "grant_option": True},
        {"privileges": ["USAGE"], "on": "PATTERN `my_db`.*", "grant_option": True},
        {"privileges": ["DELETE", "SELECT (`e,mail`, `id`)"], "on": "orders.customers"},
        {"privileges": ["ALL"], "on": "orders.t"},
    ]

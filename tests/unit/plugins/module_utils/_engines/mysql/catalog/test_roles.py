# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.roles import (
    build_role_edges,
    chain,
    reachable,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.rows import RoleEdgeRow
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import AccountName


def test_roles_of_roles_count() -> None:
    names = [AccountName("joe", host) for host in "%abc"]
    edges = {names[0]: {names[1]}, names[1]: {names[2]}, names[2]: {names[0]}}
    assert reachable(names[0], edges) == set(names[1:3])
    assert reachable(names[3], edges) == set()
    assert chain(names[0], names[2], edges) == tuple(names[:3])


def test_hosts_ignore_case() -> None:
    edges = build_role_edges([RoleEdgeRow("joe", "A.ORG", "reader", "B.ORG")])
    assert edges == {AccountName("joe", "a.org"): {AccountName("reader", "b.org")}}

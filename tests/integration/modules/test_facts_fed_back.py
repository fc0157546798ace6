# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What facts say of accounts, given to aurora_iam_users as it is, changes nothing: for every shape of a grant that the
other tests know, and for what grants do not say."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from tests.integration.administration import Administration
from tests.integration.master import direct_options
from tests.integration.mysql import grant_cases as mysql
from tests.integration.mysql.scene import CLUSTERS
from tests.integration.postgresql import grant_cases as postgresql
from tests.integration.postgresql.scene import CLUSTERS as SERVERS
from tests.integration.postgresql.scene import Scene, made
from tests.integration.tasks import Result, Tasks, assert_settled
from tests.sandbox.clients import State


@pytest.fixture(scope="module", params=SERVERS)
def scene(request: pytest.FixtureRequest, state: State, admin: Administration) -> Iterator[Scene]:
    yield from made(request.param, state, admin)


def fed_back(tasks: Tasks, options: dict[str, Any], account: str) -> Result:
    """Facts of the accounts whose names begin so; they are proved to change nothing."""
    facts = tasks.facts(names=[f"{account}*"], **options)
    assert facts["accounts"]
    assert_settled(partial(tasks.users, users=facts["accounts"], **options))
    without_grants = tasks.facts(gather_subset=["accounts"], names=[f"{account}*"], **options)
    assert all("grants" not in item for item in without_grants["accounts"])
    assert_settled(partial(tasks.users, users=without_grants["accounts"], **options))
    return facts


def drop(tasks: Tasks, options: dict[str, Any], facts: Result) -> None:
    users = [{"name": a["name"], "host": a.get("host"), "state": "absent"} for a in facts["accounts"]]
    tasks.users(users=users, **options)


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_mysql(tasks: Tasks, state: State, admin: Administration, cluster: str, account: str) -> None:
    admin.sql(cluster, "; ".join(mysql.SCENE))
    options = direct_options(state, cluster)
    grants = [case[0] for case in mysql.CASES.values()]
    users: list[dict[str, Any]] = [
        {"name": f"{account}_{number}", "grants": [grant]} for number, grant in enumerate(grants)
    ]
    users += [
        {"name": f"{account}_all", "grants": [g for g in grants if g["on"] not in ("*.*", "TABLE shop.recent")][:3]},
        {"name": f"{account}_host", "host": "10.0.%", "require_tls": False, "locked": True, "comment": 'it\'s "so"'},
        {"name": f"{account}_roles", "roles": ["shop_reader", "shop@corp"], "connection_limit": 3},
        {"name": f"{account}_x509"},
        {"name": f"{account}_revokes"},
    ]
    tasks.users(users=users, **options)
    admin.sql(
        cluster,
        f"GRANT shop_writer TO {account}_roles; ALTER USER {account}_x509 REQUIRE X509 WITH MAX_QUERIES_PER_HOUR 7; "
        f"GRANT SELECT, INSERT ON *.* TO {account}_revokes; CREATE TABLE shop.short_lived (id INT); "
        f"GRANT SELECT ON shop.short_lived TO {account}_x509; DROP TABLE shop.short_lived",
    )
    if cluster == "orders":
        admin.sql(cluster, f"REVOKE INSERT ON shop.* FROM {account}_revokes")
    else:
        admin.sql(cluster, f"GRANT SELECT ON `shop%`.* TO {account}_revokes")
    facts = fed_back(tasks, options, account)
    shown = {item["name"].removeprefix(f"{account}_"): item for item in facts["accounts"]}
    assert shown["roles"]["roles"] == ["shop@corp", "shop_reader"]
    assert shown["roles"]["roles_not_default"] == ["shop_writer"]
    assert shown["x509"]["tls"] == "X509"
    assert shown["x509"]["limits"]["queries_per_hour"] == 7
    assert shown["revokes"]["partial_revokes"] == ({"shop": ["INSERT"]} if cluster == "orders" else {})
    drop(tasks, options, facts)


def test_postgresql(tasks: Tasks, scene: Scene, account: str) -> None:
    credentials = scene.login.credentials()
    options = {
        "engine": "aurora-postgresql",
        "login_host": scene.login.host,
        "login_port": scene.login.port,
        "login_user": credentials.user,
        "login_password": credentials.password,
        "login_db": scene.database,
    }
    role = scene.role("group")
    outer = scene.role("outer")
    scene.sql(f"GRANT {outer} TO {role}", master=True)
    grants = [case[0] for case in postgresql.CASES.values()]
    users: list[dict[str, Any]] = [
        {"name": f"{account}_{number}", "grants": [grant]} for number, grant in enumerate(grants)
    ]
    users += [
        {"name": f"{account}_all", "grants": grants[:12]},
        {"name": f"{account}_role", "roles": [role], "connection_limit": 3, "locked": True, "comment": 'it\'s "so"'},
        {
            "name": f"{account}_far",
            "grants": [
                {"on": "DATABASE", "privileges": ["CONNECT"], "database": scene.cluster},
                {"on": "SCHEMA public", "privileges": ["USAGE"], "database": scene.cluster},
            ],
        },
    ]
    tasks.users(users=users, **options)
    scene.sql(f"CREATE TABLE shop.hers (id int); ALTER TABLE shop.hers OWNER TO {account}_far")
    facts = fed_back(tasks, options, account)
    shown = {item["name"].removeprefix(f"{account}_"): item for item in facts["accounts"]}
    assert shown["role"]["roles"] == [role]
    assert shown["role"]["inherited_roles"] == [outer]
    assert shown["far"]["owns"] == {scene.database: {"count": 1, "objects": ["table shop.hers"]}}
    scene.sql("DROP TABLE shop.hers")
    drop(tasks, options, facts)

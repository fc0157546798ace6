# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What PostgreSQL would let one do and this collection does not, and what the server does not let one do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest

from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import UnknownPrivilege
from tests.integration.postgresql.scene import Scene, inheriting, refused
from tests.integration.tasks import assert_settled, converge
from tests.sandbox.clients import CHECKOUT


def test_the_administrator_keeps_its_password(scene: Scene) -> None:
    name = scene.role("admins", "LOGIN")
    scene.sql(f"GRANT {name} TO postgres{inheriting(scene)}")
    refused(scene, f"postgres → {name} → rds_iam", name=name, convert=True)
    scene.sql(f"REVOKE {name} FROM postgres")


def test_members_with_passwords_are_not_taken_along(scene: Scene) -> None:
    shared, team, person = scene.role("shared", "LOGIN"), scene.role("team"), scene.role("person", "LOGIN")
    scene.sql(f"GRANT {shared} TO {team}; GRANT {team} TO {person}")
    refused(scene, f"{person} → {team} → {shared} → rds_iam", name=shared, convert=True)


def test_both_kinds_of_authentication(scene: Scene, account: str) -> None:
    group = scene.role("kerberos")
    scene.sql(f"GRANT rds_ad TO {group}; GRANT {group} TO postgres WITH ADMIN OPTION")
    refused(scene, f"{account} → {group} → rds_ad", name=account, roles=[group])
    scene.user(name=account)
    scene.sql(f"GRANT {group} TO {account}")
    refused(scene, f"{account} → {group} → rds_ad", name=account)
    scene.sql(f"REVOKE {group} FROM {account}, postgres")


def test_a_password_account_keeps_what_it_has_when_it_is_converted(scene: Scene) -> None:
    name, readers = scene.role("person", "LOGIN PASSWORD 'Pa55word!' CONNECTION LIMIT 7"), scene.role("readers")
    scene.sql(
        f"GRANT SELECT ON shop.orders TO {name}; GRANT {readers} TO {name}; COMMENT ON ROLE {name} IS 'x'", master=True
    )
    refused(scene, "convert: true", name=name)
    refused(scene, "drops no other", name=name, state="absent", convert=True)
    account = converge(partial(scene.user, name=name, convert=True))["account"]
    assert (account["connection_limit"], account["comment"], account["roles"]) == (7, "x", [readers])
    assert account["grants"] == [{"on": "TABLE shop.orders", "database": scene.database, "privileges": ["SELECT"]}]


def test_memberships(scene: Scene, account: str) -> None:
    first, second = scene.role("one"), scene.role("two")
    converge(partial(scene.user, name=account, roles=[first, second, "rds_iam"]))
    converge(partial(scene.user, name=account, roles=[second]))
    assert_settled(partial(scene.user, name=account, roles=[], purge_roles=False))
    if scene.major >= 16:
        scene.sql(f"GRANT {first} TO {account} WITH ADMIN TRUE, INHERIT FALSE, SET FALSE", master=True)
        assert_settled(partial(scene.user, name=account, roles=[second]))
        converge(partial(scene.user, name=account, roles=[first, second]))
    converge(partial(scene.user, name=account, roles=[]))


def test_an_account_in_rds_iam_through_a_role_stays_in_it(scene: Scene, account: str) -> None:
    group = scene.role("iam_group")
    scene.sql(f"GRANT rds_iam TO {group}", master=True)
    assert 'GRANT "rds_iam"' not in str(converge(partial(scene.user, name=account, roles=[group]))["statements"])
    assert f'GRANT "rds_iam" TO "{account}"' in converge(partial(scene.user, name=account, roles=[]))["statements"]


def test_a_membership_by_another_grantor(scene: Scene, account: str) -> None:
    group = scene.role("others", master=False)
    scene.user(name=account)
    scene.sql(f"GRANT {group} TO {account}")
    if scene.major >= 16:
        refused(scene, rf", roles: .* permission denied to revoke role .{group}..*Log in as", name=account, roles=[])
    else:
        converge(partial(scene.user, name=account, roles=[]))


def test_a_role_that_the_login_does_not_administer(scene: Scene, account: str) -> None:
    group = scene.role("others", master=False)
    if scene.major >= 16:
        refused(scene, f"permission denied to grant role .{group}..*the ADMIN OPTION", name=account, roles=[group])
    else:
        converge(partial(scene.user, name=account, roles=[group]))


@pytest.mark.parametrize("attribute", ["LOGIN", "NOLOGIN"])
def test_an_account_that_the_login_does_not_administer(scene: Scene, attribute: str) -> None:
    """Also where nothing is to be written but the marker of a locked account."""
    name = scene.role("person", attribute, master=False)
    scene.sql(f"GRANT rds_iam TO {name}")
    if scene.major >= 16:
        refused(scene, f"permission denied.*ADMIN option.*{name}", name=name, locked=True)
        refused(scene, f"permission denied.*ADMIN option.*{name}", name=name, state="absent")
    else:
        converge(partial(scene.user, name=name, locked=True))


def test_a_privilege_by_another_grantor(scene: Scene, account: str) -> None:
    """Of whom the login is never a member for a moment, as of all in rds_iam."""
    owner = scene.role("owner")
    scene.sql(
        f"GRANT rds_iam TO {owner}; CREATE TABLE shop.theirs (id int); GRANT USAGE ON SCHEMA shop TO {owner}; "
        f"ALTER TABLE shop.theirs OWNER TO {owner}"
    )
    scene.user(name=account)
    scene.sql(f"SET ROLE {owner}; GRANT SELECT ON shop.theirs TO {account}")
    refused(scene, f"from {owner}, for whom the login postgres cannot act", name=account, grants=[])
    refused(
        scene,
        f"belongs to {owner}",
        name=account,
        purge_grants=False,
        grants=[{"on": "shop.theirs", "privileges": ["INSERT"]}],
    )
    scene.sql(
        f"REVOKE rds_iam FROM {owner}; GRANT {owner} TO postgres"
        + (" WITH INHERIT FALSE, SET TRUE" if scene.major >= 16 else "")
    )
    converge(partial(scene.user, name=account, grants=[{"on": "shop.theirs", "privileges": ["INSERT"]}]))
    converge(
        partial(scene.user, name=account, grants=[{"on": "FUTURE TABLES", "privileges": ["SELECT"], "owner": owner}])
    )
    converge(partial(scene.user, name=account, grants=[]))


def test_a_mistake_in_one_element_names_it(scene: Scene, account: str) -> None:
    shut = f"{scene.database}_shut"
    scene.admin.sql(scene.cluster, f"CREATE DATABASE {shut} ALLOW_CONNECTIONS false")
    grants: list[dict[str, Any]] = [{"on": "shop.orders", "privileges": ["SELECT"]}]
    grants.append({**grants[0], "database": shut})
    refused(scene, rf"account {account} .*, grants\[1\]: the login .* may not connect", name=account, grants=grants)
    scene.admin.sql(scene.cluster, f"DROP DATABASE {shut}")
    if scene.major < 17:
        grants[1] = {"on": "shop.orders", "privileges": ["MAINTAIN"]}
        with pytest.raises(UnknownPrivilege, match=rf"account {account} .*, grants\[1\]: MAINTAIN came with"):
            scene.user(name=account, grants=grants)


def test_a_grant_option_that_was_used(scene: Scene, account: str) -> None:
    other = scene.role("other")
    task = partial(
        scene.user, name=account, grants=[{"on": "shop.orders", "privileges": ["SELECT"], "grant_option": True}]
    )
    task()
    scene.sql(f"GRANT USAGE ON SCHEMA shop TO {account}; SET ROLE {account}; GRANT SELECT ON shop.orders TO {other}")
    refused(scene, f"on to {other}", name=account, grants=[])
    refused(
        scene,
        f"granted SELECT on TABLE shop.orders in database {scene.database} to {other}",
        name=account,
        state="absent",
    )


def test_what_an_account_owns_is_in_the_way_of_its_drop(scene: Scene, account: str) -> None:
    scene.user(name=account)
    scene.sql(
        f"CREATE SCHEMA AUTHORIZATION {account}; CREATE TABLE {account}.t (id int); "
        f"ALTER TABLE {account}.t OWNER TO {account}; "
        f"ALTER DEFAULT PRIVILEGES FOR ROLE {account} GRANT SELECT ON TABLES TO postgres"
    )
    refused(scene, f"schema {account}.*table {account}.t", name=account, state="absent")
    # what it has there by ownership is no grant, declared or not
    assert_settled(partial(scene.user, name=account, grants=[]))
    assert_settled(partial(scene.user, name=account, grants=[{"on": f"{account}.t", "privileges": ["SELECT"]}]))
    scene.sql(f"DROP OWNED BY {account}")
    converge(partial(scene.user, name=account, state="absent"))


def test_what_public_still_gives(scene: Scene, account: str) -> None:
    scene.user(name=account, grants=[{"on": "FUNCTION shop.f()", "privileges": ["EXECUTE"]}])
    result = converge(partial(scene.user, name=account, grants=[]))
    assert any("because PUBLIC has" in warning for warning in result["warnings"])


def test_a_table_has_room_for_so_many_grantees(scene: Scene, account: str) -> None:
    scene.sql("CREATE TABLE shop.crowded (id int)", master=True)
    crowd = [f"{scene.database}_crowd_{number}" for number in range(2400)]
    for start in range(0, len(crowd), 400):
        scene.sql(";".join(f"CREATE ROLE {name}" for name in crowd[start : start + 400]), master=True)
    try:
        scene.sql(f"GRANT SELECT ON shop.crowded TO {', '.join(crowd)}", master=True)
        refused(scene, "group role", name=account, grants=[{"on": "shop.crowded", "privileges": ["SELECT"]}])
    finally:
        scene.sql("DROP TABLE shop.crowded", master=True)
        for start in range(0, len(crowd), 400):
            scene.sql(f"DROP ROLE {', '.join(crowd[start : start + 400])}")


@pytest.mark.direct("its runs are processes of their own, which connect")
def test_parallel_runs_wait_for_each_other(scene: Scene, account: str) -> None:
    """Different accounts, the same table and database: without a lock, "tuple concurrently updated"."""
    grants = [
        {"on": "shop.orders", "privileges": ["SELECT"]},
        {"on": "DATABASE", "privileges": ["CONNECT"], "database": scene.database},
    ]
    names = [f"{account}_{number}" for number in range(6)]
    python = (
        "import sys, json; from tests.integration.tasks import Tasks; from tests.sandbox.clients import read_state; "
        "tasks = Tasks(read_state()); [tasks.user(**options) for options in json.loads(sys.argv[1])]"
    )

    def run(options: dict[str, Any]) -> str:
        made = {**options, "cluster": scene.cluster}
        gone = {name: made[name] for name in ("cluster", "name", "login_db")}
        return in_another_process(python, [made, {**gone, "state": "absent"}])

    wanted = [
        {"name": name, "grants": grants, "login_db": scene.database if index % 2 else scene.cluster}
        for index, name in enumerate(names)
    ]
    for options in wanted:
        options["grants"] = [{"database": scene.database, **grant} for grant in grants]
    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(run, wanted)) == [""] * 6


def in_another_process(code: str, options: list[dict[str, Any]]) -> str:
    """What it complained of; empty if it went well."""
    result = subprocess.run(
        [sys.executable, "-c", code, json.dumps(options)],
        cwd=CHECKOUT,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT / ".cache" / "collections")},
        capture_output=True,
        text=True,
        check=False,
    )
    return result.stderr[-2000:] if result.returncode else ""


def test_unlisted_accounts(scene: Scene, account: str) -> None:
    """Others on this cluster are not touched: they are listed as they are."""
    keep = [
        {"name": name}
        for (name,) in scene.sql(
            "SELECT m.rolname FROM pg_auth_members a JOIN pg_roles m ON m.oid = a.member "
            "JOIN pg_roles r ON r.oid = a.roleid "
            "WHERE r.rolname = 'rds_iam' AND m.rolname NOT IN ('postgres', 'rds_superuser')"
        )
        if not name.startswith("rds")
    ]
    stray = [f"{account}_{word}" for word in ("a", "b")]
    grants = [{"on": "shop.orders", "privileges": ["SELECT"]}]
    scene.users([{"name": name, "grants": grants} for name in stray], "keep")
    locked = converge(partial(scene.users, users=keep, unlisted="lock"))
    assert set(stray) <= {str(name) for name in locked["unlisted"]}
    dropped = converge(partial(scene.users, users=keep, unlisted="drop"))
    assert set(stray) <= {str(name) for name in dropped["unlisted"]}
    assert scene.sql(f"SELECT FROM pg_roles WHERE rolname LIKE '{account}%'") == []

# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every level of MySQL's privileges: check, apply, check, apply, drift by hand, repair; on both values of
``partial_revokes``, which decides whether the database of a grant is a pattern."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pymysql
import pytest

from tests.integration.administration import Administration
from tests.integration.master import direct_options
from tests.integration.mysql.grant_cases import CASES, SCENE
from tests.integration.mysql.scene import CLUSTERS, connection
from tests.integration.tasks import Result, TaskFailed, Tasks, assert_settled, converge, refused_alike
from tests.sandbox.clients import State

Task = Callable[..., Result]


@pytest.fixture(scope="module", params=CLUSTERS)
def cluster(request: pytest.FixtureRequest, admin: Administration) -> str:
    name: str = request.param
    admin.sql(name, "; ".join(SCENE))
    return name


@pytest.fixture
def user(tasks: Tasks, state: State, cluster: str, account: str) -> Iterator[Task]:
    direct = direct_options(state, cluster)

    def task(**options: Any) -> Result:
        return tasks.user(name=account, **direct, **options)

    yield task
    task(state="absent")


@pytest.fixture
def sql(admin: Administration, cluster: str, account: str) -> Callable[[str], list[tuple[str, ...]]]:
    """Runs SQL as the superuser, with {account} and databases filled in as this server takes them."""
    escapes = cluster == "warehouse"
    names = {
        "account": f"`{account}`@`%`",
        "my_shop": "`my\\_shop`" if escapes else "`my_shop`",
        "odd": "`a.b``/@'\\%`" if escapes else "`a.b``/@'%`",
    }
    return lambda text: admin.sql(cluster, text.format(**names))


@pytest.mark.parametrize("case", CASES)
def test_every_level(user: Task, sql: Callable[[str], Any], case: str):
    grants, takes, adds = CASES[case]

    def task(**mode: Any) -> Result:
        return user(grants=[grants], **mode)

    made = converge(task)["account"]
    held = sql("SHOW GRANTS FOR {account}")
    for drift in (takes, adds):
        sql(drift)
        assert converge(task)["account"] == made
        assert sql("SHOW GRANTS FOR {account}") == held
    assert_settled(lambda **mode: user(grants=made["grants"], **mode))
    assert converge(lambda **mode: user(grants=[], **mode))["account"]["grants"] == []
    assert len(sql("SHOW GRANTS FOR {account}")) == 1, "USAGE remains"


def test_an_underscore_reaches_no_other_database(user: Task, state: State, cluster: str, account: str):
    user(grants=[{"on": "my_shop.*", "privileges": ["SELECT"]}])
    with connection(state, cluster, account) as session, session.cursor() as cursor:
        cursor.execute("SELECT id FROM my_shop.t")
        with pytest.raises(pymysql.err.OperationalError, match="denied"):
            cursor.execute("SELECT id FROM myXshop.t")


@pytest.mark.direct("on a cluster that the Data API's tests do not start")
def test_a_wildcard_made_by_hand_becomes_the_database_that_is_asked_for(
    tasks: Tasks, admin: Administration, account: str
):
    admin.sql("warehouse", "; ".join(SCENE))

    def task(**mode: Any) -> Result:
        grants = [{"on": "my_shop.*", "privileges": ["SELECT"]}]
        return tasks.user(cluster="warehouse", name=account, grants=grants, **mode)

    task()
    admin.sql("warehouse", f"REVOKE SELECT ON `my\\_shop`.* FROM {account}; GRANT SELECT ON `my_shop`.* TO {account}")
    repaired = converge(task)
    assert "PATTERN `my_shop`.*" in repaired["diff"]["before"]
    assert "PATTERN" not in repaired["diff"]["after"]


def test_partial_revokes_stay(tasks: Tasks, admin: Administration, account: str):
    admin.sql(
        "orders",
        f"CREATE USER {account} IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS'; "
        f"GRANT SELECT, INSERT ON *.* TO {account}; REVOKE SELECT ON mysql.* FROM {account}; "
        f"REVOKE INSERT ON mysql.* FROM {account}; REVOKE INSERT ON orders.* FROM {account}",
    )

    def held() -> set[str]:
        return {row[0] for row in admin.sql("orders", f"SHOW GRANTS FOR {account}") if row[0].startswith("REVOKE")}

    def task(*privileges: str, **options: Any) -> Result:
        grants = [{"on": "*.*", "privileges": list(privileges), **options}]
        return converge(lambda **mode: tasks.user(cluster="orders", name=account, grants=grants, **mode))

    before = held()
    assert len(before) == 2
    task("SELECT", "INSERT", "SHOW_ROUTINE", grant_option=True)
    task("SELECT", "INSERT", "DELETE")
    task("SELECT", "INSERT")
    assert held() == before
    with pytest.raises(TaskFailed, match="partial revoke for orders"):
        tasks.user(
            cluster="orders",
            name=account,
            purge_grants=False,
            grants=[{"on": "orders.*", "privileges": ["INSERT"]}],
        )


def test_default_roles_stay_and_new_ones_are_active(user: Task, sql: Callable[[str], Any], state: State, cluster: str):
    made = converge(lambda **mode: user(roles=["shop_reader", "shop@corp"], **mode))
    assert made["account"]["roles"] == ["shop@corp", "shop_reader"]
    sql("SET DEFAULT ROLE `shop@corp` TO {account}")
    converge(lambda **mode: user(roles=["shop_writer"], purge_roles=False, **mode))
    assert "DEFAULT ROLE `shop@corp`@`%`,`shop_writer`@`%` " in sql("SHOW CREATE USER {account}")[0][0]
    with connection(state, cluster, made["account"]["name"]) as session, session.cursor() as cursor:
        cursor.execute("SELECT CURRENT_ROLE()")
        assert cursor.fetchone() == ("`shop@corp`@`%`,`shop_writer`@`%`",)
    converge(lambda **mode: user(roles=[], **mode))


@pytest.mark.parametrize(
    "privileges", [[], ["SELECT (email)"], ["INSERT"], ["REFERENCES (EMAIL, ID)", "INSERT (`a,b`)", "SELECT (id)"]]
)
def test_columns_granted_in_two_spellings(user: Task, sql: Callable[[str], Any], privileges: list[str]):
    user()
    for granted in ("SELECT (id), UPDATE (email)", "REFERENCES (ID, EMAIL), INDEX", "UPDATE (EMAIL)"):
        sql(f"GRANT {granted} ON shop.orders TO {{account}}")
    as_it_is = user()["account"]["grants"]
    assert_settled(lambda **mode: user(grants=as_it_is, **mode))
    wish = [{"on": "shop.orders", "privileges": privileges}] if privileges else []
    remedy = refused_alike(lambda **mode: user(grants=wish, **mode)).partition("run the task again: ")[2]
    assert remedy.startswith("GRANT ")
    sql(remedy)
    converge(lambda **mode: user(grants=wish, **mode))
    in_effect = sql("SHOW GRANTS FOR {account}")
    assert sql("FLUSH PRIVILEGES; SHOW GRANTS FOR {account}") == in_effect


def test_roles_revoked_by_hand_come_back(
    user: Task, sql: Callable[[str], Any], cluster: str, tasks: Tasks, account: str
):
    """A default role set for two accounts at once stays in the server's memory when it is revoked."""
    tasks.user(cluster=cluster, name=f"{account}_2", roles=["shop_reader"])
    user(roles=["shop_reader"])
    sql(f"SET DEFAULT ROLE shop_reader TO `{account}_2`, {{account}}; REVOKE shop_reader FROM {{account}}")
    converge(lambda **mode: user(roles=["shop_reader"], **mode))


def test_a_conversion_keeps_everything(user: Task, sql: Callable[[str], Any]):
    sql(
        "CREATE USER {account} IDENTIFIED BY 'Pa55word!' REQUIRE X509 WITH MAX_QUERIES_PER_HOUR 7 "
        "MAX_USER_CONNECTIONS 3 ACCOUNT LOCK COMMENT 'hers'; GRANT SELECT ON shop.* TO {account} WITH GRANT OPTION; "
        "GRANT shop_reader TO {account} WITH ADMIN OPTION; ALTER USER {account} DEFAULT ROLE shop_reader"
    )
    grants = sql("SHOW GRANTS FOR {account}")
    result = converge(lambda **mode: user(convert=True, **mode))
    assert sql("SHOW GRANTS FOR {account}") == grants
    (definition,) = sql("SHOW CREATE USER {account}")[0]
    for kept in ("REQUIRE X509", "MAX_QUERIES_PER_HOUR 7", "MAX_USER_CONNECTIONS 3", "ACCOUNT LOCK", "shop_reader"):
        assert kept in definition
    assert result["account"]["comment"] == "hers"
    assert "REQUIRE NONE" in converge(lambda **mode: user(require_tls=False, **mode))["statements"][0]


def test_a_definer_is_not_dropped(user: Task, sql: Callable[[str], Any], cluster: str):
    user()
    sql("CREATE OR REPLACE DEFINER={account} VIEW shop.hers AS SELECT 1 AS x; GRANT {account} TO shop_writer")
    for check in (True, False):
        with pytest.raises(TaskFailed, match=r"it is the definer of view shop\.hers; it is a role of shop_writer@%"):
            user(state="absent", check=check)
    sql("DROP VIEW shop.hers; REVOKE {account} FROM shop_writer")
    converge(lambda **mode: user(state="absent", **mode))


def test_a_reader_never_loses_what_stays(user: Task, state: State, cluster: str, account: str):
    """Each round adds and takes away around the SELECT that a session uses all the time."""
    narrow = [{"on": "shop.*", "privileges": ["SELECT"]}]
    wide = [
        {"on": "shop.*", "privileges": ["SELECT", "INSERT"], "grant_option": True},
        {"on": "*.*", "privileges": ["PROCESS"]},
    ]
    user(grants=narrow)
    done, failures, reads = threading.Event(), [], []

    def read() -> None:
        with connection(state, cluster, account) as session, session.cursor() as cursor:
            while not done.is_set():
                try:
                    reads.append(cursor.execute("SELECT COUNT(*) FROM shop.orders"))
                except pymysql.MySQLError as error:
                    failures.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for _round in range(5):
            user(grants=wide)
            user(grants=narrow)
    finally:
        done.set()
        reader.join()
    assert reads
    assert failures == []


@pytest.mark.direct("is about the privileges of a login")
def test_a_dynamic_privilege_is_revoked_by_who_may_grant_it_or_write_to_mysql(tasks, admin, clerk, cluster, account):
    admin.sql(cluster, f"CREATE USER {account} IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS' REQUIRE SSL")
    admin.sql(cluster, f"GRANT XA_RECOVER_ADMIN ON *.* TO {account}")
    login = clerk("XA_RECOVER_ADMIN ON *.*")

    def revoke(**mode: bool) -> Result:
        return tasks.user(**login, name=account, grants=[], comment="x", **mode)

    assert "may not revoke XA_RECOVER_ADMIN on *.*" in refused_alike(revoke)
    assert admin.sql(cluster, f"SELECT User_attributes FROM mysql.user WHERE User = '{account}'") == [("NULL",)]
    admin.sql(cluster, f"GRANT UPDATE ON mysql.* TO {login['login_user']}")
    converge(revoke)


def test_what_the_server_grants_the_creator_of_a_routine_stays(
    user: Task, sql: Callable[[str], Any], state: State, cluster: str, tasks: Tasks, account: str
):
    """Unless the task is about the routine."""
    grants = [{"on": "shop.*", "privileges": ["CREATE ROUTINE"]}]
    user(grants=grants)
    with connection(state, cluster, account) as session, session.cursor() as cursor:
        cursor.execute(f"CREATE PROCEDURE shop.{account}() DO 0")
        for wanted in (grants, []):
            user(grants=wanted)
            assert_settled(lambda wanted=wanted, **mode: user(grants=wanted, **mode))
            cursor.execute(f"CALL shop.{account}()")
    facts = tasks.facts(names=[account], gather_subset=["accounts", "grants"], cluster=cluster)["accounts"][0]
    own = {"on": f"PROCEDURE shop.{account}", "privileges": ["ALL"]}
    assert (facts["grants"], facts["creator_grants"]) == ([], [own])
    assert_settled(lambda **mode: user(grants=[own], **mode))
    converge(lambda **mode: user(grants=[{**own, "privileges": ["EXECUTE"]}], **mode))
    assert_settled(lambda **mode: user(grants=[{**own, "privileges": ["EXECUTE"]}], **mode))
    sql(f"DROP PROCEDURE shop.{account}")

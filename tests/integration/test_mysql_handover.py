# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Code whose definer leaves MySQL: handed over byte for byte, dropped, or named in the refusal."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pymysql
import pytest

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.leaving.steps import CodeStep
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.session import MySQLSession
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import ConnectionLost, StatementFailed
from ansible_collections.dbops.aurora_iam.plugins.module_utils._plan import Statement
from tests.integration import mysql_scene
from tests.integration.conftest import Administration
from tests.integration.interruptions import eventually
from tests.integration.mysql_code import CODE, FACTS, GRANTS, LISTS, TABLES, Schema
from tests.integration.tasks import Result, TaskFailed, Tasks, converge
from tests.integration.test_refusals import master_login
from tests.sandbox.clients import State

pytestmark = [pytest.mark.mysql, pytest.mark.direct("code is handed over on a connection only")]
IAM = "IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS'"


@pytest.fixture(params=["orders", "warehouse"])
def cluster(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def schema(admin: Administration, cluster: str, account: str) -> Iterator[Schema]:
    trusted = admin.sql(cluster, "SELECT @@log_bin_trust_function_creators")[0][0]
    admin.sql(cluster, f"SET GLOBAL log_bin_trust_function_creators = 1; CREATE DATABASE `s-{account}`")
    schema = Schema(admin, cluster, f"s-{account}")
    schema.sql(TABLES)
    yield schema
    admin.sql(cluster, f"DROP DATABASE `s-{account}`; SET GLOBAL log_bin_trust_function_creators = {trusted}")


@pytest.fixture
def heir(schema: Schema, account: str) -> str:
    """May do as much in the schema as the leaver; beside them a grantee of the leaver's code."""
    names = f"{account}, heir_{account}"
    schema.sql(f"CREATE USER {account} {IAM}, heir_{account} {IAM}, reader_{account}, reader_{account}@'10.%'")
    schema.sql(f"GRANT ALL ON `{schema.name.replace('_', chr(92) + '_')}`.* TO {names}")
    if schema.sql("SELECT @@partial_revokes") == [("1",)]:
        schema.sql(f"GRANT ALL ON `{schema.name}`.* TO {names}")
    return f"heir_{account}"


@pytest.fixture
def drop(tasks: Tasks, cluster: str, account: str) -> Callable[..., Result]:
    return lambda **options: tasks.user(cluster=cluster, name=account, state="absent", **options)


def as_master(state: State, cluster: str, database: str) -> Any:
    login = master_login(state, cluster)
    return pymysql.connect(
        host=login["login_host"],
        port=login["login_port"],
        user=login["login_user"],
        password=login["login_password"],
        ssl={"ca": state["ca_cert"]},
        autocommit=True,
        database=database,
    )


@pytest.fixture
def make_code(state: State, cluster: str, schema: Schema, account: str) -> Callable[..., None]:
    """As a client that speaks the character set ``client``."""

    def make(client: str = "utf8mb4", collation: str = "utf8mb4_0900_ai_ci", code: tuple[str, ...] = CODE) -> None:
        connection = as_master(state, cluster, schema.name)
        connection.query(f"SET character_set_client = {client}, collation_connection = {collation}")
        codec = {"latin1": "cp1252"}.get(client, "utf-8")
        for statement in code:
            connection.query(statement.format(definer=account, letter="ü" if codec == "utf-8" else "ue").encode(codec))
        connection.close()
        schema.sql(
            f"GRANT EXECUTE ON PROCEDURE `Pro \"c``` TO reader_{account}@'10.%' WITH GRANT OPTION; "
            f"GRANT EXECUTE, ALTER ROUTINE ON FUNCTION f TO reader_{account}; "
            f"GRANT SELECT ON v TO reader_{account}; GRANT EXECUTE ON FUNCTION f TO heir_{account}"
        )

    return make


def handed_over(snapshot: dict[str, Any], account: str, heir: str) -> dict[str, Any]:
    def renamed(value: Any) -> Any:
        if isinstance(value, str):
            return value.replace(f"`{account}`@", f"`{heir}`@").replace(f'"{account}"@', f'"{heir}"@')
        return type(value)(map(renamed, value)) if isinstance(value, (list, tuple)) else value

    return {key: renamed(value) for key, value in snapshot.items()}


@pytest.mark.parametrize(
    ("client", "connection"),
    [("utf8mb4", "utf8mb4_0900_ai_ci"), ("latin1", "latin1_german1_ci"), ("utf8mb3", "utf8mb3_bin")],
)
def test_code_is_handed_over_byte_for_byte(drop, schema, make_code, heir, account, client, connection):
    make_code(client, connection)
    before = schema.snapshot()
    gone = converge(lambda **mode: drop(owned_objects="reassign", reassign_owned_to=heir, **mode))
    assert handed_over(before, account, heir) == schema.snapshot()
    assert not schema.has(account)
    assert gone["statements"][0] == f"ALTER USER `{account}`@`%` ACCOUNT LOCK"
    assert gone["statements"][-1] == f"DROP USER `{account}`@`%`"
    (warning,) = {str(text) for text in gone["warnings"] if f"with the rights of {heir}@%" in str(text)}
    assert f"trigger {schema.name}.t2" in warning


def test_code_is_dropped_when_told(drop, schema, make_code, heir, account):
    make_code()
    converge(lambda **mode: drop(owned_objects="drop", **mode))
    assert [row[0] for text in LISTS.values() for row in schema.sql(text)] == ["t1", "t3"]
    assert not schema.has(account)


@pytest.mark.parametrize("check", [True, False])
def test_code_in_the_way_is_named(drop, schema, make_code, heir, account, check):
    make_code()
    schema.sql(f"GRANT {account} TO reader_{account}; GRANT PROXY ON {account} TO {heir}")
    before = schema.snapshot()
    with pytest.raises(TaskFailed, match="cannot be dropped") as failure:
        drop(check=check)
    named = failure.value.result["in_the_way"][f"{account}@%"]
    for item in ("view", "procedure", "function", "trigger", "event"):
        assert any(f"it is the definer of {item} {schema.name}." in text for text in named)
    assert named[-2:] == [f"it is a role of reader_{account}@%", f"{heir}@% may act as it (PROXY)"]
    assert schema.snapshot() == before
    assert schema.sql(f"SELECT account_locked FROM mysql.user WHERE User = '{account}'") == [("N",)]


@pytest.mark.parametrize("check", [True, False])
def test_code_is_not_handed_to_somebody_with_more_rights(drop, schema, make_code, heir, account, check):
    make_code()
    schema.sql(f"CREATE ROLE role_{account}; GRANT PROCESS ON *.* TO role_{account}; GRANT role_{account} TO {heir}")
    with pytest.raises(
        TaskFailed, match=r"has rights that .* has not \(PROCESS on \*\.\*\).*set reassign_code"
    ) as failure:
        drop(owned_objects="reassign", reassign_owned_to=heir, check=check)
    code = failure.value.result["code_handed_over"]
    assert f"view {schema.name}.v" in code
    assert f"view {schema.name}.w" not in code, "it runs as whoever reads it"
    if not check:
        drop(owned_objects="reassign", reassign_owned_to=heir, reassign_code=True)
        assert not schema.has(account)


@pytest.mark.parametrize(
    ("to", "says"),
    [
        ("nobody_at_all", "nobody_at_all does not exist on cluster"),
        ("{account}", "leaves in this very task"),
        ("rdsrepladmin", "is reserved for the Aurora service"),
    ],
)
def test_who_cannot_get_code(drop, schema, heir, account, to, says):
    with pytest.raises(TaskFailed, match=says):
        drop(owned_objects="reassign", reassign_owned_to=to.format(account=account))
    assert schema.has(account)


def test_what_cannot_be_made_again_is_named_before_anything_happens(drop, schema, make_code, heir, account):
    make_code()
    before = schema.snapshot()
    for spoil, says, repair in (
        ("ALTER TABLE t RENAME TO u", "refers to something that is not there", "ALTER TABLE u RENAME TO t"),
        (
            f"ALTER DATABASE `{schema.name}` COLLATE utf8mb4_bin",
            "its database's collation was utf8mb4_0900_ai_ci",
            f"ALTER DATABASE `{schema.name}` COLLATE utf8mb4_0900_ai_ci",
        ),
    ):
        schema.sql(spoil)
        with pytest.raises(TaskFailed, match=says):
            drop(owned_objects="reassign", reassign_owned_to=heir)
        schema.sql(repair)
        assert schema.snapshot() == before


def test_a_server_that_lets_nobody_create_functions(drop, schema, make_code, heir, account):
    make_code()
    schema.sql("SET GLOBAL log_bin_trust_function_creators = 0")
    before = schema.snapshot()
    if schema.sql("SELECT @@log_bin") == [("1",)]:
        with pytest.raises(TaskFailed, match="log_bin_trust_function_creators is OFF"):
            drop(owned_objects="reassign", reassign_owned_to=heir)
        assert schema.snapshot() == before
    else:
        drop(owned_objects="reassign", reassign_owned_to=heir)
        assert handed_over(before, account, heir) == schema.snapshot()


@pytest.mark.parametrize(("client", "mode"), [("latin1", ""), ("utf8mb4", "NO_BACKSLASH_ESCAPES")])
def test_a_comment_that_the_server_garbles(drop, schema, make_code, heir, account, client, mode):
    make_code()
    garbled = f"CREATE DEFINER = {{definer}} PROCEDURE g() COMMENT '{chr(92) if mode else 'ü'}' DO 1"
    make_code(client, f"{client}_bin", code=(f"SET sql_mode = '{mode}'", garbled))
    with pytest.raises(TaskFailed, match=r"procedure .*\.g of .* cannot be given another definer: its comment"):
        drop(owned_objects="reassign", reassign_owned_to=heir)
    assert schema.has(account)


def test_a_failure_half_way_leaves_the_account_locked_and_nothing_lost(
    state, cluster, drop, schema, make_code, heir, account
):
    make_code()
    before = schema.snapshot()
    reader = as_master(state, cluster, schema.name)
    reader.query("LOCK TABLES t READ")
    with pytest.raises(TaskFailed, match=r"refused a statement: Lock wait timeout") as failure:
        drop(owned_objects="reassign", reassign_owned_to=heir, lock_timeout=1)
    reader.close()
    assert failure.value.result["statements_executed"][0] == f"ALTER USER `{account}`@`%` ACCOUNT LOCK"
    assert schema.sql(f"SELECT account_locked FROM mysql.user WHERE User = '{account}'") == [("Y",)]
    assert handed_over(before, account, heir) == handed_over(schema.snapshot(), account, heir)
    drop(owned_objects="reassign", reassign_owned_to=heir)
    assert handed_over(before, account, heir) == schema.snapshot()
    assert not schema.has(account)


def test_a_run_that_broke_off_is_finished_from_the_copy(state, cluster, drop, schema, make_code, heir, account):
    """Between DROP and CREATE of a routine the copy is there."""
    make_code()
    before = schema.snapshot()
    kept = schema.sql("SHOW CREATE FUNCTION f")[0][2].replace("\\n", "\n")
    copy = kept.replace(f'"{account}"', f'"{heir}"').replace('FUNCTION "f"', 'FUNCTION "aurora_iam:f"')
    connection = as_master(state, cluster, schema.name)
    connection.query("SET sql_mode = 'PIPES_AS_CONCAT,ANSI_QUOTES'")
    connection.query(copy)
    connection.close()
    schema.sql(
        f"GRANT EXECUTE, ALTER ROUTINE ON FUNCTION `aurora_iam:f` TO reader_{account}; "
        f"GRANT EXECUTE ON FUNCTION `aurora_iam:f` TO heir_{account}; DROP FUNCTION f"
    )
    drop(owned_objects="reassign", reassign_owned_to=heir)
    after = schema.snapshot()
    assert after["FUNCTION f"] == handed_over(before, account, heir)["FUNCTION f"]
    assert after[GRANTS] == before[GRANTS]
    assert not [name for name in after if "aurora_iam:" in name]


def open_session(state, cluster) -> MySQLSession:
    return MySQLSession(mysql_scene.master_login(state, cluster))


def test_what_cannot_be_made_after_it_was_dropped_is_made_as_it_was(state, cluster, schema, make_code, heir, account):
    make_code()
    before = schema.snapshot()
    create = Statement(
        f"CREATE DEFINER=`{account}`@`%` TRIGGER `t2` BEFORE INSERT ON `t` FOR EACH ROW FOLLOWS `t1` DO 1"
    )
    broken = CodeStep(
        (Statement(f"USE `{schema.name}`"), Statement("DROP TRIGGER t2"), Statement("CREATE TRIGGER t2 NONSENSE")),
        endings=(2,),
        undo=(create,),
    )
    session = open_session(state, cluster)
    with pytest.raises(StatementFailed, match="NONSENSE") as failure:
        session.run(broken)
    session.close()
    assert failure.value.details["executed_in_step"] == [statement.text for statement in broken.statements[:2]]
    assert schema.snapshot()["TRIGGER t2"][2].endswith("FOR EACH ROW DO 1")
    assert schema.snapshot()[FACTS[0]] == before[FACTS[0]], "its place among the triggers"


def test_what_was_dropped_when_the_session_broke_is_made_by_the_next(state, cluster, schema, make_code, heir, account):
    make_code()
    create = Statement(f"CREATE DEFINER=`{account}`@`%` TRIGGER `t2` BEFORE INSERT ON `t` FOR EACH ROW DO 1")
    texts = ("SET SESSION sql_mode = 'ANSI_QUOTES'", f"USE `{schema.name}`", "DROP TRIGGER t2", "DO SLEEP(20)")
    slow = CodeStep((*map(Statement, texts), create), endings=(4,), undo=(create,))
    session = open_session(state, cluster)
    (number,) = session.query("SELECT CONNECTION_ID()")[0]
    sleeping = f"SELECT 1 FROM performance_schema.processlist WHERE id = {number} AND info LIKE 'DO SLEEP%'"

    def kill() -> None:
        eventually(lambda: schema.sql(sleeping) == [("1",)])
        schema.sql(f"KILL CONNECTION {number}")

    killer = threading.Thread(target=kill)
    killer.start()
    with pytest.raises(ConnectionLost) as lost:
        session.run(slow)
    killer.join()
    assert lost.value.details["perhaps_lacking"] == [create.text]
    assert "TRIGGER t2" not in schema.snapshot()

    again = open_session(state, cluster)
    for _time in range(2):  # the second time it is there
        lost.value.repair(again)
        assert schema.snapshot()["TRIGGER t2"][2].endswith("FOR EACH ROW DO 1")
    again.close()

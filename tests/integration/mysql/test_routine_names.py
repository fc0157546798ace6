# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Privileges on routines whose names, or those of the account or the database, have letters outside ASCII: the server
loses them when it reads its grant tables again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pymysql
import pytest

from tests.integration.administration import Administration
from tests.integration.mysql.scene import connection
from tests.integration.tasks import Result, Tasks, assert_settled, converge, refused_alike
from tests.sandbox.clients import State

pytestmark = pytest.mark.mysql
CLUSTER = "orders"
ROUTINES = ("dé.p", "dx.pü", "dx.p名…")
"""The last has bytes that Windows' latin1 leaves out, and some that it has elsewhere."""


@pytest.fixture
def sql(admin: Administration) -> Callable[[str], Any]:
    return lambda statement: admin.sql(CLUSTER, statement)


@pytest.fixture
def routines(sql) -> Iterator[None]:
    sql("CREATE DATABASE dé; CREATE DATABASE dx; CREATE PROCEDURE dx.p() DO 0; CREATE PROCEDURE dé.p() DO 0")
    sql("CREATE PROCEDURE dx.pü() DO 0; CREATE PROCEDURE dx.`p名…`() DO 0")
    yield
    sql("DROP DATABASE dé; DROP DATABASE dx")


@pytest.fixture(params=["", "_ö"])
def user(request, tasks: Tasks, sql, account: str) -> Iterator[Callable[..., Result]]:
    """The name of the account itself has a letter outside ASCII, or not."""
    name = account + request.param
    yield partial(tasks.user, name=name, cluster=CLUSTER)
    sql(f"DROP USER IF EXISTS `{name}`; DELETE FROM mysql.procs_priv WHERE User LIKE '{account}%'")


def quoted(routine: str) -> str:
    return ".".join(f"`{part}`" for part in routine.split("."))


def on(routine: str) -> dict[str, Any]:
    return {"privileges": ["EXECUTE"], "on": f"PROCEDURE {quoted(routine)}"}


@pytest.mark.usefixtures("routines")
@pytest.mark.parametrize("routine", [*ROUTINES, "dx.p"])
def test_such_privileges_are_refused(user, sql, routine: str):
    name = user.keywords["name"]
    if (name + routine).isascii():
        converge(partial(user, grants=[on(routine)]))
        return
    message = refused_alike(partial(user, grants=[on(routine)]))
    assert "when it restarts, because a name has letters outside ASCII. Grant it on `d" in message
    assert ("to a role with an ASCII name" in message) is routine.isascii()
    database = quoted(routine).partition(".")[0]
    grants = [{"privileges": ["EXECUTE"], "on": f"{database}.*"}]
    converge(partial(user, grants=grants))
    sql("FLUSH PRIVILEGES")
    assert_settled(partial(user, grants=grants))


@pytest.mark.usefixtures("routines")
def test_what_is_left_of_a_dropped_routine_is_nothing(user, sql, state: State, account: str):
    """The server does not find the rows of its grants: neither to delete them with the routine, nor to revoke them, nor
    to let anybody execute another one of that name."""
    name = user.keywords["name"]
    user()
    for routine in ROUTINES:
        sql(f"GRANT EXECUTE ON PROCEDURE {quoted(routine)} TO `{name}`")
    sql("FLUSH PRIVILEGES; " + "".join(f"DROP PROCEDURE {quoted(routine)}; " for routine in ROUTINES))
    if name.isascii():
        assert len(sql(f"SELECT * FROM mysql.procs_priv WHERE User = '{name}'")) == len(ROUTINES)
    converge(partial(user, grants=[], comment="x"))
    sql("CREATE PROCEDURE dx.pü() DO 0")
    session = connection(state, CLUSTER, name)
    with pytest.raises(pymysql.OperationalError, match="execute command denied"):
        session.cursor().execute("CALL dx.pü()")
    session.close()


@pytest.mark.usefixtures("routines")
@pytest.mark.parametrize("lost", [False, True])
def test_what_is_there_is_read_and_revoked(user, tasks: Tasks, sql, account: str, lost: bool):
    """Also when the server knows nothing of it any more, and refuses to revoke it (1403)."""
    name = user.keywords["name"]
    user()
    for routine in ROUTINES:
        sql(f"GRANT EXECUTE, ALTER ROUTINE ON PROCEDURE {quoted(routine)} TO `{name}` WITH GRANT OPTION")
    if lost:
        sql("FLUSH PRIVILEGES")
    facts = tasks.facts(names=[name], gather_subset=["accounts", "grants"], cluster=CLUSTER)
    found = facts["accounts"][0]["grants"]
    assert {each["on"].replace("`", "") for each in found} == {f"PROCEDURE {routine}" for routine in ROUTINES}
    assert_settled(partial(user, grants=found))
    converge(partial(user, grants=[{**found[0], "privileges": ["EXECUTE"]}, *found[1:]]))
    converge(partial(user, grants=found[1:2]))
    converge(partial(user, grants=[]))
    assert sql(f"FLUSH PRIVILEGES; SHOW GRANTS FOR `{name}`") == [(f"GRANT USAGE ON *.* TO `{name}`@`%`",)]
    assert sql(f"SELECT * FROM mysql.procs_priv WHERE User LIKE '{account}%'") == []

# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""From any state of some MySQL accounts to any other: the plan holds, nothing is left to do, and the server agrees.

What is declared is expanded here once more, simply, and compared with what the server has in memory
(information_schema), not with the grant tables that the engine reads.

AURORA_IAM_EXAMPLES sets how many examples are tried on each server.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.base import Session
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.engine import MySQLEngine
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.names import (
    is_reserved,
    sql_account,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._login import Login
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import AccountRequest, GrantRequest
from tests.integration.administration import Administration
from tests.integration.histories import History, assert_each_state_is_reached, histories, written_privileges
from tests.integration.master import master_login
from tests.integration.mysql.scene import CLUSTERS
from tests.integration.tasks import examples
from tests.sandbox.clients import State

ENGINE = MySQLEngine()

DATABASE = [
    "SELECT",
    "INSERT",
    "UPDATE",
    "DELETE",
    "CREATE",
    "DROP",
    "REFERENCES",
    "INDEX",
    "ALTER",
    "EXECUTE",
    "EVENT",
    "TRIGGER",
]
DATABASE += ["CREATE TEMPORARY TABLES", "LOCK TABLES", "CREATE VIEW", "SHOW VIEW", "CREATE ROUTINE", "ALTER ROUTINE"]
TABLE = ["SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "DROP", "REFERENCES", "INDEX", "ALTER", "TRIGGER"] + [
    "CREATE VIEW",
    "SHOW VIEW",
]
GLOBAL = ["SELECT", "INSERT", "PROCESS", "RELOAD", "SHOW DATABASES", "EXECUTE", "CREATE USER"]
DYNAMIC = ["CONNECTION_ADMIN", "SHOW_ROUTINE", "XA_RECOVER_ADMIN", "ROLE_ADMIN"]
COLUMN = ["SELECT", "INSERT", "UPDATE", "REFERENCES"]
ODD = "we.ird`/@'%\"_"


@dataclass(frozen=True)
class Thing:
    """Something that privileges apply to: how tasks write it, and how information_schema names it."""

    on: str
    names: tuple[str, ...]
    privileges: list[str]
    columns: dict[str, str] = field(default_factory=dict)
    """as tasks write them → as stored"""


THINGS = [
    Thing("*.*", (), GLOBAL + DYNAMIC),
    Thing("props.*", ("props",), DATABASE),
    Thing("my_props.*", ("my_props",), DATABASE),
    Thing("`we.ird``/@'\\%\"_`.*", (ODD,), DATABASE),
    Thing("props.t", ("props", "t"), TABLE, {"ID": "id", "email": "Email"}),
    Thing("TABLE `we.ird``/@'%\"_`.`t.1`", (ODD, "t.1"), TABLE, {"`a,b`": "a,b", "`c(``)`": "c(`)"}),
    Thing("props.v", ("props", "v"), TABLE, {"x": "x"}),
]
IN_MEMORY = {
    "USER": "'', '', ''",
    "SCHEMA": "TABLE_SCHEMA, '', ''",
    "TABLE": "TABLE_SCHEMA, TABLE_NAME, ''",
    "COLUMN": "TABLE_SCHEMA, TABLE_NAME, COLUMN_NAME",
}
ROLES = ["props_r1", "props_r2", "props@x"]

SCENE = """
CREATE DATABASE IF NOT EXISTS props; CREATE DATABASE IF NOT EXISTS my_props;
CREATE DATABASE IF NOT EXISTS `we.ird``/@'%"_`;
CREATE TABLE IF NOT EXISTS props.t (id INT, Email TEXT);
CREATE OR REPLACE VIEW props.v AS SELECT 1 AS x;
CREATE TABLE IF NOT EXISTS `we.ird``/@'%"_`.`t.1` (`a,b` INT, `c(``)` INT);
CREATE ROLE IF NOT EXISTS props_r1, props_r2, `props@x`
"""


@dataclass(frozen=True)
class Bench:
    """A cluster to try on."""

    login: Login
    session: Session
    patterns: bool
    """the database of a grant is a pattern, so that it is stored with escapes"""

    def in_memory(self, request: AccountRequest) -> set[tuple[str, ...]]:
        """What is in effect for an account. Rows: privilege, grantable, then the names of what it applies to."""
        grantee = f"'{request.name}'@'{request.host or '%'}'"
        query = " UNION ALL ".join(
            f"SELECT PRIVILEGE_TYPE, IS_GRANTABLE, {named} FROM information_schema.{view}_PRIVILEGES "
            "WHERE CONVERT(GRANTEE USING utf8mb4) COLLATE utf8mb4_bin = %s"
            for view, named in IN_MEMORY.items()
        )
        return set(self.session.query(query, (grantee,) * len(IN_MEMORY)))


@pytest.fixture(scope="module", params=CLUSTERS)
def bench(request: pytest.FixtureRequest, state: State, admin: Administration) -> Iterator[Bench]:
    cluster: str = request.param
    admin.sql(cluster, SCENE)
    login = master_login(state, cluster)
    session = ENGINE.open(login)
    yield Bench(login, session, cluster == "warehouse")
    session.close()


LETTERS = st.characters(min_codepoint=32, max_codepoint=0xFFFF, exclude_characters="\x7f", exclude_categories=["Cs"])
names = st.one_of(
    st.text(LETTERS, min_size=1, max_size=26),
    st.sampled_from(["joe", "a'b", 'a"b', "a`b", "%", "'; DROP", "jane@corp.com", "\\", "x" * 26, "Ä" * 26]),
).filter(lambda name: name == name.strip(" ") and not is_reserved(name) and not sql_account(name))
hosts = st.sampled_from([None, "10.%", "10.0.0.0/255.0.0.0", "fd00::1", "192.0.2.7", "fe80::%"])


@st.composite
def grant(draw: st.DrawFn, thing: Thing) -> GrantRequest:
    words = written_privileges(draw, thing.privileges, sorted(thing.columns), COLUMN)
    option = draw(st.booleans())
    if draw(st.integers(0, 9)) == 0 and thing.names:
        words.append(draw(st.sampled_from(["all", "ALL Privileges"])))
    return GrantRequest(tuple(words) or ("USAGE",), thing.on, grant_option=option)


@st.composite
def wishes(draw: st.DrawFn) -> AccountRequest:
    """What may be said of an account, its name aside."""
    things = draw(st.lists(st.sampled_from(THINGS), max_size=4, unique_by=lambda thing: thing.on))
    return AccountRequest(
        name="",
        grants=tuple(draw(grant(thing)) for thing in things),
        roles=tuple(draw(st.lists(st.sampled_from(ROLES), max_size=3))),
        require_tls=draw(st.booleans()),
        locked=draw(st.booleans()),
        connection_limit=draw(st.sampled_from([-1, 1, 100])),
        comment=draw(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12)),
    )


identities = st.lists(st.tuples(names, hosts), min_size=1, max_size=3, unique_by=lambda pair: (pair[0], pair[1] or "%"))
# Looking for a smaller example of a failure takes minutes on real servers.
WITHOUT_SHRINKING = (Phase.explicit, Phase.reuse, Phase.generate)


@settings(max_examples=examples(), deadline=None, phases=WITHOUT_SHRINKING, suppress_health_check=list(HealthCheck))
@given(history=histories(identities, wishes()))
def test_any_state_leads_to_any_other(bench: Bench, history: History) -> None:
    def assert_in_effect(requests: list[AccountRequest]) -> None:
        for request in requests:
            assert bench.in_memory(request) == set(declared(request, bench.patterns))

    assert_each_state_is_reached(ENGINE, bench.login, history, assert_in_effect)


def declared(request: AccountRequest, patterns: bool) -> Iterator[tuple[str, ...]]:
    """What ``grants`` says, in the shape of :meth:`Bench.in_memory`."""
    things = {thing.on: thing for thing in THINGS}
    usage = "NO"
    for element in request.grants or ():
        thing = things[element.on]
        option = "YES" if element.grant_option else "NO"
        rows = set(expanded(element, thing)) - {("USAGE", "")}
        names = (*stored_names(thing, patterns), "", "", "")[:3]
        for privilege, column in rows:
            yield (privilege, option, *((*thing.names, column) if column else names))
        if not thing.names:
            static = {privilege for privilege, _column in rows} - set(DYNAMIC)
            usage = "" if static else ("YES" if element.grant_option and not rows else "NO")
        elif not rows and element.grant_option:
            yield ("USAGE", "YES", *names)
    if usage:
        yield ("USAGE", usage, "", "", "")


def stored_names(thing: Thing, patterns: bool) -> tuple[str, ...]:
    if patterns and len(thing.names) == 1:
        return (thing.names[0].replace("_", "\\_").replace("%", "\\%"),)
    return thing.names


def expanded(element: GrantRequest, thing: Thing) -> Iterator[tuple[str, str]]:
    """Pairs of a privilege and a column (or nothing)."""
    for text in element.privileges:
        word, parenthesis, rest = text.upper().partition(" (")
        if word in ("ALL", "ALL PRIVILEGES"):
            yield from ((privilege, "") for privilege in thing.privileges)
        elif parenthesis:
            written = {column.upper(): stored for column, stored in thing.columns.items()}
            yield from ((word, stored) for column, stored in written.items() if column in rest)
        else:
            yield (word, "")

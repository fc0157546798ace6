# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The login is the oracle: what the engine computes from the grant tables is what an account that logs in can do.

AURORA_IAM_EXAMPLES sets how many estates are tried on each server.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pymysql
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.access import Access
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.clients import Client
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.grantor import Authority
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.statements import Dialect
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import AccountName, Scope
from tests.integration.administration import Administration
from tests.integration.mysql.access_scene import (
    ANONYMOUS_HOSTS,
    CLIENTS,
    COLUMN_WORDS,
    DATABASES,
    DENIED,
    HOSTS,
    NAME,
    OTHER,
    ROLES,
    STORED,
    WORDS,
    Catalog,
    Estate,
    Granted,
    Server,
    grant_trials,
    trials,
)
from tests.integration.mysql.scene import CLUSTERS
from tests.integration.tasks import examples
from tests.sandbox.clients import State

pytestmark = pytest.mark.direct("logs in as accounts with passwords")

ROLE_NAMES = [AccountName(name, "%") for name in ROLES]


@pytest.fixture(scope="module", params=CLUSTERS)
def server(request: pytest.FixtureRequest, state: State, admin: Administration) -> Iterator[Server]:
    found = Server(admin, state, request.param)
    yield found
    found.close()


def some(values: Any, most: int) -> st.SearchStrategy[list[Any]]:
    return st.lists(st.sampled_from(values), max_size=most, unique=True)


words = some(WORDS, 3).filter(bool)
tables = st.sampled_from([f"{name}.t" for name in DATABASES])
# Two spellings of a column in one table's rows are what the server confuses
columns = st.sampled_from([("acc_a.t", "X"), ("acc_a.t", "id"), ("accb.t", "x"), ("accb.t", "id")])
column_grants = st.builds(
    lambda chosen, column: Granted(tuple(f"{word} ({column[1]})" for word in chosen), column[0]),
    some(COLUMN_WORDS, 3).filter(bool),
    columns,
)
plain_grants = st.one_of(
    st.builds(lambda chosen: Granted(tuple(chosen), "*.*"), words),
    st.builds(lambda chosen, name: Granted(tuple(chosen), f"`{name}`.*"), words, st.sampled_from(STORED)),
    st.builds(lambda chosen, name: Granted(tuple(chosen), name), some(WORDS[:5], 3).filter(bool), tables),
    column_grants,
    st.builds(
        lambda name, routine: Granted(("EXECUTE",), f"{routine[0]} {name}.{routine[1]}"),
        st.sampled_from(DATABASES),
        st.sampled_from([("PROCEDURE", "p"), ("FUNCTION", "f")]),
    ),
)

grants = st.builds(lambda granted, option: granted._replace(option=option), plain_grants, st.booleans())


@st.composite
def estates(draw: st.DrawFn) -> Estate:
    hosts = draw(some(HOSTS, 3).filter(bool))
    named = [AccountName(NAME, host) for host in hosts]
    anonymous = [AccountName("", host) for host in draw(some(ANONYMOUS_HOSTS, 1))]
    edges = {
        (member, role): draw(st.booleans())
        for member in named
        for role in draw(st.one_of(st.just([]), some(ROLE_NAMES[:2], 2)))
    }
    if draw(st.booleans()):
        edges[(ROLE_NAMES[0], ROLE_NAMES[1])] = draw(st.booleans())
    return Estate(
        accounts={name: draw(st.integers(0, 9)) == 0 for name in (*named, *anonymous)},
        grants={name: draw(st.lists(grants, max_size=4)) for name in (*named, *anonymous, *ROLE_NAMES)},
        revokes=draw(
            st.lists(
                st.tuples(st.sampled_from([*named, *ROLE_NAMES]), st.sampled_from(WORDS), st.sampled_from(DATABASES)),
                max_size=3,
            )
        ),
        edges=edges,
        default=[name for name in named if draw(st.booleans())],
        mandatory=draw(st.sampled_from(["", "", ROLES[2]])),
        all_active=draw(st.integers(0, 4)) == 0,
    )


# Looking for a smaller example of a failure takes minutes on real servers.
WITHOUT_SHRINKING = (Phase.explicit, Phase.reuse, Phase.generate)


@settings(max_examples=examples(), deadline=None, phases=WITHOUT_SHRINKING, suppress_health_check=list(HealthCheck))
@given(estate=estates())
def test_what_is_computed_is_what_a_login_can_do(server: Server, estate: Estate) -> None:
    with server.made(estate):
        catalog = server.read()
        for user in (NAME, OTHER):
            for client in CLIENTS:
                assert_same(server, catalog, user, client)


def assert_same(server: Server, catalog: Catalog, user: str, client: Client) -> None:
    account = catalog.account(user, client)
    if account is None:
        with pytest.raises(pymysql.OperationalError, match="Access denied"), server.session(user, client):
            pass
        return
    with server.session(user, client) as cursor:
        cursor.execute("SELECT CURRENT_USER()")
        assert cursor.fetchone() == (f"{account.name}@{account.host}",)
        for statement, roles in (
            ("DO 0", catalog.roles(account, catalog.all_active)),
            ("SET ROLE NONE", ()),
            ("SET ROLE ALL", catalog.roles(account, True)),
        ):
            cursor.execute(statement)
            access = catalog.access(account, client, roles)
            who = f"{user} from {client} as {account} after {statement} with {roles}"
            allowed = compare(cursor, access, who)
            compare_grants(cursor, access, catalog.server.dialect, who)
            if not roles:
                assert_reached(catalog, account, allowed, who)


def compare(cursor: Any, access: Access, who: str) -> list[tuple[str, Scope]]:
    """What is allowed."""
    found = []
    for privilege, scope, statement in trials():
        allowed = is_allowed(cursor, statement)
        certain, possible = (privilege in access.on(scope, certain) for certain in (True, False))
        assert certain <= allowed <= possible, f"{who}: {statement} is {'allowed' if allowed else 'denied'}"
        found += [(privilege, scope)] if allowed else []
    return found


def compare_grants(cursor: Any, access: Access, dialect: Dialect, who: str) -> None:
    authority = Authority(access)
    for privilege, scope, statement in grant_trials(dialect):
        allowed, certain = is_allowed(cursor, statement), authority.may_grant(privilege, scope)
        assert certain <= allowed <= ({privilege, "USAGE"} <= access.on(scope, certain=False)), f"{who}: {statement}"


def assert_reached(catalog: Catalog, account: AccountName, allowed: list[tuple[str, Scope]], who: str) -> None:
    """What an account can do is in its own rows or in those of which facts say that they reach it."""
    tables = catalog.tables()
    own = replace(tables, grants={account: tables.grants.get(account, ())})
    for privilege, scope in allowed:
        if privilege not in Access(own, account, Client()).on(scope, certain=False):
            assert privilege in catalog.reached(account, scope), f"{who}: {privilege} on {scope}"


def is_allowed(cursor: Any, statement: str) -> bool:
    try:
        cursor.execute(statement)
    except pymysql.Error as error:
        return error.args[0] not in DENIED
    finally:
        cursor.execute("ROLLBACK")
    return True

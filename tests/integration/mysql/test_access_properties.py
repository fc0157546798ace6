# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The login is the oracle: what the engine computes from the grant tables is what an account that logs in can do.

AURORA_IAM_EXAMPLES sets how many estates are tried on each server.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

import pymysql
import pytest
from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st

from ansible_collections.dbops.aurora_iam.plugins.module_utils._account_module import Outcome, converge
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.base import Session
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.access import Access
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.clients import Client
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.grantor import Authority
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.objects import matches
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.statements import Dialect
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import InvalidOption, ManyMistakes, Refused
from ansible_collections.dbops.aurora_iam.plugins.module_utils._login import Login
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import Account, AccountName, Scope
from ansible_collections.dbops.aurora_iam.plugins.module_utils._params import account_requests
from tests.integration.administration import Administration
from tests.integration.master import master_login
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
from tests.integration.mysql.facts_reader import ENGINE, FactsReader, gathered
from tests.integration.mysql.scene import CLUSTERS
from tests.integration.tasks import examples
from tests.sandbox.clients import State

pytestmark = pytest.mark.direct("logs in as accounts with passwords")

ROLE_NAMES = [AccountName(name, "%") for name in ROLES]


@pytest.fixture(scope="module", params=CLUSTERS)
def cluster(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def server(cluster: str, state: State, admin: Administration) -> Iterator[Server]:
    found = Server(admin, state, cluster)
    yield found
    found.close()


@pytest.fixture(scope="module")
def login(cluster: str, state: State) -> Login:
    return master_login(state, cluster)


@pytest.fixture(scope="module")
def session(login: Login) -> Iterator[Session]:
    found = ENGINE.open(login)
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


@st.composite
def tasks(draw: st.DrawFn, patterns: bool) -> list[dict[str, Any]]:
    """What a task says of some accounts of the name, whether they are there or not."""
    hosts = draw(st.lists(st.sampled_from(HOSTS[1:]), min_size=1, max_size=2, unique=True))
    return [draw(elements(host, patterns)) for host in hosts]


@st.composite
def elements(draw: st.DrawFn, host: str, patterns: bool) -> dict[str, Any]:
    named: dict[str, Any] = {"name": NAME, "host": host}
    if draw(st.integers(0, 7)) == 0:
        return {**named, "state": "absent", "terminate_sessions": False}
    options = {"convert": True, "require_tls": False, "locked": draw(st.integers(0, 9)) == 0}
    options["grants"] = [draw(asked(patterns)) for _time in range(draw(st.integers(0, 3)))]
    options["purge_grants"] = draw(st.integers(0, 3)) > 0
    if draw(st.booleans()):
        options["roles"] = draw(some(ROLES, 2))
    return {**named, **options}


@st.composite
def asked(draw: st.DrawFn, patterns: bool) -> dict[str, Any]:
    granted = draw(plain_grants)
    on = granted.on
    if on.startswith("`"):
        on = f"PATTERN {on}" if patterns and draw(st.booleans()) else f"{draw(st.sampled_from(DATABASES))}.*"
    return {"privileges": list(granted.words), "on": on}


# Looking for a smaller example of a failure takes minutes on real servers.
WITHOUT_SHRINKING = (Phase.explicit, Phase.reuse, Phase.generate)


@settings(max_examples=examples(), deadline=None, phases=WITHOUT_SHRINKING, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_what_is_computed_is_what_a_login_can_do(
    server: Server, session: Session, login: Login, data: st.DataObject
) -> None:
    """Before a task of the collection and after it, whatever it is and whether it is refused or not."""
    estate = data.draw(estates())
    elements = data.draw(tasks(server.has_patterns))
    with server.made(estate):
        assert_same_for_all(Comparison(server, session))
        outcome = carried_out(login, elements)
        server.let_in_by_password(NAME)
        assert_same_for_all(Comparison(server, session, outcome, fresh(elements, estate)))


def carried_out(login: Login, elements: list[dict[str, Any]]) -> Outcome[Any] | None:
    """None for a task that is refused."""
    try:
        return converge(ENGINE, login, account_requests({"users": elements, "unlisted": "keep"}), "keep", write=True)
    except (Refused, ManyMistakes, InvalidOption) as error:
        event(type(error).__name__)
    return None


def fresh(elements: list[dict[str, Any]], estate: Estate) -> set[AccountName]:
    """What the task creates, with all that it may have: nothing is left of what was there before."""
    listed = {AccountName(NAME, each["host"]) for each in elements if each.get("purge_grants")}
    return listed - estate.accounts.keys()


def assert_same_for_all(comparison: Comparison) -> None:
    for user in (NAME, OTHER):
        for client in CLIENTS:
            comparison.assert_same(user, client)


class Comparison:
    """
    outcome  of a task, if one was carried out
    created  by it
    """

    def __init__(
        self,
        server: Server,
        session: Session,
        outcome: Outcome[Any] | None = None,
        created: Collection[AccountName] = (),
    ) -> None:
        self._server, self._outcome, self._created = server, outcome, created
        self._catalog = server.read()
        self._facts = FactsReader(gathered(session), self._catalog.server.dialect)

    def assert_same(self, user: str, client: Client) -> None:
        account = self._catalog.account(user, client)
        if account is None:
            with pytest.raises(pymysql.OperationalError, match="Access denied"), self._server.session(user, client):
                pass
            return
        # Facts do not show accounts without a name
        known: Catalog | FactsReader = self._facts if account.name else self._catalog
        all_active = self._catalog.all_active
        with self._server.session(user, client) as cursor:
            cursor.execute("SELECT CURRENT_USER()")
            assert cursor.fetchone() == (f"{account.name}@{account.host}",)
            for statement, roles in (
                ("DO 0", known.roles(account, all_active)),
                ("SET ROLE NONE", ()),
                ("SET ROLE ALL", known.roles(account, True)),
            ):
                cursor.execute(statement)
                who = f"{user} from {client} as {account} after {statement} with {roles}"
                allowed = compare(cursor, known.access(account, client, roles), who)
                if self._outcome is None:
                    access = self._catalog.access(account, client, roles)
                    compare_grants(cursor, access, self._catalog.server.dialect, who)
                if not roles and account.name:
                    self._assert_told(account, allowed, who)
                self._assert_as_asked(account, allowed, bool(roles), who)

    def _assert_told(self, account: AccountName, allowed: list[tuple[str, Scope]], who: str) -> None:
        """What an account can do is in its own grants or in those of which facts say that they reach it."""
        for privilege, scope in allowed:
            told = self._facts.own(account, scope) | self._facts.reached(account, scope)
            assert privilege in told, f"{who}: {privilege} on {scope}"

    def _assert_as_asked(self, account: AccountName, allowed: list[tuple[str, Scope]], by_role: bool, who: str) -> None:
        """After a task that created it, the account can do what was asked for. A warning tells what else it can do, and
        what it cannot, by the grants of others."""
        if self._outcome is None or account not in self._created:
            return
        after = next(each for each in self._outcome.accounts if each.name == account)
        warned = [text for text in self._outcome.warnings if text.startswith(f"{account} ")]
        asked = {(privilege, scope) for privilege, scope, _statement in trials() if is_asked(privilege, scope, after)}
        missing = asked - set(allowed)
        if not any(" does not have " in text for text in warned):
            assert not missing, f"{who}: {missing} of {after.grants}"
        if not by_role and not any(" also has " in text for text in warned):
            assert not set(allowed) - asked, f"{who}: {set(allowed) - asked} beside {after.grants}"


def is_asked(privilege: str, scope: Scope, account: Account) -> bool:
    """Each grant for itself."""
    return any(grant.privilege == privilege and reaches(grant.scope, scope) for grant in account.grants)


def reaches(granted: Scope, scope: Scope) -> bool:
    if granted.kind == "GLOBAL":
        return True
    if granted.kind == "PATTERN":
        return matches(granted.path[0], scope.path[0])
    if granted.kind == "DATABASE":
        return granted.path == scope.path[:1]
    same = (granted.kind, granted.path) == (scope.kind, scope.path)
    return same and granted.column.lower() in ("", scope.column)


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


def is_allowed(cursor: Any, statement: str) -> bool:
    try:
        cursor.execute(statement)
    except pymysql.Error as error:
        if error.args[0] in DENIED:
            return False
    cursor.execute("ROLLBACK")
    return True

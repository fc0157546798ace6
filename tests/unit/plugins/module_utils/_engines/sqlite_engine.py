# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The smallest engine that docs/adding-an-engine.md leads to: SQLite, which has no accounts, with tables of them.

    CREATE TABLE accounts (name TEXT PRIMARY KEY, locked INTEGER, comment TEXT);
    CREATE TABLE grants (account TEXT, privilege TEXT, object TEXT)

An account may READ and WRITE a table. The file of the database is ``Login.database``.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.base import (
    Engine,
    EnginePlan,
    Others,
    ParsedAccount,
    ParsedGrant,
    ParsedPrivilege,
    Row,
    Session,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.checks import (
    parse_all,
    refuse_own_accounts,
    resolve_all,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.grouping import together
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.run_lock import Holder, RunLock
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import (
    InvalidOption,
    MissingObject,
    Mistakes,
    StatementFailed,
    UnknownPrivilege,
    Where,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._login import Login
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import (
    Account,
    AccountChange,
    AccountName,
    AccountRequest,
    Capabilities,
    Changes,
    Desired,
    Grant,
    GrantRequest,
    Observed,
    Scope,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._plan import Plan, Statement, Step
from ansible_collections.dbops.aurora_iam.plugins.module_utils._survey import Survey, SurveyedAccount, SurveyRequest

PRIVILEGES = ("READ", "WRITE")


@dataclass(frozen=True)
class SQLiteObserved(Observed):
    tables: frozenset[str] = field(default_factory=frozenset)
    title: str = ""


class SQLiteEngine(Engine[SQLiteObserved]):
    capabilities = Capabilities(hosts=False, tls_requirement=False, port=1, longest_name=64)

    def check_account_name(self, name: str, what: str) -> None:
        if self.capabilities.too_long(name):
            raise InvalidOption(f"{what} is longer than {self.capabilities.longest_name} characters; choose another.")

    def check_database_name(self, name: str, what: str) -> None:
        """Any file will do."""

    def parse(self, request: AccountRequest) -> ParsedAccount:
        self.check_account_name(request.name, "name")
        mistakes = Mistakes()
        grants = parse_all(request.grants, parse_grant, mistakes)
        mistakes.refuse()
        return ParsedAccount(AccountName(request.name), request, grants, request.roles)

    def open(self, login: Login) -> Session:
        return SQLiteSession(login)

    def observe(
        self, session: Session, wanted: Sequence[ParsedAccount], others: Others = Others.NOTHING
    ) -> SQLiteObserved:
        accounts = read_accounts(session)
        return SQLiteObserved(
            accounts=accounts,
            iam_accounts=accounts.keys(),
            login=AccountName(session.login.credentials().user),
            tables=frozenset(row[0] for row in session.query("SELECT name FROM sqlite_master WHERE type = 'table'")),
            title=session.login.title,
        )

    def resolve(self, wanted: Sequence[ParsedAccount], observed: SQLiteObserved) -> list[Desired]:
        return resolve_all(wanted, lambda account: resolve_account(account, observed))

    def protected(self, observed: SQLiteObserved) -> Collection[AccountName]:
        return {observed.login}

    def plan(self, changes: Changes, observed: SQLiteObserved) -> EnginePlan:
        refuse_own_accounts(changes.effective, observed.login, (), observed.title)
        statements = tuple(statement for change in changes.effective for statement in render(change))
        return EnginePlan(changes, (Step(statements),) if statements else (), [])

    def describe_grants(self, grants: Collection[Grant]) -> list[dict[str, Any]]:
        by_table = together((grant.scope.path[0], grant.privilege) for grant in grants)
        return [{"privileges": sorted(held), "on": f"TABLE {table}"} for table, held in sorted(by_table.items())]

    def survey(self, session: Session, request: SurveyRequest) -> Survey:
        accounts = read_accounts(session).values()
        return Survey(
            login=AccountName(session.login.credentials().user),
            accounts=tuple(SurveyedAccount(account, can_log_in=not account.locked) for account in accounts),
        )


def parse_grant(grant: GrantRequest) -> ParsedGrant:
    word, _space, table = grant.on.partition(" ")
    if word.upper() != "TABLE" or not table:
        raise InvalidOption(f"{grant.on} is not of the form TABLE name.", Where(element="on"))
    privileges = tuple(ParsedPrivilege(name.upper()) for name in grant.privileges)
    for privilege in privileges:
        if privilege.name not in (*PRIVILEGES, "ALL"):
            raise UnknownPrivilege(f"{privilege.name} is not a privilege of SQLite.")
    return ParsedGrant(privileges, Scope("TABLE", path=(table,)), grant.grant_option, grant.position)


def resolve_account(account: ParsedAccount, observed: SQLiteObserved) -> Desired:
    grants = None if account.grants is None else frozenset(resolve_grants(account.grants, observed))
    return Desired(account.name, account.request, grants)


def resolve_grants(grants: Sequence[ParsedGrant], observed: SQLiteObserved) -> Iterator[Grant]:
    for grant in grants:
        if grant.scope.path[0] not in observed.tables:
            raise MissingObject(f"there is no table {grant.scope.path[0]}.", Where(element=grant.position))
        for privilege in grant.privileges:
            for name in PRIVILEGES if privilege.name == "ALL" else (privilege.name,):
                yield Grant(name, grant.scope)


def read_accounts(session: Session) -> dict[AccountName, Account]:
    """Two queries, however many accounts there are."""
    grants = together(
        (account, Grant(privilege, Scope("TABLE", path=(table,))))
        for account, privilege, table in session.query("SELECT account, privilege, object FROM grants")
    )
    return {
        AccountName(name): Account(
            AccountName(name), locked=bool(locked), comment=comment, grants=frozenset(grants.get(name, ()))
        )
        for name, locked, comment in session.query("SELECT name, locked, comment FROM accounts")
    }


def render(change: AccountChange) -> Iterator[Statement]:
    name, after = quote(change.name.name), change.after
    if after is None:
        yield Statement(f"DELETE FROM grants WHERE account = {name}")
        yield Statement(f"DELETE FROM accounts WHERE name = {name}")
        return
    if change.before is None or (change.before.locked, change.before.comment) != (after.locked, after.comment):
        yield Statement(f"REPLACE INTO accounts VALUES ({name}, {int(after.locked)}, {quote(after.comment)})")
    for grant in sorted(change.granted):
        yield Statement(f"INSERT INTO grants VALUES ({name}, {quote(grant.privilege)}, {quote(grant.scope.path[0])})")
    for grant in sorted(change.revoked):
        of = f"privilege = {quote(grant.privilege)} AND object = {quote(grant.scope.path[0])}"
        yield Statement(f"DELETE FROM grants WHERE account = {name} AND {of}")


def quote(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


class SQLiteSession(Session):
    def __init__(self, login: Login) -> None:
        self.login = login
        self._connection = sqlite3.connect(login.database, isolation_level=None, timeout=login.lock_timeout)
        self._run_lock = SQLiteRunLock(f"{login.database}-lock")

    def query(self, sql: str, parameters: Sequence[Any] = (), database: str = "") -> list[Row]:
        return self._connection.execute(sql, parameters).fetchall()

    @property
    def run_lock(self) -> RunLock:
        return self._run_lock

    def execute(self, step: Step) -> None:
        with self._transaction(step, "COMMIT"):
            pass

    def rehearse(self, plan: Plan, whole: bool) -> list[str]:
        for step in plan.steps if whole else ():
            with self._transaction(step, "ROLLBACK"):
                pass
        return []

    @contextlib.contextmanager
    def _transaction(self, step: Step, ending: str) -> Iterator[None]:
        self._connection.execute("BEGIN")
        for statement in step.statements:
            try:
                self._connection.execute(statement.text)
            except sqlite3.Error as error:
                self._connection.execute("ROLLBACK")
                code = str(getattr(error, "sqlite_errorcode", ""))
                raise StatementFailed(f"{self.login.title}: {error}", code, statement.text) from None
        yield
        self._connection.execute(ending)

    def close(self) -> None:
        self._connection.close()
        self._run_lock.close()


class SQLiteRunLock(RunLock):
    """A transaction that writes, in a file of its own."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None

    def take(self, seconds: int) -> tuple[bool, list[Holder]]:
        self._connection = sqlite3.connect(self._path, isolation_level=None, timeout=seconds)
        try:
            self._connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError:
            self.close()
        return self._connection is not None, self.holders()

    def announce(self) -> bool:
        return False

    def withdraw(self) -> None:
        """Nothing was announced."""

    def holders(self) -> list[Holder]:
        if self._connection is not None:
            return []
        return [Holder("another session", None, "", True, False, False, False, "ending its program")]

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None

# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Estates of accounts, roles and grants on a real server, and what somebody who logs in to one can do."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import pymysql

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog import queries
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.access import (
    Access,
    GrantTables,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.clients import (
    Client,
    logs_in_as,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.roles import roles_at_login
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.rows import (
    GrantedRows,
    ServerRow,
    UserRow,
    UserRows,
    build_granted,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.names import role_list
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.statements import Dialect
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import AccountName, Scope
from tests.integration.administration import Administration, running_clusters
from tests.sandbox.clients import State
from tests.sandbox.layout import of_checkout

PASSWORD = "Pw-12345678"
NAME, OTHER = "acc_läb", "acc_nobody"
"""An account's, under several hosts; and one that no account has."""
SOCKET = Client("localhost")
CLIENTS = (SOCKET, Client(address="127.0.0.1"), Client(address="127.0.0.9"))
HOSTS = ("", "%", "127.%", "127.0.0.0/255.0.0.0", "127.0.0.0/16", "127.0.0.1", "localhost")
ANONYMOUS_HOSTS = ("%", "127.0.0.9", "localhost")
"""none that would take the master's own login away"""
ROLES = ("acc_r1", "acc_rö", "acc_r3")
DATABASES = ("acc_a", "accb", "accä")
STORED = ("accb", "acc_a", r"acc\_a", "accä", "ac%", "acc%b", "a%b", "a%ä", "%_a", "%")
"""Databases as mysql.db holds them"""
WORDS = ("SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "EXECUTE")
COLUMN_WORDS = WORDS[:3]

DENIED = {1044, 1142, 1143, 1227, 1370}
"""https://dev.mysql.com/doc/mysql-errors/8.4/en/server-error-reference.html"""

OBJECTS = "; ".join(
    f"CREATE DATABASE IF NOT EXISTS {name}; CREATE TABLE IF NOT EXISTS {name}.t (id INT, x INT); "
    f"CREATE PROCEDURE IF NOT EXISTS {name}.p() SELECT 1; "
    f"CREATE FUNCTION IF NOT EXISTS {name}.f() RETURNS INT DETERMINISTIC RETURN 1"
    for name in DATABASES
)


class Granted(NamedTuple):
    """``words``: privileges, perhaps with a column; ``on``: the object clause."""

    words: tuple[str, ...]
    on: str
    option: bool = False

    def to(self, name: AccountName) -> str:
        ending = " WITH GRANT OPTION" if self.option else ""
        return f"GRANT {', '.join(self.words)} ON {self.on} TO {quoted(name)}{ending}"


@dataclass(frozen=True)
class Estate:
    """
    accounts   by name and host: locked or not
    grants     of accounts and roles
    revokes    partial revokes: of whom, which privilege, in which database
    edges      who has which role, with ADMIN OPTION or without
    default    accounts whose roles are all default roles
    mandatory  mandatory_roles
    """

    accounts: dict[AccountName, bool]
    grants: dict[AccountName, list[Granted]]
    revokes: list[tuple[AccountName, str, str]]
    edges: dict[tuple[AccountName, AccountName], bool]
    default: list[AccountName]
    mandatory: str
    all_active: bool


def quoted(name: AccountName) -> str:
    return f"'{name.name}'@'{name.host}'"


def trials() -> Iterator[tuple[str, Scope, str]]:
    """A privilege, on what, and a statement that needs this and nothing else, and changes nothing that is not rolled
    back."""
    for name in DATABASES:
        table = Scope("TABLE", path=(name, "t"))
        column = Scope("TABLE", path=(name, "t"), column="x")
        yield "SELECT", Scope("TABLE", path=(name, "t"), column="id"), f"SELECT id FROM {name}.t"
        yield "SELECT", column, f"SELECT x FROM {name}.t"
        yield "INSERT", column, f"INSERT INTO {name}.t (x) VALUES (1)"
        yield "UPDATE", column, f"UPDATE {name}.t SET x = 1"
        yield "DELETE", table, f"DELETE FROM {name}.t"
        yield "CREATE", table, f"CREATE TABLE {name}.t (id INT)"
        yield "EXECUTE", Scope("PROCEDURE", path=(name, "p")), f"CALL {name}.p()"
        yield "EXECUTE", Scope("FUNCTION", path=(name, "f")), f"SELECT {name}.f()"


def grant_trials(dialect: Dialect) -> Iterator[tuple[str, Scope, str]]:
    """A privilege, on what, and a statement that grants it. That nobody is there to have it, the server says after it
    has found that it may be granted."""
    nobody = AccountName("acc_none", "%")
    for name in DATABASES:
        database, table = Scope("DATABASE", path=(name,)), Scope("TABLE", path=(name, "t"))
        for scope, words in ((database, ("SELECT", "EXECUTE")), (table, ("SELECT", "CREATE"))):
            yield from ((word, scope, Granted((word,), dialect.scope(scope)).to(nobody)) for word in words)
    if dialect.database_patterns:
        for pattern in ("a%", "acc_", "acc%"):
            scope = Scope("PATTERN", path=(pattern,))
            yield "SELECT", scope, Granted(("SELECT",), dialect.scope(scope)).to(nobody)


class Server:
    """A cluster's, as its superuser and as anybody who logs in."""

    def __init__(self, admin: Administration, state: State, cluster: str) -> None:
        self._superuser = admin.superuser(cluster)
        self._ca = state["ca_cert"]
        layout = of_checkout()
        writer = next(item.writer for item in running_clusters(layout) if item.spec.identifier == cluster)
        self._address, self._port = writer.address, writer.port
        self._socket = str(layout.sockets / f"{writer.instance}.sock")
        for statement in OBJECTS.split("; "):
            self.sql(statement)

    def sql(self, statement: str, values: Iterable[Any] = ()) -> list[tuple[Any, ...]]:
        with self._superuser.cursor() as cursor:
            cursor.execute(statement, tuple(values) or None)
            return list(cursor.fetchall()) if cursor.description else []

    @property
    def has_patterns(self) -> bool:
        return ServerRow(*self.sql(queries.SERVER)[0]).dialect.database_patterns

    def let_in_by_password(self, user: str) -> None:
        """Nothing else of its accounts changes."""
        for (host,) in self.sql("SELECT Host FROM mysql.user WHERE User = %s AND plugin LIKE 'AWS%%'", (user,)):
            self.sql(
                f"ALTER USER {quoted(AccountName(user, host))} IDENTIFIED WITH caching_sha2_password BY '{PASSWORD}'"
            )

    def close(self) -> None:
        self._superuser.close()

    @contextlib.contextmanager
    def made(self, estate: Estate) -> Iterator[None]:
        try:
            for statement in _statements(estate):
                self.sql(statement)
            for name, word, database in estate.revokes:
                with contextlib.suppress(pymysql.Error):  # Where nothing is held there, there is nothing to revoke
                    self.sql(f"REVOKE {word} ON `{database}`.* FROM {quoted(name)}")
            yield
        finally:
            self.sql("SET GLOBAL mandatory_roles = '', GLOBAL activate_all_roles_on_login = OFF")
            left = self.sql("SELECT User, Host FROM mysql.user WHERE User = '' OR User LIKE 'acc\\_%'")
            for name, host in left:
                self.sql(f"DROP USER {quoted(AccountName(name, host))}")
            if self.sql("SELECT 1 FROM mysql.procs_priv WHERE User LIKE 'acc%' OR Db LIKE 'acc%'"):
                # Of names outside ASCII, which the server does not find again
                self.sql("DELETE FROM mysql.procs_priv WHERE User LIKE 'acc%' OR Db LIKE 'acc%'")
                self.sql("FLUSH PRIVILEGES")

    @contextlib.contextmanager
    def session(self, user: str, client: Client) -> Iterator[Any]:
        """Raises pymysql.OperationalError."""
        way: dict[str, Any] = {"unix_socket": self._socket, "ssl_disabled": True}
        if client != SOCKET:
            ssl = {"ca": self._ca, "check_hostname": False}
            way = {"host": self._address, "port": self._port, "bind_address": client.address, "ssl": ssl}
        with (
            contextlib.closing(pymysql.connect(user=user, password=PASSWORD, **way)) as connection,
            connection.cursor() as cursor,
        ):
            yield cursor

    def read(self) -> Catalog:
        server = ServerRow(*self.sql(queries.SERVER)[0])
        users = UserRows(UserRow(*row) for row in self.sql(queries.ALL_ACCOUNTS))
        granted = build_granted(server, users, users.names, self.sql(*queries.privileges(users.names)))
        ((all_active,),) = self.sql("SELECT @@GLOBAL.activate_all_roles_on_login")
        return Catalog(users, granted, role_list(server.mandatory_roles or ""), server, bool(all_active))


class Catalog(NamedTuple):
    """What the engine has read."""

    users: UserRows
    granted: GrantedRows
    mandatory: frozenset[AccountName]
    server: ServerRow
    all_active: bool

    def account(self, user: str, client: Client) -> AccountName | None:
        """None where the login is refused, also because the account is locked."""
        name = logs_in_as(user, client, self.users.names)
        return None if name is None or self.users.by_name[name].account_locked == "Y" else name

    def roles(self, name: AccountName, all_active: bool) -> tuple[AccountName, ...]:
        granted = self.granted
        return roles_at_login(name, granted.roles, granted.default_roles, self.mandatory, all_active)

    def tables(self) -> GrantTables:
        return GrantTables(self.server.dialect, self.granted.grants, self.users.restrictions)

    def access(self, name: AccountName, client: Client, roles: tuple[AccountName, ...]) -> Access:
        return Access(self.tables(), name, client, roles)


def _statements(estate: Estate) -> Iterator[str]:
    yield f"CREATE ROLE {', '.join(ROLES)}"
    for name, locked in estate.accounts.items():
        yield f"CREATE USER {quoted(name)} IDENTIFIED BY '{PASSWORD}' ACCOUNT {'LOCK' if locked else 'UNLOCK'}"
    for name, grants in estate.grants.items():
        yield from (granted.to(name) for granted in grants)
    for (member, role), admin in estate.edges.items():
        yield f"GRANT {quoted(role)} TO {quoted(member)}{' WITH ADMIN OPTION' if admin else ''}"
    for name in estate.default:
        yield f"SET DEFAULT ROLE ALL TO {quoted(name)}"
    active = "ON" if estate.all_active else "OFF"
    yield f"SET GLOBAL mandatory_roles = '{estate.mandatory}', GLOBAL activate_all_roles_on_login = {active}"

# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Every statement that MySQL is sent to change something.

Accounts and objects are always quoted with backticks, which mean the same under every sql_mode, so that a statement
replays on any session of the server it was made for.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.queries import Query, among
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.objects import (
    ROUTINE_KINDS,
    escaped_name,
    identifier,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.privileges import privileges_of
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.iam_login import IDENTIFIED, PLUGIN
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import AccountName, Scope
from ansible_collections.dbops.aurora_iam.plugins.module_utils._plan import Statement, Subject

WARNINGS = "SHOW WARNINGS"
COLLATION = "utf8mb4_0900_ai_ci"
SESSION_FACTS = (
    "SELECT VERSION(), @@GLOBAL.read_only OR @@GLOBAL.super_read_only OR @@GLOBAL.innodb_read_only, "
    f"@@default_collation_for_utf8mb4 <> '{COLLATION}'"
)
SET_COLLATION = f"SET SESSION default_collation_for_utf8mb4 = {COLLATION}"
"""Under another one the server cannot read its own view ENABLED_ROLES (error 1267). It is set only where it has to be,
because a later version will not let it be set: https://dev.mysql.com/doc/refman/8.4/en/charset-unicode-sets.html"""

NO_LIMIT = 2**64 - 1
"""Of sql_select_limit: what it is where nobody has set it."""
PADDING = "PAD_CHAR_TO_FULL_LENGTH"
DATA_API_FACTS = f"{SESSION_FACTS}, INSTR(@@sql_mode, '{PADDING}') > 0, @@sql_select_limit < {NO_LIMIT}"


def session_setup(lock_timeout: int) -> str:
    """What a session begins with, whatever the server sets for new sessions: blanks are not padded when names are read,
    literals are read as the server's default mode does, limits neither cut answers nor refuse them, statements wait no
    longer than ``lock_timeout`` seconds for another session's locks, may write, commit and are answered in English,
    warnings included. tests/integration/mysql/test_hostile_settings.py has every setting."""
    settings = {
        "sql_mode": "IF(FIND_IN_SET('NO_BACKSLASH_ESCAPES', @@GLOBAL.sql_mode), 'NO_BACKSLASH_ESCAPES', '')",
        "lock_wait_timeout": max(1, lock_timeout),
        "innodb_lock_wait_timeout": max(1, lock_timeout),
        "sql_select_limit": NO_LIMIT,
        "sql_big_selects": 1,
        "max_execution_time": 0,
        "cte_max_recursion_depth": 1000,
        "transaction_read_only": 0,
        "completion_type": 0,
        "lc_messages": "'en_US'",
        "sql_notes": 1,
        "wait_timeout": 28800,
    }
    return "SET " + ", ".join(f"SESSION {name} = {value}" for name, value in settings.items())


def data_api_setup(lock_timeout: int) -> str:
    """A transaction of the Data API is a session whose statements do not commit by themselves; from now on they do.
    Turned off first, so that what was begun ends. https://dev.mysql.com/doc/refman/8.4/en/commit.html"""
    return f"{session_setup(lock_timeout)}, SESSION autocommit = 0, SESSION autocommit = 1"


def first_row(query: str) -> str:
    return f"{query} LIMIT 1"


def page(query: str, columns: int, size: int, offset: int) -> str:
    """Part of the answer, in the order of the bytes of all columns: rows that are alike may change places."""
    names = [f"c{number}" for number in range(columns)]
    order = ", ".join(f"CAST({name} AS BINARY)" for name in names)
    return f"SELECT * FROM ({query}) AS found ({', '.join(names)}) ORDER BY {order} LIMIT {size} OFFSET {offset}"


@dataclass(frozen=True)
class Dialect:
    """How the server reads names and texts.

    database_patterns  the database of a grant is a pattern (``partial_revokes`` is OFF)
    backslash_escapes  a backslash in a text is an escape (``NO_BACKSLASH_ESCAPES`` is not set)
    """

    database_patterns: bool
    backslash_escapes: bool = True

    def text(self, value: str) -> str:
        value = value.replace("'", "''")
        return "'" + (value.replace("\\", "\\\\") if self.backslash_escapes else value) + "'"

    def stored_database(self, scope: Scope) -> str:
        """The database of a DATABASE or PATTERN scope as the grant tables hold it."""
        literal = scope.kind == "PATTERN" or not self.database_patterns
        return scope.path[0] if literal else escaped_name(scope.path[0])

    def scope(self, scope: Scope) -> str:
        """The object clause of GRANT and REVOKE."""
        if scope.kind == "GLOBAL":
            return "*.*"
        if scope.kind in ("DATABASE", "PATTERN"):
            return f"{identifier(self.stored_database(scope))}.*"
        path = ".".join(identifier(name) for name in scope.path)
        return f"{scope.kind} {path}" if scope.kind in ROUTINE_KINDS else path


@dataclass(frozen=True)
class Settings:
    """The parts of CREATE USER and ALTER USER; what is ``None`` is left out.

    roles  CREATE USER only: granted, and active at login
    tls  ``ANY`` or an empty string for no requirement
    connection_limit  -1 for none
    forgets_failures  failed logins are no longer counted, and no longer block the account
    """

    authentication: bool | None = None
    roles: tuple[AccountName, ...] = ()
    tls: str | None = None
    connection_limit: int | None = None
    locked: bool | None = None
    comment: str | None = None
    forgets_failures: bool = False

    def clauses(self, dialect: Dialect) -> str:
        parts = [f"DEFAULT ROLE {_accounts(self.roles)}"] if self.roles else []
        if self.tls is not None:
            parts.append("REQUIRE SSL" if self.tls else "REQUIRE NONE")
        if self.connection_limit is not None:
            parts.append(f"WITH MAX_USER_CONNECTIONS {max(0, self.connection_limit)}")
        if self.forgets_failures:
            parts.append("FAILED_LOGIN_ATTEMPTS 0 PASSWORD_LOCK_TIME 0")
        if self.locked is not None:
            parts.append("ACCOUNT LOCK" if self.locked else "ACCOUNT UNLOCK")
        if self.comment is not None:
            parts.append(_comment(self.comment, dialect))
        return "".join(f" {part}" for part in parts)


def _comment(comment: str, dialect: Dialect) -> str:
    """COMMENT '' would store an empty comment; null removes the key and leaves the other attributes.

    https://dev.mysql.com/doc/refman/8.4/en/alter-user.html#alter-user-comments-attributes
    """
    return f"COMMENT {dialect.text(comment)}" if comment else "ATTRIBUTE " + dialect.text('{"comment": null}')


def account(name: AccountName) -> str:
    return f"{identifier(name.name)}@{identifier(name.host or '')}"


def _accounts(names: Sequence[AccountName]) -> str:
    return ", ".join(account(name) for name in names)


def _said(text: str, names: Sequence[AccountName], subjects: Sequence[Subject] = ()) -> Statement:
    return Statement(text, accounts=tuple(map(str, names)), subjects=tuple(subjects))


def create_users(names: Sequence[AccountName], settings: Settings, dialect: Dialect) -> Statement:
    users = ", ".join(f"{account(name)} {IDENTIFIED}" for name in names)
    return _said(f"CREATE USER {users}{settings.clauses(dialect)}", names, settings.roles)


def try_to_create_users(names: Sequence[AccountName]) -> str:
    """Creates nobody, because there is no such plugin. Before the server says so, it refuses what it would refuse of
    these accounts anyway: that one of them is the definer of code.

    https://github.com/mysql/mysql-server/blob/8.0/sql/auth/sql_user.cc (mysql_create_user)
    """
    return "CREATE USER " + ", ".join(f"{account(name)} IDENTIFIED WITH `dbops.aurora_iam`" for name in names)


def alter_users(names: Sequence[AccountName], settings: Settings, dialect: Dialect) -> Statement:
    identified = f" {IDENTIFIED}" if settings.authentication else ""
    users = ", ".join(f"{account(name)}{identified}" for name in names)
    return _said(f"ALTER USER {users}{settings.clauses(dialect)}", names)


def drop_factors(names: Sequence[AccountName], factors: int) -> Statement:
    """All beside the first. ALTER USER takes no other change together with these."""
    drops = "".join(f" DROP {number} FACTOR" for number in range(2, factors + 2))
    return Statement("ALTER USER " + ", ".join(f"{account(name)}{drops}" for name in names))


def drop_users(names: Sequence[AccountName]) -> Statement:
    return _said(f"DROP USER {_accounts(names)}", names)


def grant_roles(roles: Sequence[AccountName], names: Sequence[AccountName]) -> Statement:
    return _said(f"GRANT {_accounts(roles)} TO {_accounts(names)}", names, roles)


def revoke_roles(roles: Sequence[AccountName], names: Sequence[AccountName]) -> Statement:
    return _said(f"REVOKE {_accounts(roles)} FROM {_accounts(names)}", names, roles)


def set_default_roles(roles: Sequence[AccountName], held: bool, names: Sequence[AccountName]) -> list[Statement]:
    """Replaces the whole list of the roles that are active at login. ``held``: these are all that the accounts hold.

    One statement for several accounts does only for ALL and NONE: given a list, the server enters it in its memory once
    more for each further account, and a later REVOKE and SET DEFAULT ROLE go wrong.
    """
    if held or not roles:
        return [_said(f"SET DEFAULT ROLE {'ALL' if roles else 'NONE'} TO {_accounts(names)}", names, roles)]
    return [_said(f"SET DEFAULT ROLE {_accounts(roles)} TO {account(name)}", [name], roles) for name in names]


def grant(privileges: str, scope: Scope, names: Sequence[AccountName], option: bool, dialect: Dialect) -> Statement:
    """``privileges`` as :func:`privilege_list` writes them."""
    if scope.kind != "GLOBAL" and privileges == privilege_list([(name, ()) for name in privileges_of(scope.kind)]):
        privileges = "ALL PRIVILEGES"
    ending = " WITH GRANT OPTION" if option else ""
    return _said(f"GRANT {privileges} ON {dialect.scope(scope)} TO {_accounts(names)}{ending}", names, [scope])


def revoke(privileges: str, scope: Scope, names: Sequence[AccountName], dialect: Dialect) -> Statement:
    return _said(f"REVOKE {privileges} ON {dialect.scope(scope)} FROM {_accounts(names)}", names, [scope])


def privilege_list(privileges: Sequence[tuple[str, Sequence[str]]]) -> str:
    """Pairs of a privilege and the columns that it is limited to (none for the whole object)."""
    return ", ".join(
        f"{privilege} ({', '.join(identifier(column) for column in columns)})" if columns else privilege
        for privilege, columns in privileges
    )


CALL_RDS_KILL, KILL = "CALL mysql.rds_kill({})", "KILL {}"


def drop_object(kind: str, database: str, name: str, definer: AccountName) -> Statement:
    return _said(f"DROP {kind} {identifier(database)}.{identifier(name)}", [definer])


def end_session(call: str, number: int, name: AccountName) -> Statement:
    """``call``: which of these the login may use, ``drop/sessions.py`` says."""
    return _said(call.format(number), [name])


# Who has taken a lock can be asked by its name only (performance_schema, which lists them, is often off). So an
# announcement has a name that is made of what PROCESSLIST says of its session, the client's port included.
_LOCK = "'dbops.aurora_iam'"
_ANNOUNCED_LOCK = f"CONCAT({_LOCK}, ' ', LEFT(SHA2(CONCAT_WS(' ', ID, HOST), 256), 40))"
"""At most 64 characters: https://dev.mysql.com/doc/refman/8.4/en/locking-functions.html
MySQL 9.6 and newer have no SHA1: https://dev.mysql.com/doc/refman/9.6/en/legacy-hashing-component.html"""
_OWN_SESSION = "FROM information_schema.PROCESSLIST WHERE ID = CONNECTION_ID()"

ANNOUNCE = f"SELECT GET_LOCK({_ANNOUNCED_LOCK}, 0) {_OWN_SESSION}"
WITHDRAW = f"SELECT RELEASE_LOCK({_ANNOUNCED_LOCK}) {_OWN_SESSION}"

_HOLDER = f"IS_USED_LOCK({_LOCK})"
_AND_THEIR_SESSIONS = (
    ", NULL, NULL, 0, CURRENT_USER(), CONNECTION_ID() UNION ALL "
    f"SELECT ID, USER, HOST, COALESCE(ID <> IS_USED_LOCK({_LOCK}), 1), CURRENT_USER(), CONNECTION_ID() "
    "FROM information_schema.PROCESSLIST "
    f"WHERE ID = IS_USED_LOCK({_LOCK}) OR ID = IS_USED_LOCK({_ANNOUNCED_LOCK})"
)
LOCK_HOLDERS = f"SELECT {_HOLDER}{_AND_THEIR_SESSIONS}"
TAKE_LOCK = f"SELECT IF(GET_LOCK({_LOCK}, %s) = 1, CONNECTION_ID(), {_HOLDER}){_AND_THEIR_SESSIONS}"
"""First the holder of the lock: this session, where it could take it."""


def lock_accounts(users: Collection[str]) -> Query:
    """The accounts with these names: whether each may create accounts or end sessions, itself or by a role that it has,
    and whether it is IAM-authenticated."""
    condition, values = among("User", users)
    return (
        "WITH RECURSIVE acts_as (User, Host, Role_user, Role_host) AS "
        f"(SELECT User, Host, User, Host FROM mysql.user WHERE {condition} UNION "
        "SELECT a.User, a.Host, e.FROM_USER, e.FROM_HOST FROM acts_as a "
        "JOIN mysql.role_edges e ON e.TO_USER = a.Role_user AND e.TO_HOST = a.Role_host) "
        "SELECT a.User, a.Host, MAX(r.Create_user_priv = 'Y'), "
        f"MAX(r.User = a.User AND r.Host = a.Host AND r.plugin = '{PLUGIN}'), "
        "MAX(r.Super_priv = 'Y' OR g.PRIV IS NOT NULL) "
        "FROM acts_as a JOIN mysql.user r ON r.User = a.Role_user AND r.Host = a.Role_host "
        "LEFT JOIN mysql.global_grants g ON g.USER = r.User AND g.HOST = r.Host AND g.PRIV = 'CONNECTION_ADMIN' "
        "GROUP BY a.User, a.Host",
        values,
    )

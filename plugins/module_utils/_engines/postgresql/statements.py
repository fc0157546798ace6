# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Every statement that this engine sends to change something, and those that surround them. Text only."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.roles import (
    RDS_SUPERUSER,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.grammar.kinds import (
    FUTURE,
    NUMBER,
    SETTING,
    SIGNATURE,
    kind_of,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.grammar.names import (
    quote_identifier,
    quote_literal,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.iam_login import RDS_IAM
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import Account, AccountName, Scope
from ansible_collections.dbops.aurora_iam.plugins.module_utils._plan import (
    AT_ITS_END,
    IN_EVERY_DATABASE,
    Statement,
)

_ARGUMENT = re.compile(r'(?:"(?:[^"]|"")*"|[^",])+')
"""One of a list as the catalogue prints it: a comma in a name is in quotation marks."""

_FACTS = (
    "session_user::text, pg_is_in_recovery(), current_setting('server_version_num')::int, "
    "current_setting('max_locks_per_transaction')::int * current_setting('max_connections')::int, "
    "current_setting('default_transaction_read_only')::bool"
)

_READING = {
    "transform_null_equals": "off",
    "array_nulls": "on",
    "quote_all_identifiers": "off",
    "row_security": "on",
    "bytea_output": "hex",
    "DateStyle": "ISO, MDY",
    "IntervalStyle": "postgres",
}
"""What the server reads into our queries, and how it prints their answers. ALTER DATABASE … SET and ALTER ROLE … SET
decide each of them: https://www.postgresql.org/docs/current/runtime-config-compatible.html

Not standard_conforming_strings: :func:`quote_literal` holds under both values, and psycopg2 decides once, when it
connects, whether it writes E'…': https://github.com/psycopg/psycopg2/blob/master/psycopg/connection_int.c"""

_TIMEOUTS = {
    "statement_timeout": 0,
    "idle_in_transaction_session_timeout": 0,
    "idle_session_timeout": 140000,
    "transaction_timeout": 170000,
}
"""Since which version of the server."""


def join(statements: Iterable[Statement]) -> str:
    """Many statements as one simple-query message."""
    return ";\n".join(statement.text for statement in statements)


def together(statements: Iterable[Statement]) -> Statement:
    """Many statements as one, which the Data API takes. It may look for semicolons, and they are inside a literal here.

    https://www.postgresql.org/docs/current/sql-do.html
    """
    texts = ", ".join(quote_literal(statement.text) for statement in statements)
    body = f"DECLARE s text; BEGIN FOREACH s IN ARRAY ARRAY[{texts}] LOOP EXECUTE s; END LOOP; END"
    return Statement(f"DO {quote_literal(body)}")


def empty_search_path(local: bool = False) -> Statement:
    """The first query of every session, in a message of its own. With the search_path of ALTER DATABASE … SET, a
    database's owner decides what each name without a schema means, an operator's and a type's included.

    No start-up parameter, because RDS Proxy refuses the option: https://github.com/psycopg/psycopg2/issues/1577.
    https://wiki.postgresql.org/wiki/A_Guide_to_CVE-2018-1058:_Protect_Your_Search_Path

    local  for one transaction: the server's session belongs to others afterwards. The timeout of what follows is set
           with it, without a call of its own: constants and names with a schema are safe under any search_path.
    """
    if local:
        settings = {"search_path": "", "statement_timeout": "0"}
        return Statement(f"SELECT {_set_locally(settings)}")
    return Statement("SELECT pg_catalog.set_config('search_path', '', false)")


def _set_locally(settings: Mapping[str, str]) -> str:
    return ", ".join(f"pg_catalog.set_config('{name}', '{value}', true)" for name, value in settings.items())


def read_committed() -> Statement:
    """The first statement of a transaction over the Data API. With the isolation level of ALTER DATABASE … SET, what is
    read in it could be older than another run that it has waited for.

    It must come before the first query, :func:`empty_search_path` included, and names nothing that is looked up:
    https://www.postgresql.org/docs/current/sql-set-transaction.html
    """
    return Statement("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")


def open_session(lock_timeout: int, version: int) -> Statement:
    """What ALTER ROLE … SET has for the login must not decide what it acts as, nor break a task off that waits for a
    lock or for another database: ``lock_timeout`` is the limit. It follows :func:`empty_search_path`.

    Nobody can estimate how many roles a membership leads to, and for a guess that is too high the server compiles the
    query, which takes longer than the answer: https://www.postgresql.org/docs/current/jit-decision.html
    """
    ours = {
        **{name: "0" for name, since in _TIMEOUTS.items() if version >= since},
        **_READING,
        "default_transaction_isolation": "'read committed'",
        "role": "none",
        "client_min_messages": "warning",
        "lock_timeout": f"'{lock_timeout}s'",
        "jit": "off",
    }
    settings = "; ".join(f"SET {name} TO {value}" for name, value in ours.items())
    return Statement(f"{settings}; SELECT {_FACTS}")


def open_transaction(lock_timeout: int) -> Statement:
    """As :func:`open_session`, for one transaction and in one statement."""
    ours = {"role": "none", "jit": "off", "lock_timeout": f"{lock_timeout}s"}
    settings = {"idle_in_transaction_session_timeout": "0", **_READING, **ours}
    return Statement(
        f"SELECT {_FACTS}, {_set_locally(settings)}, (SELECT pg_catalog.set_config(name, '0', true) "
        "FROM pg_catalog.pg_settings WHERE name = 'transaction_timeout')"
    )


def declare(query: str) -> str:
    return f"DECLARE found NO SCROLL CURSOR FOR {query}"


def fetch(size: int) -> str:
    return f"FETCH FORWARD {size} FROM found"


CLOSE = "CLOSE found"


def begin(lock_timeout: int) -> tuple[Statement, ...]:
    """``lock_timeout`` in milliseconds."""
    return (Statement("BEGIN"), set_lock_timeout(lock_timeout))


def set_lock_timeout(lock_timeout: int) -> Statement:
    """For one transaction, in milliseconds."""
    return Statement(f"SET LOCAL lock_timeout = {lock_timeout}")


def no_self_grant() -> Statement:
    """Else the login would become a member of each account that it creates, and with it of rds_iam.

    Not SET LOCAL, here and for roles: that has no effect where somebody replays the statements outside a transaction.
    """
    return Statement("SET createrole_self_grant = ''", IN_EVERY_DATABASE)


def self_grant_as_before() -> Statement:
    return Statement("RESET createrole_self_grant", IN_EVERY_DATABASE)


def _shared(text: str, accounts: Collection[str], roles: Collection[str] = ()) -> Statement:
    return Statement(text, IN_EVERY_DATABASE, "", tuple(sorted(accounts)), tuple(map(AccountName, sorted(roles))))


def _on(scopes: Sequence[Scope], text: str, accounts: Collection[str]) -> Statement:
    return Statement(text, accounts=tuple(sorted(accounts)), subjects=tuple(scopes))


def create_role(account: Account) -> Statement:
    limit = f" CONNECTION LIMIT {account.connection_limit}" if account.connection_limit != -1 else ""
    login = "NOLOGIN" if account.locked else "LOGIN"
    return _shared(f"CREATE ROLE {quote_identifier(account.name.name)} {login}{limit}", [account.name.name])


def alter_role(
    name: str, locked: bool | None, connection_limit: int | None = None, inherits: bool = False
) -> Statement:
    """Only what differs: a role that is not a superuser may not even repeat NOSUPERUSER."""
    options = []
    if locked is not None:
        options.append("NOLOGIN" if locked else "LOGIN")
    if connection_limit is not None:
        options.append(f"CONNECTION LIMIT {connection_limit}")
    if inherits:
        options.append("INHERIT")
    return _shared(f"ALTER ROLE {quote_identifier(name)} {' '.join(options)}", [name])


def comment_on_role(name: str, comment: str) -> Statement:
    text = quote_literal(comment) if comment else "NULL"
    return _shared(f"COMMENT ON ROLE {quote_identifier(name)} IS {text}", [name])


def drop_roles(names: Collection[str]) -> Statement:
    return Statement(f"DROP ROLE {_names(names)}", AT_ITS_END, accounts=tuple(names))


def grant_roles(roles: Collection[str], members: Collection[str], with_rights: bool = False) -> Statement:
    """``with_rights`` turns a membership that only administers into one that gives the role's rights (16+)."""
    options = " WITH INHERIT TRUE, SET TRUE" if with_rights else ""
    return _shared(f"GRANT {_names(roles)} TO {_names(members)}{options}", members, roles)


def revoke_roles(roles: Collection[str], members: Collection[str], grantor: str) -> Statement:
    by = f" GRANTED BY {quote_identifier(grantor)}" if grantor else ""
    return _shared(f"REVOKE {_names(roles)} FROM {_names(members)}{by}", members, roles)


def join_role(role: str, member: str, options: bool, grantor: str) -> Statement:
    """``options``: since 16 a membership says itself what it gives. ``grantor``: empty for the server's choice."""
    with_all = " WITH INHERIT TRUE, SET TRUE" if options else ""
    return Statement(f"GRANT {quote_identifier(role)} TO {quote_identifier(member)}{with_all}{_granted_by(grantor)}")


def leave_role(role: str, member: str, grantor: str) -> Statement:
    return Statement(f"REVOKE {quote_identifier(role)} FROM {quote_identifier(member)}{_granted_by(grantor)}")


def set_membership(role: str, member: str, inherits: bool, sets: bool, grantor: str) -> Statement:
    given = f"WITH INHERIT {str(inherits).upper()}, SET {str(sets).upper()}{_granted_by(grantor)}"
    return Statement(f"GRANT {quote_identifier(role)} TO {quote_identifier(member)} {given}")


def _granted_by(grantor: str) -> str:
    return f" GRANTED BY {quote_identifier(grantor)}" if grantor else ""


def set_role(name: str) -> Statement:
    return Statement(f"SET ROLE {quote_identifier(name)}")


def reset_role() -> Statement:
    """RESET ROLE would go back to what ALTER ROLE … SET role has for the login."""
    return Statement("SET ROLE NONE")


def grant(privileges: Sequence[str], scopes: Sequence[Scope], grantees: Collection[str], grantable: bool) -> Statement:
    """``privileges`` may carry columns: ``SELECT ("a", "b")``. All scopes are of one kind; FUTURE ones come singly."""
    option = " WITH GRANT OPTION" if grantable else ""
    prefix, target = _target(scopes)
    text = f"{prefix}GRANT {', '.join(privileges)} ON {target} TO {_names(grantees)}{option}"
    statement = _on(scopes, text, grantees)
    return replace(statement, advice=_to_name_owner(scopes[0].owner)) if prefix else statement


def _to_name_owner(owner: str) -> str:
    return f"Log in as {owner} or as a member of it, or name with owner the role whose new objects are meant."


def revoke(
    privileges: Sequence[str], scopes: Sequence[Scope], grantees: Collection[str], option_only: bool
) -> Statement:
    option = "GRANT OPTION FOR " if option_only else ""
    prefix, target = _target(scopes)
    return _on(scopes, f"{prefix}REVOKE {option}{', '.join(privileges)} ON {target} FROM {_names(grantees)}", grantees)


def revoke_cascade(
    privileges: Sequence[str], scopes: Sequence[Scope], grantees: Collection[str], option_only: bool
) -> Statement:
    """Also from those to whom the grantees have granted them on."""
    statement = revoke(privileges, scopes, grantees, option_only)
    return replace(statement, text=f"{statement.text} CASCADE")


def on_columns(privilege: str, columns: Iterable[str]) -> str:
    return f"{privilege} ({', '.join(quote_identifier(column) for column in sorted(columns))})"


def _target(scopes: Sequence[Scope]) -> tuple[str, str]:
    """What stands before GRANT, and what stands after ON."""
    scope = scopes[0]
    if not scope.kind.startswith(FUTURE):
        return "", f"{scope.kind} {', '.join(_object(item) for item in scopes)}"
    schema = f" IN SCHEMA {quote_identifier(scope.path[0])}" if scope.path else ""
    owner = quote_identifier(scope.owner)
    return f"ALTER DEFAULT PRIVILEGES FOR ROLE {owner}{schema} ", scope.kind[len(FUTURE) :]


def _object(scope: Scope) -> str:
    form = kind_of(scope.kind).catalog.form
    if form == NUMBER:
        return scope.path[0]
    parts = scope.path[0].split(".") if form == SETTING else scope.path
    name = ".".join(quote_identifier(part) for part in parts)
    if form != SIGNATURE:
        return name
    if scope.kind == "PROCEDURE":
        # Without a mode, another procedure's OUT argument counts as well: "procedure name is not unique"
        return f"{name}({', '.join(f'IN {kind.strip()}' for kind in _ARGUMENT.findall(scope.arguments))})"
    return f"{name}({scope.arguments})"


def _names(names: Collection[str]) -> str:
    return ", ".join(quote_identifier(name) for name in sorted(names))


_LOCK_KEY = 0x6175726F69616D
""""auroiam" in ASCII."""
_LOCK_HIGH, _LOCK_LOW = _LOCK_KEY >> 32, _LOCK_KEY & 0xFFFFFFFF
"""A key of 64 bits as pg_locks shows it: https://www.postgresql.org/docs/current/view-pg-locks.html"""

TAKE_LOCK = f"SELECT pg_catalog.pg_advisory_lock({_LOCK_KEY})"
ANNOUNCE = f"SELECT pg_catalog.pg_try_advisory_lock({_LOCK_HIGH}, %s)"
ANNOUNCE_IN_TRANSACTION = f"SELECT pg_catalog.pg_try_advisory_xact_lock({_LOCK_HIGH}, %s::int)"
WITHDRAW = f"SELECT pg_catalog.pg_advisory_unlock({_LOCK_HIGH}, %s)"
"""Keys of two numbers are apart from those of one."""

_MEMBER = (
    "EXISTS (SELECT FROM pg_catalog.pg_roles g WHERE g.rolname = '{}' AND "
    "pg_catalog.pg_has_role(r.oid, g.oid, 'MEMBER'))"
)
_ADMINISTERS = f"r.rolsuper OR r.rolcreaterole OR {_MEMBER.format(RDS_SUPERUSER)}"

_LOCK_HOLDERS = (
    "SELECT l.pid, coalesce(p.gid, '')::text, coalesce(r.rolname::text, ''), "
    "coalesce(pg_catalog.host(a.client_addr), ''), "
    f"l.pid IS NOT NULL AND (a.pid IS NULL OR coalesce({_ADMINISTERS}, false)), "
    f"coalesce(NOT r.rolsuper AND {_MEMBER.format(RDS_IAM)}, false), "
    "l.pid IS NOT NULL AND coalesce(r.rolname = session_user, false), l.objsubid = 2 AS announced "
    "FROM pg_catalog.pg_locks l LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid "
    "LEFT JOIN pg_catalog.pg_locks x ON l.pid IS NULL AND x.pid IS NULL AND x.locktype = 'transactionid' "
    "AND x.virtualtransaction = l.virtualtransaction "
    "LEFT JOIN pg_catalog.pg_prepared_xacts p ON p.transaction = x.transactionid "
    "LEFT JOIN pg_catalog.pg_roles r ON r.oid = a.usesysid OR r.rolname = p.owner "
    "WHERE l.locktype = 'advisory' {condition}AND l.granted AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid() "
    "AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()) "
    f"AND l.classid = {_LOCK_HIGH} AND (l.objsubid = 2 OR l.objsubid = 1 AND l.objid = {_LOCK_LOW}) ORDER BY l.objsubid"
)
"""A session whose role was dropped has none. A prepared transaction has no session, and no run prepares one.
https://www.postgresql.org/docs/current/view-pg-prepared-xacts.html"""
LOCK_HOLDERS = _LOCK_HOLDERS.format(condition="")


def _try_lock(function: str) -> str:
    """Try to take the lock, then look who holds it: LATERAL keeps this order."""
    holders = _LOCK_HOLDERS.format(condition="AND tried.taken IS NOT NULL ")
    return (
        f"SELECT tried.taken, holder.* FROM (SELECT pg_catalog.{function}({_LOCK_KEY}) AS taken) tried "
        f"LEFT JOIN LATERAL ({holders}) holder ON true"
    )


TRY_LOCK = _try_lock("pg_try_advisory_lock")
TRY_LOCK_IN_TRANSACTION = _try_lock("pg_try_advisory_xact_lock")
"""Meets the others, and ends with the transaction."""

FORGET_SESSIONS = "SELECT pg_catalog.pg_stat_clear_snapshot()::text"
"""A transaction goes on with the pg_stat_activity that it read first.
https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-STATS-VIEWS"""


def take_lock(seconds: int) -> str:
    """The lock outlives the transaction, for which the time limit is."""
    return f"BEGIN; SET LOCAL lock_timeout = '{seconds}s'; {TAKE_LOCK}; COMMIT"


def end_session(pid: int) -> str:
    return f"SELECT pg_terminate_backend({pid})"


def roll_back_prepared(transaction: str) -> str:
    return f"ROLLBACK PREPARED {quote_literal(transaction)}"

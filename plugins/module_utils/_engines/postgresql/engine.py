# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""PostgreSQL as the rest of the collection sees it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.base import (
    Engine,
    ParsedAccount,
    ParsedGrant,
    Row,
    Session,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog import queries
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog import rows as reading
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.lock_marker import (
    LOCK_MARKER,
    has_marker,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.observed import (
    PostgreSQLObserved,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.roles import (
    RDS_AD,
    RDS_IAM,
    Roles,
    oids,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.connection.data_api import (
    PostgreSQLDataApiSession,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.connection.session import (
    PostgreSQLSession,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.drop import queries as drop_queries
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.drop.cascade import Cascade
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.drop.code import (
    Advantage,
    build_code,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.drop.dependencies import (
    DROP,
    REASSIGN,
    build_obstacles,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.facts import survey as surveying
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.grammar import objects
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.grammar.names import (
    NAME_BYTES,
    check_name,
    check_text,
    is_reserved,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.grammar.privileges import (
    parse_privilege,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.plan import checks, render
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.plan.lockout import own_accounts
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.plan.resolve import Resolver
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import InvalidOption, Refused
from ansible_collections.dbops.aurora_iam.plugins.module_utils._login import Login
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import (
    AccountChange,
    AccountName,
    AccountRequest,
    Capabilities,
    Changes,
    Desired,
    Grant,
    GrantRequest,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._plan import Step
from ansible_collections.dbops.aurora_iam.plugins.module_utils._survey import Survey, SurveyRequest

_PUBLIC_OID = 0
_HIGHEST_LIMIT = 2**31 - 1


class PostgreSQLEngine(Engine[PostgreSQLObserved]):
    capabilities = Capabilities(
        hosts=False,
        tls_requirement=False,
        default_roles=False,
        port=5432,
        longest_name=NAME_BYTES,
        names_in_bytes=True,
    )

    def check_account_name(self, name: str, what: str) -> None:
        check_name(name, what)

    def check_database_name(self, name: str, what: str) -> None:
        check_name(name, what)

    def parse(self, request: AccountRequest) -> ParsedAccount:
        check_name(request.name, f"{request.position}name")
        if request.host:
            raise InvalidOption(
                f"{request.position}host is {request.host}, and PostgreSQL's accounts have no host; leave it out."
            )
        if is_reserved(request.name):
            raise Refused(f"{request.position}{request.name} is reserved by PostgreSQL or RDS; choose another name.")
        _check_comment(request)
        if (request.connection_limit or 0) > _HIGHEST_LIMIT:
            raise InvalidOption(
                f"{request.position}connection_limit is {request.connection_limit}, and PostgreSQL takes "
                f"{_HIGHEST_LIMIT} at most; give -1 for no limit."
            )
        for role in request.roles or ():
            check_name(role, f"{request.position}roles: the name")
        if request.reassign_owned_to:
            check_name(request.reassign_owned_to, f"{request.position}reassign_owned_to")
        if is_reserved(request.reassign_owned_to):
            raise Refused(
                f"{request.position}reassign_owned_to: {request.reassign_owned_to} is reserved by PostgreSQL or RDS; "
                "name another role."
            )
        return ParsedAccount(
            AccountName(request.name),
            request,
            None if request.grants is None else tuple(_parse_grant(grant) for grant in request.grants),
            request.roles,
        )

    def open(self, login: Login) -> Session:
        if login.transport is not None:
            return PostgreSQLDataApiSession(login, login.transport)
        return PostgreSQLSession(login)

    def observe(
        self, session: Session, wanted: Sequence[ParsedAccount], all_accounts: bool = False
    ) -> PostgreSQLObserved:
        return _observe(_own(session), wanted, all_accounts)

    def resolve(self, wanted: Sequence[ParsedAccount], observed: PostgreSQLObserved) -> list[Desired]:
        resolver = Resolver(wanted, observed)
        return [resolver.resolve(account) for account in wanted]

    def protected(self, observed: PostgreSQLObserved) -> Collection[AccountName]:
        return own_accounts(observed) | {name for name in observed.accounts if is_reserved(name.name)}

    def foresee(self, changes: Changes, observed: PostgreSQLObserved) -> Changes:
        return Cascade(changes, observed).complete(self._with_open_sessions(changes, observed))

    def _with_open_sessions(self, changes: Changes, observed: PostgreSQLObserved) -> Changes:
        """With unlisted accounts that are locked and still have sessions, as after a task that broke off. Accounts that
        the task is not about are only read where it locks or drops those that it does not list."""
        known = {change.name for change in changes.accounts} | set(self.protected(observed))
        more = [
            AccountChange(name, account, account)
            for name, account in observed.accounts.items()
            if name not in known and account.locked and name.name in observed.connected
        ]
        accounts = sorted([*changes.accounts, *more], key=lambda change: change.name)
        return Changes(tuple(accounts), changes.unlisted) if more else changes

    def review(self, changes: Changes, observed: PostgreSQLObserved) -> list[str]:
        return checks.review(changes, observed)

    def render(self, changes: Changes, observed: PostgreSQLObserved) -> tuple[Step, ...]:
        return render.render(changes, observed)

    def describe_grants(self, grants: Collection[Grant]) -> list[dict[str, Any]]:
        return objects.describe_grants(grants)

    def survey(self, session: Session, request: SurveyRequest) -> Survey:
        return surveying.survey(_own(session), request)


def _check_comment(request: AccountRequest) -> None:
    """Raises InvalidOption."""
    check_text(request.comment or "", f"{request.position}comment")
    if has_marker(request.comment or ""):
        raise InvalidOption(
            f"{request.position}comment begins with {LOCK_MARKER}, which this collection writes into the comments of "
            "accounts that it locks; leave that line out."
        )


def _own(session: Session) -> PostgreSQLSession:
    if not isinstance(session, PostgreSQLSession):
        raise TypeError(f"a session of another engine: {type(session).__name__}")
    return session


def _parse_grant(request: GrantRequest) -> ParsedGrant:
    target = objects.parse_scope(request)
    if not request.privileges:
        raise InvalidOption(f"{request.position}.privileges is empty; name privileges, or leave the element out.")
    label = f"{request.position}.privileges"
    privileges = tuple(parse_privilege(text, target.kind, label) for text in request.privileges)
    return ParsedGrant(privileges, target, request.grant_option, request.position)


def _observe(session: PostgreSQLSession, wanted: Sequence[ParsedAccount], all_accounts: bool) -> PostgreSQLObserved:
    listed = {account.name.name for account in wanted}
    names = listed | (set(queries.read_iam_accounts(session)) if all_accounts else set())
    master = session.login.endpoint.master_user
    others = [RDS_IAM, RDS_AD, *([master] if master else []), *reading.named_roles(wanted)]
    role_rows, membership_rows = queries.read_roles(session, sorted(names), others)
    roles = reading.build_roles(role_rows, membership_rows)
    accounts = {name for name in names if name in listed or _is_account(name, roles)}
    dropped = {account.name.name for account in wanted if not account.request.present} | (accounts - listed)
    numbers = oids(roles.by_name, accounts)
    login_roles = oids(roles.by_name, {session.user} | roles.reachable(session.user, lambda membership: True))
    watched = sorted({*numbers, *login_roles, _PUBLIC_OID})
    shared = queries.read_shared(session, numbers, watched, reading.named_parameters(wanted))
    databases = reading.build_databases(shared.objects)
    visible = {name for name, database in databases.items() if database.connectable}
    looked_for = reading.wanted_objects(wanted, session.database)
    involved = visible & ({name for name in databases if databases[name].involved} | set(looked_for))
    builder = reading.CatalogueBuilder()
    builder.add_shared(shared)
    drops = _DropObstacles(session, wanted, oids(roles.by_name, dropped), roles, sorted(visible))
    drops.read(session.database, shared=True)
    for database in sorted(involved):
        rows = queries.read_database(session, database, looked_for.get(database, frozenset()), numbers, watched)
        builder.add_database(database, rows)
        if database != session.database:
            drops.read(database, shared=False)
    catalogue = builder.build()
    return PostgreSQLObserved(
        accounts=reading.build_accounts(sorted(accounts), roles, catalogue, builder.entries),
        expired=reading.expired_passwords(role_rows),
        login=AccountName(session.user),
        title=session.login.title,
        iam_auth=session.login.endpoint.iam_auth,
        master=master,
        major=session.major,
        self_grant=role_rows[0][7],
        on_rds=role_rows[0][8],
        connected=frozenset(row[1] for row in role_rows if row[9]),
        of_superusers=frozenset(row[1] for row in role_rows if row[10]),
        database=session.database,
        locks=session.locks,
        roles=roles,
        databases=databases,
        catalogue=catalogue,
        namesakes=queries.read_namesakes(session, sorted(listed - set(roles.by_name))),
        obstacles=build_obstacles(drops.rows),
        advantages=drops.advantages(),
        code=build_code(drops.code),
    )


class _DropObstacles:
    """Reads what keeps accounts from being dropped, one database after the other."""

    def __init__(
        self,
        session: PostgreSQLSession,
        wanted: Sequence[ParsedAccount],
        dropped: Sequence[int],
        roles: Roles,
        visible: Sequence[str],
    ) -> None:
        """``visible``: the databases that the login may connect to."""
        self._session, self._accounts, self._visible = session, dropped, visible
        lasting = {account.name.name for account in wanted if not account.request.terminate_sessions}
        self._ending = sorted(set(dropped) - set(oids(roles.by_name, lasting)))
        self._reassigned: dict[int, int] = {}
        self._dropped: list[int] = []
        self.rows: dict[str, list[Row]] = {}
        self.code: dict[str, list[Row]] = {}
        for account in wanted:
            role, new_owner = (roles.by_name.get(n) for n in (account.name.name, account.request.reassign_owned_to))
            if role is None or account.request.present:
                continue
            if account.request.owned_objects == REASSIGN:
                self._reassigned[role.oid] = new_owner.oid if new_owner is not None else _PUBLIC_OID
            elif account.request.owned_objects == DROP:
                self._dropped.append(role.oid)

    def read(self, database: str, shared: bool) -> None:
        self.rows[database] = [
            *drop_queries.read_obstacles(self._session, database, self._accounts, self._ending, shared, self._visible),
            *drop_queries.read_requirements(self._session, database, self._reassigned, self._dropped),
        ]
        self.code[database] = drop_queries.read_code(self._session, database, self._reassigned)

    def advantages(self) -> dict[str, tuple[Advantage, ...]]:
        found: dict[str, list[Advantage]] = {}
        for account, database, text in drop_queries.read_new_owners(self._session, self._reassigned):
            found.setdefault(account, []).append(Advantage(database, text))
        return {account: tuple(items) for account, items in found.items()}


def _is_account(name: str, roles: Roles) -> bool:
    """Of the members of rds_iam: not a reserved role, and not a group role, which has members or has had some."""
    role = roles.by_name.get(name)
    return role is not None and not is_reserved(name) and (role.can_login or has_marker(role.comment))

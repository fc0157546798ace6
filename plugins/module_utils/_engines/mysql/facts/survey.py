# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""One look at a MySQL server: accounts and roles with all that concerns them. What may not be read is left out, and
said."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.base import Row as QueryRow
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.base import Session
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.grouping import together
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.access import (
    GrantTables,
    Restrictions,
    Row,
    added_by,
    rows_of_others,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.grantor import (
    Authority,
    authority_of_login,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.queries import (
    ALL_ACCOUNTS,
    SERVER,
    privileges,
    privileges_of_everybody,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.roles import reachable
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.rows import (
    DependencyRow,
    GrantedRows,
    LoginRow,
    PrivilegeRow,
    ServerRow,
    SessionRow,
    UserRow,
    UserRows,
    build_granted,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.drop.dependencies import (
    DefinedObject,
    missing_to_see,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.drop.queries import DEFINERS
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.drop.sessions import assign
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.facts import queries
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.facts.administrators import (
    Holder,
    administrator_by,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.facts.defects import find_defects
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.facts.public import exposures, rights
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.names import (
    is_reserved,
    role_list,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.objects import GLOBAL
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import StatementFailed
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import IAM, AccountName, Grant
from ansible_collections.dbops.aurora_iam.plugins.module_utils._survey import (
    GroupRole,
    Limit,
    Owned,
    PublicRights,
    Survey,
    SurveyedAccount,
    SurveyRequest,
    Unseen,
)

SHOWN = 20
"""Objects of an account that are named, in each database."""


def survey(session: Session, request: SurveyRequest) -> Survey:
    """At most eight queries. Raises ConnectionLost."""
    return _Look(session, request).survey()


@dataclass
class _Look:
    """Remembers what could not be seen on the way."""

    session: Session
    request: SurveyRequest
    unseen: list[Unseen] = field(default_factory=list)

    def survey(self) -> Survey:
        server = ServerRow(*self.session.query(SERVER)[0])
        users = UserRows(UserRow(*row) for row in self._query("accounts", "mysql.*", ALL_ACCOUNTS) or ())
        found = self._query("accounts", "mysql.*", *privileges(users.names)) if users.names else None
        if found is None:
            # An account without its roles and grants would be taken for one that has none
            return Survey(server.principals[0], unseen=tuple(self.unseen))
        return self._surveyed(server, users, build_granted(server, users, users.names, found))

    def _surveyed(self, server: ServerRow, users: UserRows, granted: GrantedRows) -> Survey:
        login = server.principals[0]
        tables = GrantTables(server.dialect, granted.grants, users.restrictions)
        authority = authority_of_login(server, tables)
        mandatory = role_list(server.mandatory_roles or "")
        looked_at = rows_of_others(users.names, tables, users.names, server.resolves_hosts)
        foreign = {name: added_by(rows, name, tables) for name, rows in looked_at.items()}
        accounts = _Accounts(self.session.login.endpoint.master_user, login, users, granted, mandatory, foreign)
        owned, sessions, (used, uptime) = self._owned(authority), self._sessions(authority, users.names), self._used()
        found = [accounts.surveyed(each, owned, sessions, used) for each in sorted(users.names - accounts.mere_roles)]
        public = self._public(server)
        return Survey(
            login=login,
            accounts=tuple(found),
            roles=tuple(accounts.role(each) for each in sorted(accounts.roles)),
            defects=tuple(find_defects(found, foreign, server.resolves_hosts, users.blockable)),
            public=public,
            exposures=tuple(exposures(self.session.login.title, public, found, accounts.holder, granted.roles)),
            unseen=tuple(self.unseen),
            counted_for=uptime,
            iam_auth=None if server.plugin_active else False,
        )

    def _query(self, what: str, table: str, sql: str, parameters: tuple[object, ...] = ()) -> list[QueryRow] | None:
        try:
            return self.session.query(sql, parameters)
        except StatementFailed as error:
            self.unseen.append(
                Unseen(what, f"{error.message.rstrip('.')}; GRANT SELECT ON {table} to the login to have them shown.")
            )
            return None

    def _public(self, server: ServerRow) -> tuple[PublicRights, ...]:
        if not self.request.public:
            return ()
        found = self._query("public", "mysql.*", privileges_of_everybody()) or []
        rows = [PrivilegeRow(*row) for row in found]
        return rights(rows, role_list(server.mandatory_roles or ""), server.dialect, server.folds_names)

    def _owned(self, authority: Authority) -> dict[str, dict[str, Owned]]:
        """By definer (``user@host``) and database."""
        missing = missing_to_see(authority)
        if missing:
            self.unseen.append(
                Unseen(
                    "owns",
                    "The login sees code of others only where it has a privilege on it; grant it "
                    f"{', '.join(missing)} to have all of it counted.",
                )
            )
        objects: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        for row in map(DependencyRow._make, self.session.query(DEFINERS)):
            item = DefinedObject(row.kind, row.first, row.second)
            objects[_folded(row.account)][item.database].append(str(item))
        return {
            definer: {database: Owned(len(names), tuple(sorted(names)[:SHOWN])) for database, names in found.items()}
            for definer, found in objects.items()
        }

    def _sessions(self, authority: Authority, existing: Collection[AccountName]) -> dict[AccountName, int] | None:
        if not authority.holds("PROCESS", GLOBAL):
            self.unseen.append(
                Unseen(
                    "sessions", "The login sees its own sessions only; GRANT PROCESS ON *.* to it to have all counted."
                )
            )
            return None
        found, unclear = assign(map(SessionRow._make, self.session.query(queries.SESSIONS)), existing)
        if unclear:
            self.unseen.append(
                Unseen(
                    "sessions",
                    f"It cannot be told which account the sessions of {', '.join(sorted(unclear))} are of, because "
                    "the client's host name hides the address; they are not counted.",
                )
            )
        counted: dict[AccountName, int] = defaultdict(int)
        for account in found.values():
            counted[account] += 1
        return counted

    def _used(self) -> tuple[frozenset[str] | None, int | None]:
        """The names that somebody has logged in with, and for how many seconds the server has counted."""
        ((counts,),) = self.session.query(queries.COUNTS_LOGINS)
        if not int(counts):
            self.unseen.append(
                Unseen("used", "The server does not count logins; set the parameter performance_schema to 1.")
            )
            return None, None
        rows = [LoginRow(*row) for row in self._query("used", "performance_schema.*", queries.LOGINS) or ()]
        if not rows:
            return None, None
        return frozenset(row.user for row in rows if row.user), int(rows[0].uptime)


def _folded(definer: str) -> str:
    name, _at, host = definer.rpartition("@")
    return f"{name}@{host.lower()}"


class _Accounts:
    """Accounts and roles from their rows."""

    def __init__(
        self,
        master: str,
        login: AccountName,
        users: UserRows,
        granted: GrantedRows,
        mandatory: Collection[AccountName],
        foreign: Mapping[AccountName, Collection[Row]],
    ) -> None:
        """``foreign``: rows of others that count for each account."""
        self.master = master
        self._mandatory = set(mandatory).union(*(reachable(role, granted.roles) for role in mandatory))
        self._foreign = foreign
        self._login, self._users, self._granted = login, users, granted
        self._blockable = users.blockable
        self.members: dict[AccountName, set[AccountName]] = defaultdict(set)
        for name in users.names:
            for role in granted.roles[name]:
                self.members[role].add(name)
        self.roles = {name for name in users.group_roles | set(self.members) if name in users.names} - users.iam
        self._administrator_by = lru_cache(maxsize=None)(administrator_by)
        self.mere_roles = {name for name in self.roles if not _has_a_login(users.by_name[name])}

    def surveyed(
        self,
        name: AccountName,
        owned: Mapping[str, Mapping[str, Owned]],
        sessions: Mapping[AccountName, int] | None,
        used: Collection[str] | None,
    ) -> SurveyedAccount:
        account = self._users.account(name, self._granted)
        if name in self._blockable:
            account = replace(account, authentication=IAM)
        roles = reachable(name, self._granted.roles)
        held = frozenset(map(self.holder, roles))
        return SurveyedAccount(
            account=account,
            can_log_in=not account.locked,
            reserved=is_reserved(name.name),
            untouchable=name == self._login or name.name == self.master or is_reserved(name.name),
            expired=self._users.expired.get(name, ""),
            inherited_roles=frozenset((roles | self._mandatory) - account.roles - {name}),
            admin_roles=frozenset(self._granted.administered[name]),
            acts_as=frozenset(self._granted.proxied[name]),
            reached_by=_by_account(self._foreign.get(name, ())),
            limits=_limits(self._users.by_name[name]),
            owned=owned.get(str(name), {}),
            creator_grants=frozenset(self._granted.as_creator[name]),
            partial_revokes=_revoked(self._users.restrictions[name]),
            sessions=None if sessions is None else sessions.get(name, 0),
            used=None if used is None else name.name in used,
            administrator_by=self._administrator_by(self.holder(name), held),
        )

    def holder(self, name: AccountName) -> Holder:
        restricted = self._users.restrictions.get(name, {}).get("mysql", frozenset[str]())
        return Holder(name, frozenset(self._granted.grants[name]), restricted)

    def role(self, name: AccountName) -> GroupRole:
        return GroupRole(
            name,
            members=frozenset(self.members[name]),
            roles=frozenset(self._granted.roles[name]),
            grants=frozenset(self._granted.grants[name]),
            partial_revokes=_revoked(self._users.restrictions[name]),
        )


def _by_account(rows: Iterable[Row]) -> dict[AccountName, frozenset[Grant]]:
    found = together((row.account, grant) for row in rows for grant in row.grants)
    return {name: frozenset(grants) for name, grants in found.items()}


def _has_a_login(row: UserRow) -> bool:
    """Whether somebody can log in as it, or could if it were not locked."""
    return bool(row.authentication_string) or row.account_locked != "Y"


def _limits(row: UserRow) -> dict[str, Limit]:
    return {
        "queries_per_hour": int(row.max_questions) or None,
        "updates_per_hour": int(row.max_updates) or None,
        "connections_per_hour": int(row.max_connections) or None,
    }


def _revoked(restrictions: Restrictions) -> dict[str, tuple[str, ...]]:
    return {database: tuple(sorted(privileges)) for database, privileges in sorted(restrictions.items())}

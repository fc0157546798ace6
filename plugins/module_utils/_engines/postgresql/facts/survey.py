# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""One look at a PostgreSQL cluster: accounts and roles with all that concerns them. What may not be read is left out,
and said."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.roles import Roles, oids
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.rows import (
    CatalogueBuilder,
    OwnedObjectRow,
    OwnedRow,
    SessionsRow,
    SurveyedRoleRow,
    build_accounts,
    build_databases,
    build_roles,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.connection.session import (
    PostgreSQLSession,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.facts import queries
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.facts.administrators import (
    Attributes,
    administrator_by,
    find_locked_out,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.facts.defects import (
    ValidUntil,
    find_defects,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.facts.public import Everybody
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.grammar.names import is_reserved
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.iam_login import (
    RDS_IAM,
    chain_to_iam,
    is_account,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.observe import (
    read_database,
    read_memberships,
    read_shared,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import CannotConnect, StatementFailed
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import Account, AccountName
from ansible_collections.dbops.aurora_iam.plugins.module_utils._survey import (
    GroupRole,
    Owned,
    Survey,
    SurveyedAccount,
    SurveyRequest,
    Unseen,
)

SHOWN = 20
"""Objects of an account that are named, in each database."""


def survey(session: PostgreSQLSession, request: SurveyRequest) -> Survey:
    """Nine queries, four for each database where one of the accounts or roles has something, and two for each database
    that is no template. Raises StatementFailed, ConnectionLost."""
    role_rows = [SurveyedRoleRow(*row) for row in session.query(queries.ROLES)]
    roles = build_roles(role_rows, read_memberships(session, [row.oid for row in role_rows]))
    attributes = {
        row.name: Attributes(row.superuser, row.creates_roles, row.bypasses_row_security, row.replicates)
        for row in role_rows
    }
    dates = {row.name: ValidUntil(row.valid_until, row.over) for row in role_rows}
    groups = find_groups(roles)
    details = _Details(session, request)
    details.read(_of_interest(roles, groups, request.passwords), roles)
    sessions = {row.role: row.number for row in map(SessionsRow._make, session.query(queries.SESSIONS))}
    master = session.login.endpoint.master_user
    accounts = details.accounts(roles)
    found = [
        SurveyedAccount(
            account=accounts[AccountName(name)],
            can_log_in=roles.by_name[name].can_login,
            reserved=is_reserved(name),
            untouchable=name in (session.user, master) or is_reserved(name),
            expired=dates[name].expired,
            enrolled_by=chain_to_iam(name, roles),
            inherited_roles=_named(roles.reachable(name) - roles.direct(name) - {RDS_IAM}),
            limits={"valid_until": dates[name].text},
            owned=details.owned.get(name, {}),
            sessions=sessions.get(name, 0),
            administrator_by=administrator_by(name, roles, attributes[name]),
        )
        for name in sorted(set(roles.by_name) - groups)
    ]
    everybody = Everybody(roles, _administrators(roles, attributes, master))
    if request.public:
        everybody.read(session)
    return Survey(
        login=AccountName(session.user),
        accounts=tuple(found),
        roles=tuple(_groups(groups, roles, accounts)),
        defects=(
            *find_defects([item.account for item in found], roles, master, dates),
            *find_locked_out(found, roles, master),
        ),
        public=tuple(everybody.public),
        exposures=tuple(everybody.exposures),
        unseen=(*details.unseen, *everybody.unseen),
    )


def _administrators(roles: Roles, attributes: Mapping[str, Attributes], master: str) -> set[str]:
    return {master, *(name for name in roles.by_name if administrator_by(name, roles, attributes[name]))}


def find_groups(roles: Roles) -> set[str]:
    """Roles that cannot log in; but not accounts that this collection has locked."""
    enrolled = roles.members(RDS_IAM)
    without_login = {name for name, role in roles.by_name.items() if not role.can_login}
    locked = {name for name in without_login & enrolled if is_account(name, roles)}
    return without_login - locked


def _of_interest(roles: Roles, groups: Collection[str], passwords: bool) -> list[str]:
    """Whose privileges and belongings are read."""
    enrolled = roles.members(RDS_IAM)
    return [
        name for name in roles.by_name if not is_reserved(name) and (passwords or name in groups or name in enrolled)
    ]


def _groups(groups: Iterable[str], roles: Roles, accounts: Mapping[AccountName, Account]) -> list[GroupRole]:
    """PostgreSQL's and RDS's own are among them where they have members."""
    members: dict[str, set[str]] = defaultdict(set)
    for membership in roles.memberships:
        if membership.counts:
            members[membership.role].add(membership.member)
    shown = [AccountName(name) for name in sorted(groups) if members[name] or not is_reserved(name)]
    return [
        GroupRole(role, _named(members[role.name]), _named(roles.direct(role.name)), accounts[role].grants)
        for role in shown
    ]


class _Details:
    """What is read by account: privileges, and what it owns."""

    def __init__(self, session: PostgreSQLSession, request: SurveyRequest) -> None:
        self.unseen: list[Unseen] = []
        self.owned: dict[str, dict[str, Owned]] = defaultdict(dict)
        self._session, self._request = session, request
        self._builder = CatalogueBuilder()

    def read(self, names: Sequence[str], roles: Roles) -> None:
        numbers = oids(roles.by_name, names)
        for row in map(OwnedRow._make, self._session.query(*queries.owned(numbers))):
            self.owned[row.owner][row.database] = Owned(row.number)
        if not self._request.grants:
            return
        shared = read_shared(self._session, numbers, numbers)
        self._builder.add_shared(shared)
        for database in build_databases(shared.objects).values():
            if database.involved and database.connectable:
                self._read_database(database.name, numbers)
            elif database.involved and not is_reserved(database.name):
                self._miss(database.name, "the login may not connect to it; GRANT CONNECT ON DATABASE to the login")

    def _read_database(self, database: str, numbers: Sequence[int]) -> None:
        try:
            self._builder.add_database(database, read_database(self._session, database, frozenset(), numbers, numbers))
            objects: dict[str, list[str]] = defaultdict(list)
            found = self._session.query(*queries.owned_objects(numbers, SHOWN), database)
            for row in map(OwnedObjectRow._make, found):
                objects[row.owner].append(row.text)
        except (CannotConnect, StatementFailed) as error:
            self._miss(database, error.message.rstrip("."))
            return
        for name, texts in objects.items():
            self.owned[name][database] = Owned(self.owned[name][database].count, tuple(texts))

    def _miss(self, database: str, why: str) -> None:
        self.unseen.append(
            Unseen("grants", f"What accounts may do and own in database {database} is not shown, because {why}.")
        )

    def accounts(self, roles: Roles) -> dict[AccountName, Account]:
        return build_accounts(list(roles.by_name), roles, self._builder.build({}), self._builder.entries)


def _named(names: Iterable[str]) -> frozenset[AccountName]:
    return frozenset(AccountName(name) for name in names)

# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Who logs in only by password, or only with a token, does so after a task as before."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.observed import (
    PostgreSQLObserved,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.roles import (
    MEMBERSHIP_OPTIONS,
    Membership,
    Roles,
    any_membership,
    format_chain,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.iam_login import RDS_IAM
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.plan import queries
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import Refused, StatementFailed, Where
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import AccountChange, AccountName, Changes
from ansible_collections.dbops.aurora_iam.plugins.module_utils._plan import Server, Step


def own_accounts(observed: PostgreSQLObserved) -> set[AccountName]:
    return {observed.login, AccountName(observed.master)} - {AccountName("")}


def refuse_lost_logins(changes: Changes, observed: PostgreSQLObserved, graph: Roles, logins: Logins) -> None:
    """Members of rds_iam, nested ones as well, log in with a token only. Raises Refused.

    graph  the memberships after the plan

    RDS sends every member to IAM authentication by a line "+rds_iam" of pg_hba.conf, for which any membership counts,
    one with neither INHERIT nor SET as well: https://www.postgresql.org/docs/current/auth-pg-hba-conf.html. Since 16
    the creator of a role gets such a membership in it. AWS documents that the master user may create IAM-authenticated
    accounts, so that only a membership with INHERIT or SET counts for the master user:
    https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/UsingWithRDS.IAMDBAuth.DBAccounts.html
    """
    after = _with_creator(changes, observed, graph)
    listed = {change.name.name for change in changes.accounts}
    kept = {*logins.administrators} | {name for name, role in observed.roles.by_name.items() if role.can_login}
    compare_logins(
        logins,
        (_token_only(observed.roles, observed.master) & kept) - listed,
        (_token_only(after, observed.master) & kept) - listed,
        (observed.roles, after),
    )


@dataclass(frozen=True)
class Logins:
    """
    title           of the cluster
    master          the master user's name; empty when not known
    administrators  the master user and the login
    listed          the accounts of the task, as far as they are known
    """

    title: str = ""
    master: str = ""
    administrators: Collection[str] = ()
    listed: Mapping[str, AccountChange] = field(default_factory=dict)

    def on(self, chain: Iterable[str]) -> list[Where]:
        """The account of the task that is on the way."""
        return [self.listed[name].at() for name in chain if name in self.listed][:1]


def logins_of(changes: Changes, observed: PostgreSQLObserved) -> Logins:
    administrators = {name.name for name in own_accounts(observed)}
    listed = {change.name.name: change for change in changes.accounts}
    return Logins(observed.title, observed.master, administrators, listed)


def compare_logins(logins: Logins, before: set[str], after: set[str], graphs: tuple[Roles, Roles]) -> None:
    """Raise Refused where accounts that the task does not list enter rds_iam or leave it.

    before, after  who logs in with a token only
    graphs         the memberships then
    """
    gained, lost = sorted(after - before), sorted(before - after)
    administrators = [name for name in gained if name in logins.administrators]
    if administrators:
        chain = _chain_to_iam(administrators[0], graphs[1])
        raise Refused(_administrator_lost(administrators[0], graphs[1], logins), *logins.on(chain))
    if gained:
        chain = graphs[1].chain(gained[0], RDS_IAM, any_membership)
        raise Refused(
            f"{', '.join(gained)} would become members of rds_iam without being asked for ({format_chain(chain)}): "
            "passwords would stop working; end that membership first, or list these accounts with convert: true.",
            *logins.on(chain),
        )
    if lost:
        chain = graphs[0].chain(lost[0], RDS_IAM, any_membership)
        raise Refused(
            f"{', '.join(lost)} would no longer be members of rds_iam without being asked for ({format_chain(chain)}): "
            "tokens would stop working; grant rds_iam to these accounts first, or list them in this task.",
            *logins.on(chain),
        )


@dataclass(frozen=True)
class Enrolment(Step):
    """A transaction that changes memberships. Before it commits, the server is asked who is in rds_iam then: another
    session may have changed memberships since the plan was made.

    logins  with the accounts of the task: the others stay in rds_iam, or out of it
    major   the server's major version
    """

    logins: Logins = Logins()
    major: int = 0

    def before(self, server: Server) -> object:
        return self._ask(server, queries.token_logins_checksum(self.major))

    def last(self, server: Server, seen: object) -> None:
        """Raises StatementFailed where another session has changed who is in rds_iam during the transaction."""
        if self.before(server) == seen:
            return
        names, memberships = self._enrolled(server)
        server.roll_back()
        names_before, memberships_before = self._enrolled(server)
        if self.before(server) == seen:
            compare_logins(self.logins, names_before, names, (memberships_before, memberships))
        raise StatementFailed(
            f"Another session changed who is a member of rds_iam on {self.logins.title}; run the task again.",
            "",
            self.statements[0].text,
        )

    def _ask(self, server: Server, text: str) -> list[tuple[Any, ...]]:
        """About the accounts that the task does not list."""
        return server.ask(text, (sorted(self.logins.listed), self.logins.master))

    def _enrolled(self, server: Server) -> tuple[set[str], Roles]:
        names = {row[0] for row in self._ask(server, queries.token_logins(self.major))}
        rows = server.ask(queries.all_memberships(self.major))
        return names, Roles((), (Membership(*row) for row in rows))


def _with_creator(changes: Changes, observed: PostgreSQLObserved, after: Roles) -> Roles:
    if observed.major < MEMBERSHIP_OPTIONS or observed.authority.superuser:
        return after
    created = [
        Membership(change.name.name, observed.login.name, admin=True, inherits=False, sets=False)
        for change in changes.effective
        if change.created
    ]
    return Roles(after.by_name.values(), [*after.memberships, *created])


def _token_only(roles: Roles, master: str) -> set[str]:
    """Who is refused with a password."""
    return (roles.members(RDS_IAM, any_membership) - {master}) | roles.members(RDS_IAM)


def _administrator_lost(name: str, after: Roles, logins: Logins) -> str:
    chain = _chain_to_iam(name, after)
    cause = (
        f"{name} administers {logins.title}, and would become a member of rds_iam ({format_chain(chain)}): its "
        "password would stop working; "
    )
    if after.chain(name, RDS_IAM):
        return f"{cause}revoke {chain[1]} from {name} first."
    unknown = "" if logins.master else ", which cluster or instance names to the task"
    return f"{cause}log in as the master user{unknown}, or with a token as an account that is in rds_iam already."


def _chain_to_iam(name: str, roles: Roles) -> tuple[str, ...]:
    return roles.chain(name, RDS_IAM) or roles.chain(name, RDS_IAM, any_membership)

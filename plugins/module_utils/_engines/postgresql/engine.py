# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""PostgreSQL as the rest of the collection sees it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.base import (
    Engine,
    EnginePlan,
    Others,
    ParsedAccount,
    Session,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.checks import resolve_all
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.observed import (
    PostgreSQLObserved,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.connection.data_api import (
    PostgreSQLDataApiSession,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.connection.session import (
    PostgreSQLSession,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.drop.cascade import Cascade
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.grammar import describe
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.grammar.names import (
    NAME_BYTES,
    check_name,
    is_reserved,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.grammar.request import (
    parse_account,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.observe import observe
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.plan import checks, render
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.plan.derived import Derived
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.plan.lockout import own_accounts
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.plan.resolve import (
    Resolver,
    elements,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._login import Login
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import (
    AccountChange,
    AccountName,
    AccountRequest,
    Capabilities,
    Changes,
    Desired,
    Grant,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._plan import Subject
from ansible_collections.dbops.aurora_iam.plugins.module_utils._survey import Survey, SurveyRequest


class PostgreSQLEngine(Engine[PostgreSQLObserved]):
    capabilities = Capabilities(
        hosts=False,
        tls_requirement=False,
        port=5432,
        longest_name=NAME_BYTES,
        names_in_bytes=True,
    )

    def check_account_name(self, name: str, what: str) -> None:
        check_name(name, what)

    def check_database_name(self, name: str, what: str) -> None:
        check_name(name, what)

    def parse(self, request: AccountRequest) -> ParsedAccount:
        return parse_account(request)

    def open(self, login: Login) -> Session:
        if login.transport is not None:
            return PostgreSQLDataApiSession(login, login.transport)
        return PostgreSQLSession(login)

    def observe(
        self, session: Session, wanted: Sequence[ParsedAccount], others: Others = Others.NOTHING
    ) -> PostgreSQLObserved:
        return observe(_own(session), wanted, others)

    def resolve(self, wanted: Sequence[ParsedAccount], observed: PostgreSQLObserved) -> list[Desired]:
        return resolve_all(wanted, Resolver(wanted, observed).resolve)

    def elements(
        self, wanted: Sequence[ParsedAccount], subjects: Collection[Subject], observed: PostgreSQLObserved
    ) -> Mapping[AccountName, str]:
        return elements(wanted, subjects, observed)

    def protected(self, observed: PostgreSQLObserved) -> Collection[AccountName]:
        return own_accounts(observed) | {name for name in observed.accounts if is_reserved(name.name)}

    def plan(self, changes: Changes, observed: PostgreSQLObserved) -> EnginePlan:
        cascade = Cascade(changes, observed)
        derived = Derived(cascade.complete(self._with_open_sessions(changes, observed)), observed, cascade)
        return EnginePlan(derived.changes, warnings=checks.review(derived), steps=render.render(derived))

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

    def describe_grants(self, grants: Collection[Grant]) -> list[dict[str, Any]]:
        return describe.describe_grants(grants)

    def survey(self, session: Session, request: SurveyRequest) -> Survey:
        # Only facts need it
        from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.facts import survey

        return survey.survey(_own(session), request)


def _own(session: Session) -> PostgreSQLSession:
    if not isinstance(session, PostgreSQLSession):
        raise TypeError(f"a session of another engine: {type(session).__name__}")
    return session

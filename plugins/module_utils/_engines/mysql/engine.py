# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""MySQL: Aurora MySQL 3 and later, RDS for MySQL 8.0 and later."""

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
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.observed import MySQLObserved
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.connection.data_api import (
    MySQLDataApiSession,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.connection.session import MySQLSession
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar import describe
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.names import MAX_NAME, check_name
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.objects import MAX_IDENTIFIER
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.request import parse_account
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.observe import observe
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.plan import checks, render
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.plan.resolve import (
    elements,
    resolve_account,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._login import Login
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import (
    AccountName,
    AccountRequest,
    Capabilities,
    Changes,
    Desired,
    Grant,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._plan import Subject
from ansible_collections.dbops.aurora_iam.plugins.module_utils._survey import Survey, SurveyRequest


class MySQLEngine(Engine[MySQLObserved]):
    capabilities = Capabilities(hosts=True, tls_requirement=True, port=3306, longest_name=MAX_NAME)

    def check_account_name(self, name: str, what: str) -> None:
        check_name(name, what)

    def check_database_name(self, name: str, what: str) -> None:
        check_name(name, what, MAX_IDENTIFIER)

    def parse(self, request: AccountRequest) -> ParsedAccount:
        return parse_account(request)

    def open(self, login: Login) -> Session:
        if login.transport is not None:
            return MySQLDataApiSession(login, login.transport)
        return MySQLSession(login)

    def observe(
        self, session: Session, wanted: Sequence[ParsedAccount], others: Others = Others.NOTHING
    ) -> MySQLObserved:
        return observe(session, wanted, others)

    def resolve(self, wanted: Sequence[ParsedAccount], observed: MySQLObserved) -> list[Desired]:
        found = resolve_all(wanted, lambda account: resolve_account(account, observed))
        return [desired for accounts in found for desired in accounts]

    def elements(
        self, wanted: Sequence[ParsedAccount], subjects: Collection[Subject], observed: MySQLObserved
    ) -> Mapping[AccountName, str]:
        return elements(wanted, subjects, observed)

    def protected(self, observed: MySQLObserved) -> Collection[AccountName]:
        return checks.protected(observed)

    def plan(self, changes: Changes, observed: MySQLObserved) -> EnginePlan:
        return EnginePlan(changes, warnings=checks.review(changes, observed), steps=render.render(changes, observed))

    def describe_grants(self, grants: Collection[Grant]) -> list[dict[str, Any]]:
        return describe.describe_grants(grants)

    def survey(self, session: Session, request: SurveyRequest) -> Survey:
        # Only facts need it
        from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.facts import survey

        return survey.survey(session, request)

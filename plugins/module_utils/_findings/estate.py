# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""The three places that findings join: what AWS says of the database, what is in it, and who may connect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.dbops.aurora_iam.plugins.module_utils._authorization.access import Access
from ansible_collections.dbops.aurora_iam.plugins.module_utils._login import Endpoint
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import IAM, AccountName, Capabilities
from ansible_collections.dbops.aurora_iam.plugins.module_utils._survey import Survey, SurveyedAccount

COLLECTION = "dbops.aurora_iam."


@dataclass(frozen=True)
class Estate:
    """
    where    options by which a task names this database; for a proxy, the one behind it
    access   who may connect; None where that was not or could not be read
    """

    endpoint: Endpoint
    survey: Survey
    capabilities: Capabilities
    where: Mapping[str, Any] = field(default_factory=dict)
    access: Access | None = None

    @property
    def connectable(self) -> frozenset[str] | None:
        """Names of accounts that somebody may connect as, other than by a policy for every account of every database;
        None where that is not known."""
        return None if self.access is None else self.access.connectable

    @property
    def allowed(self) -> frozenset[str] | None:
        """The same, by whatever policy."""
        return None if self.access is None else self.access.allowed

    @property
    def iam_auth_off(self) -> bool:
        return self.endpoint.iam_auth is False or self.survey.iam_auth is False

    @property
    def iam_accounts(self) -> list[SurveyedAccount]:
        return [item for item in self.survey.accounts if item.account.authentication == IAM]

    def account_task(self, title: str, name: AccountName, **options: Any) -> dict[str, Any]:
        """A task of aurora_iam_user."""
        host = {"host": name.host} if self.capabilities.hosts else {}
        return {
            "name": title,
            f"{COLLECTION}aurora_iam_user": {**self.where, "name": name.name, **host, **options},
        }

    def cluster_task(self, title: str, **options: Any) -> dict[str, Any] | None:
        """A task of aurora_iam_cluster; None where AWS does not know the database."""
        if not self.endpoint.identifier:
            return None
        return {"name": title, f"{COLLECTION}aurora_iam_cluster": {**self.where, **options}}

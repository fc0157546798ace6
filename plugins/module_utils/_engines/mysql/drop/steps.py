# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Steps that a MySQL session carries out in a way of their own."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.drop.definers import DefinedObject
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import AccountName
from ansible_collections.dbops.aurora_iam.plugins.module_utils._plan import Step


@dataclass(frozen=True)
class EndSessions(Step):
    """Ends every session of these accounts: those of ``statements``, and those opened before the account was locked.

    existing  as for ``sessions.assign``
    call      how a session is ended, with a place for its number
    known     of each account that is then dropped, the objects that the plan knows of
    """

    accounts: frozenset[AccountName] = frozenset()
    existing: frozenset[AccountName] = frozenset()
    call: str = ""
    known: Mapping[AccountName, Collection[DefinedObject]] = field(default_factory=dict)

# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""The statements that end sessions and drop objects."""

from __future__ import annotations

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.drop.dependencies import DefinedObject
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.objects import identifier
from ansible_collections.dbops.aurora_iam.plugins.module_utils._plan import Statement

RDS_KILL, KILL = "CALL mysql.rds_kill({})", "KILL {}"


def drop(item: DefinedObject) -> Statement:
    return Statement(f"DROP {item.kind} {identifier(item.database)}.{identifier(item.name)}")

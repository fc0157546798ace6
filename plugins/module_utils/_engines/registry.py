# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Which engine stands behind which of AWS's words. Static, so that it is shipped to the target with the module."""

from __future__ import annotations

from typing import Any

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.base import Engine
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.engine import MySQLEngine
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.engine import PostgreSQLEngine
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import InvalidOption

ENGINES: dict[str, Engine[Any]] = {
    "aurora-mysql": MySQLEngine(),
    "aurora-postgresql": PostgreSQLEngine(),
    "mysql": MySQLEngine(),
    "postgres": PostgreSQLEngine(),
}


def engine_for(word: str) -> Engine[Any]:
    """The engine for the word that the RDS API uses. Raises InvalidOption for one that cannot do this."""
    try:
        return ENGINES[word]
    except KeyError:
        raise InvalidOption(
            f"Engine {word} has no IAM-authenticated accounts that this collection knows; it works with "
            f"{', '.join(sorted(ENGINES))}."
        ) from None

# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Which engine stands behind which of AWS's words. Static, so that it is shipped to the target with the module."""

from __future__ import annotations

from typing import Any, Callable

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.base import Engine
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import InvalidOption

# Imported when chosen: on the target every module is compiled anew for each task, and one engine is enough


def _mysql() -> Engine[Any]:
    from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.engine import MySQLEngine

    return MySQLEngine()


def _postgresql() -> Engine[Any]:
    from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.engine import PostgreSQLEngine

    return PostgreSQLEngine()


ENGINES: dict[str, Callable[[], Engine[Any]]] = {
    "aurora-mysql": _mysql,
    "aurora-postgresql": _postgresql,
    "mysql": _mysql,
    "postgres": _postgresql,
}


def engine_for(word: str) -> Engine[Any]:
    """The engine for the word that the RDS API uses. Raises InvalidOption for one that cannot do this."""
    if word not in ENGINES:
        raise InvalidOption(
            f"Engine {word} has no IAM-authenticated accounts that this collection knows; it works with "
            f"{', '.join(sorted(ENGINES))}."
        )
    return ENGINES[word]()

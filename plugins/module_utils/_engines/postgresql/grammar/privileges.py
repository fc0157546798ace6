# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Which privileges there are on which kind of object, since which major version.

https://www.postgresql.org/docs/current/ddl-priv.html#PRIVILEGES-SUMMARY-TABLE
"""

from __future__ import annotations

ALL = "ALL"

_TABLE = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER", "MAINTAIN")
_SEQUENCE = ("USAGE", "SELECT", "UPDATE")
_ROUTINE = ("EXECUTE",)
_SCHEMA = ("USAGE", "CREATE")
_LARGE_OBJECT = ("SELECT", "UPDATE")
_USAGE = ("USAGE",)

ON_COLUMNS = ("SELECT", "INSERT", "UPDATE", "REFERENCES")

BY_KIND: dict[str, tuple[str, ...]] = {
    "DATABASE": ("CONNECT", "CREATE", "TEMPORARY"),
    "SCHEMA": _SCHEMA,
    "TABLE": _TABLE,
    "SEQUENCE": _SEQUENCE,
    "FUNCTION": _ROUTINE,
    "PROCEDURE": _ROUTINE,
    "ROUTINE": _ROUTINE,
    "TYPE": _USAGE,
    "DOMAIN": _USAGE,
    "LANGUAGE": _USAGE,
    "FOREIGN DATA WRAPPER": _USAGE,
    "FOREIGN SERVER": _USAGE,
    "PARAMETER": ("SET", "ALTER SYSTEM"),
    "LARGE OBJECT": _LARGE_OBJECT,
    "TABLESPACE": ("CREATE",),
    "ALL TABLES": _TABLE,
    "ALL SEQUENCES": _SEQUENCE,
    "ALL FUNCTIONS": _ROUTINE,
    "ALL PROCEDURES": _ROUTINE,
    "ALL ROUTINES": _ROUTINE,
    "FUTURE TABLES": _TABLE,
    "FUTURE SEQUENCES": _SEQUENCE,
    "FUTURE FUNCTIONS": _ROUTINE,
    "FUTURE TYPES": _USAGE,
    "FUTURE SCHEMAS": _SCHEMA,
    "FUTURE LARGE OBJECTS": _LARGE_OBJECT,
}
SINCE = {"MAINTAIN": 17, "PARAMETER": 15, "FUTURE LARGE OBJECTS": 18}
"""The first major version with this privilege or kind; those that 11 has are not listed."""


def available(kind: str, major: int) -> tuple[str, ...]:
    """What ALL means on this kind of object, on this version."""
    return tuple(name for name in BY_KIND[kind] if SINCE.get(name, 0) <= major)

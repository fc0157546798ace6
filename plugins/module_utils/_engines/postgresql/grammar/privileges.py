# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Which privileges there are on which kind of object, since which major version."""

from __future__ import annotations

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.grammar.kinds import (
    KINDS,
    first_version,
    kind_of,
)

ALL = "ALL"
ON_COLUMNS = ("SELECT", "INSERT", "UPDATE", "REFERENCES")
EVERY = tuple(sorted({name for kind in KINDS for name in kind.privileges}))


def known(kind: str) -> tuple[str, ...]:
    """On this kind of scope, on any version."""
    return tuple(kind_of(kind).privileges)


def available(kind: str, major: int) -> tuple[str, ...]:
    """What ALL means on this kind of scope, on this version."""
    return tuple(name for name, since in kind_of(kind).privileges.items() if since <= major)


def newer(kind: str, name: str, major: int) -> tuple[str, int] | None:
    """Which of both, the kind of scope or the privilege, came after this version, and with which one."""
    versions = {kind: first_version(kind), name: kind_of(kind).privileges.get(name, 0)}
    return next(((word, since) for word, since in versions.items() if since > major), None)

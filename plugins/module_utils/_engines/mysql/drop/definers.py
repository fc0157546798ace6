# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Code that runs as its definer: views, routines, triggers and events."""

from __future__ import annotations

from typing import NamedTuple


class DefinedObject(NamedTuple):
    """``kind``: VIEW, FUNCTION, PROCEDURE, TRIGGER or EVENT."""

    kind: str
    database: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind.lower()} {self.database}.{self.name}"

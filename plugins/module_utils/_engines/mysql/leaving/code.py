# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Code that runs as its definer: views, routines, triggers and events."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.scope import identifier
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import AccountName, Scope

ROUTINES = ("FUNCTION", "PROCEDURE")
COPY_PREFIX = "aurora_iam:"
"""Begins the name of the copy that a routine has while it is made again."""


@dataclass(frozen=True, order=True)
class DefinedObject:
    """
    kind     VIEW, FUNCTION, PROCEDURE, TRIGGER or EVENT
    invoker  runs with the rights of whoever calls it, so that its definer matters to nobody
    detail   a view: ``VIEW`` unless it refers to something that is not there; a trigger: time and event
             (``BEFORE INSERT``); an event: its status
    table    a trigger's
    """

    kind: str
    database: str
    name: str
    invoker: bool = False
    detail: str = ""
    table: str = ""

    def __str__(self) -> str:
        return f"{self.kind.lower()} {self.database}.{self.name}"

    @property
    def scope(self) -> Scope:
        """Of grants on it, if it is a routine."""
        return Scope(self.kind, path=(self.database, self.name.lower()))

    @property
    def path(self) -> str:
        return f"{identifier(self.database)}.{identifier(self.name)}"


@dataclass(frozen=True)
class Code:
    """What it takes to make an object again as it was.

    create     what SHOW CREATE says; empty if it does not say it to this login
    client     the character set that its text was sent in; ``connection``: the collation of its literals
    collation  the database's default collation when it was made; ``current``: the one of today
    place      a trigger: ``FOLLOWS `t` `` or ``PRECEDES `t` ``, where its table has more than one of a kind
    grants     a routine: grantee, privileges in upper case (``GRANT`` for the grant option)
    garbled    a routine's parameters or comment are shown otherwise than they are
    copied     a run that broke off has left this only as a copy
    """

    object: DefinedObject
    definer: AccountName
    heir: AccountName
    create: str
    client: str
    connection: str
    sql_mode: str = ""
    time_zone: str = ""
    collation: str = ""
    current: str = ""
    place: str = ""
    grants: tuple[tuple[AccountName, tuple[str, ...]], ...] = ()
    garbled: bool = False
    copied: bool = False

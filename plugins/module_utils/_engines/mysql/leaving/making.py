# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Sending the statements that make an object again, in the character set of its text."""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.leaving.steps import CodeStep
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.wire import HAS_PYMYSQL, GuardedConnection
from ansible_collections.dbops.aurora_iam.plugins.module_utils._plan import Statement

if HAS_PYMYSQL:
    import pymysql


def make_again(connection: GuardedConnection, step: CodeStep, executed: list[str]) -> None:
    """Appends to ``executed`` what was done. Raises PyMySQL's errors, after an object that was dropped and could not be
    made again has been made as it was."""
    try:
        for message in step.messages():
            _send(connection, message, step.codec, executed)
    except pymysql.MySQLError:
        if step.is_lacking(executed):
            _send(connection, step.undo, step.codec, [])
        raise


_EXISTS = frozenset((1304, 1359))
"""A routine, a trigger."""


def make_if_lacking(connection: GuardedConnection, step: CodeStep) -> None:
    """Make the object as it was, unless it is there. Raises PyMySQL's errors."""
    settings, use = step.statements[:2]
    try:
        _send(connection, (settings, use, *step.undo), step.codec, [])
    except pymysql.MySQLError as error:
        if error.args[0] not in _EXISTS:
            raise


def _send(connection: GuardedConnection, message: Sequence[Statement], codec: str, executed: list[str]) -> None:
    """A body may end with a comment that only the end of the line ends."""
    texts = [statement.text for statement in message]
    connection.query("\n;\n".join(texts).encode(codec))
    executed.append(texts[0])
    for text in texts[1:]:
        connection.next_result()
        executed.append(text)

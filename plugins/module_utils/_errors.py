# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Every way in which the collection refuses or fails, as one tree of exceptions.

The message is one sentence for the person who wrote the task: the cause, then the next step. ``details`` holds
what a program may want to look at (plain strings, lists and dictionaries); it never holds a secret.
"""

from __future__ import annotations

from typing import Any


class AuroraIamError(Exception):
    """The root. ``str(error)`` is the sentence that the task fails with."""

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.details: dict[str, Any] = details


class InvalidOption(AuroraIamError):
    """The options contradict each other or cannot be read. Found without any I/O."""


class MissingLibrary(AuroraIamError):
    """A Python library that this task needs is not installed where the task runs."""


class CloudError(AuroraIamError):
    """AWS refused a call, or what it describes cannot be used: no such cluster, wrong engine, not available."""


class CannotConnect(AuroraIamError):
    """No session with the database: the network, TLS, or the login was refused."""


class Unreachable(CannotConnect):
    """Nobody answers, or a server that is just starting or stopping: another moment may be better."""


class ConnectionLost(AuroraIamError):
    """An established session broke. What was sent last may or may not have been executed.

    ``details`` may hold, for whoever carries on: ``executed_in_step``, the statements of the step that the server had
    carried out, and ``in_doubt``, those that it may have.
    """


class NotWriter(CannotConnect):
    """The server that answered is read-only: a reader, a replica, or the writer before a failover."""


class IamAuthDisabled(AuroraIamError):
    """IAM database authentication is off on the cluster."""


class MissingObject(AuroraIamError):
    """A database, schema, table, column, routine or role that the task names does not exist."""


class UnknownPrivilege(AuroraIamError):
    """No such privilege, or not one that this kind of object has."""


class Refused(AuroraIamError):
    """The plan could be carried out but must not be: reserved accounts, lock-out, passwords, owned objects."""


class NotDroppable(Refused):
    """The server would not drop an account, because of what the account still has."""


class StatementFailed(AuroraIamError):
    """The server answered a statement with an error, or only with a warning that it did nothing.

    ``code`` is the server's own (MySQL's number, PostgreSQL's SQLSTATE), ``statement`` the SQL.
    """

    def __init__(self, message: str, code: str, statement: str, **details: Any) -> None:
        super().__init__(message, code=code, statement=statement, **details)
        self.code = code
        self.statement = statement


class VerificationFailed(AuroraIamError):
    """All statements succeeded, and yet the server's state is not the one that was planned."""

# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Every way in which the collection refuses or fails, as one tree of exceptions.

The message is one sentence for the person who wrote the task: the cause, then the next step. About whom and what it is
stands beside it, as :class:`Where`; ``str(error)`` puts the two together. ``details`` holds what a program may want to
look at (plain strings, lists and dictionaries); it never holds a secret.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any, NamedTuple

_NAMED, _SHOWN = 3, 10
"""Accounts that a sentence names, and mistakes that a message shows, before they are only counted."""


class Where(NamedTuple):
    """What of a task an error is about.

    account   as the task writes it; as the server stores it where the task does not list it
    position  where it stands in the task's list (``users[3]``); empty for an account that stands alone
    element   an option of the account, or an element of one: ``grants[0].on``, ``roles[1]``
    """

    account: str = ""
    position: str = ""
    element: str = ""

    def within(self, outer: Where) -> Where:
        """Completed with what is known further out."""
        element = ".".join(filter(None, (outer.element, self.element)))
        return Where(self.account or outer.account, self.position or outer.position, element)

    @property
    def name(self) -> str:
        """The account, and in brackets what else is known."""
        known = ", ".join(filter(None, (self.position, self.element)))
        return f"{self.account} ({known})" if self.account and known else self.account or known

    def __str__(self) -> str:
        kind = "account " if self.account else ""
        return ", ".join(filter(None, (kind + self._replace(element="").name, self.element)))


NOWHERE = Where()


class AuroraIamError(Exception):
    """The root. ``str(error)`` is the sentence that the task fails with.

    where     what of the task it is about: nothing, one account, or all that share a statement
    subjects  the objects and roles of the statement that failed
    done      statements of the same step that the server had carried out before
    in_doubt  statements that it may have carried out
    """

    def __init__(self, message: str, *where: Where, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.where: tuple[Where, ...] = where
        self.subjects: tuple[Any, ...] = ()
        self.done: tuple[str, ...] = ()
        self.in_doubt: tuple[str, ...] = ()
        self.details: dict[str, Any] = details

    @property
    def account(self) -> str:
        """Of several, all."""
        return ", ".join(where.account for where in self.where)

    @property
    def element(self) -> str:
        """Of several accounts, what they have in common."""
        elements = {where.element for where in self.where}
        return elements.pop() if len(elements) == 1 else ""

    def locate(self, outer: Where) -> None:
        """Take note of what is known further out."""
        self.where = tuple(where.within(outer) for where in self.where or (NOWHERE,))

    def entries(self) -> list[dict[str, str]]:
        """For ``errors`` of the result: one for each account."""
        return [{"account": where.account, "element": where.element, "message": self.message} for where in self.where]

    def __str__(self) -> str:
        about = _about(self.where) if self.where else ""
        return f"{about}: {self.message}" if about else self.message


def _about(where: Sequence[Where]) -> str:
    """The first accounts by name, with what is wrong of each, or of all."""
    if len(where) == 1:
        return str(where[0])
    shared = len({item.element for item in where}) == 1
    named = [item._replace(element="").name if shared else item.name for item in where[:_NAMED]]
    more = f" and {len(where) - _NAMED} more" if len(where) > _NAMED else ""
    return ", ".join(filter(None, (f"accounts {', '.join(named)}{more}", where[0].element if shared else "")))


class InvalidOption(AuroraIamError):
    """The options contradict each other or cannot be read. Found without any I/O."""


class MissingLibrary(AuroraIamError):
    """A Python library that this task needs is not installed where the task runs."""


class CloudError(AuroraIamError):
    """AWS refused a call, or what it describes cannot be used: no such cluster, wrong engine, not available.

    said  AWS's own text, on one line; empty where it did not answer
    """

    said = ""


class CannotConnect(AuroraIamError):
    """No session with the database: the network, TLS, or the login was refused."""


class Unreachable(CannotConnect):
    """Nobody answers, or a server that is just starting or stopping: another moment may be better."""


class ConnectionLost(AuroraIamError):
    """An established session broke. What was sent last may or may not have been executed: see ``in_doubt``."""


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

    def __init__(self, message: str, code: str, statement: str, *where: Where, **details: Any) -> None:
        super().__init__(message, *where, code=code, statement=statement, **details)
        self.code = code
        self.statement = statement


class VerificationFailed(AuroraIamError):
    """All statements succeeded, and yet the server's state is not the one that was planned."""


class ManyMistakes(AuroraIamError):
    """Several refusals of one task, so that a person reads all of them at once."""

    def __init__(self, errors: Sequence[AuroraIamError]) -> None:
        super().__init__("")
        self.errors = errors
        for error in reversed(errors):
            self.details.update(error.details)
        in_the_way = [error.details["in_the_way"] for error in errors if "in_the_way" in error.details]
        if in_the_way:
            self.details["in_the_way"] = {name: what for found in in_the_way for name, what in found.items()}

    def locate(self, outer: Where) -> None:
        for error in self.errors:
            error.locate(outer)

    def entries(self) -> list[dict[str, str]]:
        return [entry for error in self.errors for entry in error.entries()]

    def __str__(self) -> str:
        shown = " ".join(map(str, self.errors[:_SHOWN]))
        more = f" And {len(self.errors) - _SHOWN} more mistakes, see errors." if len(self.errors) > _SHOWN else ""
        return f"{shown}{more}{self.message}"


class Mistakes:
    """What was found wrong with a task so far."""

    def __init__(self) -> None:
        self._found: list[AuroraIamError] = []

    def about(self, where: Where = NOWHERE, element: str = "") -> _About:
        """As a context: keeps a refusal that is raised inside, and says whom and what it is about."""
        return _About(self._found, where, element)

    def refuse(self) -> None:
        """Raises what was found: the error itself if it is one, and ManyMistakes if they are several."""
        if not self._found:
            return
        found = list(_flat(self._found))
        if len(found) > 1:
            raise ManyMistakes(found)
        for error in found:
            raise error


class _About:
    __slots__ = ("_element", "_found", "_where")

    def __init__(self, found: list[AuroraIamError], where: Where, element: str) -> None:
        self._found = found
        self._where = where
        self._element = element

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if not isinstance(error, (InvalidOption, MissingObject, UnknownPrivilege, Refused, ManyMistakes)):
            return False
        error.locate(Where(element=self._element).within(self._where))
        self._found.append(error)
        return True


@contextmanager
def about(where: Where) -> Iterator[None]:
    """Says whom and what an error that is raised inside is about."""
    try:
        yield
    except AuroraIamError as error:
        error.locate(where)
        raise


def _flat(errors: Iterable[AuroraIamError]) -> Iterable[AuroraIamError]:
    for error in errors:
        if isinstance(error, ManyMistakes):
            yield from error.errors
        else:
            yield error

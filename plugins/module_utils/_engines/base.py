# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""What an engine is: the only way in which the rest of the collection knows MySQL or PostgreSQL.

The life of a task: ``parse`` (no I/O) → ``open`` → ``observe`` → ``resolve`` (no I/O) → reconcile, which is common →
``plan`` (no I/O) → ``Session.rehearse`` → ``Session.run`` (``execute``) for each step → ``observe`` again. Facts:
``open`` → ``survey``. Engines raise only ``_errors``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Generic, NamedTuple, TypeVar

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.run_lock import (
    Removes,
    RunLock,
    acquire,
    removes_nobody,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import NotDroppable, StatementFailed
from ansible_collections.dbops.aurora_iam.plugins.module_utils._login import Login
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import (
    ALL_HOSTS,
    AccountName,
    AccountRequest,
    Capabilities,
    Changes,
    Desired,
    Grant,
    Observed,
    Scope,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._plan import Plan, Step, Subject
from ansible_collections.dbops.aurora_iam.plugins.module_utils._survey import Survey, SurveyRequest

Row = tuple[Any, ...]


class Others(Enum):
    """What is read of IAM-authenticated accounts that the task does not list."""

    NOTHING, NAMES, ACCOUNTS = range(3)


@dataclass(frozen=True)
class ParsedPrivilege:
    """One element of ``privileges``: its canonical name, ``ALL`` if so written, and the columns it is limited to."""

    name: str
    columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class ParsedGrant:
    """A grant read by the engine's grammar. Its scope may still name things that only the catalogue can expand."""

    privileges: tuple[ParsedPrivilege, ...]
    scope: Scope
    grantable: bool
    position: str
    """Where it stands among the account's options, for error messages."""


@dataclass(frozen=True)
class ParsedAccount:
    """A request read by the engine's grammar. ``roles`` are as written: what they name depends on the server."""

    name: AccountName
    request: AccountRequest
    grants: tuple[ParsedGrant, ...] | None
    roles: tuple[str, ...] | None


class Requests:
    """Which request is about an account: its own, or the one about every account of its name."""

    def __init__(self, wanted: Sequence[ParsedAccount]) -> None:
        self._by_name = {account.name: account.request for account in wanted}

    def about(self, name: AccountName) -> AccountRequest | None:
        own = self._by_name.get(name)
        return own if own is not None else self._by_name.get(AccountName(name.name, ALL_HOSTS))

    def subjects(self, existing: Iterable[AccountName]) -> set[AccountName]:
        """Accounts that a request is about."""
        return {name for name in existing if self.about(name) is not None}


class EnginePlan(NamedTuple):
    """``changes``: also what others lose with an account that is dropped."""

    changes: Changes
    steps: tuple[Step, ...]
    warnings: list[str]


class Session(ABC):
    """An open way to the cluster. May hold one connection for each database that was needed."""

    login: Login

    @abstractmethod
    def query(self, sql: str, parameters: Sequence[Any] = (), database: str = "") -> list[Row]:
        """Read. Values are bound by the driver. Raises StatementFailed, ConnectionLost."""

    @property
    @abstractmethod
    def run_lock(self) -> RunLock:
        """The lock that keeps other runs of this collection out while this session holds it."""

    def lock(self, removes: Removes = removes_nobody) -> list[str]:
        """Make other runs of this collection wait until this session closes. Returns warnings about sessions that hold
        the lock and are not waited for. Raises Refused after lock_timeout."""
        return acquire(self.run_lock, self.login, removes)

    def run(self, step: Step) -> None:
        """Raises what ``execute`` raises, and Refused."""
        step.carry_out(self)

    @abstractmethod
    def execute(self, step: Step) -> None:
        """Write: all statements of the step, as one transaction where the engine can.

        Raises StatementFailed also where the server only warned that it did nothing; ConnectionLost.
        """

    def rehearse(self, plan: Plan, whole: bool) -> list[str]:
        """Ask the server whether it would carry the plan out, where it can execute and roll back. Returns warnings
        about what could not be asked. Raises as :meth:`run` does, and Refused for what would remain of an account that
        is dropped.

        whole  the plan is only shown. Without it, it is carried out next, and its first transaction needs no rehearsal
        """
        return []

    def sees_change(self, error: StatementFailed | NotDroppable) -> bool:
        """Whether the server says something else than what a plan had found: it is not there, or there is more."""
        return False

    @abstractmethod
    def close(self) -> None:
        """Never raises."""


O = TypeVar("O", bound=Observed)  # noqa: E741 - the conventional letter for "what was observed"


class Engine(ABC, Generic[O]):
    """One family of database servers."""

    capabilities: Capabilities

    @abstractmethod
    def check_account_name(self, name: str, what: str) -> None:
        """Raises InvalidOption for what the server would cut, alter or refuse as the name of an account.

        what  the option that it is the value of, or whose name it is: the sentence begins with it
        """

    @abstractmethod
    def check_database_name(self, name: str, what: str) -> None:
        """The same for the name of a database."""

    @abstractmethod
    def parse(self, request: AccountRequest) -> ParsedAccount:
        """Read names, grants and roles by the engine's own grammar. Raises InvalidOption, UnknownPrivilege, Refused
        (a reserved name), ManyMistakes; they say which element of the request is wrong."""

    @abstractmethod
    def open(self, login: Login) -> Session:
        """Log in and make sure that the server is a writer. Raises CannotConnect, NotWriter, MissingLibrary."""

    @abstractmethod
    def observe(self, session: Session, wanted: Sequence[ParsedAccount], others: Others = Others.NOTHING) -> O:
        """Read what concerns these accounts, in a number of queries that does not depend on how many they are."""

    @abstractmethod
    def resolve(self, wanted: Sequence[ParsedAccount], observed: O) -> list[Desired]:
        """Find every name on the server and expand ALL. Raises MissingObject, UnknownPrivilege, Refused, ManyMistakes;
        they say which account and which element is wrong."""

    def elements(
        self, wanted: Sequence[ParsedAccount], subjects: Collection[Subject], observed: O
    ) -> Mapping[AccountName, str]:
        """Which elements of each account's ``grants`` and ``roles`` mean these objects and roles: for messages. An
        engine that does not know says nothing."""
        return {}

    @abstractmethod
    def protected(self, observed: O) -> Collection[AccountName]:
        """Accounts that are never "unlisted": the login, the master user, reserved ones."""

    @abstractmethod
    def plan(self, changes: Changes, observed: O) -> EnginePlan:
        """The changes with what follows from them, and the fewest statements that carry them out, in an order that is
        safe to interrupt. Raises Refused, which says which account and element it is about, and IamAuthDisabled for
        what must not be done."""

    @abstractmethod
    def describe_grants(self, grants: Collection[Grant]) -> list[dict[str, Any]]:
        """Grants as a user would write them under ``grants``, sorted; fed back they change nothing."""

    @abstractmethod
    def survey(self, session: Session, request: SurveyRequest) -> Survey:
        """Look at all accounts and roles, for facts; writes nothing, not even a lock. The number of queries does not
        depend on how many accounts there are, and what the login may not read is in ``unseen``. Raises StatementFailed,
        ConnectionLost."""

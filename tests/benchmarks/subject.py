# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is measured on each engine: the same accounts, by the collection, by a loop, and by SQL."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from tests.benchmarks.playbook import Options, Task
from tests.sandbox.clients import State
from tests.sandbox.layout import of_checkout
from tests.sandbox.servers.clusters import RunningCluster

TEAM = 1000
"""Accounts that have their grants on the same tables: PostgreSQL's access list of one table holds about 2,400."""
TEAMS = 10
BEFORE, AFTER = "INSERT", "UPDATE"
"""The privilege that the change takes away, and the one that it gives instead."""


@dataclass(frozen=True)
class Member:
    """An account to be, and the two tables that it has a privilege on."""

    name: str
    team: int

    @property
    def read(self) -> str:
        return f"team_{self.team}"

    @property
    def written(self) -> str:
        return f"ledger_{self.team}"


def members(number: int, prefix: str = "bench") -> list[Member]:
    return [Member(f"{prefix}_{index:05}", index // TEAM) for index in range(number)]


def teams(accounts: Sequence[Member]) -> Iterator[tuple[Member, list[str]]]:
    """Each team by one of its members, with the names of all."""
    by_team: dict[int, list[Member]] = {}
    for account in accounts:
        by_team.setdefault(account.team, []).append(account)
    for people in by_team.values():
        yield people[0], [person.name for person in people]


class Subject(ABC):
    """An engine with its cluster in the sandbox."""

    engine: ClassVar[str]
    cluster: ClassVar[str]

    def __init__(self, state: State) -> None:
        layout = of_checkout()
        running = [RunningCluster.from_json(found) for found in json.loads(layout.clusters_json.read_text())]
        self.master = next(found for found in running if found.spec.identifier == self.cluster)
        self.host: str = state["clusters"][self.cluster]["host"]
        self.port: int = state["clusters"][self.cluster]["port"]
        self.ca_cert: str = state["ca_cert"]

    @property
    def user(self) -> str:
        return self.master.spec.master_username

    @property
    def password(self) -> str:
        return self.master.master_password

    @property
    def database(self) -> str:
        return self.master.spec.database

    def variables(self, accounts: Sequence[Member]) -> Options:
        """The lists of accounts that the tasks name, for ``users`` and for loops."""
        return {
            "as_created": [self._element(account, BEFORE) for account in accounts],
            "as_changed": [self._element(account, AFTER) for account in accounts],
            "as_dropped": [{"name": account.name, "state": "absent"} for account in accounts],
            "members": [
                {"name": account.name, "read": account.read, "written": account.written} for account in accounts
            ],
        }

    def _element(self, account: Member, second: str) -> Options:
        return {
            "name": account.name,
            "grants": [
                {"privileges": ["SELECT"], "on": self.on(account.read)},
                {"privileges": [second], "on": self.on(account.written)},
            ],
        }

    def ours(self, name: str, users: str, port: int) -> Task:
        """One task for all accounts of the variable ``users``. It asks AWS as little as the loops do."""
        options = {**self.by_host(port), "users": "{{ " + users + " }}"}
        return Task(name, "dbops.aurora_iam.aurora_iam_users", options)

    def by_host(self, port: int) -> Options:
        """How the collection finds the database when nobody asks AWS."""
        return {
            "engine": self.master.spec.engine,
            "login_host": self.host,
            "login_port": port,
            "login_user": self.user,
            "login_password": self.password,
            "login_db": self.database,
        }

    @abstractmethod
    def on(self, table: str) -> str:
        """The object clause of a grant on one of the tables."""

    @abstractmethod
    def connect(self, port: int) -> Any:
        """The driver that the collection uses, with TLS verified as the collection does."""

    @abstractmethod
    def execute(self, connection: Any, statements: Sequence[str]) -> None:
        """In one message where the driver can."""

    @abstractmethod
    def created(self, accounts: Sequence[Member]) -> list[str]:
        """The widest SQL: one message each."""

    @abstractmethod
    def changed(self, accounts: Sequence[Member]) -> list[str]: ...

    @abstractmethod
    def dropped(self, accounts: Sequence[Member]) -> list[str]: ...

    @abstractmethod
    def loops(self, port: int) -> dict[str, list[Task]]:
        """What users write today: create, no change, change, drop → tasks."""

    @abstractmethod
    def single(self, name: str, port: int) -> tuple[str, Options]:
        """Module and options by which today one account is made sure of."""

    @abstractmethod
    def set_scene(self) -> None:
        """Remove what an earlier run left, and make the tables."""

    @abstractmethod
    def clear(self) -> None: ...

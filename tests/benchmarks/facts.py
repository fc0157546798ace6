# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m tests.benchmarks.facts``: all facts of 1,000 accounts in an AWS account of 300 principals with 5 policies
each, beside a task that does nothing, and beside the facts of one account and one principal.

Needs the sandbox's clusters orders and ledger to be up. Exits with 1 if a promise is not kept.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.benchmarks.distance import Proxies
from tests.benchmarks.measure import EMPTY, WARM_UP
from tests.benchmarks.mysql import MySQL
from tests.benchmarks.playbook import Task, play
from tests.benchmarks.postgresql import PostgreSQL
from tests.benchmarks.subject import Member, Subject, members
from tests.sandbox.clients import State, ask_hook, aws_client, connect_statement, read_state

ACCOUNTS, PRINCIPALS = 1000, 300
SECONDS = 3.0
"""beyond a task that does nothing"""


@dataclass(frozen=True)
class FactsCost:
    """
    seconds  beyond those of a task that does nothing
    queries  round trips to the database, those of logging in among them
    calls    of AWS's APIs
    """

    seconds: float
    queries: int
    calls: int


def policies(state: State, cluster: str, number: int, accounts: Sequence[Member]) -> Iterator[dict[str, Any]]:
    """Five for each principal: one account, some, a denial, another cluster, and what has nothing to do with it."""
    own = accounts[number * 3 % len(accounts)].name
    yield connect_statement(state, cluster, own)
    yield connect_statement(state, cluster, f"bench_{number % 100:03}*")
    yield connect_statement(state, cluster, own, "Deny") if number % 2 else connect_statement(state, cluster, "gone")
    other, *_others = (name for name in state["clusters"] if name != cluster)
    yield connect_statement(state, other, own)
    yield {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}


@contextmanager
def principals(state: State, cluster: str, number: int, accounts: Sequence[Member]) -> Iterator[None]:
    iam = aws_client(state, "iam")
    names = [f"bench-{index:03}" for index in range(number)]
    inline = [f"policy-{index}" for index in range(5)]
    try:
        for index, name in enumerate(names):
            iam.create_user(UserName=name)
            for policy, statement in zip(inline, policies(state, cluster, index, accounts), strict=True):
                text = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
                iam.put_user_policy(UserName=name, PolicyName=policy, PolicyDocument=text)
        yield
    finally:
        for name in names:
            for policy in inline:
                iam.delete_user_policy(UserName=name, PolicyName=policy)
            iam.delete_user(UserName=name)


def calls(state: State) -> int:
    """Of AWS, since the last time."""
    counted: dict[str, int] = ask_hook(state, "GET", "calls")
    ask_hook(state, "DELETE", "faults")
    return sum(counted.values())


def measure(state: State, subject: Subject, proxies: Proxies, accounts: int, number: int) -> FactsCost:
    people = members(accounts)
    connection = subject.connect(subject.port)
    subject.execute(connection, subject.created(people))
    road = proxies.road()
    options = {"cluster": subject.cluster, "login_host": subject.host, "login_port": road.port}
    tasks = [
        WARM_UP,
        EMPTY,
        Task("facts", "dbops.aurora_iam.aurora_iam_facts", options),
        Task(
            "all of them",
            "ansible.builtin.assert",
            {
                "that": [
                    f"ansible_facts.aurora_iam.accounts | length == {accounts}",
                    "ansible_facts.aurora_iam.authorization | map(attribute='principal') "
                    f"| select('search', 'user/bench-') | unique | length == {number}",
                    "ansible_facts.aurora_iam.unseen == []",
                ]
            },
        ),
    ]
    with principals(state, subject.cluster, number, people):
        calls(state)
        timed, _cost = play(state, tasks, {})
        made = calls(state)
    subject.execute(connection, subject.dropped(people))
    connection.close()
    return FactsCost(timed["facts"].seconds - timed[EMPTY.name].seconds, road.round_trips, made)


def main() -> int:
    state = read_state()
    kept = True
    for subject in (MySQL(state), PostgreSQL(state)):
        proxies = Proxies(subject.host, subject.port)
        try:
            subject.set_scene()
            one = measure(state, subject, proxies, 1, 1)
            many = measure(state, subject, proxies, ACCOUNTS, PRINCIPALS)
        finally:
            subject.clear()
            proxies.close()
        for cost, what in ((one, "1 account, 1 principal"), (many, f"{ACCOUNTS:,} accounts, {PRINCIPALS} principals")):
            print(
                f"{subject.engine}, {what}: {cost.seconds:.2f} s beyond a task that does nothing, "
                f"{cost.queries} round trips, {cost.calls} calls of AWS"
            )
        # One round trip more or less is how the end of the login falls into packets
        kept &= many.seconds < SECONDS and many.queries <= one.queries + 1 and many.calls == one.calls
    print("kept" if kept else "NOT KEPT")
    return int(not kept)


if __name__ == "__main__":
    sys.exit(main())

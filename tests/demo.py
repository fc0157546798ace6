# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The demonstration: a local Aurora, the collection run against it, and real logins with real IAM tokens.

``python -m tests.demo``. Exits non-zero, with the reason, as soon as anything is not as it should be.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.sandbox.__main__ import environment as sandbox_environment
from tests.sandbox.clients import (
    LoginRefused,
    Principal,
    State,
    attempt,
    clients_for,
    connect_statement,
    create_principal,
    read_state,
)

CHECKOUT = Path(__file__).parents[1]
CLUSTERS = ("orders", "ledger")
ACCOUNT = "jane_doe"


class DemoFailed(Exception):
    """One sentence: what was not as it should be."""


def sandbox(*arguments: str) -> None:
    result = subprocess.run([sys.executable, "-m", "tests.sandbox", *arguments], cwd=CHECKOUT, check=False)
    if result.returncode:
        raise DemoFailed(f"The sandbox did not go {arguments[0]}; its message is above.")


def playbook(state: State, *tags: str) -> None:
    """Run the demo's playbook as a user would: everything it must know about AWS is in the environment."""
    environment = {
        **os.environ,
        **sandbox_environment(state),
        "ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml",
        "ANSIBLE_LOCALHOST_WARNING": "false",
    }
    program = Path(sys.executable).parent / "ansible-playbook"
    command = [str(program), "playbooks/demo.yml", "--diff", "--tags", ",".join(tags)]
    if subprocess.run(command, cwd=CHECKOUT, env=environment, check=False).returncode:
        raise DemoFailed(f"The playbook failed at {' and '.join(tags)}; its message is above.")


def log_in(state: State, principal: Principal, summary: list[str]) -> None:
    """Every client that this machine has logs in with a token, and the server says whom it let in."""
    for cluster in CLUSTERS:
        described = state["clusters"][cluster]
        token = principal.token(state, described["host"], described["port"], ACCOUNT)
        for name, client in clients_for(described["engine"]):
            current = client(attempt(state, cluster, ACCOUNT, token))
            if current.partition("@")[0] != ACCOUNT:
                raise DemoFailed(f"{name} was logged in to {cluster} as {current}, not as {ACCOUNT}.")
            summary.append(f"login with a token   {cluster}: {name} is let in, CURRENT_USER is {current}")
            print(f"  {summary[-1]}")


def be_refused(state: State, what: str, principal: Principal, user: str, summary: list[str]) -> None:
    for cluster in CLUSTERS:
        described = state["clusters"][cluster]
        token = principal.token(state, described["host"], described["port"], user)
        name, client = next(clients_for(described["engine"]))
        try:
            current = client(attempt(state, cluster, user, token))
        except LoginRefused as refusal:
            summary.append(f"refused: {what:<11} {cluster}: {name} as {user}")
            print(f"  {summary[-1]}\n    {str(refusal).splitlines()[-1]}")
        else:
            raise DemoFailed(f"{cluster} let {current} in, {what}; it must not.")


def logins(state: State) -> list[str]:
    """Log in as the account in all the ways that must work, and in two that must not."""
    summary: list[str] = []
    allowed = [connect_statement(state, cluster, ACCOUNT) for cluster in CLUSTERS]
    jane = create_principal(state, "jane", *allowed)
    stranger = create_principal(state, "stranger")
    print("\nThe IAM user jane may rds-db:connect as jane_doe; the IAM user stranger has no policy.")
    log_in(state, jane, summary)
    be_refused(state, "no policy", stranger, ACCOUNT, summary)
    be_refused(state, "wrong case", jane, ACCOUNT.title(), summary)
    return summary


def demonstrate() -> list[str]:
    """Everything but starting and stopping the sandbox. Returns the lines of the summary."""
    state = read_state()
    playbook(state, "create", "again")
    summary = [
        f"accounts created     {', '.join(CLUSTERS)}: {ACCOUNT}, by the collection",
        "second run           no change, no statement",
        *logins(state),
    ]
    print()
    playbook(state, "drop")
    summary.append(f"account dropped      {', '.join(CLUSTERS)}: {ACCOUNT}")
    return summary


def main() -> int:
    start = time.monotonic()
    try:
        timed(
            "Starting a local Aurora: MySQL, PostgreSQL, and an AWS API",
            lambda: sandbox("up", "--only", ",".join(CLUSTERS)),
        )
        summary = demonstrate()
    except (DemoFailed, LoginRefused) as failure:
        print(f"\nThe demo failed: {failure}", file=sys.stderr)
        return 1
    finally:
        sandbox("down")
    print("\nWhat happened, on real servers, with real tokens")
    for line in summary:
        print(f"  {line}")
    print(f"  {time.monotonic() - start:.0f} seconds, and the sandbox is down again")
    return 0


def timed(title: str, step: Callable[[], None]) -> None:
    print(f"{title} …", flush=True)
    start = time.monotonic()
    step()
    print(f"  took {time.monotonic() - start:.0f} seconds", flush=True)


if __name__ == "__main__":
    sys.exit(main())

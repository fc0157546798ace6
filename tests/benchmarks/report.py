# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures as a page: docs/performance.md."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from importlib.metadata import version

from tests.benchmarks.measure import STEPS
from tests.benchmarks.mysql import user_module
from tests.benchmarks.targets import Figures, judge

# REUSE-IgnoreStart
_HEAD = """<!--
SPDX-FileCopyrightText: dbops.aurora_iam contributors
SPDX-License-Identifier: GPL-3.0-or-later
-->
# How fast it is
"""
# REUSE-IgnoreEnd

_METHOD = """
`{command}` wrote this page, on a machine with {cores} cores (load {load:.1f} when it began), ansible-core {core},
against the [sandbox](../tests/sandbox/README.md): real servers on the same machine, TLS verified. Compare ratios, not
seconds: what is compared was measured in one run, minutes apart at most.

- **The floor** of a task is an empty task that is given the same accounts, together with connecting and reaching the
  same end state in the widest SQL, by the same driver. For a run that changes nothing the SQL is the connection alone.
- **The loop** is what one would write today: `{mysql_user}`; and for PostgreSQL, from
  community.postgresql, `postgresql_user`, `postgresql_membership` and twice `postgresql_privs`; over {loops} accounts.
- **Round trips** are counted between client and server: how often the client spoke and then waited for the server,
  and TCP's, TLS's and the login's own. **Queries** are those after the login.
- **Far** figures were taken through a proxy that makes everything take {far:.0f} ms longer, each way.
- The collection logs in as the loops do (`login_host`, `login_password`), so that neither asks AWS. What asking costs
  is to be seen where one account is made sure of with `cluster=`.
- Every account has two grants, on tables of its team; a team is 1,000 accounts. *Change* replaces one of the two.
- The accounts stand in the playbook, where Ansible keeps them in memory; of 10,000 that is most of what its processes
  take. [Read from a file](accounts.md#one-account-or-all-of-them) they take a third.
"""


def page(figures: Figures, command: str, load: float) -> str:
    far = max(cost.delay for cost in figures.sets)
    loops = sorted({cost.accounts for cost in figures.loops})
    method = _METHOD.format(
        command=command,
        cores=os.cpu_count(),
        load=load,
        core=version("ansible-core"),
        mysql_user=user_module(),
        loops=" or ".join(map(str, loops)),
        far=far * 1000,
    )
    if not far:
        method = method.replace(next(line for line in method.splitlines() if "**Far**" in line) + "\n", "")
    parts = [_HEAD, method, "\n## What is promised\n\n", _verdicts(figures)]
    for delay in sorted({cost.delay for cost in figures.sets}):
        where = f"{delay * 1000:.0f} ms away" if delay else "On the same machine"
        parts += [
            f"\n## {where}\n\n",
            _sets(figures, delay),
            "\n",
            _loops(figures, delay),
            "\n",
            _singles(figures, delay),
        ]
    return "".join(parts)


def _verdicts(figures: Figures) -> str:
    lines = [verdict.line() for verdict in judge(figures)]
    return "\n".join(["| promise | found (the worst) | kept |", "|---|---|---|", *lines]) + "\n"


def _table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(titles) + " |", "|---" * 2 + "|---:" * (len(titles) - 2) + "|"]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)]) + "\n"


def _sets(figures: Figures, delay: float) -> str:
    titles = (
        *(
            "engine",
            "all accounts in one task",
            "accounts",
            "seconds",
            "the floor: handed over + SQL",
            "times the floor",
        ),
        *(
            "times as fast as the loop, per account",
            "round trips",
            "queries / connections",
            "MB of the largest process",
        ),
    )
    return _table(titles, _set_rows(figures, delay))


def _set_rows(figures: Figures, delay: float) -> Iterator[Sequence[str]]:
    order = list(STEPS)
    costs = [cost for cost in figures.sets if cost.delay == delay]
    for cost in sorted(costs, key=lambda c: (c.subject.engine, order.index(c.step), c.accounts)):
        yield (
            cost.subject.engine,
            cost.step,
            f"{cost.accounts:,}",
            f"{cost.seconds:.2f}",
            f"{cost.handed_over:.2f} + {cost.sql:.2f}",
            f"{cost.ratio:.1f}",
            f"{figures.speedup(cost):.3g}",
            str(cost.round_trips),
            f"{cost.queries} / {cost.connections}",
            f"{cost.memory:.0f}",
        )


def _loops(figures: Figures, delay: float) -> str:
    rows = (
        (c.subject.engine, c.step, str(c.accounts), f"{c.seconds:.2f}", f"{c.round_trips:.1f}")
        for c in figures.loops
        if c.delay == delay
    )
    return _table(("engine", "the loop", "accounts", "seconds for each account", "round trips for each account"), rows)


def _singles(figures: Figures, delay: float) -> str:
    rows = (
        (c.subject.engine, f"`{c.command}`", f"{c.wall:.2f}", f"{c.cpu:.2f}", str(c.round_trips))
        for c in figures.singles
        if c.delay == delay
    )
    return _table(
        ("engine", "`ansible localhost -m …` for one existing account", "seconds", "CPU seconds", "round trips"), rows
    )

# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings that a database's owner may give it with ALTER DATABASE … SET: they break no task, and change no result."""

from __future__ import annotations

import contextlib
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.connection.data_api import (
    PostgreSQLDataApiSession,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.connection.session import (
    PostgreSQLSession,
)
from tests.integration.administration import Administration
from tests.integration.aws.data_api_scene import transport
from tests.integration.master import master_login
from tests.integration.tasks import TaskFailed, Tasks
from tests.sandbox.clients import State
from tests.sandbox.servers.programs import SandboxError

pytestmark = pytest.mark.direct("logs in by both ways itself")
TIMEOUTS = (
    "statement_timeout",
    "idle_in_transaction_session_timeout",
    "idle_session_timeout",
    "transaction_timeout",
)
CUT_OFF = r"Cannot log in to cluster \w+: database \w+ ends sessions before they are set up.*ALTER ROLE … SET … = 0"
OTHERS = {
    "createrole_self_grant": "set, inherit",
    "default_transaction_deferrable": "on",
    "default_transaction_isolation": "serializable",
    "extra_float_digits": "-15",
    "escape_string_warning": "on",
    "client_min_messages": "debug5",
    "work_mem": "64kB",
    "DateStyle": "German",
    "TimeZone": "Asia/Kathmandu",
    "IntervalStyle": "sql_standard",
    "xmlbinary": "hex",
    "plan_cache_mode": "force_generic_plan",
}
FORBIDDEN = ("lo_compat_privileges", "session_replication_role", "lc_messages", "log_statement", "temp_file_limit")


@contextlib.contextmanager
def cut_off() -> Iterator[None]:
    """It may succeed: what a millisecond is enough for depends on the machine."""
    try:
        yield
    except TaskFailed as failure:
        if not re.search(CUT_OFF, str(failure)):
            raise


@dataclass(frozen=True)
class Owned:
    cluster: str
    name: str
    admin: Administration

    @property
    def major(self) -> int:
        return int(self.admin.sql(self.cluster, "SHOW server_version_num")[0][0]) // 10000

    def set(self, **settings: str) -> None:
        self.admin.sql(self.cluster, f"ALTER DATABASE {self.name} RESET ALL")
        for name, value in settings.items():
            self.admin.sql(self.cluster, f"SET ROLE {self.name}; ALTER DATABASE {self.name} SET {name} = '{value}'")


@pytest.fixture(scope="module", params=["ledger", "archive"])
def owned(request: pytest.FixtureRequest, admin: Administration) -> Iterator[Owned]:
    cluster, name = request.param, f"tenant_{uuid.uuid4().hex[:6]}"
    admin.sql(cluster, f"CREATE ROLE {name} LOGIN; GRANT {name} TO postgres")
    admin.sql(cluster, f"CREATE DATABASE {name} OWNER {name}")
    yield Owned(cluster, name, admin)
    admin.sql(cluster, f"DROP DATABASE {name} WITH (FORCE)")
    admin.sql(cluster, f"DROP ROLE {name}")


@pytest.fixture(params=["secret", "data_api"])
def options(request: pytest.FixtureRequest, owned: Owned) -> dict[str, str]:
    return {"cluster": owned.cluster, "login_method": request.param}


@pytest.mark.parametrize("timeout", TIMEOUTS)
def test_the_shortest_timeout_of_one_database_stops_no_task_on_others(
    owned: Owned, state: State, options: dict[str, str], timeout: str, account: str
) -> None:
    """What ends a session before the server has taken its first message cannot be survived, and is told."""
    if timeout == "transaction_timeout" and owned.major < 17:
        return
    tasks = Tasks(state)
    owned.set(**{timeout: "1ms"})
    facts = tasks.facts(**options, gather_subset=["public"])
    unseen = str([item for item in facts["unseen"] if owned.name in item["what"]])
    assert unseen == "[]" or re.search(CUT_OFF, unseen)
    grants = [{"privileges": ["CONNECT"], "on": f"DATABASE {owned.name}"}]
    allowed = contextlib.nullcontext() if timeout == "statement_timeout" else cut_off()
    with allowed:
        tasks.user(check=True, **options, login_db=owned.name, name=account, grants=grants)


@pytest.mark.parametrize("isolation", ["serializable", "repeatable read"])
def test_what_is_read_after_waiting_is_the_newest(owned: Owned, state: State, isolation: str, account: str) -> None:
    owned.set(default_transaction_isolation=isolation)
    login = replace(master_login(state, owned.cluster), database=owned.name)
    over_data_api = PostgreSQLDataApiSession(login, transport(state, owned.cluster))
    for number, session in enumerate((PostgreSQLSession(login), over_data_api)):
        role = f"{account}_{number}"
        owned.admin.sql(owned.cluster, f"CREATE ROLE {role}")
        session.lock()
        found = session.query(f"SELECT rolname::text FROM pg_roles WHERE rolname = '{role}'")
        session.close()
        owned.admin.sql(owned.cluster, f"DROP ROLE {role}")
        assert found == [(role,)]


def test_no_setting_changes_a_result(owned: Owned, state: State, options: dict[str, str], account: str) -> None:
    """What the server does not let the owner set needs nothing."""
    possible = {name: value for name, value in OTHERS.items() if name != "createrole_self_grant" or owned.major >= 16}
    owned.set()
    for name in FORBIDDEN:
        with pytest.raises(SandboxError, match="permission denied"):
            owned.set(**{name: "0"})
    tasks, logged_in = Tasks(state), {**options, "login_db": owned.name}
    grants = [
        {"privileges": ["CONNECT"], "on": f"DATABASE {owned.name}"},
        {"privileges": ["USAGE"], "on": "SCHEMA public", "database": owned.name},
    ]
    results = []
    for settings in ({}, possible):
        owned.set(**settings)
        planned = tasks.user(check=True, **logged_in, name=account, grants=grants)
        made = tasks.user(**logged_in, name=account, grants=grants)
        facts = tasks.facts(**logged_in, gather_subset=["accounts", "grants", "roles", "public"])
        gone = tasks.user(**logged_in, name=account, state="absent")
        results.append((planned["diff"], made["account"], made["diff"], gone["diff"], facts))
    assert results[0] == results[1]

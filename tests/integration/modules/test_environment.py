# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Neither variables nor files of the user who runs a task decide how it connects."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.integration.tasks import Tasks
from tests.sandbox.clients import State

pytestmark = pytest.mark.direct("is about connections")


@pytest.fixture
def tasks(state: State) -> Tasks:
    """Without the guard of check mode, which would connect in the same environment."""
    return Tasks(state)


VARIABLES = {
    "PGOPTIONS": "-c search_path=public -c nonsense=1",
    "PGREQUIREAUTH": "none",
    "PGSSLNEGOTIATION": "direct",
    "PGSSLMINPROTOCOLVERSION": "nonsense",
    "PGSERVICE": "elsewhere",
    "PGSERVICEFILE": "/nowhere",
    "PGSYSCONFDIR": "/nowhere",
    "PGHOSTADDR": "192.0.2.1",
    "PGTARGETSESSIONATTRS": "standby",
    "PGLOADBALANCEHOSTS": "nonsense",
    "PGSSLCERT": "/etc/passwd",
    "PGSSLCERTMODE": "require",
    "PGSSLCRL": "/etc/passwd",
    "PGGSSENCMODE": "require",
    "PGCHANNELBINDING": "nonsense",
    "PGCLIENTENCODING": "nonsense",
    "PGTZ": "nonsense",
    "PGDATESTYLE": "nonsense",
    "PGGEQO": "nonsense",
    "PGMINPROTOCOLVERSION": "nonsense",
    "PGREQUIREPEER": "nobody",
}


@pytest.mark.parametrize("name", VARIABLES)
def test_libpq_takes_nothing_from_the_environment(
    tasks: Tasks, monkeypatch: pytest.MonkeyPatch, account: str, name: str
) -> None:
    monkeypatch.setenv(name, VARIABLES[name])
    assert tasks.user(cluster="ledger", name=account, check=True)["changed"]
    assert os.environ[name] == VARIABLES[name], "a worker of the controller goes on with its environment"


def test_libpq_reads_no_files_in_the_home_directory(
    tasks: Tasks, monkeypatch: pytest.MonkeyPatch, account: str, tmp_path: Path
) -> None:
    (tmp_path / ".postgresql").mkdir()
    for name in ("postgresql.crt", "postgresql.key", "root.crt", "root.crl"):
        (tmp_path / ".postgresql" / name).write_text("nonsense")
    (tmp_path / ".pg_service.conf").write_text("nonsense")
    (tmp_path / ".pgpass").write_text("*:*:*:*:wrong")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert tasks.user(cluster="ledger", name=account, check=True)["changed"]


def test_pymysql_takes_nothing_from_the_environment_and_option_files(
    tasks: Tasks, monkeypatch: pytest.MonkeyPatch, account: str, tmp_path: Path
) -> None:
    options = "[client]\nhost=192.0.2.1\nport=1\nuser=nobody\npassword=wrong\ninit-command=nonsense\nssl-ca=/nowhere\n"
    (tmp_path / ".my.cnf").write_text(options)
    for name, value in {"HOME": str(tmp_path), "MYSQL_HOME": str(tmp_path), "MYSQL_PWD": "wrong"}.items():
        monkeypatch.setenv(name, value)
    for name, value in {"MYSQL_HOST": "192.0.2.1", "MYSQL_TCP_PORT": "1", "MYSQL_UNIX_PORT": "/nowhere"}.items():
        monkeypatch.setenv(name, value)
    assert tasks.user(cluster="orders", name=account, check=True)["changed"]

# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The audit report of several real clusters in one play."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.administration import Administration
from tests.integration.roles.page import render
from tests.integration.tasks import Tasks
from tests.sandbox.__main__ import environment
from tests.sandbox.clients import CHECKOUT, State

pytestmark = pytest.mark.direct("starts Ansible itself")

FILES = {"access.csv", "findings.csv", "public.csv", "report.html", "report.json"}
MARKUP = "<b>{{ 7 * 7 }}"


def audit(
    state: State | None, folder: Path, *words: str, playbook: Path | str = "dbops.aurora_iam.audit", **variables: Any
) -> subprocess.CompletedProcess[str]:
    """Run the playbook as a user would; without a state the environment knows nothing of AWS."""
    elsewhere = {name: text for name, text in os.environ.items() if not name.startswith(("AWS_", "AURORA_"))}
    given = {"aurora_iam_audit_folder": str(folder), **variables}
    program = str(Path(sys.executable).parent / "ansible-playbook")
    return subprocess.run(
        [program, str(playbook), "-e", json.dumps(given), *words],
        cwd=CHECKOUT,
        env={**elsewhere, **(environment(state) if state else {}), "ANSIBLE_NOCOLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def changes(result: subprocess.CompletedProcess[str]) -> int:
    counts = re.findall(r"\bchanged=(\d+)", result.stdout)
    assert counts, result.stdout + result.stderr
    return sum(map(int, counts))


def changed(result: subprocess.CompletedProcess[str]) -> int:
    assert result.returncode == 0, result.stdout + result.stderr
    return changes(result)


def databases(*names: str) -> list[dict[str, str]]:
    return [{"cluster": name} for name in names]


@pytest.fixture
def accounts(tasks: Tasks, admin: Administration, account: str) -> Iterator[str]:
    """One on each cluster, the one on MySQL without TLS; and on PostgreSQL one whose name is markup and a template."""
    admin.drop_accounts()  # the last task names the first findings only
    admin.sql("orders", f"CREATE USER {account} IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS'")
    tasks.user(cluster="ledger", name=account)
    admin.sql("ledger", f'CREATE ROLE "{account}{MARKUP}" LOGIN; GRANT rds_iam TO "{account}{MARKUP}"')
    yield account
    admin.sql("orders", f"DROP USER {account}")
    admin.sql("ledger", f'DROP ROLE {account}; DROP ROLE "{account}{MARKUP}"')


def test_the_report_of_several_clusters(state: State, accounts: str, tmp_path: Path):
    folder = tmp_path / "new" / "report"
    both = databases("orders", "ledger")
    assert changed(audit(state, folder, "--check", aurora_iam_audit_databases=both)) > 0
    assert not folder.parent.exists()

    assert changed(audit(state, folder, aurora_iam_audit_databases=both)) > 0
    assert {path.name for path in folder.iterdir()} == FILES
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    report = json.loads((folder / "report.json").read_text())
    assert [each["database"] for each in report["databases"]] == ["cluster ledger", "cluster orders"]
    ours = [each for each in report["findings"] if each["subject"] == f"{accounts}@%"]
    assert "tls_not_required" in {each["code"] for each in ours}
    with (folder / "access.csv").open(newline="") as table:
        rows = list(csv.DictReader(table))
    administrator = [row for row in rows if row["principal"].endswith(":user/operator")]
    assert {(row["database"], row["account"]) for row in administrator} >= {
        ("cluster orders", accounts),
        ("cluster ledger", accounts),
        ("cluster ledger", accounts + MARKUP),
    }
    with (folder / "findings.csv").open(newline="") as table:
        assert len(list(csv.DictReader(table))) == len(report["findings"])
    with (folder / "public.csv").open(newline="") as table:
        everybody = [row for row in csv.DictReader(table) if row["in"] == "ledger" and row["kind"] == "DATABASE"]
    assert [(row["database"], row["privileges"]) for row in everybody] == [("cluster ledger", "CONNECT, TEMPORARY")]
    assert (folder / "report.html").read_text() == render(report)

    result = by_host(state, accounts, folder, tmp_path / "inventory.yml", *both)
    assert changes(result) == 0, result.stdout


def by_host(
    state: State, account: str, folder: Path, inventory: Path, *clusters: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    """A host for each cluster makes the same report, to the letter, and fails on a grave finding."""
    hosts = {each["cluster"]: {"aurora_iam_audit_databases": [each]} for each in clusters}
    inventory.write_text(yaml.safe_dump({"aurora": {"hosts": hosts}}))
    given = {"aurora_iam_audit_hosts": "aurora", "aurora_iam_audit_fail_on": "high"}
    result = audit(state, folder, "--inventory", str(inventory), **given)
    assert result.returncode == 2, result.stdout
    said = " ".join(result.stdout.split())
    assert "Findings of severity high or graver: " in said
    assert f"{account}@% may log in without TLS" in said
    return result


def test_the_inventory_of_the_other_playbooks_will_do(state: State, tmp_path: Path):
    """A host is a cluster, and where AWS is stands in the inventory alone."""
    aws = {name: state[name] for name in ("endpoint_url", "region", "access_key", "secret_key")}
    variables = {"aurora_iam_aws": aws, "aurora_iam_login": {"ca_cert": state["ca_cert"]}}
    hosts = {"orders": {}, "books": {"aurora_iam_cluster": "ledger"}, "bills": {"aurora_iam_instance": "billing"}}
    inventory = tmp_path / "inventory.yml"
    inventory.write_text(yaml.safe_dump({"aurora_iam": {"hosts": hosts, "vars": variables}}))
    words = ("--inventory", str(inventory), "-e", "aurora_iam_audit_hosts=aurora_iam")
    result = audit(None, tmp_path, *words)
    assert changed(result) > 0
    report = json.loads((tmp_path / "report.json").read_text())
    assert [(each["database"], each["error"]) for each in report["databases"]] == [
        ("cluster ledger", ""),
        ("cluster orders", ""),
        ("instance billing", ""),
    ]


def test_nothing_to_audit_says_how_to_name_it(state: State, tmp_path: Path):
    result = audit(state, tmp_path / "report")
    assert result.returncode == 2
    assert "No database is named for localhost; set aurora_iam_audit_databases" in " ".join(result.stdout.split())
    assert not (tmp_path / "report").exists()


def test_a_cluster_that_cannot_be_read_fails_the_run_after_the_report(state: State, accounts: str, tmp_path: Path):
    """In a play of one's own, whose module_defaults hold."""
    play = {
        "hosts": "localhost",
        "connection": "local",
        "gather_facts": False,
        "module_defaults": {"group/dbops.aurora_iam.all": {"names": ["no_such_*"], "login_user": "admin"}},
        "roles": ["dbops.aurora_iam.audit"],
    }
    path = tmp_path / "play.yml"
    path.write_text(yaml.safe_dump([play]))
    result = audit(state, tmp_path, playbook=path, aurora_iam_audit_databases=databases("orders", "no-such-cluster"))
    assert result.returncode == 2, result.stdout
    assert "1 of 2 databases could not be read." in " ".join(result.stdout.split())
    report = json.loads((tmp_path / "report.json").read_text())
    failed, read = report["databases"]
    assert failed["database"] == "cluster no-such-cluster"
    assert "no-such-cluster" in failed["error"]
    assert (read["error"], read["facts"]["accounts"]) == ("", [])
    assert (tmp_path / "report.html").read_text() == render(report)


def test_module_defaults_hold_for_what_a_database_does_not_say(state: State, tmp_path: Path):
    play = {
        "hosts": "localhost",
        "connection": "local",
        "gather_facts": False,
        "module_defaults": {"group/dbops.aurora_iam.all": {"login_user": "auditor", "login_password": "of-nobody"}},
        "roles": ["dbops.aurora_iam.audit"],
    }
    path = tmp_path / "play.yml"
    path.write_text(yaml.safe_dump([play]))
    both = [{"cluster": "orders"}, {"cluster": "orders", "login_user": "reviewer"}]
    assert audit(state, tmp_path, playbook=path, aurora_iam_audit_databases=both).returncode == 2
    errors = [each["error"] for each in json.loads((tmp_path / "report.json").read_text())["databases"]]
    assert ["auditor" in error for error in errors] == [True, False]
    assert ["reviewer" in error for error in errors] == [False, True]

# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Roles and playbooks where Molecule does not look: wrong variables, merged lists, check mode, an AWS inventory."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.administration import Administration
from tests.sandbox.__main__ import environment
from tests.sandbox.clients import CHECKOUT, State, aws_client
from tests.sandbox.servers.clusters import REGION

pytestmark = pytest.mark.direct("starts Ansible itself")

PROGRAMS = Path(sys.executable).parent
ESTATE = CHECKOUT / "docs" / "examples" / "estate"
BOTH = ("orders", "ledger")


def run(state: State, program: str, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    settings = {
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_COLLECTIONS_PATH": str(CHECKOUT / ".cache" / "collections"),
        "ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml",
    }
    variables = {**os.environ, **environment(state), **settings, **more}
    chosen = {name: value for name, value in variables.items() if value}
    command = [str(PROGRAMS / program), *words]
    return subprocess.run(command, cwd=CHECKOUT, env=chosen, capture_output=True, text=True, check=False)


def playbook(state: State, name: str, variables: dict[str, Any], *words: str, hosts: tuple[str, ...] = BOTH) -> str:
    """What the playbook prints, whether it failed or not."""
    inventory = ("-i", ",".join((*hosts, "")), "-e", "aurora_iam_hosts=all")
    result = run(state, "ansible-playbook", *inventory, "-e", json.dumps(variables), *words, f"dbops.aurora_iam.{name}")
    return result.stdout + result.stderr


def failures(output: str) -> int:
    return sum("failed=0" not in line for line in output.splitlines() if " : ok=" in line)


WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("provision", {"aurora_iam_unlisted": "maybe"}, "value of aurora_iam_unlisted must be one of: keep, lock, drop"),
    ("provision", {"aurora_iam_accounts": "jane"}, "unable to convert to dict"),
    ("provision", {"aurora_iam_principals": [{"type": "person", "name": "x"}]}, "value of type must be one of: user"),
    ("provision", {"aurora_iam_principals": [{"type": "user", "name": "x"}] * 2}, "is listed more than once"),
    ("offboard", {}, "missing required arguments: aurora_iam_offboard"),
    ("provision", {"aurora_iam_principals_team": [{"name": "x"}]}, "is not complete; give each a type"),
    (
        "provision",
        {"aurora_iam_principals_team": [{"type": "user", "name": "x", "accounts": ["nobody_of_this_name"]}]},
        "cluster orders has no account nobody_of_this_name, which user x is listed with",
    ),
    (
        "offboard",
        {
            "aurora_iam_offboard": [{"name": "jane_doe"}],
            "aurora_iam_principals_team": [{"type": "user", "name": "x", "accounts": "jane_doe"}],
        },
        "The accounts of user x must be a list of names",
    ),
    (
        "offboard",
        {"aurora_iam_offboard": [{"name": "x", "owned_objects": "keep"}]},
        "value of owned_objects must be one",
    ),
    ("convert", {}, "Nobody is to be converted; set aurora_iam_convert"),
]


@pytest.mark.parametrize(("name", "variables", "message"), WRONG, ids=lambda value: None)
def test_wrong_variables_are_named(state: State, name: str, variables: dict[str, Any], message: str):
    output = playbook(state, name, variables, "--check", hosts=("orders",))
    assert message in " ".join(output.split())
    assert failures(output) == 1


EMPTY = [
    (
        ("-i", "localhost,"),
        "No host matches aurora_iam; add hosts to this group of the inventory, or set aurora_iam_hosts",
    ),
    (("-i", "a,b", "--limit", "a", "-e", "aurora_iam_hosts=b"), "No host within --limit a matches b; add hosts"),
]


@pytest.mark.parametrize(("words", "message"), EMPTY)
def test_a_playbook_without_hosts_fails(state: State, words: tuple[str, ...], message: str):
    """That every playbook begins with this check is in tests/unit/test_playbooks.py."""
    result = run(state, "ansible-playbook", *words, "dbops.aurora_iam.offboard", "-e", "aurora_iam_offboard=jane_doe")
    assert result.returncode == 2, result.stdout
    assert message in " ".join((result.stdout + result.stderr).split())


def test_a_cluster_without_iam_authentication_says_how_to_get_it(state: State):
    output = playbook(state, "provision", {}, hosts=("catalogue",))
    assert "IAM authentication is off on cluster catalogue; set aurora_iam_cluster_enable to true" in output


def test_lists_of_all_names_add_to_each_other(state: State, admin: Administration, account: str):
    lists = {
        "aurora_iam_accounts": [{"name": f"{account}_a"}],
        "aurora_iam_accounts_team": [{"name": f"{account}_b"}],
        "aurora_iam_accounts_host": [{"name": f"{account}_c"}],
    }
    assert failures(playbook(state, "provision", lists)) == 0
    assert admin.sql("orders", f"SELECT COUNT(*) FROM mysql.user WHERE user LIKE '{account}%'") == [("3",)]
    assert admin.sql("ledger", f"SELECT count(*) FROM pg_roles WHERE rolname LIKE '{account}%'") == [("3",)]


def test_an_account_in_two_lists_is_refused(state: State, admin: Administration, account: str):
    lists = {"aurora_iam_accounts": [{"name": account}], "aurora_iam_accounts_team": [{"name": account}]}
    output = playbook(state, "provision", lists)
    assert failures(output) == 2
    assert account in output
    assert admin.sql("orders", f"SELECT COUNT(*) FROM mysql.user WHERE user = '{account}'") == [("0",)]


CHECKS: list[tuple[str, dict[str, Any], tuple[str, ...]]] = [
    ("provision", {"aurora_iam_accounts": [{"name": "never_made"}]}, BOTH),
    ("offboard", {"aurora_iam_offboard": [{"name": "never_dropped"}]}, BOTH),
    ("convert", {"aurora_iam_convert": [{"name": "keeps_password", "convert_unchecked": True}]}, BOTH),
    ("enable", {}, ("catalogue", "payroll")),
    (
        "provision",
        {"aurora_iam_cluster_enable": True, "aurora_iam_accounts": [{"name": "x"}]},
        ("catalogue", "payroll"),
    ),
]


@pytest.fixture(scope="module")
def people(state: State, admin: Administration) -> Iterator[None]:
    """Somebody who could leave, and somebody with a password."""
    made = playbook(state, "provision", {"aurora_iam_accounts": [{"name": "never_dropped"}]})
    assert failures(made) == 0, made
    admin.sql("orders", "CREATE USER keeps_password IDENTIFIED BY 'Secret of nobody 1'")
    admin.sql("ledger", "CREATE ROLE keeps_password LOGIN PASSWORD 'Secret of nobody 1'")
    yield
    admin.sql("orders", "DROP USER keeps_password, never_dropped")
    admin.sql("ledger", "DROP ROLE keeps_password, never_dropped")


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize(("name", "variables", "hosts"), CHECKS, ids=lambda value: None)
def test_check_mode_plans_and_writes_nothing(
    state: State, admin: Administration, name: str, variables: dict[str, Any], hosts: tuple[str, ...]
):
    with admin.writes_nothing(hosts[0]), admin.writes_nothing(hosts[1]):
        output = playbook(state, name, variables, "--check", "--diff", hosts=hosts)
    assert failures(output) == 0, output
    assert output.count("changed: [") >= 2, output
    described = aws_client(state, "rds").describe_db_clusters(DBClusterIdentifier=hosts[0])["DBClusters"][0]
    assert described["IAMDatabaseAuthenticationEnabled"] == (hosts == BOTH)


def test_the_conversion_is_reported(state: State, people: None):
    """It is refused on both clusters, and a name that is on none is told by the last one."""
    output = playbook(state, "convert", {"aurora_iam_convert": ["keeps_*", "nobody_at_all"]}, "--check")
    report = output.split("TASK [Show what was converted")[1]
    assert "- keeps_password@%" in report
    assert "- keeps_password\n" in report
    told = " ".join(report.split())
    assert "converted: []" in told
    assert "no IAM principal may connect as keeps_password" in told
    assert "matches nobody_at_all; correct the name" in told
    assert failures(output) == 2


def test_facts_ad_hoc(state: State):
    words = ("-m", "dbops.aurora_iam.aurora_iam_facts", "-a", "cluster=orders gather_subset=cluster")
    result = run(state, "ansible", "localhost", *words)
    assert "localhost | SUCCESS" in result.stdout
    assert "title: cluster orders" in result.stdout


@pytest.fixture
def profiles(state: State, tmp_path: Path) -> dict[str, str]:
    """The estate's two profiles, both with the sandbox's keys, and no keys in the environment."""
    keys = f"aws_access_key_id={state['access_key']}\naws_secret_access_key={state['secret_key']}\n"
    path = tmp_path / "credentials"
    path.write_text(f"[production]\n{keys}[analytics]\n{keys}")
    nothing = dict.fromkeys(
        ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_SESSION_TOKEN"), ""
    )
    return {**nothing, "AWS_SHARED_CREDENTIALS_FILE": str(path), "ANSIBLE_CONFIG": str(ESTATE / "ansible.cfg")}


@pytest.fixture
def tagged(state: State) -> Iterator[None]:
    rds = aws_client(state, "rds")
    for cluster, team in (("orders", "shop"), ("ledger", "finance")):
        tags = [{"Key": "aurora-iam", "Value": "managed"}, {"Key": "team", "Value": team}]
        rds.add_tags_to_resource(ResourceName=state["clusters"][cluster]["arn"], Tags=tags)
    iam = aws_client(state, "iam")
    iam.create_role(RoleName="shop-service", AssumeRolePolicyDocument="{}")
    yield
    for policy in iam.list_role_policies(RoleName="shop-service")["PolicyNames"]:
        iam.delete_role_policy(RoleName="shop-service", PolicyName=policy)
    iam.delete_role(RoleName="shop-service")
    for cluster in BOTH:
        rds.remove_tags_from_resource(ResourceName=state["clusters"][cluster]["arn"], TagKeys=["aurora-iam", "team"])


@pytest.mark.usefixtures("tagged")
def test_the_example_estate(state: State, admin: Administration, profiles: dict[str, str]):
    listed = run(state, "ansible-inventory", "--list", **profiles)
    estate = json.loads(listed.stdout, object_hook=lambda found: found.get("__ansible_unsafe", found))
    assert sorted(estate["aurora_iam"]["hosts"]) == ["ledger", "orders"], listed.stderr
    assert estate["team_shop"]["hosts"] == ["orders"]
    assert "ledger" in estate["engine_aurora_postgresql"]["hosts"]
    assert estate["_meta"]["hostvars"]["orders"]["aurora_iam_aws"] == {"profile": "production", "region": REGION}

    words = (str(ESTATE / "site.yml"), "-e", "aurora_iam_serial=1", "-e", "aurora_iam_max_fail_percentage=0")
    made = run(state, "ansible-playbook", *words, **profiles)
    assert made.returncode == 0, made.stdout + made.stderr
    found = admin.sql("orders", "SELECT user FROM mysql.user WHERE user IN ('dba_on_call', 'monitoring', 'jane_doe')")
    assert len(found) == 3
    resource_id = state["clusters"]["orders"]["resource_id"]
    name = f"aurora-iam.{REGION}.{resource_id}.role.shop-service"
    policy = aws_client(state, "iam").get_role_policy(RoleName="shop-service", PolicyName=name)
    assert resource_id in json.dumps(policy["PolicyDocument"])
    again = run(state, "ansible-playbook", *words, **profiles)
    assert (again.returncode, re.findall(r"changed=[1-9]", again.stdout)) == (0, []), again.stdout


@pytest.fixture
def several(admin: Administration, account: str) -> Iterator[list[str]]:
    """Accounts of one name on MySQL, one of them with a password."""
    iam = "IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS'"
    admin.sql("orders", f"CREATE USER {account} IDENTIFIED BY 'Secret of nobody 1', {account}@'10.%' {iam}")
    admin.sql("ledger", f"CREATE ROLE {account} LOGIN PASSWORD 'Secret of nobody 1'")
    yield [f"{account}@%", f"{account}@10.%"]
    admin.sql("orders", f"DROP USER IF EXISTS {account}, {account}@'10.%'; DROP VIEW IF EXISTS orders.{account}")
    admin.sql("ledger", f"DROP ROLE IF EXISTS {account}")


def test_a_name_leaves_whole(state: State, admin: Administration, account: str, several: list[str]):
    left = f"SELECT Host, account_locked FROM mysql.user WHERE User = '{account}' ORDER BY 1"
    admin.sql("orders", f"CREATE DEFINER = {account} VIEW orders.{account} AS SELECT 1 AS one")
    gone = {"aurora_iam_offboard": [{"name": account}]}
    output = playbook(state, "offboard", gone)
    assert failures(output) == 2, output
    assert f"it is the definer of view orders.{account}" in " ".join(output.split())
    assert listed(output, "locked", *several)
    assert admin.sql("orders", left) == [("%", "Y"), ("10.%", "Y")]

    admin.sql("orders", f"DROP VIEW orders.{account}")
    output = playbook(state, "offboard", gone)
    assert failures(output) == 1, output
    assert listed(output, "dropped", *several)
    assert f"{account} is not IAM-authenticated, and somebody may log in with its password" in " ".join(output.split())
    assert admin.sql("orders", left) == []
    admin.sql("ledger", f"DROP ROLE {account}")
    assert playbook(state, "offboard", gone).count("changed=0") == len(BOTH)


def listed(output: str, key: str, *names: str) -> bool:
    return f"{key}: {' '.join(f'- {name}' for name in names)} " in " ".join(output.split())

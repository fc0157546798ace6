# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lookup aurora_iam_token, as playbooks use it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.integration.command_line import ansible, playbook
from tests.integration.tasks import Tasks
from tests.sandbox.clients import LIBRARIES, State, attempt, connect_statement, create_principal

pytestmark = pytest.mark.direct("is about connections")

NAME = "dbops.aurora_iam.aurora_iam_token"


def lookup(**options: object) -> str:
    """The expression, with literal options. ``keys`` is a variable with the principal's own."""
    return "{{ lookup('%s', **(keys | combine(%s))) }}" % (NAME, json.dumps(options, ensure_ascii=False))  # noqa: UP031 - full of braces


def keep(path: Path, token: str) -> dict[str, object]:
    return {"ansible.builtin.copy": {"content": token, "dest": str(path), "mode": "0600"}, "no_log": True}


@pytest.mark.parametrize("cluster", ["orders", "ledger"])
def test_a_token_logs_in_and_is_not_shown(state: State, tasks: Tasks, tmp_path: Path, cluster: str, account: str):
    tasks.user(cluster=cluster, name=account)
    principal = create_principal(state, account, connect_statement(state, cluster, account))
    described = state["clusters"][cluster]
    nowhere = "http://127.0.0.1:9"
    by_hand = {"host": described["host"], "port": described["port"], "endpoint_url": nowhere}
    # Jane may manage no accounts; that her token is her password is enough to get so far
    token = lookup(cluster=cluster, user=account)
    as_jane = {"cluster": cluster, "name": "nobody", "login_user": account, "login_password": token}
    play = playbook(
        tmp_path,
        keep(tmp_path / "by-cluster", token),
        keep(tmp_path / "by-hand", lookup(**by_hand, user=account)),
        {"dbops.aurora_iam.aurora_iam_user": as_jane, "ignore_errors": True, "check_mode": True},
    )
    variables = tmp_path / "keys.json"
    variables.write_text(json.dumps({"keys": {"access_key": principal.access_key, "secret_key": principal.secret_key}}))
    result = ansible(state, "ansible-playbook", play, "-e", f"@{variables}", "-vvvv")
    assert "failed=0" in result.stdout, result.stdout
    for way in ("by-cluster", "by-hand"):
        made = (tmp_path / way).read_text()
        assert f"X-Amz-Credential={principal.access_key}" in made
        assert LIBRARIES[described["engine"]](attempt(state, cluster, account, made)).partition("@")[0] == account
    for hidden in ("X-Amz-Signature", principal.secret_key):
        assert hidden not in result.stdout + result.stderr


WRONG = [
    ({"cluster": "orders"}, "aurora_iam_token needs the database account by its name; write user='…', cluster='…'."),
    ({"user": ""}, "aurora_iam_token needs the database account by its name; write user='…', cluster='…'."),
    ({"user": "jane"}, "No database is named; set one of cluster, instance, proxy, and host with port."),
    (
        {"user": "jane", "cluster": "orders", "instance": "orders-1"},
        "cluster and instance are set; set one of cluster, instance, proxy, and host with port.",
    ),
    (
        {"user": "jane", "host": "db:3306"},
        "host is 'db:3306', which is neither a host name nor an IP address; write host: db and port: 3306.",
    ),
    (
        {"user": "jane", "host": "a.cluster-custom-b.eu-central-1.rds.amazonaws.com", "port": 1},
        "which is an Aurora custom endpoint: Aurora accepts tokens only for the endpoints of the cluster and of its "
        "instances; set cluster, or give one of those.",
    ),
    (
        {"user": "jane", "host": "a.cluster-b.us-east-1.rds.amazonaws.com", "port": 1},
        "in region eu-central-1, because the database is in us-east-1; set region: us-east-1.",
    ),
    ({"user": "jane", "host": "db"}, "No port is given for db; set port, because a token is signed for both."),
    (
        {"user": "jane", "cluster": "no\u200d\u202epe"},
        r"There is no cluster no\u200d\u202epe in this region and account; check cluster, region and profile. AWS says "
        r"to arn:aws:iam::123456789012:user/operator: DBCluster no\u200d\u202epe not found.",
    ),
    (
        {"user": "jane", "cluster": "nope"},
        "There is no cluster nope in this region and account; check cluster, region and profile. AWS says to "
        "arn:aws:iam::123456789012:user/operator: DBCluster nope not found.",
    ),
    (
        {"user": "jane", "instance": "orders-1"},
        "orders-1 is a member of cluster orders, whose accounts are the cluster's; set cluster: orders instead of "
        "instance.",
    ),
    (
        {"user": "jane", "cluster": "payroll"},
        "IAM authentication is off on cluster payroll, so nobody can log in with a token; turn it on with "
        "dbops.aurora_iam.aurora_iam_cluster.",
    ),
    (
        {"user": "jane", "cluster": "orders", "profile": "nope"},
        "Passing both a profile and access tokens is not supported. Leave out profile, or access_key, secret_key and "
        "session_token, in the environment too.",
    ),
]


def test_every_error_is_one_sentence(state: State, tmp_path: Path):
    """One playbook for all, because starting Ansible takes longer than they do."""
    tasks: list[dict[str, object]] = []
    for number, (options, _sentence) in enumerate(WRONG):
        tasks += [
            {"ansible.builtin.debug": {"msg": lookup(**options)}, "ignore_errors": True, "register": f"wrong_{number}"},
        ]
    names = ", ".join(f"wrong_{number}" for number in range(len(WRONG)))
    tasks.append(keep(tmp_path / "outcomes", f"{{{{ [{names}] | to_json }}}}"))
    result = ansible(state, "ansible-playbook", playbook(tmp_path, *tasks), "-e", json.dumps({"keys": {}}))
    assert "failed=0" in result.stdout, result.stdout
    outcomes = json.loads((tmp_path / "outcomes").read_text())
    for (_options, sentence), outcome in zip(WRONG, outcomes, strict=True):
        assert outcome["failed"]
        assert outcome["msg"].endswith(sentence), outcome["msg"]

# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts of a large estate that is made up, in the shapes that aurora_iam_facts returns."""

from __future__ import annotations

import random
from typing import Any

Facts = dict[str, Any]
AWS_ACCOUNT = "123456789012"
TEAMS = ("billing", "catalogue", "checkout", "identity", "ledger", "orders", "reporting", "search", "shipping", "stock")
PEOPLE = ("ada", "barbara", "edsger", "frances", "grace", "hedy", "jean", "joan", "karen", "margaret", "radia", "shafi")


def gathered(databases: int, accounts: int, seed: int = 6) -> list[Facts]:
    """What one loop over so many clusters, each with so many accounts, registers."""
    chance = random.Random(seed)  # noqa: S311
    return [{"results": [_result(number, accounts, chance) for number in range(databases)]}]


def _result(number: int, accounts: int, chance: random.Random) -> Facts:
    name = f"{TEAMS[number % len(TEAMS)]}-{number // len(TEAMS) + 1:02}"
    mysql = number % 2 == 0
    facts = {
        "cluster": _cluster(name, mysql),
        "accounts": [_account(name, each, mysql, chance) for each in range(accounts)],
        "other_accounts": [],
        "roles": [],
        "public": _public(name.partition("-")[0]),
        "unseen": [],
    }
    names = [each["name"] for each in facts["accounts"]]
    facts["authorization"] = _authorization(names, chance)
    facts["findings"] = _findings(name, names, chance)
    return {"item": {"cluster": name}, "ansible_facts": {"aurora_iam": facts}}


def _public(database: str) -> list[Facts]:
    """Rows do not grow with the objects: the first are named, and all are counted."""
    routines = [f"{database}.function_{number:02}(integer)" for number in range(20)]
    code = [f"FUNCTION {routine}, owner postgres" for routine in routines]
    grants = [
        {"privileges": ["CONNECT", "TEMPORARY"], "kind": "DATABASE", "count": 1, "objects": [database]},
        {"privileges": ["EXECUTE"], "kind": "FUNCTION", "count": 1234, "objects": routines},
    ]
    return [{"database": database, "grants": grants, "definer_code": {"count": 21, "objects": code}, "roles": []}]


def _cluster(name: str, mysql: bool) -> Facts:
    return {
        "title": f"cluster {name}",
        "identifier": name,
        "arn": f"arn:aws:rds:eu-central-1:{AWS_ACCOUNT}:cluster:{name}",
        "resource_id": f"cluster-{name.upper().replace('-', '')}",
        "engine": "aurora-mysql" if mysql else "aurora-postgresql",
        "engine_version": "8.0.mysql_aurora.3.10.1" if mysql else "17.5",
        "iam_auth": True,
        "iam_auth_pending": None,
    }


def _account(cluster: str, number: int, mysql: bool, chance: random.Random) -> Facts:
    name = f"svc_{TEAMS[number % 10]}_{number:03}" if number % 3 else f"{PEOPLE[number % 12]}_{number:03}"
    on = [{"privileges": ["SELECT", "INSERT"], "on": "shop.*" if mysql else "ALL TABLES IN SCHEMA public"}]
    host = {"host": "%", "require_tls": True} if mysql else {}
    arn = f"arn:aws:rds-db:eu-central-1:{AWS_ACCOUNT}:dbuser:cluster-{cluster.upper()}/{name}"
    sessions = chance.randrange(9)
    return {"name": name, **host, "grants": on, "roles": ["readers"], "connect_arn": arn, "sessions": sessions}


def _authorization(names: list[str], chance: random.Random) -> list[Facts]:
    """Two who may as everybody, teams that may as some, and a few under a condition or denied."""
    policies = [("user/operator", "allowed", names, "policy AdministratorAccess of user operator")]
    policies += [("role/dba", "allowed", names, "inline policy everyone of role dba")]
    for team in TEAMS:
        some = [name for name in names if team in name or chance.random() < 0.05]
        policies.append((f"role/team/{team}", "allowed", some, f"policy connect-{team} of role {team}"))
    for person in PEOPLE:
        own = [name for name in names if name.startswith(person)]
        outcome = chance.choice(["allowed", "allowed", "conditional", "denied"])
        policies.append((f"user/{person}", outcome, own, f"inline policy own of user {person}"))
    return [
        {
            "principal": f"arn:aws:iam::{AWS_ACCOUNT}:{who}",
            "outcome": outcome,
            "accounts": accounts,
            "policy": policy,
            "statement": "statement 1",
            "depends_on": ["aws:MultiFactorAuthPresent"] if outcome == "conditional" else [],
            "advisory": False,
        }
        for who, outcome, accounts, policy in policies
        if accounts
    ]


KINDS = (
    ("tls_not_required", "high", 0.02, "{name} may log in without TLS, and its token travels in clear."),
    ("powerful", "high", 0.01, "{name} can make itself anybody: it has CREATE USER; grant it what its work needs."),
    ("account_orphan", "medium", 0.05, "No IAM user or role may connect as {name}; drop it, or allow somebody to."),
    ("never_used", "low", 0.5, "Nobody has logged in as {name} since the server started 40 days ago; lock it."),
    ("password_convertible", "info", 0.1, "{name} logs in with a password; convert it."),
)


def _findings(cluster: str, names: list[str], chance: random.Random) -> list[Facts]:
    found = [
        _finding(code, severity, name, message.format(name=name), cluster)
        for code, severity, share, message in KINDS
        for name in names
        if chance.random() < share
    ]
    if chance.random() < 0.06:
        message = f"IAM authentication is off on cluster {cluster}, and {len(names)} accounts can log in by IAM only."
        found.insert(0, {**_finding("iam_auth_off", "critical", cluster, message, cluster), "kind": "cluster"})
    return found


def _finding(code: str, severity: str, subject: str, message: str, cluster: str) -> Facts:
    task = {"cluster": cluster, "name": subject, "require_tls": True}
    remedy = {"name": f"Demand TLS of {subject}", "dbops.aurora_iam.aurora_iam_user": task}
    return {
        "code": code,
        "severity": severity,
        "kind": "account",
        "subject": subject,
        "message": message,
        "remedy": remedy if code == "tls_not_required" else None,
    }

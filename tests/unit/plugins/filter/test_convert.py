# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whom the playbook convert means, and what it says at its end."""

from __future__ import annotations

from typing import Any

from ansible_collections.dbops.aurora_iam.plugins.filter.convert_report import FilterModule as Report
from ansible_collections.dbops.aurora_iam.plugins.filter.convert_users import FilterModule as Users

convert_report = Report().filters()["convert_report"]
convert_users = Users().filters()["convert_users"]


def account(name: str, host: str | None = None, authentication: str = "password", **more: Any) -> dict[str, Any]:
    hosted = {} if host is None else {"host": host}
    return {"name": name, **hosted, "authentication": authentication, "untouchable": False, **more}


FACTS = {
    "accounts": [account("svc_new", "%", "iam")],
    "other_accounts": [
        account("svc_old", "%"),
        account("svc_old", "10.%"),
        account("svc_broken", "%", "iam-broken"),
        account("svc_admin", "%", untouchable=True),
        account("jane\x1b[31m", "%"),
    ],
}
OLD = [{"name": "svc_old", "host": host, "convert": True} for host in ("%", "10.%")]


def test_globs_mean_accounts_with_passwords() -> None:
    assert convert_users(FACTS, [{"name": "svc_*"}]) == OLD
    assert convert_users(FACTS, [{"name": "nobody"}]) == []
    assert convert_users({"other_accounts": [account("svc_old")]}, [{"name": "svc_old"}]) == [
        {"name": "svc_old", "convert": True}
    ]


def test_a_name_means_also_whom_the_task_refuses() -> None:
    assert convert_users(FACTS, [{"name": "svc_admin"}]) == [{"name": "svc_admin", "host": "%", "convert": True}]


def test_consent_is_for_the_name_that_it_stands_with() -> None:
    consented = {"name": "svc_old", "convert_unchecked": True}
    assert convert_users(FACTS, [{"name": "*"}, consented]) == [
        *({**element, "convert_unchecked": True} for element in OLD),
        {"name": "jane\x1b[31m", "host": "%", "convert": True},
    ]


def test_the_report() -> None:
    listed = ["svc_*", "svc_new", "nobody"]
    found = convert_report(FACTS, "orders", {"altered": ["svc_old@%"]}, listed)
    assert found["matched"] == ["svc_*", "svc_new"]
    assert found["summary"] == {
        "cluster": "orders",
        "converted": ["svc_old@%"],
        "still_with_password": ["svc_old@10.%", "jane\\x1b[31m@%"],
    }
    failed = convert_report(FACTS, "orders", {"msg": "No\x1b."}, listed)["summary"]
    assert (failed["converted"], failed["failed"]) == ([], "No\\x1b.")

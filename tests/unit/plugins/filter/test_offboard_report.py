# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

from ansible_collections.dbops.aurora_iam.plugins.filter.offboard_report import FilterModule

offboard_report = FilterModule().filters()["offboard_report"]
SKIPPED = {"skipped": True}
JANE = {"name": "jane", "host": "%", "authentication": "iam", "locked": False}
REVOKED: dict[str, Any] = {"revoked": [], "left": [], "gone": []}


def looked(*accounts: dict[str, Any]) -> dict[str, Any]:
    return {"ansible_facts": {"aurora_iam": {"accounts": list(accounts), "other_accounts": []}}}


def report(name: str = "jane", known: tuple[str, ...] = (), **results: Any) -> dict[str, Any]:
    """Of a run that found one account, and did nothing else."""
    given = {
        "looked": looked(JANE),
        "looked_again": SKIPPED,
        "locked": [SKIPPED, SKIPPED],
        "revoked": REVOKED,
        "dropped": [SKIPPED, SKIPPED],
        **results,
    }
    (found,) = offboard_report([name], "orders", given, known)
    assert (found["summary"].pop("account"), found["summary"].pop("cluster")) == (name, "orders")
    return dict(found)


def test_what_was_dropped_is_not_left() -> None:
    found = report(
        locked=[{"altered": ["jane@%"], "unchanged": []}, SKIPPED], dropped=[{"dropped": ["jane@%"]}, SKIPPED]
    )
    assert found == {"name": "jane", "found": True, "seen": True, "summary": {"dropped": ["jane@%"]}, "problems": []}


def test_a_task_that_failed_tells_why_and_the_database_what_it_did() -> None:
    alone = {
        "results": [
            {"item": {"name": "jane"}, "msg": "account jane (users[0]): x", "errors": [{"message": "It is busy."}]}
        ]
    }
    found = report(
        locked=[{"msg": "all failed"}, alone], looked_again=looked({**JANE, "locked": True}), dropped=[SKIPPED, SKIPPED]
    )
    assert found["summary"] == {"locked": ["jane@%"], "left": ["jane@% is locked and not dropped. It is busy."]}
    assert found["problems"] == ["jane: jane@% is locked and not dropped. It is busy."]
    assert report(locked=[{"msg": "all failed"}, alone])["problems"] == [
        "jane: jane@% is neither locked nor dropped. It is busy."
    ]


def test_a_principal_that_iam_does_not_have_may_be_misspelt() -> None:
    gone = [{"principal": "user jnae", "accounts": ["jane"]}, {"principal": "user ann", "accounts": ["ann"]}]
    found = report(revoked={**REVOKED, "gone": gone}, dropped=[{"dropped": ["jane@%"]}, SKIPPED])
    assert (found["summary"], found["problems"]) == ({"dropped": ["jane@%"], "not_in_iam": ["user jnae"]}, [])


def test_a_database_that_was_not_looked_at_is_not_seen() -> None:
    found = report(looked={"msg": "It is stopped."})
    assert (found["found"], found["seen"]) == (False, False)
    assert found["problems"] == ["jane: The accounts were not looked at: It is stopped."]
    unasked = report(revoked={"msg": "No region."})
    assert (unasked["seen"], unasked["problems"][0]) == (False, "jane: The policies were not looked at: No region.")


def test_policies_that_are_left_are_a_problem_only_where_something_failed() -> None:
    entry = {"principal": "user jane", "policy": "policy p", "accounts": ["jane"], "why": "Because.", "failed": False}
    done = {"dropped": [{"dropped": ["jane@%"]}, SKIPPED]}
    foreign = report(revoked={**REVOKED, "left": [entry]}, **done)
    assert (foreign["problems"], foreign["summary"]["left"]) == ([], ["policy p may still name it. Because."])
    failed = report(revoked={**REVOKED, "left": [{**entry, "policy": "", "failed": True}], "msg": "x"}, **done)
    assert failed["problems"] == ["jane: The policies of user jane may still name it. Because."]
    assert failed["summary"]["left"] == ["The policies of user jane may still name it. Because."]


def test_a_password_is_left_on_postgresql() -> None:
    account = {"name": "jane", "authentication": "password", "locked": False}
    found = report(looked=looked(account))
    assert len(found["problems"]) == 1
    assert found["problems"][0].startswith("jane: jane is not IAM-authenticated, and somebody may log in")
    assert report(looked=looked({**account, "locked": True}))["problems"] != found["problems"]


def test_a_name_is_found_in_the_database_in_iam_and_in_the_inventory() -> None:
    assert not report("joe")["found"]
    assert report("joe")["summary"] == {"nothing": ["no account, policy or list of the inventory has this name"]}
    assert report("joe", ("joe",))["found"]
    assert report("joe", revoked={**REVOKED, "revoked": [{"accounts": ["joe"], "policy": "policy p"}]})["found"]


def test_names_are_escaped() -> None:
    found = offboard_report(
        ["x\x1b[31m"],
        "orders",
        {"looked": {}, "looked_again": {}, "revoked": {"msg": "No."}, "locked": [], "dropped": []},
        [],
    )
    assert "\x1b" not in str(found[0]["summary"]["account"]) + found[0]["problems"][0]

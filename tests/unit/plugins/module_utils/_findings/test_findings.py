# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each finding: what makes it, and the nearest thing that does not."""

from __future__ import annotations

import json
import re

import pytest

from ansible_collections.dbops.aurora_iam.plugins.module_utils._findings.estate import Estate
from ansible_collections.dbops.aurora_iam.plugins.module_utils._findings.find import find
from ansible_collections.dbops.aurora_iam.plugins.module_utils._findings.finding import CODES, SEVERITIES
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import PASSWORD, AccountName
from ansible_collections.dbops.aurora_iam.plugins.module_utils._params import account_request
from ansible_collections.dbops.aurora_iam.plugins.module_utils._survey import Defect, Exposure
from tests.checkout import ROOT
from tests.unit.plugins.module_utils._findings.scenes import (
    ARN,
    ID,
    OTHER_ID,
    POSTGRESQL,
    account,
    codes,
    estate,
    policy,
)

HERE = f"{ARN}:{ID}"
OPERATOR = account("carol", authentication=PASSWORD)
MASTER = account("admin", untouchable=True)
NAMED = {"master_user": "admin"}


def defect(code: str) -> tuple[Defect, ...]:
    return (Defect(code, AccountName("jane", "%"), "It is so; do that."),)


def exposure(code: str) -> tuple[Exposure, ...]:
    return (Exposure(code, "shop", "It is so; do that."),)


CASES: dict[str, tuple[Estate, Estate]] = {
    # an estate with it, and the nearest without it
    "account_hidden": (estate(defects=defect("account_hidden")), estate()),
    "account_orphan": (estate(connectable=[]), estate(connectable=["jane"])),
    "administrator_by_iam": (
        estate(MASTER, secret="arn:…", allowed=["admin"], **NAMED),
        estate(MASTER, allowed=["admin"], **NAMED),
    ),
    "administrator_lockout": (estate(MASTER, allowed=[], **NAMED), estate(MASTER, allowed=["admin"], **NAMED)),
    "anonymous_account": (estate(exposures=exposure("anonymous_account")), estate()),
    "auth_string": (estate(defects=defect("auth_string")), estate()),
    "case_twins": (
        estate(account(), account("JANE"), connectable=["jane", "JANE"]),
        estate(account(), account("JANE", authentication=PASSWORD, untouchable=True)),
    ),
    "failed_logins": (estate(defects=defect("failed_logins")), estate()),
    "foreign_grants": (estate(defects=defect("foreign_grants")), estate()),
    "host_unreachable": (estate(defects=defect("host_unreachable")), estate()),
    "iam_auth_off": (estate(iam_auth=False), estate(account(authentication=PASSWORD, locked=True), iam_auth=False)),
    "iam_auth_pending": (estate(pending_iam_auth=False), estate(pending_iam_auth=True)),
    "iam_by_group": (estate(defects=defect("iam_by_group")), estate()),
    "kerberos_too": (estate(defects=defect("kerberos_too")), estate()),
    "never_used": (estate(account(used=False)), estate(account(used=None), account("jane", used=True))),
    "password_convertible": (
        estate(account(), OPERATOR),
        estate(
            account(),
            account("carol", authentication=PASSWORD, locked=True),
            account("admin", authentication=PASSWORD, untouchable=True),
            account("", authentication=PASSWORD),
        ),
    ),
    "policy_any_account": (
        estate(statements=policy(f"{ARN}:*/*")),
        estate(statements=policy(f"{ARN}:*/jane", f"{HERE}/j*")),
    ),
    "policy_case": (estate(statements=policy(f"{HERE}/Jane")), estate(statements=policy(f"{HERE}/jane"))),
    "policy_condition_ineffective": (
        estate(statements=policy(f"{HERE}/jane", Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}})),
        estate(statements=policy(f"{ARN}:{OTHER_ID}/x", Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}})),
    ),
    "policy_dangling": (
        estate(statements=policy(f"{HERE}/gone")),
        estate(statements=[*policy(f"{HERE}/jane", f"{ARN}:*/gone", HERE + "/${aws:username}"), *policy(f"{HERE}/j*")]),
    ),
    "policy_everything": (estate(statements=policy("*")), estate(statements=policy("*", effect="Deny"))),
    "policy_identifier": (
        estate(statements=policy(f"{ARN}:Orders/jane")),
        estate(statements=policy(f"{ARN}:other/jane")),
    ),
    "policy_name_too_long": (
        estate(statements=policy(f"{HERE}/{'j' * 33}")),
        estate(account("j" * 32), statements=policy(f"{HERE}/{'j' * 32}"), connectable=["j" * 32]),
    ),
    "policy_other_cluster": (
        estate(statements=policy(f"{ARN}:{OTHER_ID}/jane"), connectable=[]),
        estate(statements=policy(f"{ARN}:{OTHER_ID}/jane")),
    ),
    "policy_wrong_arn": (
        estate(statements=policy(f"{HERE}/jane".replace("central", "west"))),
        estate(statements=policy(f"{HERE}/jane".replace("eu-central-1", "*"))),
    ),
    "powerful": (
        estate(account(administrator_by=("CREATE USER",))),
        estate(account("admin", administrator_by=("SUPER",), untouchable=True)),
    ),
    "public_connect": (estate(exposures=exposure("public_connect")), estate()),
    "public_create": (estate(exposures=exposure("public_create")), estate()),
    "public_definer_code": (estate(exposures=exposure("public_definer_code")), estate()),
    "public_grant": (estate(exposures=exposure("public_grant")), estate()),
    "public_powerful": (estate(exposures=exposure("public_powerful")), estate()),
    "valid_until": (estate(defects=defect("valid_until")), estate()),
    "valid_until_over": (estate(defects=defect("valid_until_over")), estate()),
    "tls_not_required": (estate(account(tls="")), estate(account(tls="X509"))),
}


def test_every_code_has_a_case() -> None:
    assert set(CASES) == set(CODES)
    assert set(CODES.values()) <= set(SEVERITIES)


@pytest.mark.parametrize("code", CASES)
def test_it_is_found_where_it_is_and_nowhere_else(code: str) -> None:
    there, elsewhere = CASES[code]
    assert code in codes(there)
    assert code not in codes(elsewhere)


@pytest.mark.parametrize("code", CASES)
def test_a_finding_is_one_sentence_about_a_subject(code: str) -> None:
    for finding in (item for item in find(CASES[code][0]) if item.code == code):
        assert re.fullmatch(r"[^\n]*; [^\n]*[^.\n]\.", finding.message), "the cause, then the next step"
        assert finding.subject
        assert finding.kind in ("cluster", "account", "database", "policy")
        json.dumps(finding.describe())


@pytest.mark.parametrize("code", CASES)
def test_a_remedy_is_a_task_that_the_module_takes(code: str) -> None:
    for finding in find(CASES[code][0]):
        if not finding.remedy or "dbops.aurora_iam.aurora_iam_user" not in finding.remedy:
            continue
        assert finding.remedy["name"]
        options = dict(finding.remedy["dbops.aurora_iam.aurora_iam_user"])
        assert options.pop("cluster") == "orders"
        defaults = {"state": "present", "owned_objects": "fail", "purge_grants": True, "purge_roles": True}
        rest = dict.fromkeys(("grants", "roles", "reassign_owned_to", "locked", "connection_limit", "comment"))
        flags = {"convert": False, "require_tls": True, "reassign_code": False, "terminate_sessions": True}
        assert account_request({**defaults, **rest, **flags, **options}).name


def test_nothing_is_wrong_with_nothing() -> None:
    assert codes(estate(statements=policy(f"{HERE}/jane"))) == []


def test_the_gravest_comes_first() -> None:
    found = [finding.severity for finding in find(estate(account(tls="", used=False), OPERATOR, iam_auth=False))]
    assert found == ["critical", "high", "low", "info"]


def test_without_aws_policies_are_not_judged() -> None:
    assert codes(estate(statements=policy(f"{HERE}/gone", "*"), arn="", resource_id="", connectable=None)) == []


def test_a_locked_account_needs_nobody() -> None:
    assert codes(estate(account(locked=True, used=False), connectable=[])) == []


def test_a_managed_policy_is_named_once() -> None:
    statements = policy("*", arn="arn:aws:iam::aws:policy/AdministratorAccess")
    assert codes(estate(statements=[*statements, *policy("*", arn=statements[0].policy.arn)])) == ["policy_everything"]


def test_a_name_is_measured_in_bytes_on_postgresql() -> None:
    long, short = f"{HERE}/{'ä' * 32}", f"{HERE}/{'a' * 63}"
    assert "policy_name_too_long" in codes(estate(statements=policy(long), capabilities=POSTGRESQL))
    assert "policy_name_too_long" not in codes(estate(statements=policy(short), capabilities=POSTGRESQL))


def test_a_policy_for_a_password_account_is_remedied_by_converting_it() -> None:
    found = find(estate(account(), OPERATOR, statements=policy(f"{HERE}/carol")))
    (dangling,) = (finding for finding in found if finding.code == "policy_dangling")
    assert "not IAM-authenticated" in dangling.message
    assert dangling.remedy is not None
    assert dangling.remedy["dbops.aurora_iam.aurora_iam_user"]["convert"] is True


def test_every_code_is_documented() -> None:
    documented = dict(re.findall(r"^\| `(\w+)` \| (\w+) \|", (ROOT / "docs/facts.md").read_text(), re.MULTILINE))
    assert documented == CODES


def test_a_master_that_can_log_in_by_iam_is_left_alone() -> None:
    """There is no way to log in to a cluster without VPC but by IAM, its master included."""
    for allowed in (None, ["admin"]):
        assert codes(estate(MASTER, allowed=allowed, **NAMED)) == []
    assert "administrator_lockout" in codes(estate(MASTER, allowed=["admin"], iam_auth=False, **NAMED))


def test_a_remedy_for_an_expired_password_does_not_revive_it() -> None:
    (finding,) = find(estate(account("carol", authentication=PASSWORD, expired="PASSWORD EXPIRE")))
    assert finding.remedy is not None
    assert finding.remedy["dbops.aurora_iam.aurora_iam_user"]["locked"] is True

# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each finding: what makes it, and the nearest thing that does not."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.dbops.aurora_iam.plugins.module_utils._authorization.policies import Policy
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
    RIGHT,
    account,
    allow,
    codes,
    endpoint,
    estate,
    holder,
    policy,
)

HERE = f"{ARN}:{ID}"
ADMINS = [holder(allow("*", action="*"), kind="role", name="admins")]
OPERATOR = account("carol", authentication=PASSWORD)
RIGHT_ADMIN = holder(allow(f"{HERE}/admin"))
MASTER = account("admin", untouchable=True)
NAMED = {"master_user": "admin"}


def defect(code: str) -> tuple[Defect, ...]:
    return (Defect(code, AccountName("jane", "%"), "It is so; do that."),)


def exposure(code: str) -> tuple[Exposure, ...]:
    return (Exposure(code, "shop", "It is so; do that."),)


CASES: dict[str, tuple[Estate, Estate]] = {
    # an estate with it, and the nearest without it
    "account_hidden": (estate(defects=defect("account_hidden")), estate()),
    "account_orphan": (estate(principals=[holder(allow("*", action="*"))]), estate()),
    "administrator_by_iam": (
        estate(MASTER, principals=ADMINS, secret="arn:…", **NAMED),
        estate(MASTER, principals=ADMINS, **NAMED),
    ),
    "administrator_lockout": (estate(MASTER, principals=[], **NAMED), estate(MASTER, principals=ADMINS, **NAMED)),
    "anonymous_account": (estate(exposures=exposure("anonymous_account")), estate()),
    "auth_string": (estate(defects=defect("auth_string")), estate()),
    "case_twins": (
        estate(account(), account("JANE"), principals=policy(f"{HERE}/JANE")),
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
        estate(principals=policy(f"{ARN}:*/*")),
        estate(principals=policy(f"{ARN}:*/jane", f"{HERE}/j*")),
    ),
    "policy_condition_ineffective": (
        estate(principals=policy(f"{HERE}/jane", Condition={"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}})),
        estate(
            principals=policy(f"{ARN}:{OTHER_ID}/x", Condition={"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}}),
        ),
    ),
    "policy_dangling": (
        estate(principals=policy(f"{HERE}/gone")),
        estate(principals=policy(f"{HERE}/jane", f"{ARN}:*/gone", HERE + "/${aws:username}", f"{HERE}/j*")),
    ),
    "policy_everything": (
        estate(principals=policy("*", action="*")),
        estate(principals=policy("*", action="*", Effect="Deny")),
    ),
    "policy_ineffective": (
        estate(principals=policy(f"{ARN}:Orders/jane")),
        estate(principals=policy(f"{ARN}:other/jane")),
    ),
    "policy_other_cluster": (
        estate(principals=[holder(allow(f"{ARN}:{OTHER_ID}/jane"))]),
        estate(principals=policy(f"{ARN}:{OTHER_ID}/jane")),
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
        flags = {
            "convert": False,
            "convert_unchecked": False,
            "require_tls": True,
            "reassign_code": False,
            "terminate_sessions": True,
        }
        assert account_request({**defaults, **rest, **flags, **options}).name


def test_nothing_is_wrong_with_nothing() -> None:
    assert codes(estate()) == []


def test_the_gravest_comes_first() -> None:
    found = [finding.severity for finding in find(estate(account(tls="", used=False), OPERATOR, iam_auth=False))]
    assert found == ["critical", "high", "low", "info"]


def test_without_aws_policies_are_not_judged() -> None:
    assert codes(estate(principals=policy(f"{HERE}/gone", "*"), arn="", resource_id="")) == []


def test_a_locked_account_needs_nobody() -> None:
    assert codes(estate(account(locked=True, used=False), principals=[])) == []


def test_a_managed_policy_is_named_once() -> None:
    statements = holder(allow("*", action="*"), name="joe").policies[0].statements
    arn = "arn:aws:iam::aws:policy/AdministratorAccess"
    joe, ann = (
        replace(each, policies=(Policy("AdministratorAccess", arn, each.arn, statements),))
        for each in (holder(name="joe"), holder(name="ann", kind="role"))
    )
    (finding,) = find(estate(principals=[RIGHT, joe, ann]))
    assert (finding.code, finding.subject) == ("policy_everything", f"policy {arn} of user joe, statement 1")
    assert "lets 2 users and roles connect" in finding.message


def test_a_policy_for_a_password_account_is_remedied_by_converting_it() -> None:
    found = find(estate(account(), OPERATOR, principals=policy(f"{HERE}/carol")))
    (dangling,) = (finding for finding in found if finding.code == "policy_dangling")
    assert "not IAM-authenticated" in dangling.message
    assert dangling.remedy is not None
    assert dangling.remedy["dbops.aurora_iam.aurora_iam_user"]["convert"] is True


def test_every_code_is_documented() -> None:
    documented = dict(re.findall(r"^\| `(\w+)` \| (\w+) \|", (ROOT / "docs/facts.md").read_text(), re.MULTILINE))
    assert documented == CODES


def test_a_master_that_can_log_in_by_iam_is_left_alone() -> None:
    """There is no way to log in to a cluster without VPC but by IAM, its master included."""
    assert codes(estate(MASTER, arn="", **NAMED)) == []
    assert codes(estate(MASTER, principals=[RIGHT_ADMIN], **NAMED)) == []
    assert "administrator_lockout" in codes(estate(MASTER, principals=ADMINS, iam_auth=False, **NAMED))


def test_a_remedy_for_an_expired_password_does_not_revive_it() -> None:
    (finding,) = find(estate(account("carol", authentication=PASSWORD, expired="PASSWORD EXPIRE"), principals=[]))
    assert finding.remedy is not None
    assert finding.remedy["dbops.aurora_iam.aurora_iam_user"]["locked"] is True


@pytest.mark.parametrize("action", ["rds-db:connect", "rds-db:*"])
@pytest.mark.parametrize("more", [{"Resource": "*"}, {"NotResource": f"{HERE}/admin"}])
def test_everybody_by_a_statement_about_connecting(action: str, more: dict[str, Any]) -> None:
    """As wide as an administrator's, and meant for databases: so it is no mere information."""
    statement = {"Effect": "Allow", "Action": action, **more}
    assert codes(estate(principals=[RIGHT, holder(statement, name="joe")])) == ["policy_any_account"]


@pytest.mark.parametrize("more", [{"Resource": "*"}, {"NotResource": "arn:aws:s3:::secret/*"}])
def test_everybody_by_a_statement_about_everything(more: dict[str, Any]) -> None:
    statement = {"Effect": "Allow", "Action": "*", **more}
    assert codes(estate(principals=[RIGHT, holder(statement, name="joe")])) == ["policy_everything"]


def test_an_orphan_is_offered_the_policy_first() -> None:
    mistaken = holder(allow(f"{ARN}:orders/jane"), name="joe")
    orphan, mistake = sorted(find(estate(principals=[mistaken])), key=lambda finding: finding.code)
    assert (orphan.code, mistake.reason) == ("account_orphan", "identifier")
    steps = ("allow rds-db:connect", f"correct {mistake.subject}", "lock the account", "drop it last")
    places = [orphan.message.index(step) for step in steps]
    assert places == sorted(places)
    assert orphan.remedy is None


def test_an_account_is_not_called_unused_within_a_month() -> None:
    young = estate(account(used=False))
    young = replace(young, survey=replace(young.survey, counted_for=29 * 86400))
    assert codes(young) == []


def test_by_a_proxy_who_may_connect_directly_counts() -> None:
    proxy: dict[str, Any] = {
        "title": "proxy web",
        "host": "web.proxy-x.eu-central-1.rds.amazonaws.com",
        "resource_id": "prx-1",
        "arn": "arn:aws:rds:eu-central-1:123456789012:db-proxy:prx-1",
        "identifier": "",
        "members": (),
    }
    assert codes(estate(behind=endpoint(), **proxy)) == []
    assert codes(estate(**proxy)) == ["account_orphan", "policy_other_cluster"]
    through = holder(allow(f"{ARN}:prx-1/jane"))
    assert codes(estate(behind=endpoint(), principals=[through], **proxy)) == []
    mistaken = holder(allow(f"{ARN}:orders/jane"), name="joe")
    (finding,) = find(estate(behind=endpoint(), principals=[RIGHT, mistaken], **proxy))
    assert f"write {HERE}/jane" in finding.message

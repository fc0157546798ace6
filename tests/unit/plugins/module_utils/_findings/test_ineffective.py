# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Policies that let nobody connect, each with the reason, and policies that do what was meant.

The mistakes are those of AWS's own examples, used where they do not fit, and of what people ask about in public.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.dbops.aurora_iam.plugins.module_utils._authorization.decide import DENIED, Reason, Verdict
from ansible_collections.dbops.aurora_iam.plugins.module_utils._authorization.policies import Policy, read_statements
from ansible_collections.dbops.aurora_iam.plugins.module_utils._authorization.principals import ROLE, Principal
from ansible_collections.dbops.aurora_iam.plugins.module_utils._findings.estate import Estate
from ansible_collections.dbops.aurora_iam.plugins.module_utils._findings.find import find
from ansible_collections.dbops.aurora_iam.plugins.module_utils._findings.finding import Finding
from ansible_collections.dbops.aurora_iam.plugins.module_utils._findings.ineffective import DANGLING, REASONS
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import PASSWORD
from tests.checkout import ROOT

from .scenes import ARN, ID, OTHER_ID, account, allow, endpoint, estate, holder

HERE = f"{ARN}:{ID}"
JANE = f"{HERE}/jane"
RDS = "arn:aws:rds:eu-central-1:123456789012"
ACCOUNTS = (account(), account("svc_shop"), account("carol", authentication=PASSWORD))


def bounded(*statements: dict[str, Any]) -> Policy:
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    return Policy("ceiling", "arn:aws:iam::123456789012:policy/ceiling", "arn:…:user/jane", read_statements(document))


def refused_by_organization(principals: Any, arns: Any) -> dict[str, list[Verdict]]:
    """What the simulator says where a service control policy does not allow logins."""
    reason = Reason(Policy("(service control policy)", "(service control policy)", principals[0], ()), "")
    return {arn: [Verdict(principal, DENIED, reason) for principal in principals] for arn in arns}


def condition(operator: str, key: str, value: Any) -> dict[str, Any]:
    return {"Condition": {operator: {key: value}}}


MISTAKES: list[tuple[str, Principal, str]] = [
    # reason, whose policy, and what the sentence says
    (
        "action",
        holder(allow(JANE, action="rds:Connect")),
        "rds:Connect is not the one of a login; write rds-db:connect.",
    ),
    ("action", holder(allow(JANE, action="rds-db:login")), "write rds-db:connect."),
    ("action", holder(allow(JANE, action=["rds:*", "rds-data:*"])), "write rds-db:connect."),
    ("action", holder(allow("*", action="rds:connect")), "write rds-db:connect."),
    ("action", holder(allow(f"{ARN}:*/jane", action="rds:connect")), "write rds-db:connect."),
    ("action", holder(allow(f"{RDS}:dbuser:{ID}/jane", action="rds:connect")), f"write rds-db:connect and {JANE}."),
    ("white_space", holder(allow(f" {JANE}")), f"write {JANE}."),
    ("service", holder(allow(f"{RDS}:dbuser:{ID}/jane")), f"its service is rds and not rds-db; write {JANE}."),
    # https://github.com/aws/aws-cdk/issues/11851
    ("service", holder(allow(f"{RDS}:cluster:orders")), f"write {HERE}/ followed by the account's name."),
    # https://github.com/awsdocs/amazon-rds-user-guide/issues/36
    ("service", holder(allow(f"{RDS}:db:orders-1/jane")), f"write {JANE}."),
    ("service", holder(allow("arn:aws:rds:*:*:dbuser:*/jane")), "write arn:aws:rds-db:*:*:dbuser:*/jane."),
    ("partition", holder(allow(JANE.replace("arn:aws:", "arn:aws-cn:"))), f"write {JANE}."),
    (
        "region",
        holder(allow(JANE.replace("eu-central-1", "us-east-1"))),
        "its region is us-east-1 and not eu-central-1",
    ),
    ("region", holder(allow(JANE.replace(":eu-central-1", ""))), "its region is empty"),
    # The account number of AWS's own example
    ("aws_account", holder(allow(JANE.replace("123456789012", "1234567890"))), f"write {JANE}."),
    ("aws_account", holder(allow(JANE.replace("123456789012:", ""))), "its AWS account is empty"),
    ("resource_type", holder(allow(JANE.replace(":dbuser:", ":db:"))), f"its type is db and not dbuser; write {JANE}."),
    ("resource_type", holder(allow(JANE.replace(":dbuser:", ":cluster:"))), f"write {JANE}."),
    ("resource_type", holder(allow(JANE.replace(":dbuser:", ":db-user:"))), f"write {JANE}."),
    ("resource_type", holder(allow(JANE.replace(":dbuser:", ":"))), "its type is empty"),
    ("separator", holder(allow(f"{HERE}:jane")), f"write {JANE}."),
    ("identifier", holder(allow(f"{ARN}:orders/jane")), f"orders is an identifier, .*; write {JANE}."),
    ("identifier", holder(allow(f"{ARN}:orders-1/jane")), f"write {JANE}."),
    ("identifier", holder(allow(f"{ARN}:{endpoint().host}/jane")), f"write {JANE}."),
    ("resource_id_left_out", holder(allow(f"{ARN}:jane")), f"it has no resource ID; write {JANE}."),
    ("resource_id_prefix", holder(allow(f"{ARN}:{ID[8:]}/jane")), f"lacks its cluster-; write {JANE}."),
    ("resource_id_case", holder(allow(f"{ARN}:{ID.lower()}/jane")), f"write {JANE}."),
    (
        "resource_id_kind",
        holder(allow(f"{ARN}:db-{ID[8:]}/jane")),
        f"means an instance, and this is a cluster; write {JANE}.",
    ),
    ("resource_id_kind", holder(allow(f"{ARN}:db-*/jane")), f"write {ARN}:cluster-*/jane."),
    ("account_left_out", holder(allow(HERE)), f"it names no account; write {HERE}/ followed by the account's name."),
    ("account_host", holder(allow(f"{JANE}@%")), f"jane@% has a host, which policies leave out; write {JANE}."),
    ("account_case", holder(allow(f"{HERE}/Jane")), f"case matters; write {JANE}."),
    ("account_too_long", holder(allow(f"{HERE}/{'j' * 33}")), "longer than the account names"),
    ("account_not_iam", holder(allow(f"{HERE}/carol")), "not IAM-authenticated; convert it"),
    ("account_missing", holder(allow(f"{HERE}/jean")), "jean is not an account of cluster orders"),
    ("account_missing", holder(allow(f"{HERE}/app_*")), "matches no IAM-authenticated account"),
    ("account_missing", holder(allow(HERE + "/${aws:username}"), name="jane.doe"), "what it stands for"),
    ("version", holder(allow(HERE + "/${aws:username}"), version="2008-10-17"), '"Version": "2012-10-17"'),
    ("variable", holder(allow(HERE + "/${aws:username}"), kind=ROLE), "a session of a role has no aws:username"),
    ("variable", holder(allow(HERE + "/${aws:SourceIp}")), "a login has no aws:SourceIp"),
    ("tag", holder(allow(HERE + "/${aws:PrincipalTag/db_user}"), kind=ROLE), "role/jane has no tag db_user"),
    (
        "network_condition",
        holder(allow(JANE, **condition("IpAddress", "aws:SourceIp", "10.0.0.0/8"))),
        "security groups",
    ),
    (
        "network_condition",
        holder(allow(JANE, **condition("StringEquals", "aws:SourceVpc", "vpc-1"))),
        "security groups",
    ),
    (
        "date_over",
        holder(allow(JANE, **condition("DateLessThan", "aws:CurrentTime", "2026-05-31T00:00:00Z"))),
        "is over",
    ),
    (
        "condition",
        holder(allow(JANE, **condition("StringEquals", "aws:PrincipalTag/team", "shop"))),
        "aws:PrincipalTag/team",
    ),
    (
        "condition",
        holder(allow(JANE, **condition("StringEquals", "aws:RequestedRegion", "us-east-1"))),
        "aws:RequestedRegion",
    ),
    ("condition", holder(allow(JANE, **condition("Bool", "aws:SecureTransport", "false"))), "aws:SecureTransport"),
    (
        "boundary",
        holder(allow(JANE), boundary=bounded(allow("*", action="s3:*"))),
        "policy/ceiling of user jane does not",
    ),
    (
        "denied",
        holder(allow(JANE), allow("*", Effect="Deny", Sid="no")),
        "inline policy connect of user jane, no denies it",
    ),
]


def of_cluster(principal: Principal, **more: Any) -> Estate:
    return estate(*ACCOUNTS, principals=[principal], **more)


def about_policies(of: Estate) -> list[Finding]:
    return [finding for finding in find(of) if finding.kind == "policy"]


@pytest.mark.parametrize(("reason", "principal", "sentence"), MISTAKES)
def test_a_mistake_has_one_finding_with_the_reason(reason: str, principal: Principal, sentence: str) -> None:
    (finding,) = about_policies(of_cluster(principal))
    assert finding.reason == reason
    assert finding.code == ("policy_dangling" if reason in DANGLING else "policy_ineffective")
    assert finding.message.startswith(
        f"inline policy connect of {principal.kind} {principal.name}, statement 1 lets nobody"
    )
    assert all(part in finding.message for part in sentence.split(".*"))


def test_a_service_control_policy_that_the_simulator_knows() -> None:
    (finding,) = about_policies(of_cluster(holder(allow(JANE)), simulate=refused_by_organization))
    assert finding.reason == "service_control_policy"


def test_every_reason_is_documented() -> None:
    page = (ROOT / "docs/facts.md").read_text().partition("| reason | what is wrong |")[2].partition("\n\n")[0]
    assert re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE) == list(REASONS)


def test_every_reason_has_a_mistake() -> None:
    assert {reason for reason, _principal, _sentence in MISTAKES} | {"service_control_policy"} == set(REASONS)


@pytest.mark.parametrize(("reason", "principal", "_sentence"), MISTAKES)
def test_what_the_sentence_says_to_write_is_right(reason: str, principal: Principal, _sentence: str) -> None:
    """Where a resource is misspelled: with the other one, the same statement lets somebody connect."""
    (finding,) = about_policies(of_cluster(principal))
    _wrong, found, written = finding.message.rpartition("write arn:")
    if not found or "followed by" in written or reason == "action":
        return
    (statement,) = principal.policies[0].statements
    corrected = replace(statement, resources=(f"arn:{written[:-1]}",))
    policies = (replace(principal.policies[0], statements=(corrected,)),)
    assert about_policies(of_cluster(replace(principal, policies=policies))) == []


RIGHT: dict[str, Principal] = {
    "an account": holder(allow(JANE)),
    "a list": holder(allow(JANE, f"{HERE}/svc_shop")),
    "any case of the action": holder(allow(JANE, action="RDS-DB:Connect")),
    "all actions of the service": holder(allow(JANE, action="rds-db:*")),
    "a pattern of accounts": holder(allow(f"{HERE}/svc_*")),
    "one account on every database": holder(allow(f"{ARN}:*/jane")),
    "one account in every region": holder(allow("arn:aws:rds-db:*:123456789012:dbuser:*/jane")),
    "one account on every cluster": holder(allow(f"{ARN}:cluster-*/jane")),
    "everybody's own account": holder(allow(HERE + "/${aws:username}")),
    "everybody's own account, not for all a group has": holder(allow(JANE, HERE + "/${aws:username}"), name="joe"),
    "the account of a tag": holder(allow(HERE + "/${aws:PrincipalTag/db}"), kind=ROLE, tags={"db": "jane"}),
    "the account of a session's tag": holder(allow(HERE + "/${aws:PrincipalTag/db}"), kind=ROLE, session_tags=True),
    "a default for a tag": holder(allow(HERE + "/${aws:PrincipalTag/db, 'jane'}"), kind=ROLE),
    "a second factor": holder(allow(JANE, **condition("Bool", "aws:MultiFactorAuthPresent", "true"))),
    "until a date": holder(allow(JANE, **condition("DateLessThan", "aws:CurrentTime", "2026-07-01T00:00:00Z"))),
    "from a date that was": holder(allow(JANE, **condition("DateGreaterThan", "aws:CurrentTime", "2026-01-01"))),
    "from a date that will be": holder(allow(JANE, **condition("DateGreaterThan", "aws:CurrentTime", "2027-01-01"))),
    "over TLS": holder(allow(JANE, **condition("Bool", "aws:SecureTransport", "true"))),
    "in this region": holder(
        allow("arn:aws:rds-db:*:*:dbuser:*/jane", **condition("StringEquals", "aws:RequestedRegion", "eu-central-1"))
    ),
    "in another region": holder(
        allow("arn:aws:rds-db:*:*:dbuser:*/jane", **condition("StringEquals", "aws:RequestedRegion", "us-east-1"))
    ),
    "everywhere but here": holder(allow(f"{ARN}:*/jane"), allow(f"{HERE}/*", Effect="Deny")),
    "everywhere that a boundary allows": holder(allow(f"{ARN}:*/jane"), boundary=bounded(allow(f"{ARN}:{OTHER_ID}/*"))),
    "by a tag that is there": holder(
        allow(JANE, **condition("StringEquals", "aws:PrincipalTag/team", "shop")), tags={"team": "shop"}
    ),
    "in an organization": holder(allow(JANE, **condition("StringEquals", "aws:PrincipalOrgID", "o-a1b2c3d4e5"))),
    "another cluster": holder(allow(f"{ARN}:{OTHER_ID}/jean")),
    "an instance": holder(allow(f"{ARN}:db-ABCDEFGHIJKL01234/jean")),
    "a proxy": holder(allow(f"{ARN}:prx-0123456789abcdef0/jean")),
    "another region": holder(allow("arn:aws:rds-db:us-east-1:123456789012:dbuser:*/jane")),
    "everything of RDS": holder(allow("*", action=["rds:*", "rds-data:*"])),
    "managing this cluster": holder(allow(f"{RDS}:cluster:orders", action=["rds:ModifyDBCluster", "rds:Describe*"])),
    "managing and connecting": holder(allow(f"{RDS}:cluster:orders", JANE, action=["rds:Describe*", "rds-db:connect"])),
    "the Data API": holder(allow(f"{RDS}:cluster:orders", action="rds-data:ExecuteStatement")),
    "a user of redshift": holder(
        allow("arn:aws:redshift:eu-central-1:123456789012:dbuser:orders/jane", action="redshift:GetClusterCredentials")
    ),
    "Aurora DSQL": holder(allow("arn:aws:dsql:eu-central-1:123456789012:cluster/abc", action="dsql:DbConnect")),
    "another service altogether": holder(allow("arn:aws:s3:::orders/*", action="*")),
    "a Deny for others": holder(allow(JANE), allow(f"{HERE}/svc_*", Effect="Deny")),
    "a boundary that allows it": holder(allow(JANE), boundary=bounded(allow("*", action="rds-db:*"))),
    "an administrator who must not connect": holder(
        allow("*", action="*"), allow("*", action="rds-db:*", Effect="Deny")
    ),
    "an administrator from an address": holder(
        allow("*", action="*", **condition("IpAddress", "aws:SourceIp", "10.0.0.0/8"))
    ),
    "an administrator with a boundary": holder(allow("*", action="*"), boundary=bounded(allow("*", action="s3:*"))),
    "characters that are meant literally": holder(allow(JANE, f"{HERE}/a${{*}}b")),
}


@pytest.mark.parametrize("name", RIGHT)
def test_nothing_is_found_about_a_right_policy(name: str) -> None:
    more = (account("a*b"),) if "literally" in name else ()
    somebody = holder(allow(JANE), name="somebody")
    found = about_policies(estate(*ACCOUNTS, *more, principals=[RIGHT[name], somebody]))
    assert [finding.message for finding in found] == []


def test_there_are_as_many_as_promised() -> None:
    assert len(MISTAKES) >= 24
    assert len(RIGHT) >= 30

# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What policies allow, derived by hand from the IAM manual."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.dbops.aurora_iam.plugins.module_utils._authorization.coverage import STAR
from ansible_collections.dbops.aurora_iam.plugins.module_utils._authorization.decide import (
    ALLOWED,
    CONDITIONAL,
    DENIED,
    decide,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._authorization.policies import Policy

from .scenes import ACCOUNT_ID, JOE, PREFIX, REGION, document, outcome, role, statement, user, verdict


# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        (JOE, ALLOWED),
        ("*", ALLOWED),
        ("arn:aws:rds-db:*", ALLOWED),
        ("arn:aws:rds-db:*:*:dbuser:*/*", ALLOWED),
        (f"arn:aws:rds-db:{REGION}:{ACCOUNT_ID}:dbuser:*/joe", ALLOWED),
        ("arn:aws:rds-db:eu-*-1:*:dbuser:cluster-???/j?e", ALLOWED),
        ("arn:*:rds-db:*:*:dbuser:cluster-ABC/jo*", ALLOWED),
        # A * within a segment stays in it, one at its end may run on
        (f"arn:aws:rds-db:eu-*{ACCOUNT_ID}:dbuser:cluster-ABC/joe", DENIED),
        ("arn:aws:*:dbuser:cluster-ABC/joe", ALLOWED),
        # One in front of the resource part's own colon can be read either way
        (f"arn:aws:rds-db:{REGION}:{ACCOUNT_ID}:*/joe", CONDITIONAL),
        (f"arn:aws:rds-db:{REGION}:{ACCOUNT_ID}:db*ABC/joe", CONDITIONAL),
        (f"arn:aws:rds-db:{REGION}:{ACCOUNT_ID}:db*ABC/ann", DENIED),
        # Names are case-sensitive
        (PREFIX + "JOE", DENIED),
        (PREFIX.replace("ABC", "abc") + "joe", DENIED),
        (PREFIX + "joe?", DENIED),
        (PREFIX + "j?", DENIED),
        # Nothing else than * and ? is special
        (PREFIX + "j[o]e", DENIED),
        (PREFIX + "j.e", DENIED),
        # The cluster's identifier is not its resource id, an instance's and a proxy's are of another kind
        (PREFIX.replace("cluster-ABC", "orders") + "joe", DENIED),
        (PREFIX.replace("cluster-ABC", "db-ABC") + "joe", DENIED),
        ("arn:aws:rds:*:*:dbuser:*/*", DENIED),
        ("arn:aws-cn:rds-db:*:*:dbuser:*/*", DENIED),
    ],
)
def test_resources(pattern: str, expected: str) -> None:
    assert outcome(user(document(statement(resource=pattern)))) == expected
    everything_else = {"Effect": "Allow", "Action": "rds-db:*", "NotResource": [pattern]}
    opposite = {ALLOWED: DENIED, DENIED: ALLOWED, CONDITIONAL: CONDITIONAL}
    assert outcome(user(document(everything_else))) == opposite[expected]


def test_a_verdict_names_the_star_that_it_depends_on() -> None:
    pattern = f"arn:aws:rds-db:{REGION}:{ACCOUNT_ID}:*/joe"
    for allowed in (document(statement(resource=pattern)), document(statement(), statement("Deny", pattern))):
        assert verdict(user(allowed)).describe()["depends_on"] == [STAR]


@pytest.mark.parametrize("resource_id", ["cluster-ABC", "db-XYZ", "prx-0123456789abcdef0"])
@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov"])
def test_every_kind_of_resource_in_every_partition(partition: str, resource_id: str) -> None:
    arn = f"arn:{partition}:rds-db:{REGION}:{ACCOUNT_ID}:dbuser:{resource_id}/joe"
    joe = user(document(statement(resource=arn)))
    at_home = type(joe)(joe.arn.replace(":aws:", f":{partition}:"), joe.kind, joe.name, joe.id, joe.policies)
    assert outcome(at_home, arn) == ALLOWED
    assert outcome(at_home, arn.replace("joe", "ann")) == DENIED


def test_no_policy_reaches_into_another_aws_account() -> None:
    administrator = user(document(statement(action="*")))
    assert outcome(administrator, JOE.replace(ACCOUNT_ID, "210987654321")) == DENIED
    assert outcome(administrator, JOE.replace(":aws:", ":aws-cn:")) == DENIED


# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html
@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ("rds-db:connect", ALLOWED),
        ("RDS-DB:Connect", ALLOWED),
        ("rds-db:*", ALLOWED),
        ("rds-db:c?nn*", ALLOWED),
        ("*", ALLOWED),
        ("*:*", ALLOWED),
        (["s3:GetObject", "rds-db:connect"], ALLOWED),
        ("rds:*", DENIED),
        ("rds-db:connec", DENIED),
        ("rds-data:*", DENIED),
        ([], DENIED),
    ],
)
def test_actions(action: Any, expected: str) -> None:
    assert outcome(user(document(statement(action=action)))) == expected
    everything_else = {"Effect": "Allow", "NotAction": action, "Resource": "*"}
    assert outcome(user(document(everything_else))) == (DENIED if expected == ALLOWED else ALLOWED)


# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_AccessPolicyLanguage_Interplay.html
def test_an_explicit_deny_wins_wherever_it_stands() -> None:
    allow, deny = document(statement()), document(statement("Deny", JOE, Sid="NotJoe"))
    for documents in ((allow, deny), (deny, allow), (document(statement(), statement("Deny", JOE)),)):
        assert outcome(user(*documents)) == DENIED
        assert outcome(user(*documents), PREFIX + "ann") == ALLOWED
    judged = verdict(user(allow, deny))
    assert judged.reason is not None
    assert judged.describe() == {
        "principal": f"arn:aws:iam::{ACCOUNT_ID}:user/joe",
        "outcome": "denied",
        "policy": "inline policy connect of user joe",
        "statement": "NotJoe",
        "depends_on": [],
    }


def test_what_nothing_allows_is_denied_without_a_reason() -> None:
    assert verdict(user()).reason is None
    assert outcome(user(document({"Effect": "Allow", "Action": "*"}))) == DENIED
    assert outcome(user({})) == DENIED


def test_the_first_statement_that_allows_is_the_reason() -> None:
    judged = verdict(user(document(statement(resource=PREFIX + "ann"), statement(resource=PREFIX + "j*"))))
    assert judged.reason is not None
    assert judged.reason.statement == "statement 2"


# https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
@pytest.mark.parametrize(
    ("boundary", "expected", "label"),
    [
        (document(statement(action="*")), ALLOWED, "statement 1"),
        (document(statement(action="s3:*")), DENIED, ""),
        (document(statement(resource=PREFIX + "ann")), DENIED, ""),
        (document(statement(), statement("Deny", JOE, Sid="no")), DENIED, "no"),
        (document(statement(Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}})), CONDITIONAL, "statement 1"),
    ],
)
def test_a_boundary_has_to_allow_as_well(boundary: dict[str, Any], expected: str, label: str) -> None:
    judged = verdict(user(document(statement()), boundary=boundary))
    assert judged.outcome == expected
    assert judged.reason is not None
    assert judged.reason.statement == label
    assert outcome(user(boundary=boundary)) == DENIED, "a boundary by itself allows nothing"


# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        (PREFIX + "${aws:username}", ALLOWED),
        (PREFIX + "${AWS:UserName}", ALLOWED),
        (PREFIX + "${aws:username}_admin", DENIED),
        (PREFIX + "${aws:PrincipalTag/db-name}", ALLOWED),
        (PREFIX + "${aws:PrincipalTag/DB-Name}", ALLOWED),
        (PREFIX + "${aws:PrincipalTag/none}", DENIED),
        (PREFIX + "${aws:PrincipalTag/none, 'joe'}", ALLOWED),
        (PREFIX + "${aws:username, 'ann'}", ALLOWED),
        (PREFIX + "${aws:SourceIp}", DENIED),
        (PREFIX + "${aws:SourceIdentity}", CONDITIONAL),
        (PREFIX + "x${aws:SourceIdentity}", DENIED),
        (PREFIX + "${aws:userid}", DENIED),
        (PREFIX + "${*}", DENIED),
        (PREFIX + "j${?}e", DENIED),
        (PREFIX + "${$}", DENIED),
    ],
)
def test_variables(pattern: str, expected: str) -> None:
    joe = user(document(statement(resource=pattern)), tags={"db-name": "joe"})
    assert outcome(joe) == expected
    if pattern != PREFIX + "${aws:SourceIdentity}":
        assert outcome(user(document(statement(resource=pattern), version="2008-10-17"))) == DENIED


@pytest.mark.parametrize("letter", "*?$")
def test_a_special_letter_can_be_meant_literally(letter: str) -> None:
    starred = user(document(statement(resource=f"{PREFIX}a${{{letter}}}b")))
    assert outcome(starred, f"{PREFIX}a{letter}b") == ALLOWED
    assert outcome(starred, f"{PREFIX}axb") == DENIED


def test_variables_of_a_role() -> None:
    """A session has no aws:username, and its aws:userid ends with the name that it was given."""

    def by(pattern: str, **more: Any) -> str:
        return outcome(role(document(statement(resource=pattern)), tags={"db": "joe"}, **more))

    assert by(PREFIX + "${aws:username}") == DENIED
    assert by(PREFIX + "${aws:username, 'joe'}") == ALLOWED
    assert by(PREFIX + "${aws:userid}") == DENIED
    assert by(PREFIX + "${aws:PrincipalTag/db}") == ALLOWED
    assert by(PREFIX + "${aws:PrincipalTag/db}", session_tags=True) == CONDITIONAL
    session = role(document(statement(resource=PREFIX + "${aws:userid}")))
    assert outcome(session, PREFIX + "AROAJOE:deploy") == CONDITIONAL


def test_a_policy_that_was_not_returned_leaves_everything_open() -> None:
    unread = Policy("connect", "arn:aws:iam::aws:policy/connect", "arn:aws:iam::1:user/joe", (), unread=True)
    joe = user()
    reader = type(joe)(joe.arn, joe.kind, joe.name, joe.id, (unread,))
    judged = verdict(reader)
    assert judged.outcome == CONDITIONAL
    assert "did not return" in judged.describe()["depends_on"][0]


def test_the_verdicts_name_all_whom_an_allow_reaches() -> None:
    joe = user(document(statement(resource=[JOE, PREFIX + "bob"])))
    ann = user(document(statement(), statement("Deny", PREFIX + "bob")), name="ann")
    stranger = user(document(statement("Deny")), name="stranger")
    authorization = decide([joe, ann, stranger], [JOE, "", PREFIX + "bob", PREFIX + "eve", JOE])
    named = {
        arn.removeprefix(PREFIX): [(each.principal_arn.split("/")[1], each.outcome) for each in verdicts]
        for arn, verdicts in authorization.verdicts.items()
    }
    assert named == {
        "joe": [("joe", ALLOWED), ("ann", ALLOWED)],
        "bob": [("joe", ALLOWED), ("ann", DENIED)],
        "eve": [("ann", ALLOWED)],
    }
    assert [each.principal_arn for each in authorization.may_connect(PREFIX + "bob")] == [joe.arn]
    assert authorization.verdict(stranger.arn, JOE).reason is not None

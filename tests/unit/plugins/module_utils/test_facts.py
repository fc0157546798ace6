# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible.module_utils.facts.collector import get_collector_names
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.dbops.aurora_iam.plugins.module_utils._authorization.decide import Reason, Verdict
from ansible_collections.dbops.aurora_iam.plugins.module_utils._authorization.policies import Policy
from ansible_collections.dbops.aurora_iam.plugins.module_utils._facts import (
    MINIMAL,
    SUBSETS,
    Describer,
    Filter,
    choose,
    describe_authorization,
    describe_cluster,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import PASSWORD, Account, AccountName
from ansible_collections.dbops.aurora_iam.plugins.module_utils._params import (
    REPORTED,
    account_requests,
    account_spec,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._survey import GroupRole, Survey, SurveyedAccount
from tests.unit.plugins.module_utils._findings.scenes import ARN, ID, MYSQL, POSTGRESQL, account, endpoint

ADMIN, JANE = AccountName("admin", "%"), AccountName("jane", "%")
DESCRIBER = Describer(endpoint(), MYSQL, lambda grants: [], grants=True)
WORDS = [f"{mark}{word}" for word in ("all", "min", *SUBSETS) for mark in ("", "!")]


@given(st.lists(st.sampled_from([*WORDS, "!hardware"]), max_size=6))
def test_subsets_are_chosen_as_ansible_chooses_its_own(wanted: list[str]) -> None:
    ansible = get_collector_names(
        valid_subsets=frozenset(SUBSETS), minimal_gather_subset=MINIMAL, gather_subset=wanted, aliases_map={}
    )
    assert choose(wanted) == ansible


def test_an_unknown_subset() -> None:
    with pytest.raises(ValueError, match="hardware"):
        choose(["hardware"])


def test_globs_match_names_in_their_case() -> None:
    assert Filter().passes("anybody")
    assert Filter(("svc_*", "j?ne")).passes("jane")
    assert not Filter(("svc_*", "j?ne")).passes("Jane")


def survey(*accounts: SurveyedAccount, roles: tuple[GroupRole, ...] = ()) -> Survey:
    return Survey(ADMIN, accounts, roles)


def test_what_is_not_an_option_is_passed_over_when_fed_back() -> None:
    (described,) = DESCRIBER.accounts(survey(account(tls="X509")), Filter())
    assert set(described) - set(account_spec()) == REPORTED
    (request,) = account_requests({"users": [described], "unlisted": "keep", "confirm": False})
    assert (request.name, request.require_tls) == ("jane", True)


def test_postgresql_says_nothing_of_what_it_has_not() -> None:
    describer = Describer(endpoint(), POSTGRESQL, lambda grants: [], grants=False)
    (described,) = describer.accounts(survey(account()), Filter())
    assert not {"host", "tls", "require_tls", "partial_revokes", "grants"} & set(described)


def test_a_role_that_is_not_default_stays_when_fed_back() -> None:
    reader, writer, local = AccountName("reader", "%"), AccountName("writer", "%"), AccountName("local", "10.0.%")
    state = Account(JANE, roles=frozenset({reader, writer}), default_roles=frozenset({reader, local}))
    (described,) = DESCRIBER.accounts(survey(SurveyedAccount(state)), Filter())
    assert described["roles"] == ["reader"]
    assert described["roles_not_default"] == ["writer"]
    assert described["default_roles"] == ["local@10.0.%", "reader"]
    assert described["purge_roles"] is False
    (settled,) = DESCRIBER.accounts(survey(account()), Filter())
    assert "purge_roles" not in settled


def test_who_is_shown_where() -> None:
    accounts = (
        account(),
        account("broken", authentication="iam-broken"),
        account("carol", authentication=PASSWORD),
        account("rdsproxyadmin", reserved=True),
        account(""),
    )
    assert [item["name"] for item in DESCRIBER.accounts(survey(*accounts), Filter())] == ["jane"]
    for passwords, names in ((False, ["broken"]), (True, ["broken", "carol"])):
        others = DESCRIBER.others(survey(*accounts), Filter(), passwords)
        assert [item["name"] for item in others] == names
        assert {item["connect_arn"] for item in others} == {""}


def test_a_role() -> None:
    role = GroupRole(AccountName("readers", "%"), members=frozenset({JANE}))
    assert DESCRIBER.roles(survey(roles=(role,))) == [
        {"name": "readers", "host": "%", "members": ["jane"], "roles": [], "grants": [], "partial_revokes": {}}
    ]


def test_what_aws_does_not_say_the_server_may() -> None:
    asked = endpoint(iam_auth=None)
    assert describe_cluster(asked, Survey(ADMIN, iam_auth=False))["iam_auth"] is False
    assert describe_cluster(asked, Survey(ADMIN))["iam_auth"] is None
    assert describe_cluster(endpoint(), Survey(ADMIN, iam_auth=False))["iam_auth"] is True


def test_accounts_with_the_same_reason_are_one_element() -> None:
    user = "arn:aws:iam::123456789012:user/jane"
    policy = Policy("connect", "", user, ())

    def verdict() -> Verdict:
        return Verdict(user, "allowed", Reason(policy, "statement 1"))

    shared = verdict()
    found = describe_authorization({f"{ARN}:{ID}/a/b": [shared], f"{ARN}:{ID}/a": [verdict()]}, advisory=False)
    assert found == [
        {
            "principal": user,
            "outcome": "allowed",
            "accounts": ["a", "a/b"],
            "policy": policy.title,
            "statement": "statement 1",
            "depends_on": [],
            "advisory": False,
        }
    ]

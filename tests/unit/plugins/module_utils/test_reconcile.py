# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import Refused
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import (
    IAM,
    IAM_BROKEN,
    PASSWORD,
    Account,
    AccountChange,
    AccountName,
    AccountRequest,
    Capabilities,
    Desired,
    Grant,
    Scope,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._reconcile import DROP, KEEP, LOCK, reconcile

MYSQL_LIKE = Capabilities(hosts=True, tls_requirement=True, port=3306, longest_name=32)
POSTGRESQL_LIKE = Capabilities(hosts=False, tls_requirement=False, port=5432, longest_name=63)

JANE = AccountName("jane", "%")
READER, WRITER = AccountName("reader", "%"), AccountName("writer", "%")
ORDERS = Scope("DATABASE", path=("orders",))
SELECT, INSERT = Grant("SELECT", ORDERS), Grant("INSERT", ORDERS)
SELECT_GRANTABLE = Grant("SELECT", ORDERS, True)


def change(before, capabilities=MYSQL_LIKE, grants=None, roles=None, **options) -> AccountChange:
    desired = Desired(JANE, AccountRequest(name="jane", **options), grants, roles)
    observed = {} if before is None else {JANE: before}
    return reconcile([desired], observed, capabilities).accounts[0]


def jane(**state) -> Account:
    return Account(JANE, **{"tls": "ANY", **state})


def test_a_new_account_is_iam_authenticated_demands_tls_and_has_what_is_asked():
    result = change(None, grants=frozenset({SELECT}), roles=frozenset({READER}))
    assert result.created
    assert result.after == jane(
        grants=frozenset({SELECT}), roles=frozenset({READER}), default_roles=frozenset({READER})
    )


def test_left_out_options_leave_everything_as_it_is():
    before = jane(
        locked=True,
        connection_limit=3,
        comment="kept",
        tls="X509",
        grants=frozenset({SELECT_GRANTABLE}),
        roles=frozenset({READER}),
        default_roles=frozenset(),
    )
    assert change(before).after == before


@pytest.mark.parametrize(
    ("required", "before", "after"),
    [(True, "", "ANY"), (True, "X509", "X509"), (True, "SPECIFIED", "SPECIFIED"), (False, "ANY", ""), (False, "", "")],
)
def test_tls_is_raised_kept_and_lowered_only_when_asked(required, before, after):
    assert change(jane(tls=before), require_tls=required).after.tls == after


def test_an_engine_without_tls_requirement_never_gets_one():
    assert change(None, capabilities=POSTGRESQL_LIKE).after.tls == ""


def test_purging_revokes_what_is_not_listed():
    result = change(jane(grants=frozenset({SELECT, INSERT})), grants=frozenset({SELECT}))
    assert (result.granted, result.revoked) == (frozenset(), frozenset({INSERT}))


def test_purging_an_empty_list_revokes_everything():
    assert change(jane(grants=frozenset({SELECT})), grants=frozenset()).after.grants == frozenset()


def test_purging_takes_the_grant_option_and_leaves_the_privilege():
    result = change(jane(grants=frozenset({SELECT_GRANTABLE})), grants=frozenset({SELECT}))
    assert result.grant_options_revoked == frozenset({SELECT_GRANTABLE})
    assert result.granted == result.revoked == frozenset()


def test_only_adding_keeps_other_grants_and_the_grant_option():
    before = jane(grants=frozenset({SELECT_GRANTABLE}))
    result = change(before, grants=frozenset({SELECT, INSERT}), purge_grants=False)
    assert result.granted == frozenset({INSERT})
    assert not result.revoked
    assert not result.grant_options_revoked


def test_a_missing_grant_option_is_granted():
    result = change(jane(grants=frozenset({SELECT})), grants=frozenset({SELECT_GRANTABLE}), purge_grants=False)
    assert result.granted == frozenset({SELECT_GRANTABLE})
    assert not result.revoked


def test_roles_are_made_exact_and_default():
    before = jane(roles=frozenset({READER}), default_roles=frozenset({READER}))
    result = change(before, roles=frozenset({WRITER}))
    assert result.roles_granted == frozenset({WRITER})
    assert result.roles_revoked == frozenset({READER})
    assert result.after.default_roles == frozenset({WRITER})


def test_only_adding_roles_keeps_the_others_and_whether_they_are_default():
    before = jane(roles=frozenset({READER}))
    result = change(before, roles=frozenset({WRITER}), purge_roles=False)
    assert result.after.roles == frozenset({READER, WRITER})
    assert result.after.default_roles == frozenset({WRITER})


def test_a_password_account_is_refused():
    with pytest.raises(Refused, match="is not IAM-authenticated; set convert: true"):
        change(jane(authentication=PASSWORD))


def test_a_password_account_is_converted_in_place_when_told():
    before = jane(authentication=PASSWORD, grants=frozenset({SELECT}), locked=True, connection_limit=2)
    assert change(before, convert=True).after == replace(before, authentication=IAM)


@pytest.mark.parametrize("convert", [False, True])
def test_a_password_account_is_never_dropped(convert):
    with pytest.raises(Refused, match="is not an IAM-authenticated account"):
        change(jane(authentication=PASSWORD), present=False, convert=convert)


def test_a_broken_iam_account_is_repaired():
    assert change(jane(authentication=IAM_BROKEN)).after.authentication == IAM


def test_an_absent_account_that_is_absent_changes_nothing():
    result = change(None, present=False)
    assert result.before is None
    assert result.after is None
    assert not result.dropped


STRAY, LOGIN, HUMAN = AccountName("stray", "%"), AccountName("admin", "%"), AccountName("human", "%")
ESTATE = {
    JANE: jane(),
    STRAY: Account(STRAY),
    LOGIN: Account(LOGIN),
    HUMAN: Account(HUMAN, authentication=PASSWORD),
}


@pytest.mark.parametrize(("unlisted", "touched"), [(KEEP, []), (LOCK, [STRAY]), (DROP, [STRAY])])
def test_unlisted_accounts_are_those_with_iam_that_nobody_protects(unlisted, touched):
    desired = [Desired(JANE, AccountRequest("jane"))]
    changes = reconcile(desired, ESTATE, MYSQL_LIKE, unlisted, protected=[LOGIN])
    assert [item.name for item in changes.effective] == touched
    assert changes.unlisted == frozenset(touched)


def test_an_unlisted_account_is_locked_without_any_other_change():
    changes = reconcile([], {STRAY: Account(STRAY, grants=frozenset({SELECT}))}, MYSQL_LIKE, LOCK)
    assert changes.effective[0].after == Account(STRAY, grants=frozenset({SELECT}), locked=True)


def test_an_unlisted_account_that_is_locked_already_is_not_touched():
    assert not reconcile([], {STRAY: Account(STRAY, locked=True)}, MYSQL_LIKE, LOCK).effective


EXPIRED = {JANE: "VALID UNTIL 2024-01-01"}


@pytest.mark.parametrize(
    ("before", "request_options", "refused"),
    [
        ({}, {}, True),
        ({}, {"locked": True}, False),
        ({}, {"locked": False}, False),
        ({"locked": True}, {}, False),
        ({"authentication": IAM}, {}, False),
    ],
)
def test_an_expired_password_is_not_revived_by_a_token(before, request_options, refused):
    observed = {JANE: jane(**{"authentication": PASSWORD, **before})}
    desired = [Desired(JANE, AccountRequest("jane", convert=True, **request_options))]
    if refused:
        with pytest.raises(Refused, match=r"has expired \(VALID UNTIL 2024-01-01\).*set locked: true"):
            reconcile(desired, observed, MYSQL_LIKE, expired=EXPIRED)
    else:
        assert reconcile(desired, observed, MYSQL_LIKE, expired=EXPIRED).accounts

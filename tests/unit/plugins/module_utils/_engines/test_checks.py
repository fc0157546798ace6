# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.checks import (
    becomes_iam,
    iam_auth_off,
    refuse_own_accounts,
    similar_names,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import Refused
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import (
    PASSWORD,
    Account,
    AccountChange,
    AccountName,
    AccountRequest,
)

JANE, ADMIN, MASTER = (AccountName(name) for name in ("jane", "admin", "master"))


def change(name: AccountName, **sides: Account | None) -> AccountChange:
    request = AccountRequest(name.name, position="users[3]")
    return AccountChange(name, sides.get("before"), sides.get("after"), request)


def test_who_becomes_iam_authenticated() -> None:
    iam, by_password = Account(JANE), Account(JANE, authentication=PASSWORD)
    assert becomes_iam(change(JANE, after=iam))
    assert becomes_iam(change(JANE, before=by_password, after=iam))
    assert not becomes_iam(change(JANE, before=iam, after=iam))
    assert not becomes_iam(change(JANE, before=iam))


@pytest.mark.parametrize(
    ("name", "who"), [(ADMIN, "the login of this task"), (MASTER, "the master user of cluster orders")]
)
def test_own_accounts_are_never_modified(name: AccountName, who: str) -> None:
    with pytest.raises(Refused) as caught:
        refuse_own_accounts([change(name, before=Account(name))], ADMIN, {ADMIN, MASTER}, "cluster orders")
    assert str(caught.value) == (
        f"account {name} (users[3]): {name} is {who}, which the collection never modifies. Remove it from the task."
    )
    refuse_own_accounts([change(JANE)], ADMIN, {ADMIN, MASTER}, "cluster orders")


def test_iam_authentication_that_is_off() -> None:
    error = iam_auth_off("cluster orders", "error 1524")
    assert error.message == (
        "IAM authentication is off on cluster orders (error 1524). Turn it on with dbops.aurora_iam.aurora_iam_cluster."
    )


def test_similar_names_are_told_for_new_accounts_and_for_those_that_are_not_there() -> None:
    other = AccountName("Jane")

    def warnings(*changes: AccountChange) -> list[str]:
        return list(similar_names(changes, lambda name: [other] if name == JANE else [], "case matters"))

    assert warnings(change(JANE, after=Account(JANE))) == [
        "account jane (users[3]): jane is a new account; there is also Jane, which is a different account: case "
        "matters."
    ]
    assert warnings(change(JANE)) == [
        "account jane (users[3]): jane does not exist, so there is nothing to drop; there is also Jane, which is a "
        "different account: case matters."
    ]
    assert warnings(change(JANE, before=Account(JANE), after=Account(JANE)), change(ADMIN)) == []

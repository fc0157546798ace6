# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.access import GrantTables
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.observed import MySQLObserved
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.objects import GLOBAL
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.privileges import USAGE
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.plan.access import foreign_access
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.statements import Dialect
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import Refused
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import (
    Account,
    AccountChange,
    AccountName,
    AccountRequest,
    Changes,
    Grant,
    Scope,
)
from tests.unit.plugins.module_utils._engines.mysql.scenes import (
    JANE,
    ORDERS,
    SERVER,
    WITH_PATTERNS,
    account,
    reviewed,
)

NARROW, ANYBODY = AccountName("jane", "10.%"), AccountName("", "%")
ORD = Scope("PATTERN", path=("ord%",))
SELECT, CREATE, WIDE = Grant("SELECT", ORDERS), Grant("CREATE", ORDERS), Grant("SELECT", ORD)
HIDDEN = r"jane@% would not have SELECT on orders\.\*.*that on `ord%`\.\*.*List SELECT for orders\.\* too"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, [WIDE, CREATE]),
        ([WIDE], [WIDE, CREATE]),
        ([CREATE], [WIDE, CREATE]),
        ([WIDE, SELECT, CREATE], [WIDE, CREATE]),
    ],
)
def test_a_grant_that_comes_to_hide_another_is_refused(before, after):
    held = None if before is None else account(*before)
    with pytest.raises(Refused, match=HIDDEN):
        reviewed(held, account(*after), WITH_PATTERNS)
    assert reviewed(held, account(*after, SELECT), WITH_PATTERNS) == []
    assert reviewed(held, account(*after, Grant("SELECT", GLOBAL)), WITH_PATTERNS) == []


def test_what_is_hidden_already_or_no_longer_is_nobody_s_loss():
    assert reviewed(account(WIDE, CREATE), account(WIDE, CREATE, locked=True), WITH_PATTERNS) == []
    assert reviewed(account(WIDE, CREATE), account(WIDE), WITH_PATTERNS) == []
    assert reviewed(account(WIDE, CREATE), account(CREATE), WITH_PATTERNS) == []
    assert reviewed(account(WIDE, CREATE), None, WITH_PATTERNS) == []


def test_the_grant_option_is_hidden_too():
    with pytest.raises(Refused, match="would not have the grant option on"):
        reviewed(None, account(WIDE, Grant(USAGE, ORD, True), SELECT), WITH_PATTERNS)


def change(name: AccountName, *grants: Grant, request: AccountRequest | None = None) -> AccountChange:
    after = Account(name, grants=frozenset(grants))
    return AccountChange(name, None, after, request or AccountRequest(name.name, name.host, grants=()))


def observed(held: Mapping[AccountName, set[Grant]]) -> MySQLObserved:
    return replace(SERVER, grant_tables=GrantTables(SERVER.dialect, held), existing=SERVER.existing.union(held))


def warnings(held: Mapping[AccountName, set[Grant]], *changes: AccountChange) -> list[str]:
    return list(foreign_access(Changes(changes), observed(held)))


def test_rows_of_others_that_count_are_told():
    held = {
        JANE: {SELECT},
        AccountName("Jane", "%"): {CREATE},
        ANYBODY: {Grant("INSERT", Scope("TABLE", path=("a", "b")))},
    }
    (warning,) = warnings(held, change(NARROW))
    assert "jane@10.% also has SELECT on orders.* of jane@%: MySQL looks" in warning
    assert warnings(held, change(NARROW, SELECT)) == warnings(held, change(NARROW, CREATE)) == []
    (warning,) = warnings({ANYBODY: {SELECT}}, change(JANE))
    assert "jane@% also has SELECT on orders.* of ''@%:" in warning


def test_a_row_of_others_that_counts_instead_of_an_own_one_is_told():
    held = {ANYBODY: {Grant("INSERT", ORDERS)}}
    patterns = replace(observed(held), dialect=Dialect(True), grant_tables=GrantTables(Dialect(True), held))
    (more, less) = foreign_access(Changes((change(JANE, WIDE),)), patterns)
    assert "jane@% also has INSERT on orders.* of ''@%:" in more
    assert "jane@% does not have SELECT of `ord%`.* on orders.*, because the grant of ''@% there" in less
    assert len(list(foreign_access(Changes((change(JANE, WIDE, SELECT),)), patterns))) == 0


def test_rows_of_an_account_that_its_own_clients_log_in_as_do_not_count_for_others():
    assert warnings({NARROW: {SELECT}}, change(JANE)) == []
    orphan = replace(observed({NARROW: {SELECT}}), existing=frozenset({JANE}))
    assert len(list(foreign_access(Changes((change(JANE),)), orphan))) == 1


def test_what_the_same_task_grants_and_revokes_counts():
    assert warnings({JANE: {SELECT}}, change(NARROW), change(JANE)) == []
    assert len(warnings({}, change(NARROW), change(JANE, SELECT))) == 1
    dropped = AccountChange(JANE, Account(JANE, grants=frozenset({SELECT})), None, AccountRequest("jane"))
    assert warnings({JANE: {SELECT}}, change(NARROW), dropped) == []


@pytest.mark.parametrize("request_", [AccountRequest("jane"), AccountRequest("jane", grants=(), purge_grants=False)])
def test_only_exhaustive_grants_are_compared(request_):
    assert warnings({JANE: {SELECT}}, change(NARROW, request=request_)) == []

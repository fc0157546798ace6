# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.drop.dependencies import (
    DefinedObject,
    Dependencies,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.objects import GLOBAL
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.privileges import USAGE
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.plan import checks
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import IamAuthDisabled, ManyMistakes, Refused
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import (
    PASSWORD,
    Account,
    AccountChange,
    AccountName,
    Changes,
    Grant,
    Scope,
)
from tests.unit.plugins.module_utils._engines.mysql.scenes import (
    ADMIN,
    ENGINE,
    JANE,
    MASTER,
    ORDERS,
    READER,
    SERVER,
    WITH_PATTERNS,
    account,
    authority,
    restricted,
    reviewed,
)

SELECT = Grant("SELECT", ORDERS)
INSERT_EVERYWHERE = Grant("INSERT", GLOBAL)


def test_an_ordinary_change_raises_no_objection():
    assert reviewed(None, account(SELECT, Grant("SHOW_ROUTINE", GLOBAL, True))) == []
    assert reviewed(account(SELECT), account(locked=True)) == []
    assert reviewed(account(SELECT), None) == []


@pytest.mark.parametrize("name", [ADMIN, AccountName("admin", "10.%"), AccountName("dba", "%")])
def test_the_login_and_the_master_are_never_changed(name):
    observed = replace(SERVER, login=AccountName("dba", "%"), existing=SERVER.existing | {name})
    before, after = Account(name, authentication=PASSWORD), Account(name)
    with pytest.raises(Refused, match=r"never modifies\. Remove it from the task"):
        reviewed(before, after, observed)
    assert name in ENGINE.protected(observed)
    assert reviewed(before, before, observed) == []


@pytest.mark.parametrize(
    ("host", "reason"),
    [
        ("db1.example.org", "does not resolve host names"),
        ("%.corp", "does not resolve host names"),
        ("localhost", "the database server itself"),
        ("fd00:0::2", "Write another host: fd00::2"),
        ("fd00::/8", "no masks for IPv6"),
        ("10.0.%", ""),
        ("fe80::%", ""),
        ("fd00::2", ""),
        ("%", ""),
    ],
)
def test_a_new_account_has_a_host_that_clients_match(host, reason):
    observed = replace(SERVER, resolves_hosts=False)
    after = replace(account(), name=AccountName("jane", host))
    if reason:
        with pytest.raises(Refused, match=reason):
            reviewed(None, after, observed)
    else:
        assert reviewed(None, after, observed) == []
    assert reviewed(replace(account(SELECT), name=after.name), after, observed) == []


def test_a_server_that_resolves_host_names_takes_them():
    for host in ("db1.example.org", "%.corp"):
        assert reviewed(None, replace(account(), name=AccountName("jane", host)), SERVER) == []


def test_without_its_plugin_nothing_but_a_drop_is_possible():
    off = replace(SERVER, plugin_active=False)
    for before, after in ((None, account()), (account(), account(locked=True)), (account(), account(SELECT))):
        with pytest.raises(IamAuthDisabled, match=r"off on cluster orders \(error 1524.*aurora_iam_cluster"):
            reviewed(before, after, off)
    assert reviewed(account(), None, off) == []


def test_aws_says_that_iam_authentication_is_off():
    off = replace(SERVER, iam_auth=False)
    with pytest.raises(IamAuthDisabled):
        reviewed(None, account(), off)
    with pytest.raises(IamAuthDisabled):
        reviewed(account(authentication=PASSWORD), account(), off)
    assert reviewed(account(), account(locked=True), off) == []


@pytest.mark.parametrize(
    ("grant", "where"),
    [
        (Grant("FILE", GLOBAL), r"FILE on \*\.\*"),
        (Grant("BACKUP_ADMIN", GLOBAL), r"BACKUP_ADMIN on \*\.\*"),
        (Grant("INSERT", Scope("DATABASE", path=("mysql",))), r"INSERT on mysql\.\*"),
        (Grant("INSERT", Scope("TABLE", path=("mysql", "user"), column="User")), r"INSERT on mysql\.user"),
    ],
)
def test_nobody_hands_on_what_they_do_not_hold(grant, where):
    with pytest.raises(Refused, match=f"may not grant {where}.*remove it from grants"):
        reviewed(None, account(grant))


def test_what_the_login_holds_on_one_database_it_may_hand_on_there():
    own = frozenset({Grant("SELECT", ORDERS), Grant(USAGE, ORDERS, True)})
    observed = replace(SERVER, authority=authority(own))
    assert reviewed(account(), account(SELECT, Grant("SELECT", Scope("TABLE", path=("orders", "t")))), observed) == []
    for other in (Grant("INSERT", ORDERS), Grant("SELECT", GLOBAL), Grant("SELECT", Scope("DATABASE", path=("x",)))):
        with pytest.raises(Refused):
            reviewed(account(), account(other), observed)


def test_a_pattern_that_the_login_holds_covers_its_databases():
    pattern = Scope("PATTERN", path=("ord%",))
    own = frozenset({Grant("SELECT", pattern), Grant(USAGE, pattern, True)})
    observed = replace(WITH_PATTERNS, authority=authority(own, patterns=True))
    assert reviewed(account(), account(SELECT), observed) == []
    with pytest.raises(Refused):
        reviewed(account(), account(Grant("SELECT", Scope("DATABASE", path=("bills",)))), observed)


def test_a_login_without_create_user_only_grants_and_revokes():
    poor = frozenset({Grant("SELECT", ORDERS), Grant(USAGE, ORDERS, True), Grant("ROLE_ADMIN", GLOBAL)})
    observed = replace(SERVER, authority=authority(poor), dependencies=Dependencies())
    reader = frozenset({READER})
    assert reviewed(account(), account(SELECT, roles=reader), observed) == []
    assert reviewed(account(SELECT, roles=reader, default_roles=reader), account(), observed) == []
    for before, after in (
        (None, account()),
        (account(), None),
        (account(), account(comment="x")),
        (account(), account(roles=reader, default_roles=reader)),
    ):
        with pytest.raises((Refused, ManyMistakes), match=r"grant it CREATE USER|grant it PROCESS"):
            reviewed(before, after, observed)
    writer = frozenset(Grant(name, Scope("DATABASE", path=("mysql",))) for name in ("INSERT", "UPDATE", "DELETE"))
    assert reviewed(None, account(), replace(observed, authority=authority(poor | writer))) == []


def test_a_privilege_that_the_login_lacks_cannot_be_revoked_but_a_dynamic_one_by_who_may_write_to_mysql():
    with pytest.raises(Refused, match=r"may not revoke FILE.*purge_grants: false"):
        reviewed(account(Grant("FILE", GLOBAL)), account())
    with pytest.raises(Refused, match=r"may not revoke BACKUP_ADMIN"):
        reviewed(account(Grant("BACKUP_ADMIN", GLOBAL)), account())
    assert reviewed(account(Grant("BACKUP_ADMIN", GLOBAL)), account(), WITH_PATTERNS) == []


def test_a_grant_that_would_lift_a_partial_revoke_is_refused():
    observed = restricted(SERVER, JANE, "orders", "INSERT")
    before = account(INSERT_EVERYWHERE)
    with pytest.raises(Refused, match=r"partial revoke for orders"):
        reviewed(before, account(INSERT_EVERYWHERE, Grant("INSERT", ORDERS)), observed)
    assert reviewed(before, account(INSERT_EVERYWHERE, SELECT), observed) == []


def test_a_restricted_login_cannot_revoke_what_is_not_restricted():
    with pytest.raises(Refused, match="reaches database mysql"):
        reviewed(account(INSERT_EVERYWHERE), account())
    alike = restricted(SERVER, JANE, "mysql", "INSERT")
    assert reviewed(account(INSERT_EVERYWHERE), account(), alike) == []


def test_an_account_with_system_user_is_left_alone():
    with pytest.raises(Refused, match="SYSTEM_USER"):
        reviewed(account(Grant("SYSTEM_USER", GLOBAL)), None)


def test_what_is_in_the_way_of_a_drop_is_listed():
    bob = AccountName("bob", "%")
    view = DefinedObject("VIEW", "orders", "v")
    dependencies = Dependencies(objects={JANE: (view,)}, members={JANE: (bob,)}, proxies={JANE: (bob,)})
    observed = replace(SERVER, dependencies=dependencies)
    with pytest.raises(Refused, match=r"definer of view orders\.v; it is a role of bob@%; bob@% may act as") as caught:
        reviewed(account(), None, observed)
    assert len(caught.value.details["in_the_way"]["jane@%"]) == 3
    assert reviewed(account(), account(locked=True), observed) == []


def test_a_table_with_a_column_in_two_spellings_is_put_in_order_by_hand():
    table = Scope("TABLE", path=("orders", "t"))
    limited = Grant("SELECT", replace(table, column="id"))
    before = account(limited, Grant("UPDATE", replace(table, column="ID")))
    remedy = r"orders\.t in two spellings.*: GRANT SELECT, UPDATE ON .*; REVOKE SELECT, UPDATE ON `orders`\.`t` FROM"
    for after in (account(*before.grants, Grant("INSERT", table)), account(limited)):
        with pytest.raises(Refused, match=remedy):
            reviewed(before, after)
    assert reviewed(before, account(*before.grants, SELECT)) == []
    assert reviewed(before, None) == []


def test_roles_need_role_admin_or_the_role_with_admin_option():
    plain = frozenset(grant for grant in MASTER if grant.privilege != "ROLE_ADMIN")
    observed = replace(SERVER, authority=authority(plain))
    after = account(roles=frozenset({READER}))
    with pytest.raises(Refused, match=r"role reader@%.*ROLE_ADMIN"):
        reviewed(account(), after, observed)
    assert reviewed(account(), after, replace(observed, administered=frozenset({READER}))) == []


def test_accounts_that_could_be_mistaken_for_each_other_are_pointed_out():
    observed = replace(SERVER, existing=frozenset({AccountName("Jane", "%"), AccountName("jane", "10.%")}))
    (created,) = reviewed(None, account(), observed)
    assert "jane@% is a new account; there is also Jane@%, jane@10.%" in created
    (absent,) = checks.review(Changes((AccountChange(JANE, None, None),)), observed)
    assert "nothing to drop; there is also Jane@%" in absent

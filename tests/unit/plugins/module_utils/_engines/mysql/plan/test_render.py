# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import replace

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.objects import GLOBAL
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.privileges import (
    DATABASE_PRIVILEGES,
    USAGE,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.plan import render
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.plan.render import CHUNK
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.statements import Dialect
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import (
    IAM_BROKEN,
    PASSWORD,
    Account,
    AccountChange,
    AccountName,
    Changes,
    Grant,
    Scope,
)
from tests.unit.plugins.module_utils._engines.mysql.scenes import (
    CUSTOMERS,
    OPTION,
    ORDERS,
    READER,
    SERVER,
    WITH_PATTERNS,
    WRITER,
    account,
    rendered,
)

SELECT, INSERT = Grant("SELECT", ORDERS), Grant("INSERT", ORDERS)
IDENTIFIED = "IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS'"


def on_column(privilege: str, column: str) -> Grant:
    return Grant(privilege, replace(CUSTOMERS, column=column))


def test_a_new_account_is_one_statement_and_its_grants():
    after = account(
        SELECT,
        INSERT,
        roles=frozenset({READER}),
        default_roles=frozenset({READER}),
        locked=True,
        connection_limit=5,
        comment='it\'s \\ "hers"',
    )
    assert rendered(None, after) == [
        f"CREATE USER `jane`@`%` {IDENTIFIED} DEFAULT ROLE `reader`@`%` REQUIRE SSL WITH MAX_USER_CONNECTIONS 5 "
        "ACCOUNT LOCK COMMENT 'it''s \\\\ \"hers\"'",
        "GRANT SELECT, INSERT ON `orders`.* TO `jane`@`%`",
    ]


def test_a_backslash_is_itself_where_the_server_says_so():
    raw = replace(SERVER, dialect=Dialect(False, backslash_escapes=False))
    assert rendered(account(), account(comment="a\\'b"), raw) == ["ALTER USER `jane`@`%` COMMENT 'a\\''b'"]


def test_accounts_that_need_the_same_share_statements():
    names = [AccountName(f"user`{number:04}", "10.%") for number in range(CHUNK + 1)]
    changes = Changes(
        tuple(AccountChange(name, None, Account(name, tls="ANY", grants=frozenset({SELECT}))) for name in names)
    )
    (step,) = render.render(changes, SERVER)
    first, second, third, fourth = (statement.text for statement in step.statements)
    assert first.startswith(f"CREATE USER `user``0000`@`10.%` {IDENTIFIED}, `user``0001`@`10.%` {IDENTIFIED}, ")
    assert first.count(IDENTIFIED) == CHUNK
    assert second == f"CREATE USER `user``0500`@`10.%` {IDENTIFIED} REQUIRE SSL"
    assert third.startswith("GRANT SELECT ON `orders`.* TO `user``0000`@`10.%`, `user``0001`@`10.%`, ")
    assert fourth == "GRANT SELECT ON `orders`.* TO `user``0500`@`10.%`"


def test_only_what_differs_is_altered_and_unlocking_comes_last():
    before = account(SELECT, authentication=PASSWORD, tls="", locked=True, connection_limit=5, comment="old")
    assert rendered(before, account(INSERT)) == [
        f"ALTER USER `jane`@`%` {IDENTIFIED} REQUIRE SSL WITH MAX_USER_CONNECTIONS 0 ATTRIBUTE '{{\"comment\": null}}'",
        "GRANT INSERT ON `orders`.* TO `jane`@`%`",
        "REVOKE SELECT ON `orders`.* FROM `jane`@`%`",
        "ALTER USER `jane`@`%` ACCOUNT UNLOCK",
    ]
    assert rendered(account(authentication=IAM_BROKEN), account()) == [f"ALTER USER `jane`@`%` {IDENTIFIED}"]
    assert rendered(account(tls="X509"), account(tls="")) == ["ALTER USER `jane`@`%` REQUIRE NONE"]


def test_a_database_is_escaped_only_where_it_would_be_a_pattern():
    after = account(Grant("SELECT", Scope("DATABASE", path=("my_db",))))
    assert rendered(account(), after) == ["GRANT SELECT ON `my_db`.* TO `jane`@`%`"]
    assert rendered(account(), after, WITH_PATTERNS) == ["GRANT SELECT ON `my\\_db`.* TO `jane`@`%`"]
    like = account(Grant("SELECT", Scope("PATTERN", path=("my\\_%",))))
    assert rendered(like, account(), WITH_PATTERNS) == ["REVOKE SELECT ON `my\\_%`.* FROM `jane`@`%`"]


def test_everything_on_an_object_is_written_as_all():
    whole = account(*(Grant(name, ORDERS) for name in DATABASE_PRIVILEGES), OPTION)
    assert rendered(account(), whole) == ["GRANT ALL PRIVILEGES ON `orders`.* TO `jane`@`%` WITH GRANT OPTION"]


def test_the_grant_option_alone():
    assert rendered(account(SELECT), account(SELECT, OPTION)) == [
        "GRANT USAGE ON `orders`.* TO `jane`@`%` WITH GRANT OPTION"
    ]
    assert rendered(account(SELECT, OPTION), account(SELECT)) == ["REVOKE GRANT OPTION ON `orders`.* FROM `jane`@`%`"]
    assert rendered(account(SELECT, OPTION), account()) == ["REVOKE SELECT, GRANT OPTION ON `orders`.* FROM `jane`@`%`"]


def test_columns_share_a_statement_with_their_table():
    after = account(
        on_column("SELECT", "id"),
        on_column("SELECT", "Email"),
        Grant("DELETE", CUSTOMERS),
        Grant(USAGE, CUSTOMERS, True),
    )
    assert rendered(account(), after) == [
        "GRANT SELECT (`Email`, `id`), DELETE ON `orders`.`customers` TO `jane`@`%` WITH GRANT OPTION"
    ]


def test_columns_that_a_revoke_on_the_table_takes_are_granted_again():
    before = account(Grant("SELECT", CUSTOMERS), on_column("SELECT", "id"), on_column("SELECT", "Email"))
    after = account(on_column("SELECT", "id"), on_column("UPDATE", "id"))
    assert rendered(before, after) == [
        "GRANT UPDATE (`id`) ON `orders`.`customers` TO `jane`@`%`",
        "REVOKE SELECT ON `orders`.`customers` FROM `jane`@`%`",
        "GRANT SELECT (`id`) ON `orders`.`customers` TO `jane`@`%`",
    ]


def test_routines():
    after = account(Grant("EXECUTE", Scope("FUNCTION", path=("orders", "f"))))
    assert rendered(account(), after) == ["GRANT EXECUTE ON FUNCTION `orders`.`f` TO `jane`@`%`"]


SHOW, SHOW_GRANTABLE = (Grant("SHOW_ROUTINE", GLOBAL, option) for option in (False, True))
PROCESS, GLOBAL_OPTION = Grant("PROCESS", GLOBAL), Grant(USAGE, GLOBAL, True)


def test_global_privileges_with_and_without_grant_option_are_two_statements():
    after = account(PROCESS, SHOW_GRANTABLE, Grant("CONNECTION_ADMIN", GLOBAL))
    assert rendered(account(), after) == [
        "GRANT SHOW_ROUTINE ON *.* TO `jane`@`%` WITH GRANT OPTION",
        "GRANT PROCESS, CONNECTION_ADMIN ON *.* TO `jane`@`%`",
    ]
    assert rendered(account(), account(PROCESS, GLOBAL_OPTION, SHOW_GRANTABLE)) == [
        "GRANT PROCESS, SHOW_ROUTINE ON *.* TO `jane`@`%` WITH GRANT OPTION"
    ]
    assert rendered(account(), account(GLOBAL_OPTION, SHOW_GRANTABLE)) == [
        "GRANT SHOW_ROUTINE ON *.* TO `jane`@`%` WITH GRANT OPTION",
        "GRANT USAGE ON *.* TO `jane`@`%` WITH GRANT OPTION",
    ]


def test_a_dynamic_privilege_loses_its_option_by_being_granted_again():
    assert rendered(account(SHOW_GRANTABLE), account(SHOW), WITH_PATTERNS) == [
        "REVOKE SHOW_ROUTINE ON *.* FROM `jane`@`%`",
        "GRANT SHOW_ROUTINE ON *.* TO `jane`@`%`",
    ]


def test_a_restricted_login_names_a_static_privilege_too():
    assert rendered(account(SHOW), account()) == ["REVOKE DROP ROLE, SHOW_ROUTINE ON *.* FROM `jane`@`%`"]
    assert rendered(account(SHOW, PROCESS), account()) == ["REVOKE PROCESS, SHOW_ROUTINE ON *.* FROM `jane`@`%`"]


def test_grantable_dynamic_privileges_are_out_of_the_way_when_the_global_option_is_revoked():
    before = account(PROCESS, GLOBAL_OPTION, SHOW_GRANTABLE)
    assert rendered(before, account(PROCESS, SHOW_GRANTABLE), WITH_PATTERNS) == [
        "REVOKE SHOW_ROUTINE ON *.* FROM `jane`@`%`",
        "REVOKE GRANT OPTION ON *.* FROM `jane`@`%`",
        "GRANT SHOW_ROUTINE ON *.* TO `jane`@`%` WITH GRANT OPTION",
    ]
    assert rendered(account(PROCESS, GLOBAL_OPTION), account()) == [
        "REVOKE PROCESS, GRANT OPTION ON *.* FROM `jane`@`%`"
    ]


def test_what_the_server_holds_twice_is_revoked_twice():
    before = account(SHOW_GRANTABLE)
    doubled = replace(WITH_PATTERNS, doubled={before.name: {"SHOW_ROUTINE"}})
    assert rendered(before, account(), doubled) == ["REVOKE SHOW_ROUTINE ON *.* FROM `jane`@`%`"] * 2


def test_roles_become_active_and_default_roles_stay():
    def with_roles(roles, default):
        return account(roles=frozenset(roles), default_roles=frozenset(default))

    assert rendered(with_roles([], []), with_roles([READER], [READER])) == [
        "GRANT `reader`@`%` TO `jane`@`%`",
        "SET DEFAULT ROLE NONE TO `jane`@`%`",
        "SET DEFAULT ROLE ALL TO `jane`@`%`",
    ]
    assert rendered(with_roles([READER, WRITER], [READER]), with_roles([READER, WRITER], [WRITER])) == [
        "SET DEFAULT ROLE `reader`@`%` TO `jane`@`%`",
        "SET DEFAULT ROLE `writer`@`%` TO `jane`@`%`",
    ]
    assert rendered(with_roles([READER], [READER]), with_roles([], [])) == ["REVOKE `reader`@`%` FROM `jane`@`%`"]


def test_all_is_not_said_where_it_means_mandatory_roles_too():
    before, after = account(), account(roles=frozenset({READER}), default_roles=frozenset({READER}))
    observed = replace(SERVER, mandatory_roles=frozenset({WRITER}))
    assert rendered(before, after, observed)[-1] == "SET DEFAULT ROLE `reader`@`%` TO `jane`@`%`"


def test_a_dropped_account_is_only_dropped():
    assert rendered(account(SELECT, roles=frozenset({READER})), None) == [
        "ALTER USER `jane`@`%` ACCOUNT LOCK",
        "DROP USER `jane`@`%`",
    ]
    assert rendered(account(locked=True), None) == ["DROP USER `jane`@`%`"]
    assert rendered(account(), None, replace(SERVER, plugin_active=False)) == ["DROP USER `jane`@`%`"]

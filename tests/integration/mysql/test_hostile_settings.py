# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of a server that its sessions inherit: they break no task, and change no result."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest

from tests.integration.administration import Administration
from tests.integration.master import direct_options
from tests.integration.tasks import Result, Tasks, converge, refused_alike
from tests.sandbox.clients import State

pytestmark = [pytest.mark.mysql, pytest.mark.direct("a session of the Data API is refused some settings")]
CLUSTER = "warehouse"
WHOLE_SESSION = "set for the session"
NOT_USED = "no statement depends on it"

SETTINGS: dict[str, tuple[str, str]] = {
    # the hostile value, and why it is harmless
    "activate_all_roles_on_login": ("ON", "which roles are active is read"),
    "auto_increment_increment": ("7", NOT_USED),
    "autocommit": ("OFF", "the driver turns it on"),
    "automatic_sp_privileges": ("OFF", "what it grants is left alone"),
    "big_tables": ("ON", NOT_USED),
    "block_encryption_mode": ("'aes-256-cbc'", NOT_USED),
    "character_set_client": ("latin1", "the driver sets the character set"),
    "character_set_connection": ("latin1", "the driver sets the character set"),
    "character_set_results": ("latin1", "the driver sets the character set"),
    "character_set_server": ("latin1", "names are converted before they are compared"),
    "collation_connection": ("utf8mb4_bin", "where letters are compared without case, the collation is named"),
    "collation_server": ("utf8mb4_bin", "names have the collation of the grant tables"),
    "completion_type": ("2", WHOLE_SESSION),
    "cte_max_recursion_depth": ("1", WHOLE_SESSION),
    "default_collation_for_utf8mb4": ("utf8mb4_general_ci", WHOLE_SESSION),
    "default_password_lifetime": ("1", "read, to tell which passwords have expired"),
    "default_storage_engine": ("MyISAM", NOT_USED),
    "div_precision_increment": ("0", NOT_USED),
    "eq_range_index_dive_limit": ("1", "changes plans, not answers"),
    "explicit_defaults_for_timestamp": ("OFF", NOT_USED),
    "foreign_key_checks": ("OFF", NOT_USED),
    "group_concat_max_len": ("4", "lists are JSON_ARRAYAGG, which it does not cut"),
    "information_schema_stats_expiry": ("0", "no statistics are read"),
    "init_connect": ("'SET SESSION sql_mode = ANSI_QUOTES, SESSION transaction_read_only = 1'", WHOLE_SESSION),
    "innodb_lock_wait_timeout": ("1", WHOLE_SESSION),
    "interactive_timeout": ("1", "the driver's sessions are not interactive"),
    "join_buffer_size": ("128", "changes plans, not answers"),
    "lc_messages": ("'de_DE'", WHOLE_SESSION),
    "lc_time_names": ("'de_DE'", NOT_USED),
    "lock_wait_timeout": ("1", WHOLE_SESSION),
    "low_priority_updates": ("ON", NOT_USED),
    "max_error_count": ("0", "what was not done shows when all is read again"),
    "max_execution_time": ("1", WHOLE_SESSION),
    "max_heap_table_size": ("16384", "changes where temporary tables are, not answers"),
    "max_join_size": ("1", WHOLE_SESSION + " (sql_big_selects)"),
    "max_length_for_sort_data": ("4", NOT_USED),
    "max_sort_length": ("4", "no order of the server's is relied on"),
    "max_sp_recursion_depth": ("255", NOT_USED),
    "optimizer_switch": ("'derived_merge=off,materialization=off'", "changes plans, not answers"),
    "password_history": ("5", "no password is set"),
    "password_require_current": ("ON", "no password is set"),
    "password_reuse_interval": ("30", "no password is set"),
    "print_identified_with_as_hex": ("ON", "SHOW CREATE USER is not read"),
    "show_create_table_verbosity": ("ON", "SHOW CREATE TABLE is not read"),
    "show_gipk_in_create_table_and_information_schema": ("OFF", "an invisible primary key is no column to grant on"),
    "sql_auto_is_null": ("ON", NOT_USED),
    "sql_buffer_result": ("ON", NOT_USED),
    "sql_generate_invisible_primary_key": ("ON", NOT_USED),
    "sql_mode": (
        "'ANSI_QUOTES,PIPES_AS_CONCAT,IGNORE_SPACE,NO_BACKSLASH_ESCAPES,PAD_CHAR_TO_FULL_LENGTH,NO_UNSIGNED_SUBTRACTION'",
        WHOLE_SESSION,
    ),
    "sql_notes": ("OFF", WHOLE_SESSION),
    "sql_quote_show_create": ("OFF", NOT_USED),
    "sql_require_primary_key": ("ON", NOT_USED),
    "sql_safe_updates": ("ON", NOT_USED),
    "sql_select_limit": ("1", WHOLE_SESSION),
    "sql_warnings": ("ON", NOT_USED),
    "terminology_use_previous": ("BEFORE_8_0_26", NOT_USED),
    "time_zone": ("'+13:00'", "times are compared with each other only"),
    "tmp_table_size": ("1024", "changes where temporary tables are, not answers"),
    "transaction_isolation": ("'SERIALIZABLE'", "every statement is a transaction by itself"),
    "transaction_read_only": ("ON", WHOLE_SESSION),
    "unique_checks": ("OFF", NOT_USED),
    "wait_timeout": ("1", WHOLE_SESSION),
    "windowing_use_high_precision": ("OFF", NOT_USED),
}


@pytest.fixture
def sql(admin: Administration) -> Callable[[str], Any]:
    return lambda statement: admin.sql(CLUSTER, statement)


@pytest.fixture
def user(tasks: Tasks, state: State, account: str) -> Callable[..., Result]:
    return partial(tasks.user, name=account, **direct_options(state, CLUSTER))


@contextmanager
def globally(sql: Callable[[str], Any], name: str, value: str) -> Iterator[None]:
    ((before,),) = sql(f"SELECT @@GLOBAL.{name}")
    sql(f"SET GLOBAL {name} = {value}")
    try:
        yield
    finally:
        number = before.lstrip("-").replace(".", "", 1).isdigit()
        sql("SET GLOBAL {} = {}".format(name, before if number else f"'{before}'"))


@pytest.mark.parametrize("name", SETTINGS)
def test_a_task_does_what_it_does_elsewhere(user, tasks: Tasks, state: State, sql, account: str, name: str):
    if not sql(f"SELECT 1 FROM performance_schema.global_variables WHERE VARIABLE_NAME = '{name}'"):
        pytest.skip("this version does not have it")
    sql(f"CREATE DATABASE `{account}_Ä` COLLATE utf8mb4_bin; CREATE ROLE `{account}_ö`; CREATE ROLE `{account}_2`")
    try:
        with globally(sql, name, SETTINGS[name][0]):
            grants = [{"privileges": ["SELECT", "INSERT"], "on": f"`{account}_Ä`.*"}]
            options = {"grants": grants, "comment": "it's a \\ backslash, and ö", "connection_limit": 3}
            converge(partial(user, roles=[f"{account}_ö", f"{account}_2"], **options))
            converge(partial(user, roles=[], grants=[]))
            found = tasks.facts(names=[account], passwords=True, **direct_options(state, CLUSTER))
            assert [each["comment"] for each in found["accounts"]] == [options["comment"]]
            converge(partial(user, state="absent"))
    finally:
        sql(f"DROP DATABASE `{account}_Ä`; DROP ROLE `{account}_ö`; DROP ROLE `{account}_2`")


@pytest.mark.parametrize("name", ["read_only", "super_read_only"])
def test_a_server_that_is_read_only_is_no_writer(user, sql, name: str):
    with globally(sql, name, "ON"):
        assert "answers as a read-only server" in refused_alike(user)
    sql("SET GLOBAL read_only = OFF")


@pytest.mark.parametrize(
    ("policy", "created", "converted"),
    [
        ("*,,", True, True),
        ("*", True, True),
        ("*:caching_sha2_password,,", True, True),
        ("AWSAuthenticationPlugin,,", True, True),
        ("*,*", False, True),
        ("caching_sha2_password,,", False, False),
    ],
)
def test_which_authentication_the_server_admits(user, sql, account: str, policy: str, created: bool, converted: bool):
    sql(f"CREATE USER {account}_2 IDENTIFIED WITH caching_sha2_password BY 'x'")
    with globally(sql, "authentication_policy", f"'{policy}'"):
        for wanted, options in ((created, {}), (converted, {"convert": True, "name": f"{account}_2"})):
            if wanted:
                converge(partial(user, **options))
            else:
                assert f"is '{policy}', which does not admit" in refused_alike(partial(user, **options))

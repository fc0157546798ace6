# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.names import (
    account_name,
    as_in_procs_priv,
    find_role,
    from_procs_priv,
    is_reserved,
    role_list,
    similar,
    sql_account,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import InvalidOption, Refused
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import AccountName


@pytest.mark.parametrize(
    "name", ["jane", "Jane", "x" * 32, "a b", "a'b`c\"d\\", "jane@corp.com", "%", "'; DROP USER x", "Ä" * 32, "名"]
)
def test_a_name_is_kept_to_the_letter(name):
    assert account_name(name, None) == AccountName(name, "%")


def test_hosts_ignore_case():
    assert account_name("jane", "Example.ORG") == AccountName("jane", "example.org")


@pytest.mark.parametrize("name", ["", "x" * 33, "jane ", " jane", "jane\t", "ja\x00ne", "j😀", "\x7f", "\ud800"])
def test_a_name_that_the_server_would_alter_is_refused(name):
    with pytest.raises(InvalidOption, match=r"^name: the name"):
        account_name(name, None)


@pytest.mark.parametrize("host", ["x" * 256, "ä", "a ", "a@b", "a\tb", r"10\_0.%"])
def test_a_host_that_cannot_be_is_refused(host):
    with pytest.raises(InvalidOption, match=r"^host: "):
        account_name("jane", host)


@pytest.mark.parametrize("name", ["rdsadmin", "RDSADMIN", "mysql.sys", "rds_superuser_role", "AWS_LAMBDA_ACCESS"])
def test_names_of_the_service_are_refused(name):
    assert is_reserved(name)
    with pytest.raises(Refused, match="reserved"):
        account_name(name, None)


def test_names_that_only_look_like_the_service_are_not_reserved():
    assert not any(map(is_reserved, ["rds", "aws_access", "my_rdsadmin", "aws_lambda_access2"]))


@pytest.mark.parametrize(
    ("text", "role"),
    [
        ("reader", AccountName("reader", "%")),
        ("reader@10.%", AccountName("reader", "10.%")),
        ("reader@LocalHost", AccountName("reader", "localhost")),
        ("team@corp.com", AccountName("team@corp.com", "%")),
        ("team@corp.com@%", AccountName("team@corp.com", "%")),
        ("Reader", None),
        ("reader@elsewhere", None),
        ("", None),
    ],
)
def test_the_last_at_sign_divides_only_where_that_role_exists(text, role):
    existing = [
        AccountName("reader", "%"),
        AccountName("reader", "10.%"),
        AccountName("reader", "localhost"),
        AccountName("team@corp.com", "%"),
    ]
    assert find_role(text, existing) == role


@pytest.mark.parametrize(
    ("text", "roles"),
    [
        ("", []),
        ("reader", [("reader", "%")]),
        (" reader , writer @ LocalHost", [("reader", "%"), ("writer", "localhost")]),
        ("`a,b``c`@`10.%`,'it''s','x'@'%',\"d\"", [("a,b`c", "10.%"), ("it's", "%"), ("x", "%"), ("d", "%")]),
    ],
)
def test_mandatory_roles_as_the_server_s_variable_has_them(text, roles):
    assert role_list(text) == {AccountName(name, host) for name, host in roles}


def test_similar_accounts_have_another_host_or_another_case():
    jane, elsewhere, shouting = AccountName("jane", "%"), AccountName("jane", "10.%"), AccountName("JANE", "%")
    assert similar(jane, [jane, elsewhere, shouting, AccountName("janet", "%")]) == [shouting, elsewhere]


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("jane@%", ("jane", "%")),
        ("'jane'@'%'", ("jane", "%")),
        ("'jane'@'corp.com'", ("jane", "corp.com")),
        ("jane@`10.%`", ("jane", "10.%")),
        ("jane@10.%", ("jane", "10.%")),
        ("jane@10.1.2.3", ("jane", "10.1.2.3")),
        ("jane@10.0.0.0/8", ("jane", "10.0.0.0/8")),
        ("jane@fd00::1", ("jane", "fd00::1")),
        ("jane@localhost", ("jane", "localhost")),
        ("jane@corp.com@%", ("jane@corp.com", "%")),
        ("'jane'", ("jane", "")),
        ("`o``jane`", ("o`jane", "")),
        ("jane", None),
        ("jane@corp.com", None),
        ("jane@localhost.example.org", None),
        ("o'brien@corp.com", None),
        ("'; DROP USER x", None),
        ("'a'b'", None),
        ("%", None),
        ("@", None),
        ("@%", None),
    ],
)
def test_an_account_as_sql_writes_it_is_no_name(text, meant):
    assert sql_account(text) == meant


@pytest.mark.parametrize("name", ["jane", "jäne", "名", "p…", "é€\u0081", "".join(map(chr, range(0x20, 0x800)))])
def test_names_in_procs_priv(name):
    """As the server writes them, and as it should."""
    assert from_procs_priv(as_in_procs_priv(name)) == name
    assert (as_in_procs_priv(name) == name) is name.isascii()


@pytest.mark.parametrize("name", ["jäne", "名", "ü", "Straße"])
def test_names_that_are_written_as_they_are(name):
    assert from_procs_priv(name) == name
